package userssvc_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"anihub/modules/users"
)

// cost is what an answer took: passwords hashed and questions to the store.
type cost struct{ hashes, questions int64 }

func (h *house) cost(f func()) cost {
	before := cost{h.deps.Passwords.Computed(), h.store.asked.Load()}
	f()
	return cost{h.deps.Passwords.Computed() - before.hashes, h.store.asked.Load() - before.questions}
}

// TestNobodyCanTellByTheWork: over hundreds of sign-ins in random order, every one
// that fails costs one hash and one question, whoever it is for and however typed.
func TestNobodyCanTellByTheWork(t *testing.T) {
	t.Parallel()
	h := open(t, unlimited)
	for i := range 10 {
		signUp(t, h, fmt.Sprintf("known%d", i))
	}
	banned, gone := signUp(t, h, "banned"), signUp(t, h, "gone")
	if _, err := h.SetBanned(t.Context(), banned.User.Login, true); err != nil {
		t.Fatal(err)
	}
	if err := h.DeleteAccount(t.Context(), users.Deletion{UserID: gone.User.ID, Password: password}); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]func(i int) string{
		"known login":    func(i int) string { return fmt.Sprintf("known%d", i%10) },
		"known capitals": func(i int) string { return fmt.Sprintf("KNOWN%d", i%10) },
		"known e-mail":   func(i int) string { return fmt.Sprintf("known%d@example.org", i%10) },
		"banned":         func(int) string { return "banned" },
		"deleted":        func(int) string { return "gone" },
		"a grave":        func(int) string { return "deleted:" + gone.User.ID },
		"unknown login":  func(i int) string { return fmt.Sprintf("nobody%d", i) },
		"unknown e-mail": func(i int) string { return fmt.Sprintf("nobody%d@example.org", i) },
		"nothing":        func(int) string { return "" },
		"too long":       func(int) string { return strings.Repeat("x", 100_000) },
		"no text":        func(int) string { return "\xff\xfe" },
		"an operator":    func(int) string { return `{"$gt":""}` },
	}
	names := make([]string, 0, len(kinds))
	for name := range kinds {
		names = append(names, name)
	}
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[string]map[cost]int{}
	for i := range 600 {
		kind := names[r.IntN(len(names))]
		got := h.cost(func() {
			if err := signIn(h, kinds[kind](i), "wrong password", "192.0.2.1"); !errors.Is(err, users.ErrBadCredentials) {
				t.Fatalf("%s: %v", kind, err)
			}
		})
		if seen[kind] == nil {
			seen[kind] = map[cost]int{}
		}
		seen[kind][got]++
	}
	for _, kind := range names {
		if len(seen[kind]) != 1 || seen[kind][cost{1, 1}] == 0 {
			t.Errorf("%s: %v, want only {1 1}", kind, seen[kind])
		}
	}
}

// TestRegistrationHashesAlways: a taken login costs the hash of a free one.
func TestRegistrationHashesAlways(t *testing.T) {
	t.Parallel()
	h := open(t, unlimited)
	signUp(t, h, "wanderer")
	for _, c := range []struct {
		login, email string
		want         error
	}{
		{"wanderer", "new@example.org", users.ErrAccountExists},
		{"newcomer", "wanderer@example.org", users.ErrAccountExists},
		{"newcomer", "new@example.org", nil},
	} {
		got := h.cost(func() {
			_, err := h.Register(t.Context(), users.Registration{Login: c.login, Email: c.email, Password: password, Client: from("192.0.2.1")})
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v", c.login, err)
			}
		})
		if got.hashes != 1 {
			t.Errorf("%s <%s>: %d hashes", c.login, c.email, got.hashes)
		}
	}
}
