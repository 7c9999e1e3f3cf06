package anilibriatest_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// The video is a real transport stream: its packets, tables, clock and H.264 units
// are checked here; that browsers play it was seen, and the browser ring sees it.
func TestVideo(t *testing.T) {
	t.Parallel()
	s := demo()
	hls := at(api(t, s, "anime/releases/9901"), "episodes.0.hls_720").(string)
	path, _, _ := strings.Cut(strings.TrimPrefix(hls, "http://fake.test"), "?")
	code, h, list := get(t, s, path)
	if code != 200 || h.Get("Content-Type") != "application/vnd.apple.mpegurl" || h.Get("Access-Control-Allow-Origin") != "*" {
		t.Fatalf("%d %v", code, h)
	}
	var names []string
	for line := range strings.Lines(string(list)) {
		if !strings.HasPrefix(line, "#") {
			names = append(names, strings.TrimSpace(line))
		}
	}
	if !bytes.HasPrefix(list, []byte("#EXTM3U")) || !bytes.HasSuffix(list, []byte("#EXT-X-ENDLIST\n")) || len(names) < 200 {
		t.Fatalf("%d segments", len(names))
	}
	base := path[:strings.LastIndexByte(path, '/')+1]
	var last uint64
	for _, i := range []int{0, 1, len(names) - 1} {
		code, h, ts := get(t, s, base+names[i])
		if code != 200 || h.Get("Content-Type") != "video/mp2t" {
			t.Fatalf("segment %d: %d", i, code)
		}
		times := packets(t, ts)
		if len(times) == 0 || times[0] < last {
			t.Errorf("segment %d starts at %v after %d", i, times, last)
		}
		last = times[len(times)-1]
	}
	if code, _, _ := get(t, s, base+strings.Replace(names[0], "-0.ts", "-99999.ts", 1)); code != http.StatusNotFound {
		t.Errorf("a segment after the end: %d", code)
	}
}

// packets checks a segment and gives the times of its frames.
func packets(t *testing.T, ts []byte) []uint64 {
	t.Helper()
	if len(ts) == 0 || len(ts)%188 != 0 {
		t.Fatalf("%d bytes are no packets", len(ts))
	}
	var times []uint64
	var frames bytes.Buffer
	next := map[int]byte{}
	for ; len(ts) > 0; ts = ts[188:] {
		p := ts[:188]
		pid := int(p[1]&0x1F)<<8 | int(p[2])
		if counter, known := next[pid]; p[0] != 0x47 || (known && counter != p[3]&0x0F) {
			t.Fatalf("packet of %#x: % x", pid, p[:8])
		}
		next[pid] = (p[3] + 1) & 0x0F
		payload := p[4:]
		if p[3]&0x20 != 0 {
			payload = payload[1+int(payload[0]):]
		}
		if pid != 0x100 {
			continue
		}
		if p[1]&0x40 != 0 {
			b := payload[9:14]
			times = append(times, uint64(b[0]>>1&7)<<30|uint64(b[1])<<22|uint64(b[2]>>1)<<15|uint64(b[3])<<7|uint64(b[4]>>1))
			payload = payload[14:]
		}
		frames.Write(payload)
	}
	for _, unit := range []byte{0x09, 0x67, 0x68, 0x65} {
		if n := bytes.Count(frames.Bytes(), []byte{0, 0, 0, 1, unit}); n != len(times) {
			t.Errorf("%d units %#x in %d frames", n, unit, len(times))
		}
	}
	for i := 1; i < len(times); i++ {
		if times[i]-times[i-1] != 45_000 {
			t.Errorf("frames at %v", times)
		}
	}
	return times
}
