package userssvc

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"anihub/modules/users"
	"anihub/platform/documents"
	"anihub/platform/lease"
)

// One process of a fleet looks after the outlets, by a lease; that is to spare the
// store, and nothing depends on it. Whoever finds an outlet that has something to be
// told claims it in the store for a while, delivers event after event, and writes
// after each how far it is. A process that dies leaves its claim to run out; one that
// slept through that cannot write any more, because the version has moved on. So an
// event may be sent again after a crash, under the same name, and is acknowledged
// once.
const (
	claimTime   = time.Minute      // more than one delivery takes
	claimEvents = 50               // of one claim, so that all get their turn
	lookEvery   = 10 * time.Second // when nothing rings
	deliverers  = 32               // outlets at once in a process
	outletLease = "outlets"
)

// worker is what this process knows of its work.
type worker struct {
	rung   chan struct{}
	places chan struct{} // one for each delivery at once

	mu   sync.Mutex
	busy map[string]bool
	seen map[string]looked
}

// looked is up to where an outlet was found to have nothing to be told, and until when
// that holds.
type looked struct {
	version int64
	order   int64
	until   time.Time // zero = until there is more
}

func newWorker() *worker {
	return &worker{
		rung: make(chan struct{}, 1), places: make(chan struct{}, deliverers),
		busy: map[string]bool{}, seen: map[string]looked{},
	}
}

// ring makes the process look now.
func (w *worker) ring() {
	select {
	case w.rung <- struct{}{}:
	default:
	}
}

// runOutlets delivers until ctx ends, if it is this process's turn.
func (s *Service) runOutlets(ctx context.Context) {
	defer s.pushes.client.CloseIdleConnections()
	if s.deps.Leases == nil {
		s.lookAfter(ctx)
		return
	}
	err := lease.Run(ctx, s.deps.Leases, outletLease, lease.DefaultTTL, s.log, func(ctx context.Context, _ int64) error {
		s.lookAfter(ctx)
		return ctx.Err()
	})
	if err != nil {
		s.log.ErrorContext(ctx, "nobody looks after webhooks and push here", "err", err) // the name or the time is wrong: never
	}
}

func (s *Service) lookAfter(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	away := false
	for ctx.Err() == nil {
		_, _, changed := s.news.now()
		wait, err := s.lookAround(ctx, &wg)
		if down := err != nil && ctx.Err() == nil; down != away {
			away = down
			s.log.WarnContext(ctx, "looking after webhooks and push", "away", away, "err", err)
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-s.worker.rung:
		case <-time.After(wait):
		}
	}
}

// lookAround begins what there is to deliver and says when to look again.
func (s *Service) lookAround(ctx context.Context, wg *sync.WaitGroup) (time.Duration, error) {
	wait := lookEvery
	all, loaded, _ := s.news.now()
	if !loaded || len(all) == 0 {
		return wait, nil
	}
	for _, c := range []*channel{s.webhooks, s.pushes} {
		for d, err := range c.kept.Scan(ctx, documents.Scan{}) {
			if err != nil {
				return wait, err
			}
			o, err := c.read(d)
			if err != nil {
				return wait, err
			}
			if in := time.Until(o.book().NextAt); in > 0 && in < wait && !o.book().Disabled {
				wait = in
			}
			if !s.begin(ctx, wg, c, o, all) {
				break // all places are taken: whoever leaves one rings
			}
		}
	}
	return max(wait, time.Millisecond), nil
}

// begin begins to attend an outlet that is not idle; false when there is no place.
func (s *Service) begin(ctx context.Context, wg *sync.WaitGroup, c *channel, o outlet, all []*happened) bool {
	l := o.book()
	if s.worker.idle(l, all[len(all)-1].order, time.Now()) {
		return true
	}
	if !s.worker.take(l.id) {
		return false
	}
	id := l.id
	wg.Go(func() {
		defer s.worker.leave(id)
		if err := s.attend(ctx, c, o, all); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "an outlet could not be served; trying again", "channel", c.name, "outlet", id, "err", err)
		}
	})
	return true
}

// idle tells whether there is nothing to do for an outlet, without asking anybody.
func (w *worker) idle(l *Ledger, newest int64, t time.Time) bool {
	if l.Disabled || l.Cursor >= newest || t.Before(l.NextAt) || t.Before(l.ClaimedUntil) {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.seen[l.id]
	return w.busy[l.id] || at.version == l.version && at.order >= newest && (at.until.IsZero() || t.Before(at.until))
}

// take enters a place if one is free.
func (w *worker) take(id string) bool {
	select {
	case w.places <- struct{}{}:
	default:
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy[id] = true
	return true
}

func (w *worker) leave(id string) {
	w.mu.Lock()
	delete(w.busy, id)
	w.mu.Unlock()
	<-w.places
	w.ring()
}

func (w *worker) nothingFor(id string, l looked) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.seen) > 100_000 { // of outlets that are no more
		w.seen = map[string]looked{}
	}
	w.seen[id] = l
}

// attend delivers what an outlet has not been told.
func (s *Service) attend(ctx context.Context, c *channel, o outlet, all []*happened) error {
	l := o.book()
	owed, until, err := s.owed(ctx, c, o, all)
	if err != nil {
		return err
	}
	if len(owed) == 0 {
		s.worker.nothingFor(l.id, looked{l.version, all[len(all)-1].order, until})
		return nil
	}
	l.ClaimedUntil = now().Add(claimTime)
	if err := s.write(ctx, c, o); err != nil {
		return passedBy(err)
	}
	for i, h := range owed {
		if i == claimEvents || ctx.Err() != nil {
			break
		}
		if goOn, err := s.deliver(ctx, c, o, h); err != nil || !goOn {
			return passedBy(err)
		}
	}
	return passedBy(s.unclaim(ctx, c, o))
}

// passedBy: that another process or the user was faster is no failure.
func passedBy(err error) error {
	if errors.Is(err, documents.ErrVersion) {
		return nil
	}
	return err
}

// write stores the outlet as it is now, also when ctx has ended: what was delivered
// was delivered, and a claim that nobody knows of would have to run out.
// documents.ErrVersion when it is no longer this process's.
func (s *Service) write(ctx context.Context, c *channel, o outlet) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	l := o.book()
	if err := c.kept.Replace(ctx, l.id, l.version, o); err != nil {
		return err
	}
	l.version++
	return nil
}

// unclaim gives the claim back: the next process need not wait for it to run out.
func (s *Service) unclaim(ctx context.Context, c *channel, o outlet) error {
	o.book().ClaimedUntil = time.Time{}
	return s.write(ctx, c, o)
}

// quietLook is how long quiet hours are believed: their owner may end them.
const quietLook = time.Minute

// owed are the events that an outlet has to be told of now, in order. When there are
// none only for a while, until is when to look again.
func (s *Service) owed(ctx context.Context, c *channel, o outlet, all []*happened) (events []*happened, until time.Time, err error) {
	l := o.book()
	a, err := s.store.account(ctx, l.User)
	if errors.Is(err, users.ErrNotFound) {
		return nil, until, c.kept.Delete(ctx, l.id)
	}
	if err != nil || a.Banned {
		return nil, until, err
	}
	if t := time.Now(); a.Quiet.until(t).After(t) {
		return nil, earlier(a.Quiet.until(t), t.Add(quietLook)), nil
	}
	wanted, err := s.wantedOn(ctx, l.User, c.name)
	if err != nil {
		return nil, until, err
	}
	v := view{s: s, wanted: wanted}
	for _, h := range behind(all, l.Cursor) {
		if v.has(ctx, h) && o.hears(h.typ, wanted[h.title]) {
			events = append(events, h)
		}
	}
	if len(events) == 0 {
		return nil, until, nil
	}
	if ok, err := o.admitted(ctx, s, a); err != nil || !ok {
		return nil, until, errors.Join(err, c.dismiss(ctx, l.id, err))
	}
	return events, until, nil
}

// dismiss deletes an outlet, unless it failed to be judged.
func (c *channel) dismiss(ctx context.Context, id string, failure error) error {
	if failure != nil {
		return nil
	}
	return c.kept.Delete(ctx, id)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// wantedOn are the subscriptions of a user of which a channel tells, by title.
func (s *Service) wantedOn(ctx context.Context, user, channel string) (map[int]users.Subscription, error) {
	subs, err := s.subscriptionsOf(ctx, user)
	wanted := map[int]users.Subscription{}
	for _, sub := range subs {
		if sub.Channels == nil || slices.Contains(sub.Channels, channel) {
			wanted[sub.TitleID] = sub
		}
	}
	return wanted, err
}

// deliver sends one event and writes what became of it; goOn is false when the next
// one has to wait.
func (s *Service) deliver(ctx context.Context, c *channel, o outlet, h *happened) (goOn bool, err error) {
	l := o.book()
	a, err := s.send(ctx, c, o, h)
	switch {
	case err != nil && ctx.Err() != nil:
		return false, s.unclaim(ctx, c, o) // nobody knows whether it was taken: it is sent again
	case err == nil && a.status >= 200 && a.status < 300:
		s.metrics.deliveries.WithLabelValues(c.name, "delivered").Inc()
		l.Cursor, l.Failures, l.Delivered = h.order, 0, l.Delivered+1
		l.NextAt, l.ClaimedUntil = time.Time{}, now().Add(claimTime)
		return true, s.write(ctx, c, o)
	case l.Failures >= o.patience(a.status):
		s.metrics.deliveries.WithLabelValues(c.name, ending(o, a.status)).Inc()
		return false, o.abandon(ctx, s, a.status)
	}
	s.metrics.deliveries.WithLabelValues(c.name, "failed").Inc()
	s.log.InfoContext(ctx, "an outlet did not take an event", "channel", c.name, "outlet", l.id, "failures", l.Failures+1, "status", a.status, "err", err)
	return false, s.failed(ctx, c, o, a.again)
}

// ending is what the metrics call the end of an outlet.
func ending(o outlet, status int) string {
	if o.patience(status) == 0 {
		return "gone"
	}
	return "abandoned"
}

// answer is what an outlet answered: its status, and when it wants to be asked again.
type answer struct {
	status int
	again  time.Duration
}

// answerBytes is how much of an answer is read before the connection is dropped.
const answerBytes = 64 << 10

// send delivers one event once.
func (s *Service) send(ctx context.Context, c *channel, o outlet, h *happened) (answer, error) {
	req, err := o.request(ctx, s, h)
	if err != nil {
		return answer{}, err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return answer{}, unnamed(err)
	}
	_, _ = io.CopyN(io.Discard, resp.Body, answerBytes) // what it says is of no interest
	_ = resp.Body.Close()
	return answer{resp.StatusCode, retryAfter(resp.Header, time.Now())}, nil
}

// unnamed is an error of a request without its URL, which may be all that a stranger
// needs to call the outlet himself.
func unnamed(err error) error {
	var named *url.Error
	if errors.As(err, &named) {
		return named.Err
	}
	return err
}

// retryAfter reads the header (RFC 9110 §10.2.3): a number of seconds or a date.
func retryAfter(h http.Header, t time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return time.Duration(min(seconds, int(longest.Seconds()))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(t) {
		return min(at.Sub(t), longest)
	}
	return 0
}

// longest is how long an outlet may put AniHub off at a time.
const longest = 24 * time.Hour

func (s *Service) failed(ctx context.Context, c *channel, o outlet, again time.Duration) error {
	l := o.book()
	steps := retries()
	d := steps[min(l.Failures, len(steps)-1)]
	l.Failures++
	l.ClaimedUntil = time.Time{}
	l.NextAt = now().Add(max(again, d-d/10+rand.N(d/5)))
	return s.write(ctx, c, o)
}
