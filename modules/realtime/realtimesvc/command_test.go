package realtimesvc

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"anihub/modules/realtime"
)

// FuzzCommand: no frame breaks the parser, and whatever comes back for it is a
// frame a client can read.
func FuzzCommand(f *testing.F) {
	for _, seed := range []string{
		`{"type":"ping"}`,
		`{"type":"ping","id":1,"data":{}}`,
		`{"type":"auth","id":"a","data":{"token":"abc.def.ghi"}}`,
		`{"type":"subscribe_title","id":null,"data":{"title_id":9000,"since":"k2:17"}}`,
		`{"type":"unsubscribe_title","data":{"title_id":1}}`,
		`{"type":"subscribe_updates","data":{"types":["new_episode","new_title"],"since":""}}`,
		`{"type":"resume","data":{"position":"abc:18446744073709551615"}}`,
		`{"type":"subscribe_title","data":{"title_id":1e3}}`,
		`{"type":"\u0070ing","id":"\ud800"}`,
		`{"type":"ping","type":"auth"}`,
		`{"id":[[[[[[[[[[[[[[[[[[`,
		`{"type":"x","id":-}`,
		`{"type":"subscribe_updates","id":"0","data":{"titles":[1,2147483647,1],"types":["status_change"],"since":"a:0"}}`,
		`{"type":"subscribe_updates","data":{"titles":[2147483648]}}`,
		`{"type":"subscribe_updates","data":{"titles":[],"types":[]}}`,
		`{"type":"subscribe_updates","data":{"types":["new_episode","new_episode"],"types":["x"]}}`,
		`{"type":"resume","id":1e999,"data":{"position":"a:18446744073709551616"}}`,
		`{"type":"ping","id":"` + strings.Repeat("я", 32) + `"}`, `{"type":"ping","id":` + strings.Repeat("9", 65) + `}`,
		`{"type":"ping","data":` + strings.Repeat("[", 15) + strings.Repeat("]", 15) + `}`,
		`{"type":"ping","data":` + strings.Repeat(`{"a":`, 16) + `1` + strings.Repeat("}", 16) + `}`,
		`{"type":"` + strings.Repeat("\u2028", 100) + `","` + strings.Repeat("x", 100) + `":1}`,
		"\xef\xbb\xbf{\"type\":\"ping\"}", `{"type":"ping","id":"\u0000\"\\"}`, `{"Type":"ping","type ":"ping"}`,
		"\x00", `nul`, `{"":""}`, ` {"type":"ping"} `, `{"type":"ping"}{}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		cmd, fail := parseCommand(frame)
		if fail == nil && (cmd.titleID < 0 || len(cmd.types) > maxNames || len(cmd.token) > maxToken) {
			t.Fatalf("accepted %+v", cmd)
		}
		m := answer(typePong, cmd.id, struct{}{})
		if fail != nil {
			m = failure(cmd.id, fail)
		}
		if utf8.Valid(frame) && !json.Valid(m.Frame) {
			t.Fatalf("answer %q to %q is not JSON", m.Frame, frame)
		}
		if len(m.Frame) > 2048 {
			t.Fatalf("answer of %d bytes to a frame of %d", len(m.Frame), len(frame))
		}
	})
}

func TestParseCommandIsExact(t *testing.T) {
	t.Parallel()
	for frame, code := range map[string]string{
		`{"TYPE":"ping"}`:                                       "BAD_FRAME", // names are case-sensitive
		`{"type":"ping"} {}`:                                    "BAD_FRAME",
		`{"type":"ping"}]`:                                      "BAD_FRAME",
		`{"type":"ping","id":true}`:                             "BAD_FRAME",
		`{"type":"auth","data":null}`:                           "BAD_DATA",
		`{"type":"auth","data":{"token":null}}`:                 "BAD_DATA",
		`{"type":"auth","data":{"token":["x"]}}`:                "BAD_DATA",
		`{"type":"subscribe_title","data":{"title_id":true}}`:   "BAD_DATA",
		`{"type":"subscribe_title","data":{"title_id":-1}}`:     "BAD_DATA",
		`{"type":"resume","data":{"position":"a:01"}}`:          "BAD_POSITION",
		`{"type":"resume","data":{"position":null}}`:            "BAD_POSITION",
		`{"type":"subscribe_updates","data":{"types":"x"}}`:     "BAD_DATA",
		`{"type":"` + strings.Repeat("x", 500) + `"}`:           "UNKNOWN_TYPE",
		`{"type":"subscribe_title","data":{"title_id":1}}`:      "",
		"\t\r\n {\"type\":\"ping\"}":                            "",
		`{"type":"ping","data":"[[[[[[[[[[[[[[[[[[[[[[[[[[[["}`: "", // brackets in text nest nothing
	} {
		_, f := parseCommand([]byte(frame))
		got := ""
		if f != nil {
			got = f.Code
		}
		if got != code {
			t.Errorf("%.60s: %q, want %q", frame, got, code)
		}
	}
}

func TestRecentForgetsTheOldest(t *testing.T) {
	t.Parallel()
	r := newRecent()
	for i := range recentIDs + 1 {
		if r.seen(string(rune('a'+i%26)) + strings.Repeat("x", i/26)) {
			t.Fatalf("id %d is seen already", i)
		}
	}
	if r.seen("a") || len(r.ids) != recentIDs {
		t.Errorf("the oldest is still there; %d ids", len(r.ids))
	}
	if !r.seen("a") {
		t.Error("what was put there just now is not")
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	var w window
	w.restart(10)
	for n := uint64(11); n <= 20; n++ {
		var e *event
		if n%2 == 0 {
			e = &event{offset: n, msg: realtime.Message{Frame: make([]byte, 10)}}
		}
		w.add(n, e)
	}
	for _, c := range []struct {
		after uint64
		limit int
		ok    bool
		n     int
		to    uint64
	}{
		{9, 5, false, 0, 0},
		{21, 5, false, 0, 0},
		{10, 100, true, 5, 20},
		{10, 2, true, 2, 14},
		{11, 1, true, 1, 12},
		{19, 5, true, 1, 20},
		{20, 5, true, 0, 20},
	} {
		p, ok := w.after(c.after, c.limit)
		if ok != c.ok || len(p.events) != c.n || p.to != c.to {
			t.Errorf("after(%d, %d) = %d events to %d, %v", c.after, c.limit, len(p.events), p.to, ok)
		}
	}
	for n := uint64(21); n < 21+windowEvents; n++ {
		w.add(n, &event{offset: n, msg: realtime.Message{Frame: make([]byte, 10)}})
	}
	if len(w.events) != windowEvents || w.from != 20 || w.bytes != 10*windowEvents {
		t.Errorf("window holds %d events from %d, %d bytes", len(w.events), w.from, w.bytes)
	}
	w.add(5000, &event{offset: 5000, msg: realtime.Message{Frame: make([]byte, windowBytes)}})
	if len(w.events) != 1 || w.bytes != windowBytes {
		t.Errorf("window holds %d events, %d bytes", len(w.events), w.bytes)
	}
}
