package realtimesvc_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"anihub/modules/realtime"
	"anihub/modules/realtime/realtimesvc"
	rt "anihub/modules/realtime/realtimetest"
	"anihub/modules/users"
	"anihub/platform/eventlog"
)

const signIn = `{"type":"auth","id":1,"data":{"token":"good"}}`

// endSession writes what the users module writes when a session ends.
func endSession(t *testing.T, h *house, user, session, reason string) {
	t.Helper()
	raw, err := json.Marshal(map[string]string{"user_id": user, "session_id": session, "reason": reason})
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("session:%s:%s:%s", user, session, reason)
	if _, _, err := h.log.Append(t.Context(), eventlog.Entry{ID: id, Topic: "session", Data: raw}); err != nil {
		t.Fatal(err)
	}
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		user, session, reason string
		code                  int // 0 = stays open
	}{
		"logout":            {"u1", "s1", "logout", realtime.CloseAuth},
		"session expired":   {"u1", "s1", "expired", realtime.CloseAuth},
		"all sessions":      {"u1", "", "password_changed", realtime.CloseAuth},
		"ban":               {"u1", "", "banned", realtime.CloseBanned},
		"another session":   {"u1", "s2", "logout", 0},
		"another user":      {"u2", "", "banned", 0},
		"nobody's session":  {"", "s1", "logout", 0},
		"user without name": {"", "", "banned", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			h.users.admit("good", "u1", "s1")
			v, _ := rt.Open(t, h)
			v.Do(signIn, "auth_ok")
			anonymous, _ := rt.Open(t, h)
			anonymous.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
			endSession(t, h, c.user, c.session, c.reason)
			done := rt.Publish(t, h, rt.Episode(5, 1))
			anonymous.ExpectEvent(done[0].EventID) // the ending has been told before this
			if c.code == 0 {
				v.Quiet()
			} else if closed := v.Closed(); closed.Code != c.code {
				t.Errorf("closed with %v, want %d", closed, c.code)
			}
			anonymous.Quiet()
		})
	}
}

// TestDevicesAreTold: the connections of the owner, and to nobody else's.
func TestDevicesAreTold(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.users.admit("good", "u1", "s1")
	h.users.admit("other", "u2", "s2")
	mine, _ := rt.Open(t, h)
	mine.Do(signIn, "auth_ok")
	theirs, _ := rt.Open(t, h)
	theirs.Do(`{"type":"auth","id":1,"data":{"token":"other"}}`, "auth_ok")
	anonymous, _ := rt.Open(t, h)
	<-h.devices.waiting
	for i, e := range []eventlog.Entry{
		{Topic: users.ReadTopic, Data: []byte(`{"user_id":"u1","data":{"event_ids":["new_episode:5:1"],"up_to":null,"unread":3}}`)},
		{Topic: users.ReadTopic, Data: []byte(`{"data":{"unread":0}}`)},
		{Topic: users.ReadTopic, Data: []byte(`{"user_id":"u1"}`)},
		{Topic: "fashion", Data: []byte(`{"user_id":"u1","data":{}}`)},
		{Topic: users.ReadTopic, Data: []byte(`nonsense`)},
		{Topic: users.ProgressTopic, Data: []byte(`{"user_id":"u1","data":{"title_id":5,` + "\n" + ` "episodes":[]}}`)},
	} {
		e.ID = fmt.Sprint(i)
		if _, _, err := h.devices.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{
		`{"type":"notification_read","data":{"event_ids":["new_episode:5:1"],"up_to":null,"unread":3}}`,
		`{"type":"progress","data":{"title_id":5,"episodes":[]}}`,
	} {
		if m := mine.Next(); string(m.Frame) != want {
			t.Errorf("told %s, want %s", m.Frame, want)
		}
	}
	mine.Quiet()
	theirs.Quiet()
	anonymous.Quiet()
}

// A session that ends while its token is being looked at does not slip through.
func TestSessionEndsDuringSignIn(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.users.admit("good", "u1", "s1")
	other, _ := rt.Open(t, h)
	other.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	h.users.during = func() {
		endSession(t, h, "u1", "s1", "logout")
		done := rt.Publish(t, h, rt.Episode(5, 1))
		other.ExpectEvent(done[0].EventID)
	}
	v, _ := rt.Open(t, h)
	v.Send(signIn)
	if c := v.Closed(); c.Code != realtime.CloseAuth {
		t.Errorf("closed with %v", c)
	}
}

func TestAuthAnswers(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.users.admit("good", "u1", "s1")
	h.users.admit("other", "u2", "s9")
	h.users.put("old", users.Validation{Reason: "expired"})
	h.users.put("bad", users.Validation{Reason: "banned"})
	v, _ := rt.Open(t, h)
	v.Send(`{"type":"auth","id":1,"data":{"token":"old"}}`)
	m := v.ExpectError("BAD_TOKEN")
	if got := rt.Data[struct{ Details map[string]string }](t, m).Details["reason"]; got != "expired" {
		t.Errorf("answer %s", m.Frame)
	}
	h.users.err = users.ErrUnavailable
	v.Send(signIn)
	v.ExpectError("USERS_UNAVAILABLE")
	h.users.err = nil
	v.Do(signIn, "auth_ok")
	v.Send(`{"type":"auth","data":{"token":"other"}}`)
	v.ExpectError("OTHER_USER")
	v.Send(`{"type":"auth","data":{"token":"bad"}}`)
	v.ExpectError("BANNED")
	if c := v.Closed(); c.Code != realtime.CloseBanned {
		t.Errorf("closed with %v", c)
	}
}

func TestWithoutUsers(t *testing.T) {
	t.Parallel()
	h := open(t, func(_ *realtimesvc.Config, d *realtimesvc.Deps) { d.Users = nil })
	v, _ := rt.Open(t, h)
	v.Send(signIn)
	v.ExpectError("USERS_UNAVAILABLE")
}

func TestConnectionsPerUser(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *realtimesvc.Config, _ *realtimesvc.Deps) { c.MaxConnectionsPerUser = 2 })
	h.users.admit("good", "u1", "s1")
	h.users.admit("other", "u2", "s2")
	var open []*rt.Viewer
	for range 2 {
		v, _ := rt.Open(t, h)
		v.Do(signIn, "auth_ok")
		v.Do(signIn, "auth_ok") // again is not one more
		open = append(open, v)
	}
	third, _ := rt.Open(t, h)
	third.Send(signIn)
	third.ExpectError("TOO_MANY_CONNECTIONS")
	third.Do(`{"type":"auth","data":{"token":"other"}}`, "auth_ok")
	fourth, _ := rt.Open(t, h)
	open[0].Close()
	fourth.Do(signIn, "auth_ok")
}

// slept opens a room in virtual time.
func slept(t *testing.T, anonymous bool, test func(t *testing.T, h *house)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := eventlog.NewMemory(100)
		h := open(t, func(c *realtimesvc.Config, d *realtimesvc.Deps) { c.Anonymous, d.Log = anonymous, log })
		test(t, h)
		h.stop()
	})
}

func TestTokenExpires(t *testing.T) {
	slept(t, true, func(t *testing.T, h *house) {
		h.users.put("good", users.Validation{Valid: true, UserID: "u1", SessionID: "s1", ExpiresAt: time.Now().Add(15 * time.Minute)})
		v, _ := rt.Open(t, h)
		v.Do(signIn, "auth_ok")
		time.Sleep(15*time.Minute - time.Second)
		v.Quiet()
		time.Sleep(time.Second + time.Millisecond)
		m := v.Expect("auth_expired")
		if got := rt.Data[struct{ Seconds int }](t, m).Seconds; got != 30 {
			t.Errorf("told %s", m.Frame)
		}
		time.Sleep(29 * time.Second)
		h.users.put("good", users.Validation{Valid: true, UserID: "u1", SessionID: "s1", ExpiresAt: time.Now().Add(time.Minute)})
		v.Do(signIn, "auth_ok")
		time.Sleep(59 * time.Second)
		v.Quiet()
		time.Sleep(2 * time.Second)
		v.Expect("auth_expired")
		time.Sleep(30 * time.Second)
		if c := v.Closed(); c.Code != realtime.CloseAuth {
			t.Errorf("closed with %v", c)
		}
	})
}

// A refresh before the expiry moves it, and nothing is said at the old time.
func TestTokenRefreshed(t *testing.T) {
	slept(t, true, func(t *testing.T, h *house) {
		h.users.admit("good", "u1", "s1") // an hour
		v, _ := rt.Open(t, h)
		v.Do(signIn, "auth_ok")
		time.Sleep(59 * time.Minute)
		h.users.admit("good", "u1", "s1")
		v.Do(signIn, "auth_ok")
		time.Sleep(59 * time.Minute)
		v.Quiet()
	})
}

func TestAnonymousRefused(t *testing.T) {
	slept(t, false, func(t *testing.T, h *house) {
		h.users.admit("good", "u1", "s1")
		stranger, _ := rt.Open(t, h)
		stranger.Send(`{"type":"subscribe_title","id":2,"data":{"title_id":5}}`)
		stranger.ExpectError("AUTH_REQUIRED")
		guest, _ := rt.Open(t, h)
		guest.Do(signIn, "auth_ok")
		time.Sleep(11 * time.Second)
		if c := stranger.Closed(); c.Code != realtime.CloseAuth {
			t.Errorf("closed with %v", c)
		}
		guest.Do(`{"type":"subscribe_title","data":{"title_id":5}}`, "subscribed")
	})
}
