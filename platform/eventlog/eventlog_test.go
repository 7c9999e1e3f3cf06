package eventlog_test

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"anihub/platform/eventlog"
	"anihub/platform/eventlog/eventlogtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemory(t *testing.T) {
	t.Parallel()
	eventlogtest.Contract(t, eventlogtest.Target{
		Open:   func(testing.TB) eventlog.Log { return eventlog.NewMemory(100) },
		Retain: 100,
	})
}

func TestMemoryKeepsAtLeastOne(t *testing.T) {
	t.Parallel()
	m := eventlog.NewMemory(-5)
	for _, id := range []string{"a", "b"} {
		if _, _, err := m.Append(t.Context(), eventlog.Entry{ID: id, Topic: "event"}); err != nil {
			t.Fatal(err)
		}
	}
	tail, _ := m.Tail(t.Context())
	tail.Offset--
	if got, err := m.Read(t.Context(), tail, 5); err != nil || len(got) != 1 || got[0].ID != "b" {
		t.Fatalf("%v, %v", got, err)
	}
}

func TestMemoryEpochIsNewEveryTime(t *testing.T) {
	t.Parallel()
	a, _ := eventlog.NewMemory(1).Tail(t.Context())
	b, _ := eventlog.NewMemory(1).Tail(t.Context())
	if a.Epoch == b.Epoch {
		t.Fatalf("two logs share the epoch %s", a.Epoch)
	}
}

func FuzzParsePosition(f *testing.F) {
	for _, s := range []string{
		"abc:1", "abc:0", "abc:18446744073709551615", "abc:18446744073709551616", "abc:01", "abc:+1", "abc:-1",
		":1", "abc:", "abc", "", ":", "a:b:1", "ABC:1", "abc:1 ", "абв:1", "abc:1e3", "a\x00:1", strings.Repeat("a", 33) + ":1",
		strings.Repeat("9", 5000), "abc:0x1", "abc:1_0",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := eventlog.ParsePosition(s)
		if err == nil && p.String() != s {
			t.Fatalf("%q is read as %q: a position has one spelling", s, p)
		}
		if err != nil && len(err.Error()) > 200 {
			t.Fatalf("an error of %d bytes", len(err.Error()))
		}
		if err == nil && len(p.Epoch) > 32 {
			t.Fatalf("an epoch of %d bytes", len(p.Epoch))
		}
	})
}
