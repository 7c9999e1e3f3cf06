package anilibriatest_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"anihub/platform/anilibria/anilibriatest"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

// listener is a client of the fake's WebSocket.
type listener struct {
	t    *testing.T
	conn *websocket.Conn
}

func listen(t *testing.T, s *anilibriatest.Server) *listener {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http")+anilibriatest.V3Path+"/ws/", nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &listener{t, conn}
}

func (l *listener) read() []byte {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), time.Minute)
	defer cancel()
	_, body, err := l.conn.Read(ctx)
	if err != nil {
		l.t.Fatal(err)
	}
	return body
}

func (l *listener) frame() any {
	l.t.Helper()
	return decoded(l.t, l.read())
}

func (l *listener) write(text string) {
	l.t.Helper()
	if err := l.conn.Write(l.t.Context(), websocket.MessageBinary, []byte(text)); err != nil {
		l.t.Fatal(err)
	}
}

// until reads frames up to the first of a type.
func (l *listener) until(kind string) (frames []any) {
	l.t.Helper()
	for {
		frames = append(frames, l.frame())
		if at(frames[len(frames)-1], "type") == kind {
			return frames
		}
	}
}

func types(frames []any) string {
	var all []string
	for _, f := range frames {
		if kind := at(f, "type").(string); kind != "encode_progress" {
			all = append(all, kind)
		}
	}
	return strings.Join(all, " ")
}

func of(frames []any, kind string) []any {
	return slices.DeleteFunc(slices.Clone(frames), func(f any) bool { return at(f, "type") != kind })
}

// greeted is a listener that has read its greeting and is known to the fake.
func greeted(t *testing.T, s *anilibriatest.Server) *listener {
	t.Helper()
	l := listen(t, s)
	if d := cmp.Diff(any(map[string]any{"connection": "success", "api_version": "3.0.14"}), l.frame()); d != "" {
		t.Fatal(d)
	}
	return l
}

func TestSocketTellsOfAnEpisode(t *testing.T) {
	t.Parallel()
	s := demo()
	l := greeted(t, s)
	if _, err := s.AirEpisode(9901); err != nil { // the tenth
		t.Fatal(err)
	}
	frames := l.until("title_update")
	if got := types(frames); got != "encode_start encode_end playlist_update encode_start encode_end playlist_update encode_start encode_end playlist_update encode_finish title_update" {
		t.Errorf("frames %s", got)
	}
	lists := of(frames, "playlist_update")
	for i, want := range []string{
		`{"episodes":{"last":9,"string":"1-9"},"list":{"10":null}}`,
		`{"list":{"10":{"hls":{"hd":null}}}}`,
		`{"list":{"10":{"hls":{"fhd":null}}}}`,
	} {
		if got := mustJSON(at(lists[i], "data.diff")); got != want {
			t.Errorf("diff %d is %s", i, got)
		}
		if at(lists[i], "data.reupload") != false || at(lists[i], "data.id") != 9901.0 || at(lists[i], "data.episode") != "10" {
			t.Errorf("update %d: %v", i, at(lists[i], "data.episode"))
		}
	}
	if at(of(frames, "encode_finish")[0], "data.id") != "9901" {
		t.Error("the id of encode_finish is no text")
	}
	if got := keys(at(frames[len(frames)-1], "data.diff")); !slices.Contains(got, "updated") || !slices.Contains(got, "player") || slices.Contains(got, "names") {
		t.Errorf("the title's diff has %v", got)
	}
	// A re-upload names the paths it replaces.
	before := at(lists[2], "data.updated_episode.hls.fhd")
	if err := s.Reupload(9901, 10); err != nil {
		t.Fatal(err)
	}
	again := of(l.until("title_update"), "playlist_update")
	if len(again) != 1 || at(again[0], "data.reupload") != true || at(again[0], "data.diff.list.10.hls.fhd") != before {
		t.Errorf("%d updates, diff %v", len(again), at(again[0], "data.diff"))
	}
	// A picture is no re-upload.
	if err := s.ChangeEpisode(9901, 10, func(e *anilibriatest.Episode) { e.NoPreview = !e.NoPreview }); err != nil {
		t.Fatal(err)
	}
	picture := of(l.until("title_update"), "playlist_update")
	if at(picture[0], "data.reupload") != false || at(picture[0], "data.diff.list.10.hls") != nil {
		t.Errorf("diff %v", at(picture[0], "data.diff"))
	}
}

func TestSocketTellsOfTitlesAndTorrents(t *testing.T) {
	t.Parallel()
	s := demo()
	l := greeted(t, s)
	if err := s.SetStatus(9901, false, false); err != nil {
		t.Fatal(err)
	}
	status := l.frame()
	if at(status, "data.diff.status.code") != 1.0 || at(status, "data.title.status.code") != 2.0 || at(status, "data.title.id") != 9901.0 {
		t.Errorf("status %v", at(status, "data.diff"))
	}
	if err := s.AddTorrent(9901, anilibriatest.Torrent{ID: 77, Quality: "1080p", Type: "WEBRip", Codec: "HEVC", Episodes: "1-9"}); err != nil {
		t.Fatal(err)
	}
	torrent := l.until("title_update")
	if types(torrent) != "torrent_update title_update" || at(torrent[0], "data.id") != "9901" || at(torrent[0], "data.updated_torrent_id") != 77.0 {
		t.Errorf("torrent %v", torrent[0])
	}
	id := s.AddTitle(anilibriatest.Title{Main: "Новый"})
	if added := l.frame(); at(added, "data.title.id") != float64(id) || at(added, "type") != "title_update" {
		t.Errorf("new title %v", added)
	}
	if err := s.Hide(id); err != nil || at(l.frame(), "data.title.status.code") != 3.0 {
		t.Error("nobody is told that a title is hidden")
	}
}

// After the first subscription only what matches comes; several are OR-ed.
func TestSocketSubscriptions(t *testing.T) {
	t.Parallel()
	s := demo()
	l := greeted(t, s)
	for i, tree := range []string{`{"subscribe":{"type":"playlist_update","data":{"id":9902}}}`, `{"subscribe":{"data":{"player":{"list":{"10":"*"}}}}}`} {
		l.write(tree)
		want := map[string]any{"subscribe": "success", "subscription_id": float64(i)}
		if d := cmp.Diff(any(want), l.frame()); d != "" {
			t.Error(d)
		}
	}
	l.write(`{"subscribe":`)
	if d := cmp.Diff(any(map[string]any{"error": map[string]any{"code": 400.0, "message": "Bad Request"}}), l.frame()); d != "" {
		t.Error(d)
	}
	for _, id := range []int{9904, 9902, 9901} { // the last one is the tenth of its title
		if _, err := s.Air(id, anilibriatest.Episode{Quality: 480}); err != nil {
			t.Fatal(err)
		}
	}
	first, second := l.frame(), l.frame()
	if at(first, "type") != "playlist_update" || at(first, "data.id") != 9902.0 || at(second, "data.id") != 9901.0 {
		t.Errorf("%v of %v, then %v", at(first, "type"), at(first, "data.id"), at(second, "data.id"))
	}
}

func TestSocketFaults(t *testing.T) {
	t.Parallel()
	s := demo()
	l := greeted(t, s)
	bump := func() {
		t.Helper()
		if err := s.AddTorrent(9901, anilibriatest.Torrent{ID: 78, Episodes: "1"}); err != nil {
			t.Fatal(err)
		}
	}
	s.BreakSockets(anilibriatest.SocketFault{Lose: true})
	bump()
	s.BreakSockets(anilibriatest.SocketFault{Reorder: true, Duplicate: true})
	bump()
	got := []any{l.frame(), l.frame(), l.frame(), l.frame()}
	if types(got) != "title_update title_update torrent_update torrent_update" {
		t.Errorf("frames %s", types(got))
	}
	s.BreakSockets(anilibriatest.SocketFault{Garbage: true, Huge: 100_000})
	bump()
	junk := 0
	for {
		body := l.read()
		var f struct {
			Type string `json:"type"`
			Data any    `json:"data"`
		}
		if json.Unmarshal(body, &f) == nil && f.Type == "title_update" {
			break
		}
		junk++
	}
	if junk < 10 {
		t.Errorf("%d frames of garbage", junk)
	}
	if open, _ := s.Sockets(); open != 1 || s.DropSockets() != 1 {
		t.Error("the socket is not open, or not dropped")
	}
	if _, _, err := l.conn.Read(t.Context()); err == nil {
		t.Error("a dropped socket goes on")
	}
	s.BreakSockets(anilibriatest.SocketFault{Greeting: "good day"})
	if body := listen(t, s).read(); string(body) != "good day" {
		t.Errorf("greeting %s", body)
	}
	s.Break(anilibriatest.RouteSocket, anilibriatest.Fault{Status: 503})
	if code, _, _ := get(t, s, anilibriatest.V3Path+"/ws/"); code != 500 {
		t.Errorf("a broken handshake is answered %d", code)
	}
}

// Frames have the shape of the recorded ones, path by path.
func TestSocketFramesHaveTheRealShape(t *testing.T) {
	t.Parallel()
	s := demo()
	l := greeted(t, s)
	if _, err := s.AirEpisode(9901); err != nil {
		t.Fatal(err)
	}
	if err := s.AddTorrent(9901, anilibriatest.Torrent{ID: 79, Quality: "1080p", Type: "WEBRip", Codec: "HEVC", Episodes: "1-10"}); err != nil {
		t.Fatal(err)
	}
	frames := append(l.until("title_update"), l.until("title_update")...)
	for kind, names := range map[string][]string{
		"encode_start":    {"encode_start"},
		"encode_progress": {"encode_progress"},
		"encode_end":      {"encode_end"},
		"encode_finish":   {"encode_finish"},
		"torrent_update":  {"torrent_update"},
		"playlist_update": {"playlist_update_1_first_quality", "playlist_update_2_second_quality", "playlist_update_3_complete_NEW_EPISODE"},
		"title_update":    {"title_update_announce", "title_update_status"},
	} {
		fake, real := shape{}, shape{}
		for _, f := range of(frames, kind) {
			fake.add("", f)
		}
		for _, name := range names {
			real.add("", recorded(t, "ws/"+name+".json"))
		}
		for _, paths := range []shape{fake, real} { // what differs says what has changed
			for path := range paths {
				if strings.HasPrefix(path, ".data.diff.") {
					delete(paths, path)
				}
			}
		}
		// Empty lists have no items to compare.
		likeness(t, kind, fake, real, ".data.updated_episode.skips.opening.*", ".data.updated_episode.skips.ending.*", ".data.title.team.editing.*")
	}
}
