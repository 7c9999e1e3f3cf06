package userssvc_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/modules/users"
	"anihub/modules/users/userssvc"
	"anihub/modules/users/userstest"
	"anihub/platform/auth"
	"anihub/platform/documents"
)

func refresh(s users.Service, token, address string) (users.Session, error) {
	return s.Refresh(context.Background(), users.Refresh{Token: token, Client: from(address)})
}

func TestLivesAgreeWithTheDoor(t *testing.T) {
	t.Parallel()
	if auth.AccessLife != users.AccessTTL {
		t.Errorf("tokens live %s, the door says %s", auth.AccessLife, users.AccessTTL)
	}
}

// The same client gets the same successor for ten seconds, then it is theft.
func TestGraceOfARotatedToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		first := signUp(t, h, "wanderer")
		second, err := refresh(h, first.RefreshToken, "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(9 * time.Second)
		again, err := refresh(h, first.RefreshToken, "192.0.2.1")
		if err != nil || again.RefreshToken != second.RefreshToken || again.ID != second.ID {
			t.Errorf("after 9 s: %v", err)
		}
		time.Sleep(2 * time.Second)
		if _, err := refresh(h, first.RefreshToken, "192.0.2.1"); !errors.Is(err, users.ErrBadToken) {
			t.Errorf("after 11 s: %v", err)
		}
		if _, err := refresh(h, second.RefreshToken, "192.0.2.1"); !errors.Is(err, users.ErrBadToken) {
			t.Errorf("the family: %v", err)
		}
		want := []ended{{first.User.ID, first.ID, users.EndedReuse}}
		if diff := cmp.Diff(want, h.log.ended(t)); diff != "" {
			t.Error(diff)
		}
	})
}

// A token of two generations ago is theft even from the same client at once.
func TestGraceIsForOneGeneration(t *testing.T) {
	t.Parallel()
	h := open(t)
	first := signUp(t, h, "wanderer")
	second, err := refresh(h, first.RefreshToken, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := refresh(h, second.RefreshToken, "192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	if _, err := refresh(h, first.RefreshToken, "192.0.2.1"); !errors.Is(err, users.ErrBadToken) {
		t.Errorf("got %v", err)
	}
	if got := h.log.ended(t); len(got) != 1 || got[0].Reason != users.EndedReuse {
		t.Errorf("log %v", got)
	}
}

func TestSessionDiesOfAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		first := signUp(t, h, "wanderer")
		time.Sleep(users.RefreshTTL - time.Minute)
		second, err := refresh(h, first.RefreshToken, "192.0.2.1")
		if err != nil {
			t.Fatalf("a minute before: %v", err)
		}
		time.Sleep(users.RefreshTTL - time.Minute)
		if _, err = refresh(h, second.RefreshToken, "192.0.2.1"); err != nil {
			t.Fatalf("each refresh begins anew: %v", err)
		}
		last := signUp(t, h, "another")
		time.Sleep(users.RefreshTTL)
		if _, err := refresh(h, last.RefreshToken, "192.0.2.1"); !errors.Is(err, users.ErrBadToken) {
			t.Errorf("after its life: %v", err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		time.Sleep(time.Hour + time.Minute)
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := count(t, h.store, "sessions"); n != 0 {
			t.Errorf("%d sessions left", n)
		}
	})
}

func count(t *testing.T, s *store, name string) int {
	t.Helper()
	n := 0
	for _, err := range s.raw(t, name).Scan(context.Background(), documents.Scan{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// What one instance ends is dead on the other within a second.
func TestLogoutReachesOtherInstances(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		here := open(t)
		there := openOn(t, here.store)
		for _, tt := range []struct {
			login, reason string
			end           func(users.Session) error
		}{
			{"wanderer", "session_ended", func(s users.Session) error { return here.Logout(t.Context(), s.User.ID, s.ID) }},
			{"stranger", "banned", func(s users.Session) error {
				_, err := here.SetBanned(t.Context(), s.User.Login, true)
				return err
			}},
		} {
			mine := signUp(t, here, tt.login)
			validation := func(s users.Service) users.Validation {
				v, err := s.Validate(context.Background(), mine.AccessToken)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			if !validation(here).Valid || !validation(there).Valid {
				t.Fatal("not alive to begin with")
			}
			if err := tt.end(mine); err != nil {
				t.Fatal(err)
			}
			if v := validation(here); v.Valid || v.Reason != tt.reason {
				t.Errorf("%s here, at once: %+v", tt.login, v)
			}
			time.Sleep(time.Second)
			if v := validation(there); v.Valid || v.Reason != tt.reason {
				t.Errorf("%s there, after a second: %+v", tt.login, v)
			}
		}
	})
}

func TestRoleOfATokenFollowsTheAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		mine := signUp(t, h, "wanderer")
		for _, on := range []bool{true, false} {
			if _, err := h.SetRole(t.Context(), "wanderer", users.RoleAdmin, on); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			v, err := h.Validate(t.Context(), mine.AccessToken)
			if err != nil || slices.Contains(v.Roles, users.RoleAdmin) != on {
				t.Errorf("%v: %+v, %v", on, v, err)
			}
		}
	})
}

// The memo answers for less than a second, and the store is asked once for it.
func TestValidateAsksOncePerSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		mine := signUp(t, h, "wanderer")
		ask := func() int64 {
			before := h.store.asked.Load()
			if v, err := h.Validate(context.Background(), mine.AccessToken); err != nil || !v.Valid {
				t.Fatalf("%+v, %v", v, err)
			}
			return h.store.asked.Load() - before
		}
		if n := ask(); n != 2 {
			t.Errorf("first: %d questions", n)
		}
		if n := ask(); n != 0 {
			t.Errorf("second: %d questions", n)
		}
		time.Sleep(time.Second)
		if n := ask(); n != 2 {
			t.Errorf("a second later: %d questions", n)
		}
	})
}

// A store that is down says nothing about a token.
func TestStoreDown(t *testing.T) {
	t.Parallel()
	h := open(t)
	mine := signUp(t, h, "wanderer")
	h.store.down.Store(true)
	userstest.Unavailable(t, h, mine)
	if v, err := h.Validate(t.Context(), "garbage"); err != nil || v.Reason != auth.Malformed {
		t.Errorf("what needs no store: %+v, %v", v, err)
	}
	h.store.down.Store(false)
	if v, err := h.Validate(t.Context(), mine.AccessToken); err != nil || !v.Valid {
		t.Errorf("healed: %+v, %v", v, err)
	}
	for range 20 { // none of the attempts while it was down counts
		if err := signIn(h, "wanderer", password, "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
	}
}

// While the log is dead sessions end all the same; their end is announced later,
// by whichever instance lives.
func TestEndIsAnnouncedLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		mine := signUp(t, h, "wanderer")
		h.log.kill(true)
		if err := h.Logout(t.Context(), mine.User.ID, mine.ID); err != nil {
			t.Fatal(err)
		}
		if v, err := h.Validate(t.Context(), mine.AccessToken); err != nil || v.Reason != "session_ended" {
			t.Errorf("%+v, %v", v, err)
		}
		if _, err := refresh(h, mine.RefreshToken, "192.0.2.1"); !errors.Is(err, users.ErrBadToken) {
			t.Errorf("refresh: %v", err)
		}
		other := openOn(t, h.store)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- other.Run(ctx) }()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		want := []ended{{mine.User.ID, mine.ID, users.EndedLogout}}
		if diff := cmp.Diff(want, other.log.ended(t)); diff != "" {
			t.Error(diff)
		}
		if n := count(t, h.store, "sessions"); n != 0 {
			t.Errorf("%d sessions left", n)
		}
	})
}

func TestBanTellsEverySession(t *testing.T) {
	t.Parallel()
	h := open(t)
	first := signUp(t, h, "wanderer")
	if err := signIn(h, "wanderer", password, "192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.SetBanned(t.Context(), "wanderer", true); err != nil {
		t.Fatal(err)
	}
	got := h.log.ended(t)
	if len(got) != 2 || got[0].Reason != users.EndedBanned || got[1].User != first.User.ID {
		t.Errorf("log %v", got)
	}
}

func TestOldestSessionMakesRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		first := signUp(t, h, "wanderer")
		for range 100 {
			time.Sleep(time.Second)
			if err := signIn(h, "wanderer", password, "192.0.2.1"); err != nil {
				t.Fatal(err)
			}
		}
		if n := count(t, h.store, "sessions"); n != 100 {
			t.Errorf("%d sessions", n)
		}
		want := []ended{{first.User.ID, first.ID, users.EndedCrowd}}
		if diff := cmp.Diff(want, h.log.ended(t)); diff != "" {
			t.Error(diff)
		}
	})
}

// A refresh token outlives the key that made it, but cannot be told twice then.
func TestRefreshAcrossRotationOfKeys(t *testing.T) {
	t.Parallel()
	h := open(t)
	first := signUp(t, h, "wanderer")
	tokens := func(current string, previous ...string) func(*userssvc.Config, *userssvc.Deps) {
		var old []auth.Key
		for _, p := range previous {
			old = append(old, auth.NewKey([]byte(p)))
		}
		keys, err := auth.NewKeys(auth.NewKey([]byte(current)), old...)
		if err != nil {
			t.Fatal(err)
		}
		return func(_ *userssvc.Config, d *userssvc.Deps) { d.Tokens = auth.NewUsers(keys) }
	}
	const before, after = "qK3v9ZpXw7Lr2TnB8sYdHfJc5MgAeUoQ", "mV6xRt4KbNq8WzJh2LpYcDf9SgTaEuXo"
	during := openOn(t, h.store, tokens(after, before))
	second, err := refresh(during, first.RefreshToken, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := refresh(during, first.RefreshToken, "192.0.2.1"); err != nil || again.RefreshToken != second.RefreshToken {
		t.Errorf("a tab that refreshes at once: %v", err)
	}
	later := openOn(t, h.store, tokens(after))
	if _, err := refresh(later, first.RefreshToken, "192.0.2.66"); !errors.Is(err, users.ErrBadToken) {
		t.Errorf("made by a key that is gone: %v", err)
	}
	if _, err := refresh(later, second.RefreshToken, "192.0.2.1"); err != nil {
		t.Errorf("the current token: %v", err)
	}
}

// Neither passwords nor tokens lie in the store as they are.
func TestNothingSecretIsStored(t *testing.T) {
	t.Parallel()
	h := open(t)
	mine := signUp(t, h, "wanderer")
	for _, name := range []string{"users", "sessions"} {
		for d, err := range h.store.raw(t, name).Scan(t.Context(), documents.Scan{}) {
			if err != nil {
				t.Fatal(err)
			}
			raw := map[string]any{}
			if err := d.Decode(&raw); err != nil {
				t.Fatal(err)
			}
			for key, v := range raw {
				if s, ok := v.(string); ok && (s == password || s == mine.RefreshToken || s == mine.AccessToken) {
					t.Errorf("%s.%s is a secret", name, key)
				}
			}
		}
	}
}

// Fields that a newer AniHub wrote survive what this one writes.
func TestUnknownFieldsAreKept(t *testing.T) {
	t.Parallel()
	h := open(t)
	mine := signUp(t, h, "wanderer")
	accounts := h.store.raw(t, "users")
	raw := map[string]any{}
	version, err := accounts.Get(t.Context(), mine.User.ID, &raw)
	if err != nil {
		t.Fatal(err)
	}
	raw["quiet_hours"] = map[string]any{"from": int64(23), "to": int64(7)}
	if err := accounts.Replace(t.Context(), mine.User.ID, version, raw); err != nil {
		t.Fatal(err)
	}
	name := "Somebody"
	if _, err := h.UpdateProfile(t.Context(), mine.User.ID, users.Profile{Name: &name}); err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	if _, err := accounts.Get(t.Context(), mine.User.ID, &got); err != nil {
		t.Fatal(err)
	}
	hours := map[string]any{}
	for key, v := range got["quiet_hours"].(bson.M) {
		hours[key] = v
	}
	if diff := cmp.Diff(raw["quiet_hours"], any(hours)); diff != "" || got["name"] != name {
		t.Errorf("%v %s", got["name"], diff)
	}
}
