package userstest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/users"
	"anihub/platform/fault"
)

func ban(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer")
	u, err := s.SetBanned(t.Context(), "Wanderer@example.org", true)
	if err != nil || !u.Banned || u.ID != mine.User.ID {
		t.Fatalf("%+v, %v", u, err)
	}
	becomes(t, s, mine.AccessToken, "banned")
	_, err = s.Login(t.Context(), users.Credentials{Login: "wanderer", Password: password, Client: from(1)})
	is(t, "right password", err, users.ErrBanned)
	_, err = s.Login(t.Context(), users.Credentials{Login: "wanderer", Password: "wrong password", Client: from(1)})
	is(t, "wrong password", err, users.ErrBadCredentials)
	_, err = s.Refresh(t.Context(), users.Refresh{Token: mine.RefreshToken, Client: from(1)})
	if !errors.Is(err, users.ErrBanned) && !errors.Is(err, users.ErrBadToken) { // the ban ended the session
		t.Errorf("refresh: %v", err)
	}
	_, err = s.Refresh(t.Context(), users.Refresh{Token: "x" + mine.RefreshToken, Client: from(1)})
	is(t, "garbage", err, users.ErrBadToken)
	if u, err = s.SetBanned(t.Context(), "wanderer", false); err != nil || u.Banned {
		t.Fatalf("pardon: %+v, %v", u, err)
	}
	signIn(t, s, "wanderer")
	_, err = s.SetBanned(t.Context(), "nobody", true)
	is(t, "nobody", err, users.ErrNotFound)
}

func profile(t *testing.T, s users.Service) {
	mine, other := signUp(t, s, "wanderer"), signUp(t, s, "stranger")
	id := mine.User.ID
	set := func(p users.Profile) (users.User, error) { return s.UpdateProfile(t.Context(), id, p) }
	name, email, empty := "Странник 🦊", "New.Address@Example.org", ""

	u, err := set(users.Profile{Name: &name})
	if err != nil || u.Name != name || u.Email != mine.User.Email || u.Login != "wanderer" {
		t.Errorf("name: %+v, %v", u, err)
	}
	u, err = set(users.Profile{Email: &email})
	if err != nil || u.Name != name || u.Email != email {
		t.Errorf("e-mail: %+v, %v", u, err)
	}
	signIn(t, s, "new.address@example.org")
	if u, err = set(users.Profile{}); err != nil || u.Name != name || u.Email != email {
		t.Errorf("nothing: %+v, %v", u, err)
	}
	if u, err = set(users.Profile{Name: &empty}); err != nil || u.Name != "" {
		t.Errorf("no name: %+v, %v", u, err)
	}
	got, err := s.User(t.Context(), id)
	if diff := cmp.Diff(u, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	long, bad := strings.Repeat("я", 65), "nope"
	_, err = set(users.Profile{Name: &long})
	is(t, "long name", err, users.ErrUnacceptable)
	_, err = set(users.Profile{Email: &bad})
	is(t, "bad e-mail", err, users.ErrUnacceptable)
	endless := strings.Repeat("a", 60) + "@" + strings.Repeat("mail.", 40) + "example.org" // 272 bytes, each label short enough
	_, err = set(users.Profile{Email: &endless})
	is(t, "endless e-mail", err, users.ErrUnacceptable)
	taken := strings.ToUpper(other.User.Email)
	_, err = set(users.Profile{Email: &taken})
	is(t, "taken e-mail", err, users.ErrAccountExists)
	same := strings.ToUpper(email)
	if u, err = set(users.Profile{Email: &same}); err != nil || u.Email != same {
		t.Errorf("own e-mail in other case: %+v, %v", u, err)
	}
	for _, id := range []string{"", "nobody", strings.Repeat("a", 20), "a\x00b", strings.Repeat("x", 1000)} {
		_, err = s.UpdateProfile(t.Context(), id, users.Profile{Name: &name})
		is(t, "update nobody", err, users.ErrNotFound)
		_, err = s.User(t.Context(), id)
		is(t, "nobody", err, users.ErrNotFound)
	}
}

func role(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer")
	for range 2 {
		u, err := s.SetRole(t.Context(), "WANDERER", users.RoleAdmin, true)
		slices.Sort(u.Roles)
		if diff := cmp.Diff([]string{users.RoleAdmin, users.RoleUser}, u.Roles); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
	}
	if v := alive(t, s, signIn(t, s, "wanderer").AccessToken); !slices.Contains(v.Roles, users.RoleAdmin) {
		t.Errorf("after the change: %+v", v)
	}
	u, err := s.SetRole(t.Context(), mine.User.Email, users.RoleAdmin, false)
	if diff := cmp.Diff([]string{users.RoleUser}, u.Roles); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	_, err = s.SetRole(t.Context(), "wanderer", "root", true)
	is(t, "unknown role", err, users.ErrUnacceptable)
	_, err = s.SetRole(t.Context(), "wanderer", users.RoleUser, false)
	is(t, "every user is one", err, users.ErrUnacceptable)
	_, err = s.SetRole(t.Context(), "nobody", users.RoleAdmin, true)
	is(t, "nobody", err, users.ErrNotFound)
}

func subscriptions(t *testing.T, s users.Service) {
	mine, other := signUp(t, s, "wanderer").User.ID, signUp(t, s, "stranger").User.ID
	list := func(id string) []int {
		all, err := s.Subscriptions(t.Context(), id)
		if err != nil || all == nil {
			t.Fatalf("list: %v, %v", all, err)
		}
		ids := []int{}
		for i, sub := range all {
			if sub.Since.IsZero() || i > 0 && sub.Since.After(all[i-1].Since) {
				t.Errorf("not newest first: %v", all)
			}
			ids = append(ids, sub.TitleID)
		}
		slices.Sort(ids)
		return ids
	}
	if got := list(mine); len(got) != 0 {
		t.Errorf("at first: %v", got)
	}
	for _, title := range []int{30, 10, 20} {
		first, err := s.Subscribe(t.Context(), mine, title)
		if err != nil || first.TitleID != title {
			t.Fatalf("%+v, %v", first, err)
		}
		again, err := s.Subscribe(t.Context(), mine, title)
		if diff := cmp.Diff(first, again); diff != "" || err != nil {
			t.Errorf("again: %v %s", err, diff)
		}
	}
	if diff := cmp.Diff([]int{10, 20, 30}, list(mine)); diff != "" {
		t.Error(diff)
	}
	for range 2 {
		if err := s.Unsubscribe(t.Context(), mine, 20); err != nil {
			t.Error(err)
		}
	}
	if err := s.Unsubscribe(t.Context(), other, 30); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]int{10, 30}, list(mine)); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []int{0, -1} {
		_, err := s.Subscribe(t.Context(), mine, bad)
		is(t, "title", err, users.ErrUnacceptable)
	}
	for _, id := range []string{"", "nobody", strings.Repeat("a", 20), "a:1", "a\x00b"} {
		_, err := s.Subscribe(t.Context(), id, 1)
		is(t, "nobody", err, users.ErrNotFound)
		if got := list(id); len(got) != 0 {
			t.Errorf("of nobody: %v", got)
		}
		if err := s.Unsubscribe(t.Context(), id, 1); err != nil {
			t.Error(err)
		}
	}
}

// What crosses the door is the caller's to change.
func copies(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer")
	id := mine.User.ID
	mine.User.Roles[0] = "changed"
	u, err := s.User(t.Context(), id)
	if err != nil || u.Roles[0] != users.RoleUser {
		t.Errorf("%+v, %v", u, err)
	}
	u.Roles[0] = "changed"
	v := alive(t, s, mine.AccessToken)
	v.Roles[0] = "changed"
	if v = alive(t, s, mine.AccessToken); v.Roles[0] != users.RoleUser {
		t.Errorf("%+v", v)
	}
	if _, err := s.Subscribe(t.Context(), id, 1); err != nil {
		t.Fatal(err)
	}
	all, err := s.Subscriptions(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	all[0].TitleID = 99
	if all, err = s.Subscriptions(t.Context(), id); err != nil || all[0].TitleID != 1 {
		t.Errorf("%v, %v", all, err)
	}
}

func canceled(t *testing.T, s users.Service) {
	mine := signUp(t, s, "wanderer")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range Everything(ctx, s, mine) {
		is(t, name, err, context.Canceled)
	}
	if v := alive(t, s, mine.AccessToken); !v.Valid {
		t.Errorf("something was done all the same: %+v", v)
	}
}

// Everything calls each method of the door once, on behalf of a signed-in user,
// and returns what failed with what.
func Everything(ctx context.Context, s users.Service, mine users.Session) map[string]error {
	name := "Somebody"
	errs := map[string]error{}
	_, errs["Register"] = s.Register(ctx, users.Registration{Login: "newcomer", Email: "n@example.org", Password: password, Client: from(9)})
	_, errs["Login"] = s.Login(ctx, users.Credentials{Login: "wanderer", Password: password, Client: from(9)})
	_, errs["Refresh"] = s.Refresh(ctx, users.Refresh{Token: mine.RefreshToken, Client: from(9)})
	_, errs["Validate"] = s.Validate(ctx, mine.AccessToken)
	_, errs["User"] = s.User(ctx, mine.User.ID)
	_, errs["UpdateProfile"] = s.UpdateProfile(ctx, mine.User.ID, users.Profile{Name: &name})
	_, errs["SetRole"] = s.SetRole(ctx, "wanderer", users.RoleAdmin, true)
	_, errs["SetBanned"] = s.SetBanned(ctx, "wanderer", false)
	_, errs["Subscriptions"] = s.Subscriptions(ctx, mine.User.ID)
	_, errs["Subscribe"] = s.Subscribe(ctx, mine.User.ID, 7)
	errs["Unsubscribe"] = s.Unsubscribe(ctx, mine.User.ID, 7)
	everythingOfTitles(ctx, s, mine.User.ID, errs)
	errs["Logout"] = s.Logout(ctx, mine.User.ID, mine.ID)
	return errs
}

// Unavailable holds a service that cannot do its work to saying so: ErrUnavailable
// or a timeout from each method, and never an answer about a token.
func Unavailable(t *testing.T, s users.Service, mine users.Session) {
	t.Helper()
	for name, err := range Everything(t.Context(), s, mine) {
		if !errors.Is(err, users.ErrUnavailable) && !errors.Is(err, fault.ErrTimeout) {
			t.Errorf("%s: got %v, want unavailable or a timeout", name, err)
		}
	}
}
