package userssvc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"anihub/modules/users"
)

// Whatever events come when, no window ever holds more than the limit, a wait is
// honest, and what is idle opens by itself.
func TestLimiterHolds(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) { limiterRun(t, seed) })
	}
}

func limiterRun(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	l := Limit{Events: 1 + r.IntN(5), Window: time.Minute}
	m := NewMemoryLimiter()
	ctx := context.Background()
	var taken []time.Time
	for range 200 {
		time.Sleep(time.Duration(r.Int64N(int64(20 * time.Second))))
		wait, err := m.Take(ctx, "k", l)
		if err != nil {
			t.Fatal(err)
		}
		if wait > l.Window<<(maxLevel-1) {
			t.Fatalf("seed %d: wait %s", seed, wait)
		}
		if wait == 0 {
			taken = append(taken, time.Now())
		}
		if n := len(taken) - l.Events - 1; n >= 0 && taken[len(taken)-1].Sub(taken[n]) < l.Window {
			t.Fatalf("seed %d: %d events within %s", seed, l.Events+1, l.Window)
		}
		if wait > 0 && r.IntN(4) == 0 {
			time.Sleep(wait)
			if again, _ := m.Take(ctx, "k", l); again != 0 {
				t.Fatalf("seed %d: told to wait %s, then %s more", seed, wait, again)
			}
			taken = append(taken, time.Now())
		}
	}
	time.Sleep(l.Window)
	time.Sleep(l.Window << maxLevel)
	if wait, _ := m.Take(ctx, "k", l); wait != 0 {
		t.Fatalf("seed %d: idle, and still closed for %s", seed, wait)
	}
}

func TestLimiterIsBounded(t *testing.T) {
	t.Parallel()
	m := NewMemoryLimiter()
	l := Limit{Events: 1, Window: time.Hour}
	for i := range maxKeys + 1000 {
		if wait, _ := m.Take(context.Background(), fmt.Sprint(i), l); wait != 0 {
			t.Fatalf("key %d: wait %s", i, wait)
		}
		_, _ = m.Take(context.Background(), "0", l) // stays known as it is used
	}
	if len(m.keys) != maxKeys || m.recent.Len() != maxKeys {
		t.Errorf("%d keys, %d in order", len(m.keys), m.recent.Len())
	}
	if wait, _ := m.Take(context.Background(), "0", l); wait == 0 {
		t.Error("a key in use was forgotten")
	}
}

// An attempt that turns out to be none opens what it closed.
func TestLimiterTakesBack(t *testing.T) {
	t.Parallel()
	m := NewMemoryLimiter()
	ctx, l := context.Background(), Limit{Events: 2, Window: time.Hour}
	for range 2 {
		_, _ = m.Take(ctx, "k", l)
	}
	if wait, _ := m.Take(ctx, "k", l); wait == 0 {
		t.Fatal("not closed")
	}
	_ = m.Return(ctx, "k", l)
	if wait, _ := m.Take(ctx, "k", l); wait != 0 {
		t.Errorf("still closed for %s", wait)
	}
	_ = m.Return(ctx, "unknown", l)
	_ = m.Clear(ctx, "k")
	for range 2 {
		if wait, _ := m.Take(ctx, "k", l); wait != 0 {
			t.Errorf("cleared, and closed for %s", wait)
		}
	}
}

func TestMemoIsBounded(t *testing.T) {
	t.Parallel()
	m, t0 := newMemo(), time.Now()
	for i := range 3*memoSize + 1 {
		m.put(fmt.Sprint(i), standing{user: "u"}, t0)
	}
	if n := len(m.young) + len(m.old); n > 2*memoSize {
		t.Errorf("%d remembered", n)
	}
	last := fmt.Sprint(3 * memoSize)
	if _, ok := m.get(last, t0.Add(memoLife-1)); !ok {
		t.Error("forgotten too early")
	}
	if _, ok := m.get(last, t0.Add(memoLife)); ok {
		t.Error("believed too long")
	}
	m.drop(last)
	if _, ok := m.get(last, t0); ok {
		t.Error("dropped, and believed")
	}
}

func TestLookalikesPairUp(t *testing.T) {
	t.Parallel()
	if n := utf8.RuneCountInString(lookalikes); n != len(looksLike) {
		t.Fatalf("%d lookalikes, %d Latin letters", n, len(looksLike))
	}
	for in, want := range map[string]string{
		"сосо": "coco", "том_1": "tom_1", "роза": "роза", "tom": "tom", "αβ": "ab", "": "", "123": "123",
	} {
		if got := skeleton(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestLettersPairUp(t *testing.T) {
	t.Parallel()
	for name, pair := range map[string][2]string{"capitals": {capitals, capitalsLike}, "digits": {digits, digitsLike}, "lunate": {lunate, lunateLike}, "small": {small, smallLike}} {
		if n := utf8.RuneCountInString(pair[0]); n != len(pair[1]) {
			t.Errorf("%s: %d letters, %d likenesses", name, n, len(pair[1]))
		}
		seen := map[rune]bool{}
		for _, r := range pair[0] {
			if seen[r] {
				t.Errorf("%s: %c stands twice", name, r)
			}
			seen[r] = true
		}
	}
}

func TestLikeness(t *testing.T) {
	t.Parallel()
	for _, alike := range [][]string{
		{"alice", "aIice", "a1ice", "ａｌｉｃｅ"},
		{"coco", "сосо", "СОСО", "c0c0", "соСО", "ᴄᴏᴄᴏ", "сοсо"},
		{"роза", "po3a", "РОЗА", "PO3A"},
		{"пароль", "пaрoль"},
		{"Ёжик", "Е\u0308жик", "ёжик"},
		{"mira", "rnira", "mirа"},
		{"tuna", "τunа"},
		{"ΒΑΒΥ", "BABY", "ВАВУ"},
		{"dotless", "dotlеss", "dοtless"},
		{"jim", "jım", "jіm"},
		{"sun", "ѕun", "sսn"},
		{"haus", "հaus"},
		{"scope", "ѕсоре", "SCOPE", "ЅСОРЕ"},
	} {
		for _, other := range alike[1:] {
			if likeness(alike[0]) != likeness(other) {
				t.Errorf("%s (%q) and %s (%q) are told apart", alike[0], likeness(alike[0]), other, likeness(other))
			}
		}
	}
	seen := map[string]string{}
	for _, apart := range []string{
		"alice", "bob", "ali", "all", "роза", "рози", "странник", "страниик", "ёлка", "елка", "user2", "user3", "hill", "mila", "さくら", "サクラ", "한국어", "قمر", "αθηνα",
	} {
		if other, ok := seen[likeness(apart)]; ok {
			t.Errorf("%s and %s are taken for one another", apart, other)
		}
		seen[likeness(apart)] = apart
	}
}

func FuzzLikeness(f *testing.F) {
	for _, s := range []string{"wanderer", "сосо", "aIice", "ﬁsh", "İstanbul", "\u0345", "ΐ", "Ꭰ", "ꭰ", "\xff", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, err := loginKey(s)
		if err != nil {
			return
		}
		like := likeness(s)
		if like == "" || !utf8.ValidString(like) {
			t.Errorf("%q looks like %q", s, like)
		}
		if again := likeness(swap(s, small, smallLike)); again != like {
			t.Errorf("%q (%s) looks like %q, with its letters swapped like %q", s, key, like, again)
		}
		for _, c := range like {
			if c < utf8.RuneSelf && (c >= 'A' && c <= 'Z') {
				t.Errorf("%q looks like %q, which has capitals", s, like)
			}
		}
	})
}

func FuzzFields(f *testing.F) {
	for _, s := range []string{
		"wanderer", "Странник", "a@b.co", "ﬁ@ﬀ.co", "ad\u200bmin", "\u3164", "\xff", "ⓐdmin", "İstanbul", "ǅ", "ΐ", "a＠b.co", "  x  ", "🦊\ufe0f", "ß",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if key, err := loginKey(s); err == nil {
			if key == "" || !utf8.ValidString(key) || identity(s) != key {
				t.Errorf("login %q: key %q, looked up by %q", s, key, identity(s))
			}
		}
		if key, err := emailKey(s); err == nil {
			if key == "" || !utf8.ValidString(key) || identity(s) != key {
				t.Errorf("e-mail %q: key %q, looked up by %q", s, key, identity(s))
			}
		}
		if name, err := checkName(s); err == nil {
			if again, err := checkName(name); err != nil || again != name {
				t.Errorf("name %q becomes %q, then %q (%v)", s, name, again, err)
			}
		}
		_ = checkPassword(s, "login", "a@b.co")
		_ = addressKey("x", s)
		if c := clip(s, 64); len(c) > 64 || !utf8.ValidString(c) {
			t.Errorf("clipped to %q", c)
		}
	})
}

func FuzzRefreshToken(f *testing.F) {
	r := refreshTokens{[][]byte{[]byte("key")}}
	ses := session{id: "abcdefghijklmnopqrst", Seed: []byte("seed"), Generation: 7, RotatedBy: fingerprint(users.Client{})}
	good := r.make(ses)
	for _, s := range []string{good, "", "..", good + ".", "abcdefghijklmnopqrst.7.", "abcdefghijklmnopqrst.-7.x", "abcdefghijklmnopqrst.07." + good[23:]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		id, generation, ok := r.parse(token)
		if !ok {
			return
		}
		if !validID(id) || generation < 1 {
			t.Errorf("%q: %q, %d", token, id, generation)
		}
		if id == ses.id && generation == ses.Generation && r.made(token, ses, generation) != (token == good) {
			t.Errorf("taken for ours: %q", token)
		}
	})
}
