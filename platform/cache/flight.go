package cache

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// flight is one look below L1 for one key: at most one per key is joined at a
// time. Whoever asks waits for it, and it outlives all of them.
//
// A flight is overtaken by an invalidation that begins after it: it still
// answers those who joined before, but nobody joins any more and nothing of it
// is kept (a load that began before an invalidation may bring the old value).
type flight struct {
	key    string
	began  time.Time
	ahead  bool          // a refresh ahead of time: looks deeper than it must
	found  chan struct{} // closed when there is a candidate
	done   chan struct{} // closed when there is an answer
	over   chan struct{} // closed when nothing more will be stored
	nudged chan struct{} // somebody else has loaded or changed the key

	// Guarded by flights.mu; answer and err may be read after done.
	answer    finding
	err       error
	answered  bool
	candidate finding
	overtaken bool
	storing   bool
	waiters   int
	born      uint64   // flights.seq when it began
	tags      []string // of what it found, once it is known
}

// finding is a value with what is known about it so far.
type finding struct {
	Hit
	ok    bool
	sound bool // fresh by the rules of the level that it was found in
}

// failure is the last thing that went wrong with a key.
type failure struct {
	err    error
	reason string
	at     time.Time
}

// maxFailures bounds what is remembered about keys that fail.
const maxFailures = 8192

// flights is the table of those under way. It is touched only when L1 cannot
// answer, so one lock does.
type flights struct {
	mu      sync.Mutex
	running map[string]*flight   // to be joined
	live    map[*flight]struct{} // all that are not over
	sweeps  map[*sweep]struct{}
	failed  map[string]failure
	tags    map[string]uint64 // seq of the last sweep of a tag, while a flight born before it lives
	seq     uint64
	closed  bool
}

// sweep is an invalidation that is being carried out. Flights that begin
// meanwhile may have read what it is about to clear: they are born overtaken.
type sweep struct {
	match func(key string) bool
	tags  []string
}

func (s *sweep) hits(f *flight) bool {
	return s.match(f.key) || slices.ContainsFunc(f.tags, func(t string) bool { return slices.Contains(s.tags, t) })
}

func newFlights() *flights {
	return &flights{
		running: map[string]*flight{},
		live:    map[*flight]struct{}{},
		sweeps:  map[*sweep]struct{}{},
		failed:  map[string]failure{},
		tags:    map[string]uint64{},
	}
}

// join returns the flight of a key and whether the caller must fly it; nil after
// close.
func (fs *flights) join(key string, ahead bool) (f *flight, leader bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.joinLocked(key, ahead)
}

// joinAll joins the flights of several keys at once, so that of two readers of the
// same keys one leads them all.
func (fs *flights) joinAll(keys []string) (all []*flight, leads []bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	all, leads = make([]*flight, len(keys)), make([]bool, len(keys))
	for i, k := range keys {
		all[i], leads[i] = fs.joinLocked(k, false)
	}
	return all, leads
}

func (fs *flights) joinLocked(key string, ahead bool) (f *flight, leader bool) {
	if f := fs.running[key]; f != nil {
		f.waiters++
		return f, false
	}
	if fs.closed {
		return nil, false
	}
	f = &flight{
		key: key, began: time.Now(), ahead: ahead, waiters: 1, born: fs.seq,
		found: make(chan struct{}), done: make(chan struct{}), over: make(chan struct{}),
		nudged: make(chan struct{}, 1),
	}
	for s := range fs.sweeps {
		f.overtaken = f.overtaken || s.match(key)
	}
	fs.running[key], fs.live[f] = f, struct{}{}
	return f, true
}

// offer makes the best value known so far visible to those who wait.
func (fs *flights) offer(f *flight, c finding) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if !f.candidate.ok {
		close(f.found)
	}
	f.candidate = c
}

func (fs *flights) offered(f *flight) finding {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return f.candidate
}

// finish gives the answer to all who wait; only the first one counts.
func (fs *flights) finish(f *flight, a finding, err error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.answerLocked(f, a, err)
}

func (fs *flights) answerLocked(f *flight, a finding, err error) {
	if f.answered {
		return
	}
	f.answer, f.err, f.answered = a, err, true
	close(f.done)
	if err != nil && !errors.Is(err, ErrNotFound) {
		fs.dropLocked(f) // who asks after a failure starts afresh
	}
}

// giveUp makes the key of a flight that takes too long usable again, although the
// loader still hangs, and answers for it, if it has not answered yet.
func (fs *flights) giveUp(f *flight, a finding, err error) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.overtake(f)
	if f.answered {
		return false
	}
	fs.answerLocked(f, a, err)
	return true
}

// end is the last call for a flight.
func (fs *flights) end(f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if _, live := fs.live[f]; !live {
		return
	}
	fs.dropLocked(f)
	delete(fs.live, f)
	f.storing = false
	close(f.over)
}

// overtake: nothing of the flight is kept from now on, and nobody joins it.
func (fs *flights) overtake(f *flight) {
	f.overtaken = true
	fs.dropLocked(f)
}

func (fs *flights) dropLocked(f *flight) {
	if fs.running[f.key] == f {
		delete(fs.running, f.key)
	}
}

// keep runs store, which must be quick, unless the flight is overtaken, by its
// key or by a tag of what it found. No invalidation begins meanwhile, so none is
// undone by it.
func (fs *flights) keep(f *flight, tags []string, store func()) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f.tags = tags
	for _, t := range tags {
		f.overtaken = f.overtaken || fs.tags[t] > f.born
	}
	if !f.overtaken {
		store()
	}
}

// store asks whether a flight may write to the levels below; an invalidation
// that begins afterwards waits for its end.
func (fs *flights) store(f *flight) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f.storing = !f.overtaken
	return f.storing
}

// begin starts a sweep: it overtakes what flies, and waits until flights that
// are already storing have done so (their levels bound that).
func (fs *flights) begin(ctx context.Context, match func(string) bool, tags []string) (*sweep, error) {
	s, storing := fs.mark(match, tags)
	for _, f := range storing {
		select {
		case <-f.over:
		case <-ctx.Done():
			fs.finishSweep(s)
			return nil, ctx.Err()
		}
	}
	return s, nil
}

// mark is the part of begin that does not wait.
func (fs *flights) mark(match func(string) bool, tags []string) (s *sweep, storing []*flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	s = &sweep{match: match, tags: tags}
	fs.sweeps[s] = struct{}{}
	fs.markTags(tags)
	for f := range fs.live {
		if !s.hits(f) {
			continue
		}
		if f.storing {
			storing = append(storing, f)
		}
		fs.overtake(f)
		f.nudge()
	}
	for key := range fs.failed {
		if match(key) {
			delete(fs.failed, key)
		}
	}
	return s, storing
}

// markTags lets flights that are under way find out, once they know their tags,
// that a sweep has been faster. Without such flights there is nothing to keep.
func (fs *flights) markTags(tags []string) {
	if len(fs.live) == 0 {
		clear(fs.tags)
		return
	}
	fs.seq++
	for _, t := range tags {
		fs.tags[t] = fs.seq
	}
}

// finishSweep ends a sweep; whoever asks from now on starts afresh.
func (fs *flights) finishSweep(s *sweep) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.markTags(s.tags)
	for _, f := range fs.running {
		if s.hits(f) {
			fs.overtake(f)
		}
	}
	delete(fs.sweeps, s)
}

// fail and clear keep what Explain tells, and what spares the origin a try.
func (fs *flights) fail(key string, err error, reason string) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if len(fs.failed) >= maxFailures {
		clear(fs.failed)
	}
	fs.failed[key] = failure{err: err, reason: reason, at: time.Now()}
}

func (fs *flights) clear(key string) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	delete(fs.failed, key)
}

func (fs *flights) failure(key string) (failure, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f, ok := fs.failed[key]
	return f, ok
}

// close lets no new flight begin.
func (fs *flights) close() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.closed = true
}

// settle waits until every flight that is under way now is over.
func (fs *flights) settle(ctx context.Context) error {
	fs.mu.Lock()
	live := make([]*flight, 0, len(fs.live))
	for f := range fs.live {
		live = append(live, f)
	}
	fs.mu.Unlock()
	for _, f := range live {
		select {
		case <-f.over:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
