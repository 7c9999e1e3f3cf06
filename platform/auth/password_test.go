package auth_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"anihub/platform/auth"
)

// cheap keeps tests fast; what it costs is no part of what they look at.
func cheap() auth.PasswordConfig {
	return auth.PasswordConfig{MemoryKiB: 64, Iterations: 1, Parallelism: 1, AtOnce: 4, Queue: 16}
}

func TestPasswordIsTakenWhole(t *testing.T) {
	t.Parallel()
	p := auth.NewPasswords(cheap())
	long := strings.Repeat("п", 127)
	for name, tt := range map[string]struct{ set, other string }{
		"plain":         {"correct horse", "Correct horse"},
		"73 bytes":      {strings.Repeat("a", 72) + "b", strings.Repeat("a", 72) + "c"},
		"128 runes":     {long + "я", long + "ю"},
		"NUL":           {"before\x00after", "before\x00other"},
		"trailing NUL":  {"password", "password\x00"},
		"spaces":        {" password ", "password"},
		"combining":     {"Ёлка-Ёлка", "Елка-Елка"},
		"astral":        {"🦊🦊🦊🦊🦊🦊🦊🦊", "🦊🦊🦊🦊🦊🦊🦊🐺"},
		"bidi":          {"\u202epassword", "password"},
		"dollar":        {"$argon2id$v=19$", "$argon2id$v=18$"},
		"compatibility": {"ﬁrst-ﬁrst", "first-first"},
	} {
		stored, err := p.Hash(t.Context(), tt.set)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if ok, rehash, err := p.Verify(t.Context(), stored, tt.set); !ok || rehash || err != nil {
			t.Errorf("%s: own password: %v %v %v", name, ok, rehash, err)
		}
		if ok, _, _ := p.Verify(t.Context(), stored, tt.other); ok {
			t.Errorf("%s: another password is taken", name)
		}
	}
}

func TestPasswordOfAnotherKeyboard(t *testing.T) {
	t.Parallel()
	p := auth.NewPasswords(cheap())
	stored, err := p.Hash(t.Context(), "мой йогурт")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _, err := p.Verify(t.Context(), stored, "мо\u0438\u0306 \u0438\u0306огурт"); !ok || err != nil {
		t.Errorf("decomposed letters: %v %v", ok, err)
	}
}

func TestPasswordTooLong(t *testing.T) {
	t.Parallel()
	p := auth.NewPasswords(cheap())
	stored, err := p.Hash(t.Context(), "some password")
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]string{
		"129 runes": strings.Repeat("a", 129), "513 bytes": strings.Repeat("€", 171),
		"1 MB": strings.Repeat("a", 1<<20), "not UTF-8": "abcdefgh\xff",
	} {
		if _, err := p.Hash(t.Context(), s); !errors.Is(err, auth.ErrPassword) {
			t.Errorf("%s: %v", name, err)
		}
		if ok, _, err := p.Verify(t.Context(), stored, s); ok || err != nil {
			t.Errorf("%s: verify: %v %v", name, ok, err)
		}
	}
}

func TestHashIsSaltedAndSaysItsCost(t *testing.T) {
	t.Parallel()
	weak, strong := cheap(), cheap()
	strong.Iterations = 2
	old, today := auth.NewPasswords(weak), auth.NewPasswords(strong)
	a, _ := old.Hash(t.Context(), "some password")
	b, _ := old.Hash(t.Context(), "some password")
	if a == b || !strings.HasPrefix(a, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("%s\n%s", a, b)
	}
	if ok, rehash, err := today.Verify(t.Context(), a, "some password"); !ok || !rehash || err != nil {
		t.Errorf("at another cost: %v %v %v", ok, rehash, err)
	}
	if ok, rehash, _ := today.Verify(t.Context(), a, "wrong password"); ok || rehash {
		t.Error("a wrong password asks for a new hash")
	}
}

func TestDamagedHash(t *testing.T) {
	t.Parallel()
	p := auth.NewPasswords(cheap())
	good, _ := p.Hash(t.Context(), "some password")
	salt := strings.Split(good, "$")[4]
	for name, stored := range map[string]string{
		"empty": "", "plain text": "some password", "cut": good[:len(good)-30], "more": good + "$",
		"other function": strings.Replace(good, "argon2id", "argon2i", 1),
		"other version":  strings.Replace(good, "v=19", "v=16", 1),
		"eats memory":    strings.Replace(good, "m=64", "m=4294967295", 1),
		"eats time":      strings.Replace(good, "t=1", "t=4294967295", 1),
		"no iterations":  strings.Replace(good, "t=1", "t=0", 1),
		"no lanes":       strings.Replace(good, "p=1", "p=0", 1),
		"leading zero":   strings.Replace(good, "t=1", "t=01", 1),
		"no salt":        strings.Replace(good, salt, "", 1),
		"no key":         good[:strings.LastIndex(good, "$")+1],
	} {
		if ok, _, err := p.Verify(t.Context(), stored, "some password"); ok || err == nil {
			t.Errorf("%s: %v %v", name, ok, err)
		}
	}
}

func TestDecoyIsNoWayIn(t *testing.T) {
	t.Parallel()
	p := auth.NewPasswords(cheap())
	if err := p.Decoy(t.Context(), "some password"); err != nil {
		t.Error(err)
	}
}

// Of 50 at once 4 work and 16 wait; nobody else takes memory.
func TestFiftyAtOnce(t *testing.T) {
	t.Parallel()
	cfg := cheap()
	cfg.MemoryKiB, cfg.Iterations = 8<<10, 4 // long enough for the others to arrive
	p := auth.NewPasswords(cfg)
	var done, busy atomic.Int32
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range 50 {
		wg.Go(func() {
			<-start
			switch _, err := p.Hash(t.Context(), "some password"); {
			case err == nil:
				done.Add(1)
			case errors.Is(err, auth.ErrBusy):
				busy.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
	if done.Load() < 20 || done.Load()+busy.Load() != 50 {
		t.Errorf("%d done, %d turned away", done.Load(), busy.Load())
	}
	if _, err := p.Hash(t.Context(), "some password"); err != nil {
		t.Errorf("a place was not given back: %v", err)
	}
}

func TestWaitingEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := cheap()
		cfg.AtOnce, cfg.Queue = 0, 1 // nobody ever works, one may wait
		p := auth.NewPasswords(cfg)
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() {
			_, err := p.Hash(ctx, "some password")
			result <- err
		}()
		synctest.Wait()
		if _, err := p.Hash(t.Context(), "some password"); !errors.Is(err, auth.ErrBusy) {
			t.Errorf("queue is full: %v", err)
		}
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

func FuzzVerifyStored(f *testing.F) {
	p := auth.NewPasswords(cheap())
	// Fixed, because the fuzzer's workers are processes that must agree on it.
	const good = "$argon2id$v=19$m=64,t=1,p=1$mhLjJyu6d6Tx7/UgV9PiOw$AU7JflWUW4ZDtn9FTH85wPhycs6I/ywLlDWHr5S0CZw"
	if ok, _, err := p.Verify(context.Background(), good, "some password"); !ok || err != nil {
		f.Fatalf("the good hash: %v, %v", ok, err)
	}
	f.Add(good)
	f.Add("$argon2id$v=19$m=8,t=1,p=255$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, stored string) {
		if strings.Contains(stored, "m=") && !strings.Contains(stored, "m=64,t=1,p=1$") {
			t.Skip() // legal, but as slow as it asks for
		}
		if ok, _, _ := p.Verify(t.Context(), stored, "some password"); ok && stored != good {
			t.Errorf("another hash is of the same password: %q", stored)
		}
	})
}

func BenchmarkPassword(b *testing.B) {
	p := auth.NewPasswords(auth.DefaultConfig().Password)
	stored, err := p.Hash(b.Context(), "some password")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ok, _, err := p.Verify(b.Context(), stored, "some password"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
