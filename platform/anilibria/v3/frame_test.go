package v3_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v3 "anihub/platform/anilibria/v3"

	"github.com/google/go-cmp/cmp"
)

// said is what a frame means, in one line.
func said(body string) string {
	kind, id, changes, err := v3.DecodeFrame([]byte(body))
	text := kind
	if id != 0 {
		text += " " + string(must(json.Marshal(id))) + " " + changes
	}
	if err != nil {
		text += " !"
	}
	return text
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestRealFrames(t *testing.T) {
	t.Parallel()
	got := make(map[string]string)
	for name, body := range files(t, "ws") {
		if !strings.HasPrefix(name, "01_client") {
			got[strings.TrimSuffix(name, ".json")] = said(body)
		}
	}
	want := map[string]string{
		"00_server_greeting":                     "greeting",
		"02_server_error":                        "error",
		"02_server_subscribe_ok":                 "subscribed",
		"encode_start":                           "encode_start",
		"encode_progress":                        "encode_progress",
		"encode_end":                             "encode_end",
		"encode_finish":                          "encode_finish 10027 episode_changed",
		"playlist_update_1_first_quality":        "playlist_update 10027 episode_added",
		"playlist_update_2_second_quality":       "playlist_update 10027 episode_added",
		"playlist_update_3_complete_NEW_EPISODE": "playlist_update 10027 episode_added",
		"playlist_update_preview_only":           "playlist_update 10027 episode_changed",
		"playlist_update_reupload":               "playlist_update 10027 episode_replaced",
		"title_update_announce":                  "title_update 10027 title_changed",
		"title_update_status":                    "title_update 10027 title_changed",
		"torrent_update":                         "torrent_update 9215 torrents_changed",
		"torrent_update_null_torrents":           "torrent_update 9215 torrents_changed",
		"v2_encode_end":                          "encode_end",
		"v2_playlist_update":                     "playlist_update 10027 episode_added",
		"v2_title_update":                        "title_update 10027 title_changed",
		"v2_torrent_update":                      "torrent_update 9215 torrents_changed",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A whole session, as it was recorded: 73 frames, of which six are hints.
func TestRealSession(t *testing.T) {
	t.Parallel()
	if folder() == "" {
		t.Skip("the real payloads are not here")
	}
	hints, frames := "", 0
	for line := range strings.Lines(string(must(os.ReadFile(filepath.Join(folder(), "ws", "session_new_episode.jsonl"))))) {
		var sent struct {
			Frame json.RawMessage `json:"frame"`
		}
		if err := json.Unmarshal([]byte(line), &sent); err != nil {
			t.Fatal(err)
		}
		frames++
		text := said(string(sent.Frame))
		if strings.HasSuffix(text, "!") {
			t.Errorf("%s: %.100s", text, sent.Frame)
		}
		if _, hint, ok := strings.Cut(text, " 10027 "); ok {
			hints += hint + " "
		}
	}
	if frames != 73 || hints != "episode_added episode_added episode_added episode_changed torrents_changed title_changed " {
		t.Errorf("%d frames, hints %s", frames, hints)
	}
}

func TestFramesTakenAsTheyCome(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"data":{"id":"12","diff":{"list":{"1":null}}},"type":"playlist_update"}`:                      "playlist_update 12 episode_added",
		`{"type":"playlist_update","data":{"id":12}}`:                                                   "playlist_update 12 episode_changed",
		`{"type":"playlist_update","data":{"id":12,"diff":[],"player":null,"episode":"Фильм"}}`:         "playlist_update 12 episode_changed",
		`{"type":"playlist_update","data":{"id":12,"diff":"?","reupload":"?"}}`:                         "playlist_update 12 episode_changed",
		`{"type":"playlist_update","data":{"id":12,"diff":{"list":{"1":{"hls":null}}}}}`:                "playlist_update 12 episode_added",
		`{"type":"playlist_update","data":{"id":12,"diff":{"list":[{"hls":{"sd":"/a","hd":null}}]}}}`:   "playlist_update 12 episode_added,episode_replaced",
		`{"type":"playlist_update","data":{"id":12,"diff":{"list":{"1":{"hls":{}},"2":{"name":"x"}}}}}`: "playlist_update 12 episode_changed",
		`{"type":"title_update","data":{"title":{"id":"12"}}}`:                                          "title_update 12 title_changed",
		`{"type":"title_update","data":{"id":12}}`:                                                      "garbage !",
		`{"type":"title_update","data":null}`:                                                           "garbage !",
		`{"type":"title_update"}`:                                                                       "garbage !",
		`{"type":"encode_finish","data":{"id":-1}}`:                                                     "garbage !",
		`{"type":"encode_finish","data":{"id":1.5}}`:                                                    "garbage !",
		`{"type":"encode_finish","data":{"id":3000000000}}`:                                             "garbage !",
		`{"type":"encode_finish","data":{"id":{}}}`:                                                     "garbage !",
		`{"type":"encode_start"}`:                                                                       "encode_start",
		`{"type":"something_new","data":{"id":12}}`:                                                     "unknown",
		`{"type":"greeting"}`:                                                                           "unknown",
		`{"type":"error"}`:                                                                              "unknown",
		`{"type":7}`:                                                                                    "garbage !",
		`{"error":"no"}`:                                                                                "error",
		`{}`:                                                                                            "garbage !",
		`[]`:                                                                                            "garbage !",
		`null`:                                                                                          "garbage !",
		``:                                                                                              "garbage !",
		"\x00\xff":                                                                                      "garbage !",
		`{"type":"encode_finish","data":{"id":1}`:                                                       "garbage !",
		strings.Repeat(`{"data":`, 20_000):                                                              "garbage !",
	} {
		if got := said(body); got != want {
			t.Errorf("%.100s: %s, want %s", body, got, want)
		}
	}
}

// FuzzFrame: whatever comes over the socket, no panic; a hint names a title and says
// what has changed, and what cannot be read is no hint.
func FuzzFrame(f *testing.F) {
	seed(f, "ws", "v3")
	f.Fuzz(func(t *testing.T, body string) {
		kind, id, changes, err := v3.DecodeFrame([]byte(body))
		if (id > 0) != (changes != "") || id < 0 || kind == "" || len(kind) > 20 || (err != nil) != (kind == "garbage") || (err != nil && id != 0) {
			t.Errorf("%q: %s of %d, %s, %v", body, kind, id, changes, err)
		}
	})
}
