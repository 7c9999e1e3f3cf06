package userstest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"anihub/modules/users"
)

const another = "battery staple 9"

func sessions(t *testing.T, s users.Service) {
	first, other := signUp(t, s, "wanderer"), signUp(t, s, "stranger")
	second, err := s.Login(t.Context(), users.Credentials{
		Login: "wanderer", Password: password, Client: users.Client{Address: "192.0.2.9", UserAgent: "contract/2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.Sessions(t.Context(), first.User.ID)
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	i := slices.IndexFunc(all, func(x users.SessionInfo) bool { return x.ID == second.ID })
	if i < 0 {
		t.Fatalf("%s is not in %+v", second.ID, all)
	}
	x := all[i]
	if x.Address != "192.0.2.9" || x.UserAgent != "contract/2" || x.CreatedAt.IsZero() || x.UsedAt.Before(x.CreatedAt) || !x.ExpiresAt.Equal(second.RefreshExpires) {
		t.Errorf("session %+v", x)
	}
	if all, err := s.Sessions(t.Context(), other.User.ID); err != nil || len(all) != 1 || all[0].ID != other.ID {
		t.Errorf("another's: %+v, %v", all, err)
	}
	if err := s.Logout(t.Context(), first.User.ID, second.ID); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Sessions(t.Context(), first.User.ID); err != nil || len(all) != 1 || all[0].ID != first.ID {
		t.Errorf("after a logout: %+v, %v", all, err)
	}
	for _, nobody := range []string{"", "nobody", strings.Repeat("x", 1000), "a\x00b"} {
		if all, err := s.Sessions(t.Context(), nobody); err != nil || all == nil || len(all) != 0 {
			t.Errorf("of %.10q: %+v, %v", nobody, all, err)
		}
	}
}

func endSessions(t *testing.T, s users.Service) {
	first, other := signUp(t, s, "wanderer"), signUp(t, s, "stranger")
	second, third := signIn(t, s, "wanderer"), signIn(t, s, "wanderer")
	if err := s.EndSessions(t.Context(), first.User.ID, second.ID); err != nil {
		t.Fatal(err)
	}
	becomes(t, s, first.AccessToken, "session_ended")
	becomes(t, s, third.AccessToken, "session_ended")
	if !alive(t, s, second.AccessToken).Valid || !alive(t, s, other.AccessToken).Valid {
		t.Error("the kept one or another user's ended")
	}
	for range 2 {
		if err := s.EndSessions(t.Context(), first.User.ID, ""); err != nil {
			t.Error(err)
		}
	}
	becomes(t, s, second.AccessToken, "session_ended")
	_, err := s.Refresh(t.Context(), users.Refresh{Token: second.RefreshToken, Client: from(1)})
	is(t, "refresh", err, users.ErrBadToken)
	is(t, "of nobody", s.EndSessions(t.Context(), "nobody", ""), nil)
	signIn(t, s, "wanderer")
}

func changePassword(t *testing.T, s users.Service) {
	first := signUp(t, s, "wanderer")
	second := signIn(t, s, "wanderer")
	change := func(current, next string) error {
		return s.ChangePassword(t.Context(), users.PasswordChange{
			UserID: first.User.ID, SessionID: second.ID, Current: current, New: next, Client: from(1),
		})
	}
	if err := change(password, another); err != nil {
		t.Fatal(err)
	}
	becomes(t, s, first.AccessToken, "session_ended")
	_, err := s.Refresh(t.Context(), users.Refresh{Token: first.RefreshToken, Client: from(1)})
	is(t, "refresh of another session", err, users.ErrBadToken)
	if !alive(t, s, second.AccessToken).Valid {
		t.Error("this session ended")
	}
	if second, err = s.Refresh(t.Context(), users.Refresh{Token: second.RefreshToken, Client: from(1)}); err != nil {
		t.Errorf("refresh of this session: %v", err)
	}
	_, err = s.Login(t.Context(), users.Credentials{Login: "wanderer", Password: password, Client: from(1)})
	is(t, "the old password", err, users.ErrBadCredentials)
	fresh, err := s.Login(t.Context(), users.Credentials{Login: "wanderer", Password: another, Client: from(1)})
	if err != nil {
		t.Fatalf("the new password: %v", err)
	}
	is(t, "the old password once more", change(password, "yet another 77"), users.ErrBadPassword)
	if err := change(another, "yet another 77"); err != nil {
		t.Errorf("again: %v", err)
	}
	becomes(t, s, fresh.AccessToken, "session_ended")
	if !alive(t, s, second.AccessToken).Valid {
		t.Error("this session ended the second time")
	}
}

func changePasswordRefused(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer")
	for _, next := range []string{"", "short", strings.Repeat("x", 129), strings.Repeat("x", 1<<20), "wanderer", "wanderer@example.org"} {
		err := s.ChangePassword(t.Context(), users.PasswordChange{UserID: mine.User.ID, SessionID: mine.ID, Current: password, New: next, Client: from(1)})
		is(t, fmt.Sprintf("%.20q", next), err, users.ErrUnacceptable)
		if field(err) != "password" {
			t.Errorf("%.20q: field %v", next, field(err))
		}
	}
	is(t, "a wrong password", s.ChangePassword(t.Context(), users.PasswordChange{UserID: mine.User.ID, Current: "wrong password", New: another, Client: from(1)}), users.ErrBadPassword)
	is(t, "nobody's", s.ChangePassword(t.Context(), users.PasswordChange{UserID: "nobody", Current: password, New: another, Client: from(1)}), users.ErrNotFound)
	if !alive(t, s, mine.AccessToken).Valid {
		t.Error("a refused change ended the session")
	}
	signIn(t, s, "wanderer")
}

// proofLimit: whoever holds a session cannot guess its password without end.
func proofLimit(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer")
	var err error
	for i := range 11 {
		err = s.ChangePassword(t.Context(), users.PasswordChange{UserID: mine.User.ID, SessionID: mine.ID, Current: "wrong password", New: another, Client: from(i)})
		if i < 10 {
			is(t, fmt.Sprint("guess ", i), err, users.ErrBadPassword)
		}
	}
	is(t, "one too many", err, users.ErrTooMany)
	is(t, "the right one, too late", s.DeleteAccount(t.Context(), users.Deletion{UserID: mine.User.ID, Password: password, Client: from(1)}), users.ErrTooMany)
	signIn(t, s, "wanderer") // what somebody guesses within does not lock the door
}

func deleteAccount(t *testing.T, s users.Service) {
	mine, other := signUp(t, s, "wanderer"), signUp(t, s, "stranger")
	second := signIn(t, s, "wanderer")
	if _, err := s.Subscribe(t.Context(), mine.User.ID, 7); err != nil {
		t.Fatal(err)
	}
	gone := users.Deletion{UserID: mine.User.ID, Password: "wrong password", Client: from(1)}
	is(t, "a wrong password", s.DeleteAccount(t.Context(), gone), users.ErrBadPassword)
	if !alive(t, s, mine.AccessToken).Valid {
		t.Error("a refused deletion ended the session")
	}
	gone.Password = password
	if err := s.DeleteAccount(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	becomes(t, s, mine.AccessToken, "session_ended")
	becomes(t, s, second.AccessToken, "session_ended")
	is(t, "again", s.DeleteAccount(t.Context(), gone), users.ErrNotFound)
	_, err := s.User(t.Context(), mine.User.ID)
	is(t, "the user", err, users.ErrNotFound)
	_, err = s.Subscribe(t.Context(), mine.User.ID, 8)
	is(t, "subscribe", err, users.ErrNotFound)
	_, err = s.SetBanned(t.Context(), "wanderer", true)
	is(t, "ban", err, users.ErrNotFound)
	_, err = s.ResetPassword(t.Context(), "deleted:"+mine.User.ID, another)
	is(t, "reset", err, users.ErrNotFound)
	if all, err := s.Subscriptions(t.Context(), mine.User.ID); err != nil || len(all) != 0 {
		t.Errorf("subscriptions %v, %v", all, err)
	}
	if all, err := s.Users(t.Context(), users.UserPage{Limit: 10}); err != nil || len(all) != 1 || all[0].ID != other.User.ID {
		t.Errorf("users %+v, %v", all, err)
	}
	_, err = s.Refresh(t.Context(), users.Refresh{Token: second.RefreshToken, Client: from(1)})
	is(t, "refresh", err, users.ErrBadToken)
	_, err = s.Login(t.Context(), users.Credentials{Login: "wanderer", Password: password, Client: from(1)})
	is(t, "login", err, users.ErrBadCredentials)
	if again := signUp(t, s, "wanderer"); again.User.ID == mine.User.ID {
		t.Error("the same id again")
	}
	if !alive(t, s, other.AccessToken).Valid {
		t.Error("another user is gone too")
	}
}

func resetPassword(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer")
	u, err := s.ResetPassword(t.Context(), "WANDERER@example.org", another)
	if err != nil || u.ID != mine.User.ID || u.Login != "wanderer" {
		t.Fatalf("%+v, %v", u, err)
	}
	becomes(t, s, mine.AccessToken, "session_ended")
	_, err = s.Refresh(t.Context(), users.Refresh{Token: mine.RefreshToken, Client: from(1)})
	is(t, "refresh", err, users.ErrBadToken)
	_, err = s.Login(t.Context(), users.Credentials{Login: "wanderer", Password: password, Client: from(1)})
	is(t, "the old password", err, users.ErrBadCredentials)
	if _, err = s.Login(t.Context(), users.Credentials{Login: "wanderer", Password: another, Client: from(1)}); err != nil {
		t.Errorf("the new password: %v", err)
	}
	_, err = s.ResetPassword(t.Context(), "wanderer", "short")
	is(t, "a bad password", err, users.ErrUnacceptable)
	_, err = s.ResetPassword(t.Context(), "nobody", another)
	is(t, "nobody", err, users.ErrNotFound)
}

func userPages(t *testing.T, s users.Service) {
	want := map[string]bool{}
	for i := range 5 {
		want[signUp(t, s, fmt.Sprintf("user%d", i)).User.ID] = true
	}
	var all []users.User
	for page := (users.UserPage{Limit: 2}); ; {
		got, err := s.Users(t.Context(), page)
		if err != nil || len(got) > 2 {
			t.Fatalf("%+v, %v", got, err)
		}
		if len(got) == 0 {
			break
		}
		all = append(all, got...)
		page.After = got[len(got)-1].ID
	}
	for _, u := range all {
		if !want[u.ID] || !strings.HasPrefix(u.Login, "user") || time.Since(u.CreatedAt) > time.Hour {
			t.Errorf("%+v", u)
		}
		delete(want, u.ID)
	}
	if len(want) > 0 || len(all) != 5 {
		t.Errorf("%d users, missing %v", len(all), want)
	}
	for _, p := range []users.UserPage{{}, {Limit: -1}, {Limit: users.MaxUserPage + 1}, {Limit: 1, After: "x y"}} {
		if _, err := s.Users(t.Context(), p); !errors.Is(err, users.ErrUnacceptable) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
