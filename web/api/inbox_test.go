package api_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/catalog"
	"anihub/modules/users"
)

// TestInboxAndChannelsNeedTheirOwner: nobody, and no token that is worth nothing.
func TestInboxAndChannelsNeedTheirOwner(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, route := range []string{
		"GET /api/users/notifications", "POST /api/users/notifications/read", "GET /api/users/webhooks", "POST /api/users/webhooks",
		"DELETE /api/users/webhooks/x", "GET /api/users/push/key", "POST /api/users/push", "DELETE /api/users/push", "POST /api/users/webhooks/x/replay", "POST /api/users/feed-token", "DELETE /api/users/feed-token",
	} {
		method, path, _ := strings.Cut(route, " ")
		for _, token := range []string{"", "Bearer nonsense", "Basic bWlyYQ=="} {
			r := s.do(t, method, path, "", "Authorization", token)
			if r.StatusCode != http.StatusUnauthorized || r.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s with %q: %d", route, token, r.StatusCode)
			}
		}
	}
}

// same compares an answer's member with JSON.
func same(t *testing.T, r *http.Response, member, want string) {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(read(t, r), &body); err != nil {
		t.Fatal(err)
	}
	var wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, body[member]); diff != "" {
		t.Errorf("%s %d: -want +got\n%s", member, r.StatusCode, diff)
	}
}

func TestInbox(t *testing.T) {
	t.Parallel()
	s := open(t)
	auth := s.signIn(t)
	s.do(t, "PUT", "/api/users/subscriptions/9901", "", "Authorization", auth)
	at := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	s.users.Tell(users.Notification{EventID: "new_episode:9901:0", Type: "new_episode", TitleID: 9901, Numbered: true, Title: "Фонарщик", Poster: "https://img.example/m.webp", At: at})
	second := s.users.Tell(users.Notification{EventID: "status_change:9901:completed", Type: "status_change", TitleID: 9901, NewStatus: "completed", At: at})
	s.users.Tell(users.Notification{EventID: "new_episode:9902:1", Type: "new_episode", TitleID: 9902, Numbered: true, At: at})
	moment := at.Format(time.RFC3339)
	r := s.get(t, "/api/users/notifications", "Authorization", auth)
	if r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control %q", r.Header.Get("Cache-Control"))
	}
	same(t, r, "data", fmt.Sprintf(`[
		{"event_id":"status_change:9901:completed","position":"fake:2","type":"status_change","title_id":9901,"episode":null,"title":null,
		 "poster":null,"new_status":"completed","reason":null,"at":%[1]q,"read":false},
		{"event_id":"new_episode:9901:0","position":"fake:1","type":"new_episode","title_id":9901,"episode":0,"title":"Фонарщик",
		 "poster":"https://img.example/m.webp","new_status":null,"reason":null,"at":%[1]q,"read":false}]`, moment))
	same(t, s.get(t, "/api/users/notifications?limit=1", "Authorization", auth), "meta", `{"unread":2}`)
	for query, n := range map[string]int{"?limit=1": 1, "?after=" + second.Position: 0, "?before=" + second.Position: 1, "?after=fake:0&before=fake:9": 2} {
		var body struct{ Data []any }
		if err := json.Unmarshal(read(t, s.get(t, "/api/users/notifications"+query, "Authorization", auth)), &body); err != nil || len(body.Data) != n {
			t.Errorf("%s: %d, want %d (%v)", query, len(body.Data), n, err)
		}
	}
	for _, c := range []struct {
		body   string
		status int
		data   string
	}{
		{`{"event_ids":["new_episode:9901:0","nonsense"]}`, 200, `{"unread":1}`},
		{`{"up_to":"fake:2"}`, 200, `{"unread":0}`},
		{`{"event_ids":[]}`, 200, `{"unread":0}`},
		{`{}`, 400, `null`},
		{`{"up_to":"nonsense"}`, 422, `null`},
		{`{"up_to":"elsewhere:1"}`, 422, `null`},
		{`{"event_ids":[1]}`, 400, `null`},
		{`{"user_id":"x","event_ids":[]}`, 400, `null`},
	} {
		r := s.do(t, "POST", "/api/users/notifications/read", c.body, "Authorization", auth)
		if r.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", c.body, r.StatusCode, c.status)
		}
		same(t, r, "data", c.data)
	}
}

func TestPreferences(t *testing.T) {
	t.Parallel()
	s := open(t)
	auth := s.signIn(t)
	put := func(body string) *http.Response {
		return s.do(t, "PUT", "/api/users/subscriptions/9901", body, "Authorization", auth)
	}
	for _, c := range []struct{ body, quality, channels string }{
		{"", "null", "null"},
		{`{"quality":"720p","channels":["webhook"]}`, `"720p"`, `["webhook"]`},
		{"", `"720p"`, `["webhook"]`}, // no body leaves it
		{`{"quality":null,"channels":[]}`, "null", "[]"},
		{`{}`, "null", "null"},
	} {
		var body struct{ Data map[string]json.RawMessage }
		r := put(c.body)
		if err := json.Unmarshal(read(t, r), &body); err != nil || string(body.Data["quality"]) != c.quality || string(body.Data["channels"]) != c.channels {
			t.Errorf("%s: %d %s %v", c.body, r.StatusCode, body.Data, err)
		}
	}
	for body, status := range map[string]int{
		`{"quality":"4k"}`: 422, `{"channels":["pigeon"]}`: 422, `{"channel":["webhook"]}`: 400, `{"quality":1}`: 400, `nonsense`: 400,
	} {
		r := s.do(t, "PUT", "/api/users/subscriptions/9902", body, "Authorization", auth)
		if r.StatusCode != status {
			t.Errorf("%s: %d, want %d", body, r.StatusCode, status)
		}
	}
	var all struct{ Data []any }
	if err := json.Unmarshal(read(t, s.get(t, "/api/users/subscriptions", "Authorization", auth)), &all); err != nil || len(all.Data) != 1 {
		t.Errorf("what was refused is subscribed to: %v", all.Data)
	}
}

func TestQuietHoursOfAProfile(t *testing.T) {
	t.Parallel()
	s := open(t)
	auth := s.signIn(t)
	night := `{"from":"23:00","to":"08:00","time_zone":"Europe/Moscow"}`
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{`{"quiet_hours":` + night + `}`, 200, night},
		{`{"name":"Мира"}`, 200, night},
		{`{"quiet_hours":{}}`, 422, night},
		{`{"quiet_hours":{"from":"25:00","to":"08:00","time_zone":"UTC"}}`, 422, night},
		{`{"quiet_hours":{"from":"23:00","to":"08:00","time_zone":"UTC","x":1}}`, 400, night},
		{`{"quiet_hours":7}`, 400, night},
		{`{"quiet_hours":null}`, 200, "null"},
	} {
		if r := s.do(t, "PUT", "/api/users/profile", c.body, "Authorization", auth); r.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", c.body, r.StatusCode, c.status)
		}
		var me struct{ Data map[string]json.RawMessage }
		if err := json.Unmarshal(read(t, s.get(t, "/api/users/profile", "Authorization", auth)), &me); err != nil || string(me.Data["quiet_hours"]) != c.want {
			t.Errorf("after %s: %s, want %s", c.body, me.Data["quiet_hours"], c.want)
		}
	}
}

func TestWebhookRoutes(t *testing.T) {
	t.Parallel()
	s := open(t)
	auth := s.signIn(t)
	var made struct{ Data map[string]any }
	r := s.do(t, "POST", "/api/users/webhooks", `{"url":"https://hooks.example.org/a","types":["new_episode"]}`, "Authorization", auth)
	if err := json.Unmarshal(read(t, r), &made); err != nil || r.StatusCode != 201 || !strings.HasPrefix(made.Data["secret"].(string), "whsec_") {
		t.Fatalf("%d %v", r.StatusCode, made.Data)
	}
	if list := string(read(t, s.get(t, "/api/users/webhooks", "Authorization", auth))); strings.Contains(list, "whsec_") || !strings.Contains(list, "hooks.example.org") {
		t.Errorf("list %s", list)
	}
	if strings.Contains(s.log.String(), "whsec_") {
		t.Error("the secret is in the log")
	}
	id := made.Data["id"].(string)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/api/users/webhooks", `{"url":"http://hooks.example.org/"}`, 422},
		{"POST", "/api/users/webhooks", `{"url":"https://127.0.0.1/"}`, 422},
		{"POST", "/api/users/webhooks", `{"url":"https://hooks.example.org/","types":["gossip"]}`, 422},
		{"POST", "/api/users/webhooks", `{"url":"https://hooks.example.org/","secret":"mine"}`, 400},
		{"POST", "/api/users/webhooks", `{}`, 400},
		{"POST", "/api/users/webhooks/" + id + "/replay", `{"after":"fake:0"}`, 200},
		{"POST", "/api/users/webhooks/" + id + "/replay", `{"after":"nonsense"}`, 422},
		{"POST", "/api/users/webhooks/" + id + "/replay", `{}`, 400},
		{"POST", "/api/users/webhooks/nonsense/replay", `{"after":"fake:0"}`, 404},
		{"DELETE", "/api/users/webhooks/" + id + "/x", "", 404},
		{"DELETE", "/api/users/webhooks/" + id, "", 200},
		{"DELETE", "/api/users/webhooks/" + id, "", 200},
		{"POST", "/api/users/webhooks/" + id + "/replay", `{"after":"fake:0"}`, 404},
	} {
		if r := s.do(t, c.method, c.path, c.body, "Authorization", auth); r.StatusCode != c.status {
			t.Errorf("%s %s %s: %d, want %d: %s", c.method, c.path, c.body, r.StatusCode, c.status, read(t, r))
		}
	}
}

// TestPersonalFeeds: the subscribed titles and no others, in every format, to whoever
// has the address, until it is revoked; and the address stays out of the log.
func TestPersonalFeeds(t *testing.T) {
	t.Parallel()
	s := open(t)
	aired := lamplighter()
	aired.Latest = catalog.Latest{Ordinal: 2, At: time.Date(2026, 9, 26, 12, 0, 0, 0, time.UTC)}
	other := seagulls()
	other.Latest = aired.Latest
	s.catalog.Put(aired)
	s.catalog.Put(other)
	auth := s.signIn(t)
	s.do(t, "PUT", "/api/users/subscriptions/9901", "", "Authorization", auth)
	var made struct {
		Data struct {
			Token string
			Feeds map[string]string
		}
	}
	if err := json.Unmarshal(read(t, s.do(t, "POST", "/api/users/feed-token", "", "Authorization", auth)), &made); err != nil {
		t.Fatal(err)
	}
	for format, mime := range map[string]string{
		"rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json", "ics": "text/calendar",
	} {
		r := s.get(t, made.Data.Feeds[format]+"?lang=en")
		body := string(read(t, r))
		if r.StatusCode != 200 || !strings.HasPrefix(r.Header.Get("Content-Type"), mime) || r.Header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%s: %d %v", format, r.StatusCode, r.Header)
		}
		if format != "ics" && (strings.Count(body, "The Lamplighter") == 0 || strings.Contains(body, "Чайки") || !strings.Contains(body, made.Data.Feeds[format])) {
			t.Errorf("%s: %s", format, body)
		}
		if again := s.get(t, made.Data.Feeds[format]+"?lang=en", "If-None-Match", r.Header.Get("Etag")); again.StatusCode != 304 {
			t.Errorf("%s again: %d", format, again.StatusCode)
		}
	}
	if err := xml.Unmarshal(read(t, s.get(t, made.Data.Feeds["rss"])), new(struct{})); err != nil {
		t.Errorf("RSS: %v", err)
	}
	token := made.Data.Token
	for _, path := range []string{token, token + ".exe", token + ".rss/x", "x.rss", ".rss", token[1:] + ".rss", "%00.rss"} {
		if r := s.get(t, "/api/users/feed/"+path); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	if r := s.get(t, made.Data.Feeds["rss"]+"?limit=0"); r.StatusCode != 422 {
		t.Errorf("limit=0: %d", r.StatusCode)
	}
	s.do(t, "DELETE", "/api/users/feed-token", "", "Authorization", auth)
	if r := s.get(t, made.Data.Feeds["rss"]); r.StatusCode != 404 {
		t.Errorf("revoked: %d", r.StatusCode)
	}
	if log := s.log.String(); strings.Contains(log, token) || !strings.Contains(log, "/users/feed/***") {
		t.Error("the token is in the log")
	}
}

// TestAPersonalFeedOfNothing is a feed, and no calendar of everything.
func TestAPersonalFeedOfNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	token, err := s.users.IssueFeedToken(t.Context(), s.userOf(t, s.signIn(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"rss", "atom", "json", "ics"} {
		r := s.get(t, "/api/users/feed/"+token+"."+format)
		if body := string(read(t, r)); r.StatusCode != 200 || strings.Contains(body, "VEVENT") || strings.Contains(body, "Фонарщик") {
			t.Errorf("%s: %d %s", format, r.StatusCode, body)
		}
	}
}

// userOf is the id of who is signed in.
func (s *surface) userOf(t *testing.T, auth string) string {
	t.Helper()
	v, err := s.users.Validate(t.Context(), strings.TrimPrefix(auth, "Bearer "))
	if err != nil {
		t.Fatal(err)
	}
	return v.UserID
}
