package cache

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"time"
)

// The frame of an entry in Redis, all numbers big endian:
//
//	 0  magic 0xA1, format 1, flags, 0
//	 4  generation, biased so that it compares as unsigned bytes
//	12  FreshUntil, CheckAt: microseconds, biased likewise; not covered by the checksum,
//	    because Expire changes them in place
//	28  StoredAt
//	36  uvarint lengths and bytes of ETag and body; number of tags, each likewise
//	-4  CRC-32C of everything else
//
// The Lua scripts rely on the offsets of generation, FreshUntil and CheckAt.
const (
	frameMagic  = 0xA1
	frameFormat = 1
	flagMissing = 1 // NotFound

	offGeneration = 4
	offFresh      = 12
	offCheck      = 20
	offStored     = 28
	frameHeader   = 36
	frameMin      = frameHeader + 3 + 4

	noTime = math.MinInt64
)

// errFrame: the bytes are no entry that this version can read.
var errFrame = errors.New("not a cache frame")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func encodeFrame(e Entry) []byte {
	n := frameMin + len(e.ETag) + len(e.Body) + 2*binary.MaxVarintLen64
	for _, t := range e.Tags {
		n += len(t) + binary.MaxVarintLen32
	}
	b := make([]byte, frameHeader, n)
	b[0], b[1] = frameMagic, frameFormat
	if e.NotFound {
		b[2] = flagMissing
	}
	putBiased(b[offGeneration:], e.Generation)
	putBiased(b[offFresh:], micros(e.FreshUntil))
	putBiased(b[offCheck:], micros(e.CheckAt))
	putBiased(b[offStored:], micros(e.StoredAt))
	b = appendBytes(b, []byte(e.ETag))
	b = appendBytes(b, e.Body)
	b = binary.AppendUvarint(b, uint64(len(e.Tags)))
	for _, t := range e.Tags {
		b = appendBytes(b, []byte(t))
	}
	return binary.BigEndian.AppendUint32(b, frameSum(b))
}

// frameSum leaves out what Expire changes.
func frameSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:offFresh], castagnoli), castagnoli, b[offStored:])
}

func putBiased(b []byte, v int64) { binary.BigEndian.PutUint64(b, uint64(v)^(1<<63)) }

func biased(b []byte) int64 { return int64(binary.BigEndian.Uint64(b) ^ (1 << 63)) }

func micros(t time.Time) int64 {
	if t.IsZero() {
		return noTime
	}
	return t.UnixMicro()
}

func fromMicros(v int64) time.Time {
	if v == noTime {
		return time.Time{}
	}
	return time.UnixMicro(v)
}

func appendBytes(b, field []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(field))), field...)
}

// decodeFrame reads what encodeFrame wrote; errFrame for everything else.
func decodeFrame(b []byte) (Entry, error) {
	if len(b) < frameMin || b[0] != frameMagic || b[1] != frameFormat {
		return Entry{}, errFrame
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if frameSum(body) != sum {
		return Entry{}, errFrame
	}
	e := Entry{
		Generation: biased(b[offGeneration:]),
		FreshUntil: fromMicros(biased(b[offFresh:])),
		CheckAt:    fromMicros(biased(b[offCheck:])),
		StoredAt:   fromMicros(biased(b[offStored:])),
		NotFound:   b[2]&flagMissing != 0,
	}
	r := frameReader{rest: body[frameHeader:]}
	e.ETag, e.Body = string(r.bytes()), r.bytes()
	for n := r.number(); n > 0 && r.err == nil; n-- {
		e.Tags = append(e.Tags, string(r.bytes()))
	}
	if r.err != nil || len(r.rest) > 0 {
		return Entry{}, errFrame
	}
	if len(e.Body) == 0 && e.NotFound {
		e.Body = nil
	}
	return e, nil
}

// frameReader reads fields until one does not fit.
type frameReader struct {
	rest []byte
	err  error
}

func (r *frameReader) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.err, r.rest = errFrame, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *frameReader) bytes() []byte {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.err, r.rest = errFrame, nil
		return nil
	}
	field := r.rest[:n:n]
	r.rest = r.rest[n:]
	return field
}
