package userssvc_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"anihub/modules/users"
	"anihub/modules/users/userssvc"
	"anihub/platform/auth"
	"anihub/platform/fault"
)

func development(_ *userssvc.Config, d *userssvc.Deps) { d.Development = true }

func TestFirstInDevelopmentIsAdmin(t *testing.T) {
	t.Parallel()
	h := open(t, development)
	if _, err := h.Register(t.Context(), users.Registration{Login: "x"}); err == nil {
		t.Fatal("registered")
	}
	first, second := signUp(t, h, "wanderer"), signUp(t, h, "stranger")
	if !slices.Contains(first.User.Roles, users.RoleAdmin) || slices.Contains(second.User.Roles, users.RoleAdmin) {
		t.Errorf("first %v, second %v", first.User.Roles, second.User.Roles)
	}
}

func TestOneAdminOfManyAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t, development)
	var wg sync.WaitGroup
	var mu sync.Mutex
	admins := 0
	for i := range 9 {
		wg.Go(func() {
			out := signUp(t, h, fmt.Sprintf("racer%d", i))
			mu.Lock()
			defer mu.Unlock()
			if slices.Contains(out.User.Roles, users.RoleAdmin) {
				admins++
			}
		})
	}
	wg.Wait()
	if admins != 1 {
		t.Errorf("%d admins", admins)
	}
}

func TestNobodyIsAdminByBeingLate(t *testing.T) {
	t.Parallel()
	h := open(t)
	if got := signUp(t, h, "wanderer").User.Roles; slices.Contains(got, users.RoleAdmin) {
		t.Errorf("in production: %v", got)
	}
	later := openOn(t, h.store, development)
	if got := signUp(t, later, "stranger").User.Roles; slices.Contains(got, users.RoleAdmin) {
		t.Errorf("in an installation that has users: %v", got)
	}
}

func TestLogins(t *testing.T) {
	t.Parallel()
	h := open(t, unlimited)
	register := func(login string, n int) error {
		_, err := h.Register(t.Context(), users.Registration{
			Login: login, Email: fmt.Sprintf("n%d@example.org", n), Password: password, Client: from("192.0.2.1"),
		})
		return err
	}
	for i, good := range []string{
		"abc", "A.b_c-9", strings.Repeat("x", 32), "странник", "Ёжик", "さくら桜サクラ", "한국어", "हिन्दी", "ﬁsherman", "ΑΘΗΝΑ", "قمر",
		"coco", "рома_2", "1000",
	} {
		if err := register(good, i); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for i, taken := range []string{
		"ABC", "ａｂｃ", "a.B_C-9", "СТРАННИК", "Е\u0308жик", "fisherman", "さくら桜ｻｸﾗ",
		"сосо", "СОСО", "αθηνα", "ⓐbc", "１０００", "c0co", "ᴀbc", "loOo", "авс", "ΑΒϹ",
	} {
		if err := register(taken, 100+i); !errors.Is(err, users.ErrAccountExists) {
			t.Errorf("%q is not taken: %v", taken, err)
		}
	}
	for i, bad := range []string{
		"ab", "...", "___", "-_.", "a b", "раypal", "gооgle", "ad\u200dmin", "ad\u00admin", "ad\ufe0fmin", "\u3164\u3164\u3164", "\u115f\u1160abc",
		"a\u0300\u0301\u0302\u0303bc", "\u0301abc", "user@host", "user/host", "<script>", "🦊🦊🦊", "ab\tc", "ab\n", "abc\xff", "ﷺ", "$gt", "a\u2028b",
		"\u2066abc\u2069", "абв\u0456\u0069", strings.Repeat("x", 33), strings.Repeat("я", 33),
	} {
		if err := register(bad, 200+i); !errors.Is(err, users.ErrUnacceptable) || fault.Of(err).Details["field"] != "login" {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := signIn(h, "СоСо", password, "192.0.2.1"); err != nil {
		t.Errorf("a login is found by whatever it looks like: %v", err)
	}
}

func unlimited(c *userssvc.Config, _ *userssvc.Deps) {
	c.LoginFailures, c.LoginFailuresPerAddress, c.RegistrationsPerHour = 0, 0, 0
}

func TestEmails(t *testing.T) {
	t.Parallel()
	h := open(t, unlimited)
	register := func(email string, n int) error {
		_, err := h.Register(t.Context(), users.Registration{
			Login: fmt.Sprintf("user%d", n), Email: email, Password: password, Client: from("192.0.2.1"),
		})
		return err
	}
	for i, good := range []string{
		"a@b.co", "first.last+tag@sub.example.org", "o'brien@example.org", "почта@пример.рф", "x@xn--e1afmkfd.xn--p1ai",
		strings.Repeat("l", 64) + "@example.org",
	} {
		if err := register(good, i); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for i, bad := range []string{
		"", "@", "a@", "@b.co", "a@b", "a@@b.co", "a@b@c.co", "a b@c.co", "a@b .co", ".a@b.co", "a.@b.co", "a..b@c.co", "a@.b.co", "a@b..co", "a@b.co.",
		"a@-b.co", "a@b-.co", "a@[127.0.0.1]", `"a b"@c.co`, "Name <a@b.co>", "a@b.co\r\nBcc: c@d.co", "a@b.co\x00", "a\u200b@b.co", "a@b\u202e.co",
		"a＠b.co", "a@b.co＠c.co", strings.Repeat("l", 65) + "@example.org", "a@" + strings.Repeat("d", 64) + ".org", "a@\xff.co",
		strings.Repeat("a@b.co", 100),
	} {
		if err := register(bad, 100+i); !errors.Is(err, users.ErrUnacceptable) || fault.Of(err).Details["field"] != "email" {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := register("A@B.CO", 99); !errors.Is(err, users.ErrAccountExists) {
		t.Errorf("folded: %v", err)
	}
	if err := signIn(h, "ПОЧТА@пример.рф", password, "192.0.2.1"); err != nil {
		t.Errorf("sign in by it: %v", err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := signUp(t, h, "wanderer").User.ID
	for given, want := range map[string]string{
		"  Странник  ": "Странник", "🦊 fox": "🦊 fox", "Ёлка": "Ёлка", "": "", "   ": "", "a&b <i>": "a&b <i>",
	} {
		u, err := h.UpdateProfile(t.Context(), id, users.Profile{Name: &given})
		if err != nil || u.Name != want {
			t.Errorf("%q: %q, %v", given, u.Name, err)
		}
	}
	for _, bad := range []string{"a\x00b", "a\nb", "a\u202eb", "a\u200bb", "a\xffb", "a\ufffdb", strings.Repeat("я", 65), "a" + strings.Repeat("\u0301", 5), strings.Repeat("x", 1<<20)} {
		if _, err := h.UpdateProfile(t.Context(), id, users.Profile{Name: &bad}); !errors.Is(err, users.ErrUnacceptable) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

func TestPasswordIsNotTheLogin(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, bad := range []string{"Wanderer99", "wanderer99", "W@example.org", "w@EXAMPLE.org"} {
		_, err := h.Register(t.Context(), users.Registration{Login: "Wanderer99", Email: "w@example.org", Password: bad, Client: from("192.0.2.1")})
		if !errors.Is(err, users.ErrUnacceptable) || fault.Of(err).Details["field"] != "password" {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// The work for an unknown account is that for a known one: counted, not timed.
func TestUnknownAccountCostsTheSame(t *testing.T) {
	t.Parallel()
	h := open(t)
	signUp(t, h, "wanderer")
	cost := func(who string) int64 {
		before := h.store.asked.Load()
		if err := signIn(h, who, "wrong password", "192.0.2.1"); !errors.Is(err, users.ErrBadCredentials) {
			t.Fatal(err)
		}
		return h.store.asked.Load() - before
	}
	if a, b := cost("wanderer"), cost("nobody"); a != b {
		t.Errorf("%d questions for a known account, %d for an unknown one", a, b)
	}
	full := func(_ *userssvc.Config, d *userssvc.Deps) {
		d.Passwords = auth.NewPasswords(auth.PasswordConfig{MemoryKiB: 64, Iterations: 1, Parallelism: 1})
	}
	busy := openOn(t, h.store, full) // no place to hash: whoever answers did not hash
	for _, who := range []string{"wanderer", "nobody"} {
		if err := signIn(busy, who, password, "192.0.2.1"); !errors.Is(err, users.ErrBusy) {
			t.Errorf("%s: answered without hashing: %v", who, err)
		}
	}
}

func TestBusyIsNoFailedAttempt(t *testing.T) {
	t.Parallel()
	h := open(t)
	signUp(t, h, "wanderer")
	limiter := userssvc.NewMemoryLimiter()
	share := func(_ *userssvc.Config, d *userssvc.Deps) { d.Limiter = limiter }
	full := func(_ *userssvc.Config, d *userssvc.Deps) {
		d.Passwords = auth.NewPasswords(auth.PasswordConfig{MemoryKiB: 64, Iterations: 1, Parallelism: 1})
	}
	busy, well := openOn(t, h.store, share, full), openOn(t, h.store, share)
	for range 50 {
		if err := signIn(busy, "wanderer", password, "192.0.2.1"); !errors.Is(err, users.ErrBusy) {
			t.Fatal(err)
		}
		_, err := busy.Register(t.Context(), users.Registration{Login: "newcomer", Email: "n@example.org", Password: password, Client: from("192.0.2.1")})
		if !errors.Is(err, users.ErrBusy) || fault.Of(err).RetryAfter == 0 {
			t.Fatal(err)
		}
	}
	if err := signIn(well, "wanderer", password, "192.0.2.1"); err != nil {
		t.Error(err)
	}
	signUp(t, well, "newcomer")
}

func TestCostlierHashOnLogin(t *testing.T) {
	t.Parallel()
	h := open(t)
	mine := signUp(t, h, "wanderer")
	stored := func() string {
		var doc struct {
			Password string `bson:"password"`
		}
		if _, err := h.store.raw(t, "users").Get(context.Background(), mine.User.ID, &doc); err != nil {
			t.Fatal(err)
		}
		return doc.Password
	}
	before := stored()
	costly := openOn(t, h.store, func(_ *userssvc.Config, d *userssvc.Deps) {
		c := cheap()
		c.Iterations = 2
		d.Passwords = auth.NewPasswords(c)
	})
	if err := signIn(costly, "wanderer", "wrong password", "192.0.2.1"); err == nil || stored() != before {
		t.Errorf("a wrong password changed the hash (%v)", err)
	}
	if err := signIn(costly, "wanderer", password, "192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	if after := stored(); after == before || !strings.Contains(after, "t=2") {
		t.Errorf("hash %s", after)
	}
	if err := signIn(h, "wanderer", password, "192.0.2.1"); err != nil {
		t.Errorf("with the new hash: %v", err)
	}
}

// Passwords tried on one account: ten, then a pause that grows, whoever asks.
func TestAccountLimitGrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		signUp(t, h, "wanderer")
		var waits []time.Duration
		for range 4 {
			failures, wait := fail(t, h, "wanderer")
			if failures != 10 {
				t.Errorf("%d failures let through", failures)
			}
			waits = append(waits, wait)
			if err := signIn(h, "wanderer", password, "203.0.113.9"); !errors.Is(err, users.ErrTooMany) {
				t.Errorf("the right password opens a closed account: %v", err)
			}
			time.Sleep(wait)
		}
		if !slices.IsSorted(waits) || waits[0] == waits[1] || waits[1] == waits[2] || waits[0] > 16*time.Minute || waits[3] > 61*time.Minute {
			t.Errorf("waits %v", waits)
		}
		if err := signIn(h, "wanderer", password, "203.0.113.9"); err != nil {
			t.Fatalf("time does not open it: %v", err)
		}
		if failures, wait := fail(t, h, "wanderer"); failures != 10 || wait > 16*time.Minute {
			t.Errorf("a success does not begin anew: %d, %s", failures, wait)
		}
	})
}

// fail tries wrong passwords, each from another address, until it is told to wait.
func fail(t *testing.T, s users.Service, who string) (failures int, wait time.Duration) {
	t.Helper()
	for i := range 100 {
		err := signIn(s, who, "wrong password", fmt.Sprintf("198.51.100.%d", i))
		if errors.Is(err, users.ErrTooMany) {
			return i, fault.Of(err).RetryAfter
		}
		if !errors.Is(err, users.ErrBadCredentials) {
			t.Fatal(err)
		}
	}
	return 100, 0
}

// One password tried on many accounts: thirty per address, or IPv6 network.
func TestAddressLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		signUp(t, h, "wanderer")
		for name, address := range map[string]func(int) string{
			"IPv4":           func(int) string { return "198.51.100.7" },
			"IPv6 network":   func(i int) string { return fmt.Sprintf("2001:db8:1:2::%x", i) },
			"mapped in IPv6": func(i int) string { return []string{"203.0.113.5", "::ffff:203.0.113.5"}[i%2] },
		} {
			for i := range 30 {
				if err := signIn(h, fmt.Sprintf("victim%d", i), password, address(i)); !errors.Is(err, users.ErrBadCredentials) {
					t.Fatalf("%s, failure %d: %v", name, i, err)
				}
			}
			if err := signIn(h, "wanderer", password, address(99)); !errors.Is(err, users.ErrTooMany) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := signIn(h, "wanderer", password, "2001:db8:1:3::1"); err != nil {
			t.Errorf("the network beside: %v", err)
		}
		time.Sleep(15 * time.Minute)
		if err := signIn(h, "wanderer", password, "198.51.100.7"); err != nil {
			t.Errorf("after the window: %v", err)
		}
	})
}

// Having one account opens no others: its successes leave the address's failures.
func TestOwnAccountDoesNotPayForOthers(t *testing.T) {
	t.Parallel()
	h := open(t)
	signUp(t, h, "wanderer")
	for i := range 30 {
		if err := signIn(h, fmt.Sprintf("victim%d", i), "wrong password", "198.51.100.7"); !errors.Is(err, users.ErrBadCredentials) {
			t.Fatalf("failure %d: %v", i, err)
		}
		if i < 29 {
			if err := signIn(h, "wanderer", password, "198.51.100.7"); err != nil {
				t.Fatalf("success %d: %v", i, err)
			}
		}
	}
	if err := signIn(h, "wanderer", password, "198.51.100.7"); !errors.Is(err, users.ErrTooMany) {
		t.Errorf("got %v", err)
	}
}

// Attempts at once do not slip through between look and count.
func TestParallelGuesses(t *testing.T) {
	t.Parallel()
	h := open(t)
	signUp(t, h, "wanderer")
	var wg sync.WaitGroup
	var mu sync.Mutex
	guessed := 0
	for i := range 100 {
		wg.Go(func() {
			err := signIn(h, "wanderer", fmt.Sprintf("guess number %d", i), fmt.Sprintf("198.51.100.%d", i))
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, users.ErrBadCredentials) {
				guessed++
			}
		})
	}
	wg.Wait()
	if guessed != 10 {
		t.Errorf("%d guesses", guessed)
	}
}

func TestRegistrationsPerHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		for i := range 10 {
			signUp(t, h, fmt.Sprintf("user%d", i))
		}
		r := users.Registration{Login: "eleventh", Email: "e@example.org", Password: password, Client: from("192.0.2.1")}
		if _, err := h.Register(t.Context(), r); !errors.Is(err, users.ErrTooMany) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Hour)
		if _, err := h.Register(t.Context(), r); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}

func TestConfig(t *testing.T) {
	t.Parallel()
	if err := userssvc.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	bad := userssvc.Config{LoginFailures: -1, LoginFailuresPerAddress: 1e9, RegistrationsPerHour: -5}
	err := bad.Validate()
	for _, want := range []string{
		"login_failures: must be 0 (no limit) to 10000, is -1", "login_failures_per_address: must be", "registrations_per_hour: must be", "login_window: must be 1s to 24h, is 0s",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in %v", want, err)
		}
	}
}

func TestSubscriptionsAreBounded(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := signUp(t, h, "wanderer").User.ID
	raw := h.store.raw(t, "subscriptions")
	for i := range users.MaxSubscriptions - 1 {
		doc := map[string]any{"user": id, "title": int64(i + 1), "since": time.Now()}
		if err := raw.Insert(t.Context(), fmt.Sprintf("%s:%d", id, i+1), doc); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Subscribe(t.Context(), id, 5000); err != nil {
		t.Fatalf("the last: %v", err)
	}
	if _, err := h.Subscribe(t.Context(), id, 5001); !errors.Is(err, users.ErrUnacceptable) {
		t.Errorf("one more: %v", err)
	}
	if _, err := h.Subscribe(t.Context(), id, 5000); err != nil {
		t.Errorf("again, when full: %v", err)
	}
	all, err := h.Subscriptions(t.Context(), id)
	if err != nil || len(all) != users.MaxSubscriptions || all[0].TitleID != 5000 {
		t.Errorf("%d subscriptions, %v", len(all), err)
	}
}
