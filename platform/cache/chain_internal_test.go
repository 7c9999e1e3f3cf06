package cache

import (
	"testing"
	"time"
)

// TestTheNewerOfTwoIsBetter: the generation decides, whichever is nearer, sound or fresh for
// longer; among equals what is sound, then what is fresh for longer, then what is nearer.
func TestTheNewerOfTwoIsBetter(t *testing.T) {
	t.Parallel()
	at := func(level string, generation int64, sound bool, fresh time.Duration) finding {
		e := Entry{Generation: generation, FreshUntil: time.Unix(0, 0).Add(fresh)}
		return finding{Hit: Hit{Entry: e, Level: level}, ok: true, sound: sound}
	}
	for name, c := range map[string]struct {
		a, b finding
		want string
	}{
		"the newer is below":        {at("l1", 1, true, time.Hour), at("l2", 2, false, 0), "l2"},
		"the newer is near":         {at("l1", 2, false, 0), at("l2", 1, true, time.Hour), "l1"},
		"the sound is below":        {at("l1", 1, false, time.Hour), at("l2", 1, true, 0), "l2"},
		"the longer fresh is below": {at("l1", 1, true, 0), at("l2", 1, true, time.Hour), "l2"},
		"equal":                     {at("l1", 1, true, time.Hour), at("l2", 1, true, time.Hour), "l1"},
		"nothing near":              {finding{}, at("l2", 1, false, 0), "l2"},
		"nothing below":             {at("l1", 1, false, 0), finding{}, "l1"},
	} {
		if got := better(c.a, c.b); got.Level != c.want {
			t.Errorf("%s: %s, want %s", name, got.Level, c.want)
		}
	}
}
