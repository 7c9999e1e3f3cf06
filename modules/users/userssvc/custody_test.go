package userssvc_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"anihub/modules/users"
	"anihub/modules/users/userssvc"
	"anihub/platform/auth"
	"anihub/platform/documents"
)

const another = "battery staple 9"

// traces names what the store's file still holds of the needles: every table, every
// column, whatever module wrote it.
func traces(t *testing.T, file string, needles ...string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var found []string
	for _, table := range column(t, db, `SELECT name FROM sqlite_master WHERE type = 'table'`) {
		for _, name := range column(t, db, fmt.Sprintf(`SELECT name FROM pragma_table_info('%s')`, table)) {
			for _, value := range column(t, db, fmt.Sprintf(`SELECT CAST(%q AS BLOB) FROM %q WHERE %q IS NOT NULL`, name, table, name)) {
				for _, n := range needles {
					if bytes.Contains(bytes.ToLower([]byte(value)), []byte(strings.ToLower(n))) {
						found = append(found, fmt.Sprintf("%s.%s holds %s", table, name, n))
					}
				}
			}
		}
	}
	return found
}

func column(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			t.Fatal(err)
		}
		out = append(out, string(b))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// running runs the room for a while of virtual time.
func running(t *testing.T, s *userssvc.Service, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	time.Sleep(d)
	synctest.Wait()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestNothingIsLeftOfAnAccount: the whole file is searched for the user's id, login
// and e-mail.
func TestNothingIsLeftOfAnAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "users.db")
		sqlite, err := documents.OpenSQLite(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = sqlite.Close() })
		h := openOn(t, &store{Store: sqlite}, development)
		mine := signUp(t, h, "wanderer") // the first: admin by a mark that names them
		_ = signIn(h, "wanderer", password, "192.0.2.9")
		signUp(t, h, "stranger")
		for i := range 50 {
			if _, err := h.Subscribe(t.Context(), mine.User.ID, i+1); err != nil {
				t.Fatal(err)
			}
		}
		watched := true
		_, err1 := h.List(t.Context(), mine.User.ID, users.Listing{TitleID: 7, Status: users.Watching, Score: 8})
		_, err2 := h.SetFavorite(t.Context(), mine.User.ID, 9, true)
		_, err3 := h.SaveProgress(t.Context(), mine.User.ID, []users.TitleEdits{{TitleID: 7, Episodes: []users.EpisodeEdit{{Episode: 1, Watched: &watched}}}})
		err4 := h.store.raw(t, "webhooks").Insert(t.Context(), "hook", map[string]any{"user": mine.User.ID, "url": "https://hooks.example/wanderer"})
		err7 := h.store.raw(t, "pushes").Insert(t.Context(), "push", map[string]any{"user": mine.User.ID, "session": mine.ID, "endpoint": "https://push.example/wanderer"})
		_, err5 := h.IssueFeedToken(t.Context(), mine.User.ID)
		err6 := h.store.raw(t, "inbox_reads").Insert(t.Context(), mine.User.ID, map[string]any{"up_to": int64(7)})
		if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil {
			t.Fatal(err)
		}
		needles := []string{mine.User.ID, "wanderer", "wanderer@example.org"}
		if found := traces(t, file, needles...); len(found) < 50 {
			t.Fatalf("the search finds too little: %v", found)
		}
		if err := h.DeleteAccount(t.Context(), users.Deletion{UserID: mine.User.ID, Password: password, Client: from("192.0.2.1")}); err != nil {
			t.Fatal(err)
		}
		for _, found := range traces(t, file, needles...) {
			if !strings.HasPrefix(found, "users.") || !strings.HasSuffix(found, mine.User.ID) {
				t.Errorf("at once: %s", found) // only the grave has the id
			}
		}
		// A request that began before writes once more for the user, on another instance.
		late := map[string]any{"user": mine.User.ID, "title": int64(99), "since": time.Now()}
		if err := h.store.raw(t, "subscriptions").Insert(t.Context(), mine.User.ID+":99", late); err != nil {
			t.Fatal(err)
		}
		running(t, h.Service, 2*time.Minute)
		if found := traces(t, file, needles...); len(found) > 0 {
			t.Errorf("in the end: %v", found)
		}
		if found := traces(t, file, "stranger"); len(found) == 0 {
			t.Error("the other user is gone too")
		}
		if again := signUp(t, h, "wanderer"); len(again.User.Roles) != 1 {
			t.Errorf("the next one is admin: %v", again.User.Roles)
		}
	})
}

// TestDeletionSurvivesACrash: the store dies right after the write that decides.
func TestDeletionSurvivesACrash(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		mine := signUp(t, h, "wanderer")
		if _, err := h.Subscribe(t.Context(), mine.User.ID, 7); err != nil {
			t.Fatal(err)
		}
		h.store.downAfter("users", "Replace")
		_ = h.DeleteAccount(t.Context(), users.Deletion{UserID: mine.User.ID, Password: password, Client: from("192.0.2.1")})
		h.store.down.Store(false)
		if n := count(t, h.store, "subscriptions"); n != 1 {
			t.Fatalf("%d subscriptions: the crash came too late for this test", n)
		}
		other := openOn(t, h.store)
		if v, err := other.Validate(t.Context(), mine.AccessToken); err != nil || v.Valid {
			t.Errorf("a session of an account that is gone: %+v, %v", v, err)
		}
		running(t, other.Service, 2*time.Second)
		if n := count(t, h.store, "subscriptions"); n != 0 {
			t.Errorf("%d subscriptions left", n)
		}
		if got := other.log.ended(t); len(got) != 1 || got[0].Reason != users.EndedDeleted {
			t.Errorf("log %v", got)
		}
	})
}

// TestPasswordChangeSurvivesACrash: sessions of the old password are worth nothing
// even when none of them could be marked, and their sockets are told afterwards.
func TestPasswordChangeSurvivesACrash(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		first := signUp(t, h, "wanderer")
		mine, err := h.Login(t.Context(), users.Credentials{Login: "wanderer", Password: password, Client: from("192.0.2.1")})
		if err != nil {
			t.Fatal(err)
		}
		h.store.downAfter("users", "Replace")
		_ = h.ChangePassword(t.Context(), users.PasswordChange{UserID: mine.User.ID, SessionID: mine.ID, Current: password, New: another, Client: from("192.0.2.1")})
		h.store.down.Store(false)
		if n := count(t, h.store, "sessions"); n != 2 {
			t.Fatalf("%d sessions: the crash came too late for this test", n)
		}
		other := openOn(t, h.store)
		if _, err := refresh(other, first.RefreshToken, "192.0.2.1"); !errors.Is(err, users.ErrBadToken) {
			t.Errorf("refresh of a session of the old password: %v", err)
		}
		if v, err := other.Validate(t.Context(), first.AccessToken); err != nil || v.Valid {
			t.Errorf("its access token: %+v, %v", v, err)
		}
		if v, err := other.Validate(t.Context(), mine.AccessToken); err != nil || !v.Valid {
			t.Errorf("the session that changed it: %+v, %v", v, err)
		}
		running(t, other.Service, 2*time.Second)
		if n := count(t, h.store, "sessions"); n != 1 {
			t.Errorf("%d sessions left", n)
		}
		if got := other.log.ended(t); len(got) != 1 || got[0].Session != first.ID || got[0].Reason != users.EndedPassword {
			t.Errorf("log %v", got)
		}
	})
}

// TestSignInRacingAChange: a sign-in that knew the old password opens no session
// that outlives the change, in whatever order the two arrive.
func TestSignInRacingAChange(t *testing.T) {
	t.Parallel()
	h := open(t, unlimited)
	mine := signUp(t, h, "wanderer")
	var wg sync.WaitGroup
	var mu sync.Mutex
	var opened []users.Session
	for range 20 {
		wg.Go(func() {
			s, err := h.Login(context.Background(), users.Credentials{Login: "wanderer", Password: password, Client: from("192.0.2.1")})
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				opened = append(opened, s)
			}
		})
	}
	wg.Go(func() {
		if _, err := h.ResetPassword(context.Background(), "wanderer", another); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	for _, s := range append(opened, mine) {
		if _, err := refresh(h, s.RefreshToken, "192.0.2.1"); !errors.Is(err, users.ErrBadToken) {
			t.Errorf("a session of the old password goes on: %v", err)
		}
	}
}

// TestOneOfTwoChangesWins: of two from the same password, the one that is stored
// later is refused.
func TestOneOfTwoChangesWins(t *testing.T) {
	t.Parallel()
	h := open(t)
	mine := signUp(t, h, "wanderer")
	change := func(next string) error {
		return h.ChangePassword(t.Context(), users.PasswordChange{
			UserID: mine.User.ID, SessionID: mine.ID, Current: password, New: next, Client: from("192.0.2.1"),
		})
	}
	faster := func() {
		if err := change("the faster one"); err != nil {
			t.Error(err)
		}
	}
	h.store.meanwhile.Store(&faster)
	if err := change("the slower one"); !errors.Is(err, users.ErrBadPassword) {
		t.Errorf("got %v", err)
	}
	if err := signIn(h, "wanderer", "the faster one", "192.0.2.1"); err != nil {
		t.Error(err)
	}
}

// TestBusyProofIsNoGuess: what nobody checked is not counted.
func TestBusyProofIsNoGuess(t *testing.T) {
	t.Parallel()
	h := open(t)
	mine := signUp(t, h, "wanderer")
	limiter := userssvc.NewMemoryLimiter()
	share := func(_ *userssvc.Config, d *userssvc.Deps) { d.Limiter = limiter }
	busy := openOn(t, h.store, share, func(_ *userssvc.Config, d *userssvc.Deps) {
		d.Passwords = auth.NewPasswords(auth.PasswordConfig{MemoryKiB: 64, Iterations: 1, Parallelism: 1})
	})
	gone := users.Deletion{UserID: mine.User.ID, Password: password, Client: from("192.0.2.1")}
	for range 50 {
		if err := busy.DeleteAccount(t.Context(), gone); !errors.Is(err, users.ErrBusy) {
			t.Fatal(err)
		}
	}
	if err := openOn(t, h.store, share).DeleteAccount(t.Context(), gone); err != nil {
		t.Error(err)
	}
}

// TestANameIsNotKeptByAFailure: a registration that fails, or dies half way, does not
// keep the look of a login from others.
func TestANameIsNotKeptByAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, unlimited)
		signUp(t, h, "wanderer")
		register := func(login, email string) error {
			_, err := h.Register(t.Context(), users.Registration{Login: login, Email: email, Password: password, Client: from("192.0.2.1")})
			return err
		}
		if err := register("alice", "wanderer@example.org"); !errors.Is(err, users.ErrAccountExists) {
			t.Fatal(err)
		}
		if err := register("alice", "alice@example.org"); err != nil {
			t.Fatalf("after a registration that failed: %v", err)
		}
		if err := register("aIice", "other@example.org"); !errors.Is(err, users.ErrAccountExists) {
			t.Fatalf("one that looks the same: %v", err)
		}
		h.store.downAfter("likenesses", "Insert")
		if err := register("bella", "bella@example.org"); !errors.Is(err, users.ErrUnavailable) {
			t.Fatal(err)
		}
		h.store.down.Store(false)
		if err := register("be11a", "bella@example.org"); !errors.Is(err, users.ErrAccountExists) {
			t.Errorf("at once: %v", err) // the other one may be about to be stored
		}
		time.Sleep(time.Minute)
		if err := register("be11a", "bella@example.org"); err != nil {
			t.Errorf("a minute later: %v", err)
		}
		if err := register("bella", "b@example.org"); !errors.Is(err, users.ErrAccountExists) {
			t.Errorf("the likeness belongs to who took it over: %v", err)
		}
	})
}

// TestOneOfManyLookalikes registered at once.
func TestOneOfManyLookalikes(t *testing.T) {
	t.Parallel()
	h := open(t, unlimited)
	var wg sync.WaitGroup
	results := make(chan error, 20)
	for i, login := range []string{"paypal", "PaypaI", "рaypal", "раураӏ", "payρal", "paypa1", "РАУРАІ", "pаypal", "PAYPAL", "ᴘaypal"} {
		wg.Go(func() {
			_, err := h.Register(context.Background(), users.Registration{
				Login: login, Email: fmt.Sprintf("n%d@example.org", i), Password: password, Client: from("192.0.2.1"),
			})
			results <- err
		})
	}
	wg.Wait()
	close(results)
	won := 0
	for err := range results {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, users.ErrAccountExists) && !errors.Is(err, users.ErrUnacceptable):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d of ten that look the same", won)
	}
}
