package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// flowInbox: a viewer finds what aired in the inbox, reads it, and their other device
// hears of that; a reader without an account has the feed.
func flowInbox(t *testing.T, s *site) {
	t.Helper()
	_, a := s.call(t, "POST", s.url+"/api/auth/register", "", `{"login":"nadia","email":"nadia@example.org","password":"a long password"}`)
	var session struct {
		Token string `json:"access_token"`
	}
	a.into(t, &session)
	if status, a := s.call(t, "PUT", s.url+"/api/users/subscriptions/9904", session.Token, `{"quality":"1080p"}`); status != 200 {
		t.Fatalf("subscribe: %d %+v", status, a.Error)
	}
	sock := s.dial(t)
	sock.send(fmt.Sprintf(`{"type":"auth","data":{"token":%q}}`, session.Token))
	sock.expect("auth_ok")
	s.notify(t, `{"type":"new_episode","title_id":9904,"episode":78}`)
	told := sock.expect("new_episode")
	eventually(t, "the inbox has it", func() bool {
		status, a := s.call(t, "GET", s.url+"/api/users/notifications", session.Token, "")
		return status == 200 && strings.Contains(string(a.Data), told.EventID)
	})
	status, a := s.call(t, "POST", s.url+"/api/users/notifications/read", session.Token, fmt.Sprintf(`{"up_to":%q}`, told.Position))
	if status != 200 || !strings.Contains(string(a.Data), `"unread":0`) {
		t.Errorf("read: %d %s %+v", status, a.Data, a.Error)
	}
	if m := sock.expect("notification_read"); m.Data["up_to"] != told.Position || m.Data["unread"] != float64(0) {
		t.Errorf("the other device: %+v", m)
	}
	_, a = s.call(t, "POST", s.url+"/api/users/feed-token", session.Token, "")
	var made struct{ Feeds struct{ Atom string } }
	a.into(t, &made)
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+made.Feeds.Atom, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 || !strings.Contains(string(body), "<feed ") {
		t.Errorf("feed: %d %.200s %v", resp.StatusCode, body, err)
	}
}
