package cache

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"anihub/platform/fault"
)

// errSkipped stands for a level that was not asked because its breaker is open.
var errSkipped = fault.New(fault.Unavailable, "LEVEL_SKIPPED", "The cache level is passed over while it fails.")

// tier is a level as the chain uses it: with a deadline, a breaker and counters.
type tier struct {
	name     string // l1, l2, l3, local: what answers say
	label    string // the same, and the mount: what metrics say
	level    Level
	copy     bool   // of the deepest level, in this process: asked when that is silent, never trusted
	own      bool   // no other process clears it
	locker   Locker // the level, if it gives load locks
	ttl      time.Duration
	timeout  time.Duration // of one operation
	patience time.Duration // of one that walks over many keys
	breaker  *breaker
	n        counters
}

// counters of one tier since the start.
type counters struct {
	hits, stale, misses, errors, skipped atomic.Int64
}

// held is what a tier holds of a key.
type held struct {
	Entry
	ok    bool
	fence uint64
	err   error // the tier could not be asked
}

// get asks the level once. Counting hits is left to the caller, who knows what
// the entry was good for.
func (t *tier) get(ctx context.Context, key string) (h held, err error) {
	err = t.do(ctx, func(ctx context.Context) error {
		var err error
		if f, ok := t.level.(Fenced); ok {
			h.Entry, h.ok, h.fence, err = f.GetFenced(ctx, key)
			return err
		}
		h.Entry, h.ok, err = t.level.Get(ctx, key)
		return err
	})
	if err != nil {
		return held{}, err
	}
	return h, nil
}

// getAll is get for each key, in one exchange if the level can.
func (t *tier) getAll(ctx context.Context, asked []*lookup) []held {
	out := make([]held, len(asked))
	if b, ok := t.level.(Bulk); ok && len(asked) > 1 {
		err := t.do(ctx, func(ctx context.Context) error {
			got, err := b.GetAllFenced(ctx, keysOf(asked))
			for i, x := range got {
				out[i] = held{Entry: x.Entry, ok: x.OK, fence: x.Fence}
			}
			return err
		})
		for i := range out {
			if err != nil {
				out[i] = held{err: err}
			}
		}
		return out
	}
	for i, l := range asked {
		h, err := t.get(ctx, l.f.key)
		h.err = err
		out[i] = h
	}
	return out
}

// set stores a copy under the fence that get told; false when the level has been
// told meanwhile that the key changed. The local copy was not asked, and is never trusted.
func (t *tier) set(ctx context.Context, key string, e Entry, fence uint64) (kept bool, err error) {
	kept = true
	err = t.do(ctx, func(ctx context.Context) error {
		f, ok := t.level.(Fenced)
		if !ok || t.copy {
			return t.level.Set(ctx, key, e)
		}
		var err error
		kept, err = f.SetFenced(ctx, key, e, fence)
		return err
	})
	return kept || err != nil, err
}

// do runs one operation.
func (t *tier) do(ctx context.Context, op func(context.Context) error) error {
	return t.within(ctx, t.timeout, op)
}

// long runs one that walks over many keys. It may take its time, and therefore
// asks first whether anybody is there.
func (t *tier) long(ctx context.Context, op func(context.Context) error) error {
	if _, err := t.get(ctx, "anybody there?"); err != nil {
		return err
	}
	return t.within(ctx, t.patience, op)
}

// within runs an operation if the breaker lets it, and reports what came of it,
// also when the level panics.
func (t *tier) within(ctx context.Context, limit time.Duration, op func(context.Context) error) (err error) {
	p := t.breaker.allow(time.Now())
	if p == refused {
		t.n.skipped.Add(1)
		return errSkipped
	}
	v := bad
	defer func() {
		t.breaker.report(p, v, time.Now())
		if v == bad {
			t.n.errors.Add(1)
		}
	}()
	opctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err = op(opctx)
	v = judge(ctx, err)
	return err
}

// judge says what an outcome tells about the level. What it refuses for its
// content (a value that is too large) was an answer.
func judge(caller context.Context, err error) verdict {
	switch {
	case err == nil, refusal(err):
		return good
	case caller.Err() != nil:
		return unknown
	default:
		return bad
	}
}

func refusal(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && (f.Kind == fault.Unprocessable || f.Kind == fault.TooLarge || f.Kind == fault.Invalid)
}
