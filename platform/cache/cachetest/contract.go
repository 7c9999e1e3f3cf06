// Package cachetest holds the contract that every level of the cache passes, and
// a level for tests whose faults can be switched on and off.
package cachetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/platform/cache"
)

// Contract runs what every level must do. open returns an empty level.
func Contract(t *testing.T, open func(t *testing.T) cache.Level) {
	for name, test := range map[string]func(*testing.T, cache.Level){
		"absent":            absent,
		"returns all of it": roundTrip,
		"not found":         notFound,
		"generations":       generations,
		"delete":            deletes,
		"expire":            expires,
		"odd keys":          oddKeys,
		"large":             large,
		"racing writers":    racing,
		"lists keys":        listing,
		"lists tagged keys": tagged,
		"fences":            fences,
		"many at once":      many,
		"load locks":        locks,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// sample is an entry that is fresh for an hour. Levels keep milliseconds.
func sample(body string, generation int64) cache.Entry {
	now := time.Now().Truncate(time.Millisecond)
	return cache.Entry{
		Body: []byte(body), ETag: fmt.Sprintf("%x", body), Generation: generation,
		StoredAt: now.Add(-time.Minute), FreshUntil: now.Add(time.Hour), CheckAt: now.Add(time.Hour),
	}
}

func set(t *testing.T, l cache.Level, key string, e cache.Entry) {
	t.Helper()
	if err := l.Set(t.Context(), key, e); err != nil {
		t.Fatalf("Set(%q): %v", key, err)
	}
}

func get(t *testing.T, l cache.Level, key string) (cache.Entry, bool) {
	t.Helper()
	e, ok, err := l.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get(%q): %v", key, err)
	}
	return e, ok
}

func wantBody(t *testing.T, l cache.Level, key, body string) {
	t.Helper()
	if e, ok := get(t, l, key); !ok || string(e.Body) != body {
		t.Errorf("Get(%q) = %q, %v, want %q", key, e.Body, ok, body)
	}
}

func wantAbsent(t *testing.T, l cache.Level, key string) {
	t.Helper()
	if e, ok := get(t, l, key); ok {
		t.Errorf("Get(%q) = %q, want nothing", key, e.Body)
	}
}

func absent(t *testing.T, l cache.Level) { wantAbsent(t, l, "title:404") }

func roundTrip(t *testing.T, l cache.Level) {
	e := sample("лист\x00\xff", 7)
	e.Tags = []string{"title:1", "schedule"}
	set(t, l, "title:1", e)
	got, ok := get(t, l, "title:1")
	if !ok {
		t.Fatal("is not there")
	}
	if diff := cmp.Diff(e, got, cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Errorf("another entry came back (-want +got):\n%s", diff)
	}
}

func notFound(t *testing.T, l cache.Level) {
	e := cache.Entry{NotFound: true, Generation: 1, StoredAt: time.Now(), FreshUntil: time.Now().Add(time.Minute)}
	set(t, l, "title:2", e)
	got, ok := get(t, l, "title:2")
	if !ok || !got.NotFound || len(got.Body) > 0 {
		t.Errorf("got %+v, %v, want a NotFound entry", got, ok)
	}
}

func generations(t *testing.T, l cache.Level) {
	set(t, l, "k", sample("five", 5))
	set(t, l, "k", sample("four", 4))
	wantBody(t, l, "k", "five")
	set(t, l, "k", sample("five again", 5))
	wantBody(t, l, "k", "five again")
	set(t, l, "k", sample("nine", 9))
	wantBody(t, l, "k", "nine")
	set(t, l, "negative", sample("below zero", -3))
	set(t, l, "negative", sample("further below", -4))
	wantBody(t, l, "negative", "below zero")
	set(t, l, "negative", sample("huge", 1<<62))
	set(t, l, "negative", sample("a little less", 1<<62-1))
	wantBody(t, l, "negative", "huge")
}

func deletes(t *testing.T, l cache.Level) {
	set(t, l, "k", sample("five", 5))
	for range 2 {
		if err := l.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		wantAbsent(t, l, "k")
	}
	set(t, l, "k", sample("one", 1))
	wantBody(t, l, "k", "one")
}

func expires(t *testing.T, l cache.Level) {
	set(t, l, "k", sample("five", 5))
	past := sample("old", 5)
	past.FreshUntil = past.StoredAt
	set(t, l, "past", past)
	for _, k := range []string{"k", "past", "absent"} {
		if err := l.Expire(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	e, ok := get(t, l, "k")
	if now := time.Now(); !ok || string(e.Body) != "five" || e.Generation != 5 || e.Fresh(now) || e.CheckAt.After(now) {
		t.Errorf("after Expire: %+v, %v", e, ok)
	}
	if e, _ := get(t, l, "past"); !e.FreshUntil.Equal(past.FreshUntil) {
		t.Errorf("Expire moved FreshUntil from %v to %v", past.FreshUntil, e.FreshUntil)
	}
	wantAbsent(t, l, "absent")
	set(t, l, "k", sample("five anew", 5))
	if e, _ := get(t, l, "k"); !e.Fresh(time.Now()) {
		t.Error("is not fresh after it was set anew")
	}
}

func oddKeys(t *testing.T, l cache.Level) {
	keys := []string{"a b", "звезда", "a*", "a?", "[a]", `back\slash`, "::", "a:b:c", strings.Repeat("k", 400)}
	for i, k := range keys {
		set(t, l, k, sample(k, int64(i)))
	}
	for _, k := range keys {
		wantBody(t, l, k, k)
	}
}

func large(t *testing.T, l cache.Level) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 2<<20/16)
	e := sample("", 1)
	e.Body = body
	set(t, l, "large", e)
	if got, ok := get(t, l, "large"); !ok || !bytes.Equal(got.Body, body) {
		t.Errorf("2 MiB came back as %d bytes, %v", len(got.Body), ok)
	}
}

func racing(t *testing.T, l cache.Level) {
	const writers, rounds = 8, 10
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for r := range rounds {
				g := int64(r*writers + w)
				if err := l.Set(context.Background(), "hot", sample(fmt.Sprint(g), g)); err != nil {
					t.Errorf("Set: %v", err)
				}
			}
		})
	}
	wg.Wait()
	wantBody(t, l, "hot", fmt.Sprint(writers*rounds-1))
}

func listing(t *testing.T, l cache.Level) {
	lister, ok := l.(cache.Lister)
	if !ok {
		t.Skip("this level does not list")
	}
	var want []string
	for i := range 300 {
		k := fmt.Sprintf("title:%d", i)
		set(t, l, k, sample(k, 1))
		want = append(want, k)
	}
	if err := l.Delete(t.Context(), "title:7"); err != nil {
		t.Fatal(err)
	}
	want = slices.DeleteFunc(want, func(k string) bool { return k == "title:7" })
	var got []string
	if err := lister.Keys(t.Context(), func(k string) bool { got = append(got, k); return true }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	n := 0
	if err := lister.Keys(t.Context(), func(string) bool { n++; return n < 3 }); err != nil || n != 3 {
		t.Errorf("stopped after %d of 3, %v", n, err)
	}
}

func tagged(t *testing.T, l cache.Level) {
	lister, ok := l.(cache.Tagged)
	if !ok {
		t.Skip("this level does not list by tag")
	}
	for k, tags := range map[string][]string{"a": {"x", "y"}, "b": {"y"}, "c": {"z"}, "d": nil} {
		e := sample(k, 1)
		e.Tags = tags
		set(t, l, k, e)
	}
	got := map[string]bool{}
	if err := lister.KeysTagged(t.Context(), []string{"x", "y", "nobody"}, func(k string) bool { got[k] = true; return true }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]bool{"a": true, "b": true}, got); diff != "" {
		t.Errorf("tagged keys (-want +got):\n%s", diff)
	}
}

func fences(t *testing.T, l cache.Level) {
	f, ok := l.(cache.Fenced)
	if !ok {
		t.Skip("this level has no fences")
	}
	ctx := t.Context()
	fence := func() uint64 {
		t.Helper()
		_, _, n, err := f.GetFenced(ctx, "k")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	store := func(body string, n uint64, want bool) {
		t.Helper()
		if got, err := f.SetFenced(ctx, "k", sample(body, 1), n); err != nil || got != want {
			t.Errorf("SetFenced(%q) = %v, %v, want %v", body, got, err, want)
		}
	}
	for _, move := range []func(context.Context, string) error{l.Delete, l.Expire} { // nothing is there
		before := fence()
		if err := move(ctx, "k"); err != nil {
			t.Fatal(err)
		}
		store("late", before, false)
		wantAbsent(t, l, "k")
	}
	if all, ok := l.(cache.Fencer); ok {
		before := fence()
		if err := all.FenceAll(ctx); err != nil {
			t.Fatal(err)
		}
		store("late", before, false)
	}
	store("first", fence(), true)
	wantBody(t, l, "k", "first")
	for name, move := range map[string]func() error{
		"delete": func() error { return l.Delete(ctx, "k") },
		"expire": func() error { return l.Expire(ctx, "k") },
		"set":    func() error { return l.Set(ctx, "k", sample("pushed", 1)) },
	} {
		set(t, l, "k", sample("before", 1))
		before := fence()
		if err := move(); err != nil {
			t.Fatal(name, err)
		}
		store("late after "+name, before, false)
		store("anew after "+name, fence(), true)
		wantBody(t, l, "k", "anew after "+name)
	}
}
