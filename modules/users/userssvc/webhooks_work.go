package userssvc

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"anihub/modules/users"
	"anihub/platform/documents"
)

// Every process looks after the webhooks. Whoever finds one that has something to be
// told claims it in the store for a while, delivers event after event, and writes
// after each how far it is. A process that dies leaves its claim to run out; one that
// slept through that cannot write any more, because the version has moved on. So an
// event may be sent again after a crash, under the same webhook-id, and is
// acknowledged once.
const (
	claimTime   = time.Minute      // more than one delivery takes
	claimEvents = 50               // of one claim, so that all get their turn
	lookEvery   = 10 * time.Second // when nothing rings
	deliverers  = 32               // webhooks at once in a process
)

// webhooks is what this process knows of its work.
type webhooks struct {
	cfg    WebhooksConfig
	client *http.Client
	rung   chan struct{}
	places chan struct{} // one for each delivery at once

	mu   sync.Mutex
	busy map[string]bool
	seen map[string]looked
}

// looked is up to where a webhook was found to have nothing to be told.
type looked struct {
	version int64
	order   int64
}

func newWebhooks(cfg WebhooksConfig) *webhooks {
	return &webhooks{
		cfg: cfg, client: cfg.client(), rung: make(chan struct{}, 1), places: make(chan struct{}, deliverers),
		busy: map[string]bool{}, seen: map[string]looked{},
	}
}

// ring makes the process look now.
func (w *webhooks) ring() {
	select {
	case w.rung <- struct{}{}:
	default:
	}
}

// runWebhooks delivers until ctx ends.
func (s *Service) runWebhooks(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	away := false
	for ctx.Err() == nil {
		_, _, changed := s.news.now()
		wait, err := s.lookAround(ctx, &wg)
		if down := err != nil && ctx.Err() == nil; down != away {
			away = down
			s.log.WarnContext(ctx, "looking after webhooks", "away", away, "err", err)
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-s.webhooks.rung:
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
	newest := all[len(all)-1].order
	for d, err := range s.store.webhooks.Scan(ctx, documents.Scan{}) {
		w, err := webhookOf(d, err)
		if err != nil {
			return wait, err
		}
		if in := time.Until(w.NextAt); in > 0 && in < wait && !w.Disabled {
			wait = in
		}
		if s.idle(w, newest) {
			continue
		}
		if !s.webhooks.take(w.id) {
			break // all places are taken: whoever leaves one rings
		}
		wg.Go(func() {
			defer s.webhooks.leave(w.id)
			if err := s.attend(ctx, w, all); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "a webhook could not be served; trying again", "webhook", w.id, "err", err)
			}
		})
	}
	return max(wait, time.Millisecond), nil
}

// idle tells whether there is nothing to do for a webhook, without asking anybody.
func (s *Service) idle(w webhook, newest int64) bool {
	t := time.Now()
	if w.Disabled || w.Cursor >= newest || t.Before(w.NextAt) || t.Before(w.ClaimedUntil) {
		return true
	}
	s.webhooks.mu.Lock()
	defer s.webhooks.mu.Unlock()
	at := s.webhooks.seen[w.id]
	return s.webhooks.busy[w.id] || at.version == w.version && at.order >= newest
}

// take enters a place if one is free.
func (w *webhooks) take(id string) bool {
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

func (w *webhooks) leave(id string) {
	w.mu.Lock()
	delete(w.busy, id)
	w.mu.Unlock()
	<-w.places
	w.ring()
}

func (w *webhooks) nothingFor(id string, version, order int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.seen) > 100_000 { // of webhooks that are no more
		w.seen = map[string]looked{}
	}
	w.seen[id] = looked{version, order}
}

// attend delivers what a webhook has not been told.
func (s *Service) attend(ctx context.Context, w webhook, all []*happened) error {
	owed, err := s.owed(ctx, w, all)
	if err != nil || len(owed) == 0 {
		if err == nil {
			s.webhooks.nothingFor(w.id, w.version, all[len(all)-1].order)
		}
		return err
	}
	w.ClaimedUntil = now().Add(claimTime)
	if err := s.write(ctx, &w); err != nil {
		return passedBy(err)
	}
	for i, h := range owed {
		if i == claimEvents || ctx.Err() != nil {
			break
		}
		if goOn, err := s.deliver(ctx, &w, h); err != nil || !goOn {
			return passedBy(err)
		}
	}
	return passedBy(s.unclaim(ctx, &w))
}

// passedBy: that another process or the user was faster is no failure.
func passedBy(err error) error {
	if errors.Is(err, documents.ErrVersion) {
		return nil
	}
	return err
}

// write stores the webhook as it is now, also when ctx has ended: what was delivered
// was delivered, and a claim that nobody knows of would have to run out.
// documents.ErrVersion when it is no longer this process's.
func (s *Service) write(ctx context.Context, w *webhook) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	if err := s.store.webhooks.Replace(ctx, w.id, w.version, w); err != nil {
		return err
	}
	w.version++
	return nil
}

// unclaim gives the claim back: the next process need not wait for it to run out.
func (s *Service) unclaim(ctx context.Context, w *webhook) error {
	w.ClaimedUntil = time.Time{}
	return s.write(ctx, w)
}

// owed are the events that a webhook has to be told of now, in order.
func (s *Service) owed(ctx context.Context, w webhook, all []*happened) ([]*happened, error) {
	a, err := s.store.account(ctx, w.User)
	if errors.Is(err, users.ErrNotFound) {
		return nil, s.store.webhooks.Delete(ctx, w.id)
	}
	if err != nil || a.Banned || a.Quiet.until(time.Now()).After(time.Now()) {
		return nil, err
	}
	subs, err := s.subscriptionsOf(ctx, w.User)
	if err != nil {
		return nil, err
	}
	v := view{s: s, wanted: map[int]users.Subscription{}}
	for _, sub := range subs {
		if sub.Channels == nil || slices.Contains(sub.Channels, users.ChannelWebhook) {
			v.wanted[sub.TitleID] = sub
		}
	}
	var out []*happened
	for _, h := range behind(all, w.Cursor) {
		if (len(w.Types) == 0 || slices.Contains(w.Types, h.typ)) && v.has(ctx, h) {
			out = append(out, h)
		}
	}
	return out, nil
}

// deliver sends one event and writes what became of it; goOn is false when the next
// one has to wait.
func (s *Service) deliver(ctx context.Context, w *webhook, h *happened) (goOn bool, err error) {
	status, err := s.send(ctx, *w, h)
	switch {
	case err != nil && ctx.Err() != nil:
		return false, s.unclaim(ctx, w) // nobody knows whether it was taken: it is sent again
	case err == nil && status >= 200 && status < 300:
		s.metrics.webhooks.WithLabelValues("delivered").Inc()
		w.Cursor, w.Failures, w.Delivered = h.order, 0, w.Delivered+1
		w.NextAt, w.ClaimedUntil = time.Time{}, now().Add(claimTime)
		return true, s.write(ctx, w)
	case status == http.StatusGone:
		s.metrics.webhooks.WithLabelValues("gone").Inc()
		return false, s.gone(ctx, *w)
	}
	s.metrics.webhooks.WithLabelValues("failed").Inc()
	s.log.InfoContext(ctx, "a webhook did not take an event", "webhook", w.id, "failures", w.Failures+1, "status", status, "err", err)
	return false, s.failed(ctx, w)
}

// gone removes a webhook whose receiver said so. The notice comes first: told twice is
// told once.
func (s *Service) gone(ctx context.Context, w webhook) error {
	if err := s.notify(ctx, w.User, noticeRef(w, "gone"), users.NoticeChannel, users.NoticeWebhookGone); err != nil {
		return err
	}
	return s.store.webhooks.Delete(ctx, w.id)
}

func (s *Service) failed(ctx context.Context, w *webhook) error {
	w.Failures++
	w.ClaimedUntil = time.Time{}
	steps := retries()
	if w.Failures <= len(steps) {
		d := steps[w.Failures-1]
		w.NextAt = now().Add(d - d/10 + rand.N(d/5))
		return s.write(ctx, w)
	}
	w.Disabled = true
	if err := s.notify(ctx, w.User, noticeRef(*w, "disabled"), users.NoticeChannel, users.NoticeWebhookDisabled); err != nil {
		return err
	}
	return s.write(ctx, w)
}
