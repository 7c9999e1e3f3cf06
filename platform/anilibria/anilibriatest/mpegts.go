package anilibriatest

// A minimal MPEG transport stream (ISO/IEC 13818-1): one program, one H.264 stream.

const (
	tablePID  = 0x1000
	videoPID  = 0x0100
	clockRate = 90_000 // ticks of a PTS per second
	tsPacket  = 188
)

// muxer writes packets; continuity counters restart with each segment, which HLS
// allows because every segment carries its tables.
type muxer struct {
	out        []byte
	continuity map[uint16]byte
}

func newMuxer() *muxer {
	m := &muxer{continuity: make(map[uint16]byte)}
	m.table(0, section(0x00, []byte{0x00, 0x01, 0xE0 | tablePID>>8, tablePID & 0xFF}))
	m.table(tablePID, section(0x02, []byte{
		0xE0 | videoPID>>8, videoPID & 0xFF, 0xF0, 0x00, // PCR on the video, no descriptors
		0x1B, 0xE0 | videoPID>>8, videoPID & 0xFF, 0xF0, 0x00, // H.264
	}))
	return m
}

// section wraps the body of a PAT or PMT of program 1.
func section(id byte, body []byte) []byte {
	length := len(body) + 9
	s := []byte{id, 0xB0 | byte(length>>8), byte(length), 0x00, 0x01, 0xC1, 0x00, 0x00}
	s = append(s, body...)
	sum := crc32(s)
	return append(s, byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
}

// crc32 is the MPEG-2 variant: not reflected, no final inversion.
func crc32(data []byte) uint32 {
	sum := uint32(0xFFFFFFFF)
	for _, b := range data {
		sum ^= uint32(b) << 24
		for range 8 {
			if sum&0x80000000 != 0 {
				sum = sum<<1 ^ 0x04C11DB7
			} else {
				sum <<= 1
			}
		}
	}
	return sum
}

func (m *muxer) head(pid uint16, start bool, adaptation bool) {
	flags := byte(pid >> 8)
	if start {
		flags |= 0x40
	}
	control := byte(0x10) | m.continuity[pid]
	if adaptation {
		control |= 0x20
	}
	m.continuity[pid] = (m.continuity[pid] + 1) & 0x0F
	m.out = append(m.out, 0x47, flags, byte(pid), control)
}

func (m *muxer) table(pid uint16, section []byte) {
	m.head(pid, true, false)
	m.out = append(m.out, 0) // pointer: the section starts at once
	m.out = append(m.out, section...)
	for range tsPacket - 5 - len(section) {
		m.out = append(m.out, 0xFF)
	}
}

// frame writes one access unit shown at pts.
func (m *muxer) frame(unit []byte, pts uint64) {
	pes := append([]byte{0, 0, 1, 0xE0, 0, 0, 0x80, 0x80, 5}, timestamp(pts)...)
	pes = append(pes, unit...)
	for first := true; len(pes) > 0; first = false {
		pes = m.packet(pes, first, pts)
	}
}

// packet writes what fits and gives back the rest. The first packet of a frame
// carries the clock; the last is stuffed in its adaptation field.
func (m *muxer) packet(pes []byte, first bool, pts uint64) []byte {
	var fields []byte
	if first {
		fields = append([]byte{0x50}, clock(pts)...) // random access, PCR
	}
	room := tsPacket - 4
	used := 0
	if first {
		used = len(fields) + 1
	}
	if left := room - used; len(pes) < left {
		fields, used = stuffed(fields, room-len(pes)), room-len(pes)
	}
	m.head(videoPID, first, used > 0)
	if used > 0 {
		m.out = append(m.out, byte(used-1))
		m.out = append(m.out, fields...)
	}
	n := room - used
	m.out = append(m.out, pes[:n]...)
	return pes[n:]
}

// stuffed fills an adaptation field up to size bytes, its length byte included.
func stuffed(fields []byte, size int) []byte {
	if size == 1 {
		return nil
	}
	if len(fields) == 0 {
		fields = []byte{0}
	}
	for len(fields) < size-1 {
		fields = append(fields, 0xFF)
	}
	return fields
}

func timestamp(pts uint64) []byte {
	return []byte{
		0x21 | byte(pts>>29)&0x0E,
		byte(pts >> 22), byte(pts>>14) | 1,
		byte(pts >> 7), byte(pts<<1) | 1,
	}
}

func clock(pts uint64) []byte {
	return []byte{byte(pts >> 25), byte(pts >> 17), byte(pts >> 9), byte(pts >> 1), byte(pts<<7) | 0x7E, 0}
}
