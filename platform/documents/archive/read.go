package archive

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/documents"
)

// sink takes what a stream holds, in its order. The item of put is overwritten afterwards.
type sink interface {
	open(name string) error
	put(item) error
	close(Part) error
}

// Check reads a whole backup and tells what is in it. specs are the collections that are
// known: others, and documents that no store would take, are refused. ErrNotBackup,
// ErrTruncated, ErrDamaged, ErrNewer, the errors of r and of ctx.
func Check(ctx context.Context, r io.Reader, specs []documents.Spec, tell Progress) (Summary, error) {
	return read(ctx, r, &checker{known: byName(specs), tell: tell})
}

func byName(specs []documents.Spec) map[string]documents.Spec {
	known := make(map[string]documents.Spec, len(specs))
	for _, s := range specs {
		known[s.Name] = s
	}
	return known
}

type checker struct {
	known map[string]documents.Spec
	tell  Progress

	fits  *fitness
	count int64
}

func (c *checker) open(name string) error {
	spec, ok := c.known[name]
	if !ok {
		return fmt.Errorf("%w: it holds a collection %q, which this one does not know", ErrNewer, name)
	}
	c.fits, c.count = newFitness(spec), 0
	return nil
}

func (c *checker) put(i item) error {
	twice, err := c.fits.check(i)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if twice {
		return fmt.Errorf("%w: document %q has a value that another one has", ErrDamaged, i.id)
	}
	c.count++
	c.tell(Step{Doing: "checked", Collection: c.fits.spec.Name, Done: c.count})
	return nil
}

func (c *checker) close(Part) error { return nil }

// read goes through a stream and hands on what it holds. Memory is bounded by the largest
// document, whatever the stream says.
func read(ctx context.Context, from io.Reader, to sink) (Summary, error) {
	zip, err := gzip.NewReader(bufio.NewReaderSize(from, 1<<16))
	if err != nil {
		return Summary{}, notGzip(err)
	}
	r := &reader{from: bufio.NewReaderSize(zip, 1<<16), whole: sha256.New(), seen: map[string]bool{}}
	if err := r.begin(); err != nil {
		return Summary{}, err
	}
	for {
		if err := ctx.Err(); err != nil {
			return Summary{}, err
		}
		done, err := r.step(to)
		if err != nil && r.part != nil {
			err = fmt.Errorf("collection %s: %w", r.part.name, err)
		}
		if done || err != nil {
			return r.found, err
		}
	}
}

func notGzip(err error) error {
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrNotBackup
	}
	return err
}

// reader takes frames apart.
type reader struct {
	from  io.Reader
	whole hash.Hash
	bytes int64
	buf   bytes.Buffer // the frame that is being read

	found Summary
	seen  map[string]bool
	part  *sum // of the collection that is open
	last  string
}

// begin reads up to the header.
func (r *reader) begin() error {
	line := make([]byte, len(magic))
	_, err := io.ReadFull(r.from, line)
	if err = unreadable(err); err != nil && !errors.Is(err, ErrTruncated) {
		return err
	}
	if string(line) != magic {
		return ErrNotBackup
	}
	r.take(line)
	kind, payload, err := r.frame()
	if err != nil {
		return err
	}
	if kind != kindHeader {
		return fmt.Errorf("%w: it has no header", ErrDamaged)
	}
	if err := structure(payload, &r.found.Header); err != nil {
		return err
	}
	switch format := r.found.Format; {
	case format > Format:
		return fmt.Errorf("%w (%q): it has format %d, and this one knows %d", ErrNewer, r.found.AniHub, format, Format)
	case format < 1:
		return fmt.Errorf("%w: it has format %d, which never was", ErrDamaged, format)
	}
	return nil
}

// take notes bytes that were read.
func (r *reader) take(b []byte) {
	_, _ = r.whole.Write(b) // never fails
	r.bytes += int64(len(b))
}

// frame reads the next one; its payload is good until the one after it is read.
func (r *reader) frame() (kind byte, payload []byte, err error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r.from, head[:]); err != nil {
		return 0, nil, unreadable(err)
	}
	kind, size := head[0], binary.LittleEndian.Uint32(head[1:])
	most := uint32(maxSmall)
	if kind == kindDocument {
		most = maxDocument
	}
	if size > most {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes", ErrDamaged, size)
	}
	r.buf.Reset()
	if _, err := io.CopyN(&r.buf, r.from, int64(size)); err != nil {
		return 0, nil, unreadable(err)
	}
	if kind != kindTrailer {
		r.take(head[:])
		r.take(r.buf.Bytes())
	}
	return kind, r.buf.Bytes(), nil
}

// unreadable says what it means that reading failed.
func unreadable(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrTruncated
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.As(err, &corrupt):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

func structure(payload []byte, into any) error {
	if err := bson.Unmarshal(payload, into); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// step reads one frame; done is after the trailer.
func (r *reader) step(to sink) (done bool, err error) {
	kind, payload, err := r.frame()
	if err != nil {
		return false, err
	}
	switch {
	case kind == kindCollection && r.part == nil:
		return false, r.open(payload, to)
	case kind == kindDocument && r.part != nil:
		return false, r.document(payload, to)
	case kind == kindEnd && r.part != nil:
		return false, r.close(payload, to)
	case kind == kindTrailer && r.part == nil:
		return true, r.end(payload)
	}
	return false, fmt.Errorf("%w: a frame %q where none is expected", ErrDamaged, kind)
}

func (r *reader) open(payload []byte, to sink) error {
	var p Part
	if err := structure(payload, &p); err != nil {
		return err
	}
	if r.seen[p.Name] || len(r.seen) >= maxParts {
		return fmt.Errorf("%w: one collection %q too many", ErrDamaged, p.Name)
	}
	r.seen[p.Name] = true
	r.part, r.last = newSum(p.Name), ""
	return to.open(p.Name)
}

func (r *reader) document(payload []byte, to sink) error {
	i, err := parse(payload)
	if err != nil {
		return err
	}
	if i.id <= r.last {
		return fmt.Errorf("%w: document %q is not behind %q", ErrDamaged, i.id, r.last)
	}
	r.last = i.id
	r.part.add(i.body)
	return to.put(i)
}

func (r *reader) close(payload []byte, to sink) error {
	part := r.part.part()
	if err := says(payload, part); err != nil {
		return err
	}
	if err := to.close(part); err != nil {
		return err
	}
	r.found.Parts = append(r.found.Parts, part)
	r.found.Documents += part.Count
	r.part = nil
	return nil
}

// says holds what a frame says of the bytes before it against what they are.
func says(payload []byte, of any) error {
	want, err := bson.Marshal(of)
	if err == nil && !bytes.Equal(payload, want) {
		err = fmt.Errorf("%w: its counts and checksum are not those that are written there", ErrDamaged)
	}
	return err
}

// end holds the trailer against what was read, and sees that nothing follows it.
func (r *reader) end(payload []byte) error {
	r.found.Bytes, r.found.SHA256 = r.bytes, r.whole.Sum(nil)
	if err := says(payload, trailer{int64(len(r.found.Parts)), r.found.Documents, r.bytes, r.found.SHA256}); err != nil {
		return err
	}
	switch _, err := io.ReadFull(r.from, make([]byte, 1)); {
	case err == nil:
		return fmt.Errorf("%w: something follows its end", ErrDamaged)
	case errors.Is(err, io.EOF):
		return nil
	default:
		return unreadable(err)
	}
}
