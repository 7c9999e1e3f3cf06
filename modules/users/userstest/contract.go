// Package userstest is the inspector of the users module: the contract that every
// implementation of its door passes, and a fake.
package userstest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/users"
	"anihub/platform/fault"
)

// Contract holds an implementation to what the door promises. Each part gets a
// service of its own, with no users and the default limits.
func Contract(t *testing.T, open func(t *testing.T) users.Service) {
	parts := []struct {
		name string
		test func(*testing.T, users.Service)
	}{
		{"Register", register},
		{"RegisterTaken", registerTaken},
		{"RegisterUnacceptable", registerUnacceptable},
		{"RegisterRaced", registerRaced},
		{"RegisterLimit", registerLimit},
		{"Login", login},
		{"LoginRefused", loginRefused},
		{"LoginLimit", loginLimit},
		{"Refresh", refresh},
		{"RefreshTwiceAtOnce", refreshTwice},
		{"RefreshReuse", refreshReuse},
		{"RefreshGarbage", refreshGarbage},
		{"Logout", logout},
		{"ValidateGarbage", validateGarbage},
		{"Ban", ban},
		{"Sessions", sessions},
		{"EndSessions", endSessions},
		{"ChangePassword", changePassword},
		{"ChangePasswordRefused", changePasswordRefused},
		{"ProofLimit", proofLimit},
		{"DeleteAccount", deleteAccount},
		{"ResetPassword", resetPassword},
		{"Users", userPages},
		{"Profile", profile},
		{"Role", role},
		{"Subscriptions", subscriptions},
		{"Lists", lists},
		{"Favorites", favorites},
		{"LibraryPages", libraryPages},
		{"LibraryUnacceptable", libraryUnacceptable},
		{"LibraryRaced", libraryRaced},
		{"Import", importing},
		{"ImportUnacceptable", importUnacceptable},
		{"Progress", progressSaved},
		{"ProgressConverges", progressConverges},
		{"ProgressUnacceptable", progressUnacceptable},
		{"ProgressOfOthers", progressOfOthers},
		{"Copies", copies},
		{"Canceled", canceled},
	}
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.test(t, open(t))
		})
	}
}

const password = "correct horse 7"

func from(n int) users.Client {
	return users.Client{Address: fmt.Sprintf("192.0.2.%d", n), UserAgent: "contract/1"}
}

func signUp(t *testing.T, s users.Service, login string) users.Session {
	t.Helper()
	out, err := s.Register(t.Context(), users.Registration{
		Login: login, Email: login + "@example.org", Password: password, Client: from(1),
	})
	if err != nil {
		t.Fatalf("register %s: %v", login, err)
	}
	return out
}

func signIn(t *testing.T, s users.Service, who string) users.Session {
	t.Helper()
	out, err := s.Login(t.Context(), users.Credentials{Login: who, Password: password, Client: from(1)})
	if err != nil {
		t.Fatalf("login %s: %v", who, err)
	}
	return out
}

func is(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// field tells which field an ErrUnacceptable is about.
func field(err error) any { return fault.Of(err).Details["field"] }

func alive(t *testing.T, s users.Service, token string) users.Validation {
	t.Helper()
	v, err := s.Validate(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// becomes waits for a token to be worth nothing for this reason: an instance may
// believe what it knew for a second.
func becomes(t *testing.T, s users.Service, token, reason string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		v, err := s.Validate(ctx, token)
		if err != nil {
			t.Fatalf("waiting for %s: %v", reason, err)
		}
		if !v.Valid && v.Reason == reason {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func register(t *testing.T, s users.Service) {
	out, err := s.Register(t.Context(), users.Registration{
		Login: "Рассвет_99", Email: "Rassvet@Example.org", Password: "пароль\x00с нулём", Client: from(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	u := out.User
	if u.Login != "Рассвет_99" || u.Email != "Rassvet@Example.org" || u.ID == "" || u.Banned || u.CreatedAt.IsZero() {
		t.Errorf("user %+v", u)
	}
	if diff := cmp.Diff([]string{users.RoleUser}, u.Roles); diff != "" {
		t.Error(diff)
	}
	if out.ID == "" || out.RefreshToken == "" || !out.RefreshExpires.After(out.AccessExpires) {
		t.Errorf("session %+v", out)
	}
	got, err := s.User(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(u, got); diff != "" {
		t.Error(diff)
	}
	v := alive(t, s, out.AccessToken)
	if !v.Valid || v.UserID != u.ID || v.SessionID != out.ID || len(v.Roles) != 1 || v.ExpiresAt.IsZero() {
		t.Errorf("validation %+v", v)
	}
}

func registerTaken(t *testing.T, s users.Service) {
	signUp(t, s, "Wanderer")
	for what, r := range map[string]users.Registration{
		"login":               {Login: "Wanderer", Email: "a@example.org"},
		"login in other case": {Login: "wANDERER", Email: "b@example.org"},
		"e-mail":              {Login: "someone", Email: "Wanderer@example.org"},
		"e-mail, other case":  {Login: "someone", Email: "WANDERER@EXAMPLE.ORG"},
	} {
		r.Password, r.Client = password, from(2)
		out, err := s.Register(t.Context(), r)
		is(t, what, err, users.ErrAccountExists)
		if diff := cmp.Diff(users.Session{}, out); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

func registerUnacceptable(t *testing.T, s users.Service) {
	good := users.Registration{Login: "acceptable", Email: "a@example.org", Password: password, Client: from(1)}
	for what, change := range map[string]func(*users.Registration) string{
		"no login":       func(r *users.Registration) string { r.Login = ""; return "login" },
		"short login":    func(r *users.Registration) string { r.Login = "ab"; return "login" },
		"long login":     func(r *users.Registration) string { r.Login = strings.Repeat("a", 33); return "login" },
		"space in login": func(r *users.Registration) string { r.Login = "two words"; return "login" },
		"at in login":    func(r *users.Registration) string { r.Login = "me@example.org"; return "login" },
		"zero-width":     func(r *users.Registration) string { r.Login = "ad\u200bmin"; return "login" },
		"bidi":           func(r *users.Registration) string { r.Login = "ad\u202emin"; return "login" },
		"NUL in login":   func(r *users.Registration) string { r.Login = "admin\x00"; return "login" },
		"operator":       func(r *users.Registration) string { r.Login = `{"$gt":""}`; return "login" },
		"no e-mail":      func(r *users.Registration) string { r.Email = ""; return "email" },
		"no at":          func(r *users.Registration) string { r.Email = "example.org"; return "email" },
		"no host":        func(r *users.Registration) string { r.Email = "a@"; return "email" },
		"line in e-mail": func(r *users.Registration) string { r.Email = "a@example.org\nBcc: b@example.org"; return "email" },
		"long e-mail": func(r *users.Registration) string {
			r.Email = strings.Repeat("a", 250) + "@example.org"
			return "email"
		},
		"no password":        func(r *users.Registration) string { r.Password = ""; return "password" },
		"short password":     func(r *users.Registration) string { r.Password = "пароль7"; return "password" },
		"long password":      func(r *users.Registration) string { r.Password = strings.Repeat("a", 129); return "password" },
		"huge password":      func(r *users.Registration) string { r.Password = strings.Repeat("a", 1<<20); return "password" },
		"password not UTF-8": func(r *users.Registration) string { r.Password = "password\xff"; return "password" },
	} {
		r := good
		want := change(&r)
		_, err := s.Register(t.Context(), r)
		is(t, what, err, users.ErrUnacceptable)
		if got := field(err); got != want {
			t.Errorf("%s: blames %v, want %s", what, got, want)
		}
	}
	if _, err := s.Register(t.Context(), good); err != nil {
		t.Errorf("refused ones count against the address: %v", err)
	}
}

// Fifty at once want one login and e-mail.
func registerRaced(t *testing.T, s users.Service) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	ids := map[string]bool{}
	for i := range 50 {
		wg.Go(func() {
			r := users.Registration{Login: "highlander", Email: fmt.Sprintf("h%d@example.org", i), Password: password, Client: from(i)}
			if i%2 == 0 {
				r.Login, r.Email = fmt.Sprintf("h%d_%d", i, i), "h1@example.org"
			}
			out, err := s.Register(t.Context(), r)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				ids[out.User.ID] = true
			case !errors.Is(err, users.ErrAccountExists) && !errors.Is(err, users.ErrBusy):
				t.Errorf("raced: %v", err)
			}
		})
	}
	wg.Wait()
	// One for the login, one for the e-mail; or one that had both (h1).
	if len(ids) < 1 || len(ids) > 2 {
		t.Errorf("%d accounts", len(ids))
	}
}

func registerLimit(t *testing.T, s users.Service) {
	for i := range 10 {
		r := users.Registration{Login: fmt.Sprintf("many%d", i), Email: fmt.Sprintf("m%d@example.org", i), Password: password, Client: from(1)}
		if _, err := s.Register(t.Context(), r); err != nil {
			t.Fatalf("registration %d: %v", i, err)
		}
	}
	r := users.Registration{Login: "one-more", Email: "more@example.org", Password: password, Client: from(1)}
	_, err := s.Register(t.Context(), r)
	tooMany(t, "eleventh", err)
	r.Client = from(2)
	if _, err := s.Register(t.Context(), r); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
}

func tooMany(t *testing.T, what string, err error) {
	t.Helper()
	is(t, what, err, users.ErrTooMany)
	if wait := fault.Of(err).RetryAfter; wait < time.Second {
		t.Errorf("%s: try again after %s", what, wait)
	}
}

func login(t *testing.T, s users.Service) {
	first := signUp(t, s, "Wanderer")
	for _, who := range []string{"Wanderer", "wanderer", "WANDERER", "Wanderer@example.org", "wanderer@EXAMPLE.org"} {
		out := signIn(t, s, who)
		if diff := cmp.Diff(first.User, out.User); diff != "" {
			t.Errorf("%s: %s", who, diff)
		}
		if out.ID == first.ID || out.RefreshToken == first.RefreshToken {
			t.Errorf("%s: the session of the registration again", who)
		}
		if v := alive(t, s, out.AccessToken); !v.Valid || v.SessionID != out.ID {
			t.Errorf("%s: %+v", who, v)
		}
	}
	if v := alive(t, s, first.AccessToken); !v.Valid {
		t.Errorf("signing in again ended the first session: %+v", v)
	}
}

// Whoever fails learns nothing of whether there is such an account.
func loginRefused(t *testing.T, s users.Service) {
	signUp(t, s, "wanderer")
	var first *fault.Error
	for i, c := range []users.Credentials{
		{Login: "wanderer", Password: "wrong password"},
		{Login: "nobody", Password: password},
		{Login: "nobody@example.org", Password: password},
		{Login: "wanderer", Password: password + "\x00"},
		{Login: "wanderer", Password: strings.Repeat("a", 1<<20)},
		{Login: "wanderer", Password: ""},
		{Login: "", Password: ""},
		{Login: strings.Repeat("w", 1<<16), Password: password},
		{Login: "\xff\xfe", Password: password},
		{Login: `{"$ne":null}`, Password: `{"$ne":null}`},
	} {
		c.Client = from(1)
		out, err := s.Login(t.Context(), c)
		is(t, fmt.Sprintf("credentials %d", i), err, users.ErrBadCredentials)
		if diff := cmp.Diff(users.Session{}, out); diff != "" {
			t.Errorf("credentials %d: %s", i, diff)
		}
		f := fault.Of(err)
		if first == nil {
			first = f
		}
		if f.Code != first.Code || f.Message != first.Message || f.Kind != first.Kind || len(f.Details) != 0 || f.RetryAfter != 0 {
			t.Errorf("credentials %d can be told from the first: %#v", i, f)
		}
	}
}

// After ten failures in a row the account is closed for a while, to the right
// password too; and so is one that does not exist.
func loginLimit(t *testing.T, s users.Service) {
	signUp(t, s, "wanderer")
	for _, who := range []string{"wanderer", "nobody"} {
		for i := range 10 {
			_, err := s.Login(t.Context(), users.Credentials{Login: who, Password: "wrong password", Client: from(i + 1)})
			is(t, fmt.Sprintf("%s, failure %d", who, i), err, users.ErrBadCredentials)
		}
		_, err := s.Login(t.Context(), users.Credentials{Login: who, Password: password, Client: from(100)})
		tooMany(t, who, err)
	}
	signUp(t, s, "another")
	signIn(t, s, "another")
}

func refresh(t *testing.T, s users.Service) {
	first := signUp(t, s, "wanderer")
	last := first
	for range 3 {
		out, err := s.Refresh(t.Context(), users.Refresh{Token: last.RefreshToken, Client: from(1)})
		if err != nil {
			t.Fatal(err)
		}
		if out.ID != first.ID || out.RefreshToken == last.RefreshToken || out.User.ID != first.User.ID {
			t.Errorf("%+v", out)
		}
		if v := alive(t, s, out.AccessToken); !v.Valid {
			t.Errorf("%+v", v)
		}
		last = out
	}
	moved, err := s.Refresh(t.Context(), users.Refresh{Token: last.RefreshToken, Client: from(2)})
	if err != nil || moved.ID != first.ID {
		t.Errorf("from a new address: %v", err)
	}
}

// Two tabs refresh at once: both get the same successor.
func refreshTwice(t *testing.T, s users.Service) {
	first := signUp(t, s, "wanderer")
	var wg sync.WaitGroup
	var mu sync.Mutex
	tokens := map[string]int{}
	for range 4 {
		wg.Go(func() {
			out, err := s.Refresh(t.Context(), users.Refresh{Token: first.RefreshToken, Client: from(1)})
			if err != nil {
				t.Errorf("tab: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			tokens[out.RefreshToken]++
		})
	}
	wg.Wait()
	if len(tokens) != 1 {
		t.Errorf("%d successors", len(tokens))
	}
	for token := range tokens {
		if _, err := s.Refresh(t.Context(), users.Refresh{Token: token, Client: from(1)}); err != nil {
			t.Errorf("the successor: %v", err)
		}
	}
}

// Somebody else uses a rotated token: the whole family dies, other sessions live.
func refreshReuse(t *testing.T, s users.Service) {
	first := signUp(t, s, "wanderer")
	other := signIn(t, s, "wanderer")
	second, err := s.Refresh(t.Context(), users.Refresh{Token: first.RefreshToken, Client: from(1)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Refresh(t.Context(), users.Refresh{Token: first.RefreshToken, Client: from(66)})
	is(t, "reuse", err, users.ErrBadToken)
	_, err = s.Refresh(t.Context(), users.Refresh{Token: second.RefreshToken, Client: from(1)})
	is(t, "the family", err, users.ErrBadToken)
	becomes(t, s, second.AccessToken, "session_ended")
	becomes(t, s, first.AccessToken, "session_ended")
	if v := alive(t, s, other.AccessToken); !v.Valid {
		t.Errorf("another session: %+v", v)
	}
}

func refreshGarbage(t *testing.T, s users.Service) {
	first := signUp(t, s, "wanderer")
	for _, token := range []string{
		"", ".", "..", "garbage", first.ID, first.AccessToken, strings.Repeat("a", 1<<16), "\xff\xfe\x00",
		first.ID + ".1." + strings.Repeat("A", 43), first.ID + ".0.", first.ID + ".99999999999999999999.x",
		first.RefreshToken[:len(first.RefreshToken)-1], first.RefreshToken + "A",
	} {
		_, err := s.Refresh(t.Context(), users.Refresh{Token: token, Client: from(1)})
		is(t, fmt.Sprintf("%.40q", token), err, users.ErrBadToken)
	}
	if v := alive(t, s, first.AccessToken); !v.Valid {
		t.Errorf("garbage ended the session: %+v", v)
	}
	if _, err := s.Refresh(t.Context(), users.Refresh{Token: first.RefreshToken, Client: from(1)}); err != nil {
		t.Errorf("the real one: %v", err)
	}
}

func logout(t *testing.T, s users.Service) {
	mine, other := signUp(t, s, "wanderer"), signUp(t, s, "stranger")
	if err := s.Logout(t.Context(), other.User.ID, mine.ID); err != nil {
		t.Errorf("a stranger's: %v", err)
	}
	if v := alive(t, s, mine.AccessToken); !v.Valid {
		t.Errorf("a stranger ended it: %+v", v)
	}
	for range 2 {
		if err := s.Logout(t.Context(), mine.User.ID, mine.ID); err != nil {
			t.Errorf("logout: %v", err)
		}
	}
	becomes(t, s, mine.AccessToken, "session_ended")
	_, err := s.Refresh(t.Context(), users.Refresh{Token: mine.RefreshToken, Client: from(1)})
	is(t, "refresh after logout", err, users.ErrBadToken)
	for _, id := range []string{"", "nope", "a\x00b", strings.Repeat("s", 1000)} {
		if err := s.Logout(t.Context(), mine.User.ID, id); err != nil {
			t.Errorf("logout of %.20q: %v", id, err)
		}
	}
	if v := alive(t, s, other.AccessToken); !v.Valid {
		t.Errorf("another user: %+v", v)
	}
}

func validateGarbage(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer")
	for _, token := range []string{"", "garbage", "a.b.c", mine.RefreshToken, mine.AccessToken + "x", strings.Repeat("a", 1<<16), "\xff"} {
		v := alive(t, s, token)
		want := users.Validation{Reason: v.Reason}
		if diff := cmp.Diff(want, v); diff != "" || v.Reason == "" {
			t.Errorf("%.30q: %+v", token, v)
		}
	}
}
