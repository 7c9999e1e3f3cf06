package userstest

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"anihub/modules/users"
)

// NewPush is what a browser says that has just subscribed, in a session.
func NewPush(s users.Session, endpoint string) users.NewPush {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // never (crypto/rand)
	}
	auth := make([]byte, 16)
	_, _ = rand.Read(auth)
	return users.NewPush{
		UserID: s.User.ID, SessionID: s.ID, Endpoint: endpoint,
		P256DH: base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes()),
		Auth:   base64.RawURLEncoding.EncodeToString(auth),
	}
}

const endpoint = "https://push.example.org/send/abc"

// endpoints are those of a user.
func endpoints(t *testing.T, s users.Service, user string) []string {
	t.Helper()
	all, err := s.PushEndpoints(t.Context(), user)
	if err != nil || all == nil {
		t.Fatalf("%v, %v", all, err)
	}
	out := []string{}
	for _, p := range all {
		out = append(out, p.Endpoint)
	}
	return out
}

func added(t *testing.T, s users.Service, p users.NewPush) users.PushEndpoint {
	t.Helper()
	out, err := s.AddPush(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func pushKeys(t *testing.T, s InboxSubject) {
	first, err := s.PushKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(first)
	if err == nil {
		_, err = ecdh.P256().NewPublicKey(raw)
	}
	if err != nil || len(raw) != 65 {
		t.Errorf("%q: %v", first, err)
	}
	if again, err := s.PushKey(t.Context()); err != nil || again != first {
		t.Errorf("another key: %q, %v", again, err)
	}
}

func pushes(t *testing.T, s InboxSubject) {
	mine, other := signUp(t, s, "wanderer"), signUp(t, s, "stranger")
	p := NewPush(mine, endpoint)
	made := added(t, s, p)
	if made.Endpoint != endpoint || made.SessionID != mine.ID || made.CreatedAt.IsZero() || made.AddedAt.IsZero() {
		t.Errorf("made %+v", made)
	}
	if again := added(t, s, p); !again.CreatedAt.Equal(made.CreatedAt) {
		t.Errorf("again: %+v, first %+v", again, made)
	}
	added(t, s, NewPush(mine, endpoint)) // with other keys
	added(t, s, NewPush(mine, endpoint+"2"))
	same(t, "mine", endpoints(t, s, mine.User.ID), endpoint, endpoint+"2")
	if err := s.RemovePush(t.Context(), other.User.ID, endpoint); err != nil {
		t.Error(err)
	}
	same(t, "after a stranger's removal", endpoints(t, s, mine.User.ID), endpoint, endpoint+"2")
	added(t, s, NewPush(other, endpoint)) // they share the browser
	same(t, "mine", endpoints(t, s, mine.User.ID), endpoint+"2")
	same(t, "the other's", endpoints(t, s, other.User.ID), endpoint)
	for range 2 {
		if err := s.RemovePush(t.Context(), other.User.ID, endpoint); err != nil {
			t.Error(err)
		}
	}
	same(t, "the other's, removed", endpoints(t, s, other.User.ID))
}

func pushRefused(t *testing.T, s InboxSubject) {
	mine, other := signUp(t, s, "wanderer"), signUp(t, s, "stranger")
	good := NewPush(mine, endpoint)
	for what, spoil := range map[string]func(*users.NewPush){
		"endpoint":                 func(p *users.NewPush) { p.Endpoint = "" },
		"endpoint, not encrypted":  func(p *users.NewPush) { p.Endpoint = "http://push.example.org/" },
		"endpoint of this machine": func(p *users.NewPush) { p.Endpoint = "https://127.0.0.1/" },
		"endpoint of it in IPv6":   func(p *users.NewPush) { p.Endpoint = "https://[::1]/" },
		"endpoint with a user":     func(p *users.NewPush) { p.Endpoint = "https://me@push.example.org/" },
		"endpoint that is long":    func(p *users.NewPush) { p.Endpoint += strings.Repeat("x", users.MaxWebhookURL) },
		"p256dh":                   func(p *users.NewPush) { p.P256DH = "" },
		"p256dh off the curve":     func(p *users.NewPush) { p.P256DH = "BA" + strings.Repeat("A", 85) },
		"p256dh, compressed": func(p *users.NewPush) {
			raw, _ := base64.RawURLEncoding.DecodeString(p.P256DH)
			p.P256DH = base64.RawURLEncoding.EncodeToString(append([]byte{2}, raw[1:33]...))
		},
		"p256dh in other letters": func(p *users.NewPush) { p.P256DH = strings.Repeat("+", len(p.P256DH)) },
		"auth":                    func(p *users.NewPush) { p.Auth = "" },
		"auth, short":             func(p *users.NewPush) { p.Auth = p.Auth[:8] },
		"auth, long":              func(p *users.NewPush) { p.Auth += p.Auth },
		"expirationTime":          func(p *users.NewPush) { p.ExpiresAt = time.Now().Add(-time.Hour) },
	} {
		p := good
		spoil(&p)
		_, err := s.AddPush(t.Context(), p)
		is(t, what, err, users.ErrUnacceptable)
		if got := fmt.Sprint(field(err)); !strings.HasPrefix(what, got) {
			t.Errorf("%s: blames %v", what, got)
		}
	}
	for what, spoil := range map[string]func(*users.NewPush){
		"nobody":              func(p *users.NewPush) { p.UserID = "nosuchuserxxxxxxxxxx" },
		"another's session":   func(p *users.NewPush) { p.SessionID = other.ID },
		"no session":          func(p *users.NewPush) { p.SessionID = "" },
		"a session of a kind": func(p *users.NewPush) { p.SessionID = "nosuchsessionxxxxxxx" },
	} {
		p := good
		spoil(&p)
		_, err := s.AddPush(t.Context(), p)
		is(t, what, err, users.ErrNotFound)
	}
	same(t, "after all of them", endpoints(t, s, mine.User.ID))
}

// pushCrowd: there is always room for one more, and whoever was there for longest
// without coming again makes it.
func pushCrowd(t *testing.T, s InboxSubject) {
	mine := signUp(t, s, "wanderer")
	want := []string{}
	for i := range users.MaxPushEndpoints + 2 {
		e := fmt.Sprintf("%s/%d", endpoint, i)
		added(t, s, NewPush(mine, e))
		want = append(want, e)
		time.Sleep(2 * time.Millisecond) // times are kept to the millisecond
	}
	same(t, "the crowd", endpoints(t, s, mine.User.ID), want[2:]...)
}

// pushEnds with the session that it was made in, however that ends.
func pushEnds(t *testing.T, s InboxSubject) {
	mine := signUp(t, s, "wanderer")
	phone, tablet, desk := signIn(t, s, "wanderer"), signIn(t, s, "wanderer"), signIn(t, s, "wanderer")
	all := map[string]users.Session{"mine": mine, "phone": phone, "tablet": tablet, "desk": desk}
	for name, session := range all {
		added(t, s, NewPush(session, endpoint+name))
	}
	if err := s.Logout(t.Context(), mine.User.ID, phone.ID); err != nil {
		t.Fatal(err)
	}
	if got := endpoints(t, s, mine.User.ID); len(got) != 3 || strings.Contains(fmt.Sprint(got), "phone") {
		t.Errorf("after the phone signed out: %q", got)
	}
	change := users.PasswordChange{UserID: mine.User.ID, SessionID: desk.ID, Current: password, New: "battery staple 9", Client: from(1)}
	if err := s.ChangePassword(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	same(t, "after another password", endpoints(t, s, mine.User.ID), endpoint+"desk")
	if err := s.EndSessions(t.Context(), mine.User.ID, ""); err != nil {
		t.Fatal(err)
	}
	same(t, "after all sessions", endpoints(t, s, mine.User.ID))
}
