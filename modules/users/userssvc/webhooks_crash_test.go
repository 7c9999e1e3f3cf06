package userssvc_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestWebhookIsOvertaken: a worker that slept through its claim may have delivered, but
// does not get to write so when another has taken over.
func TestWebhookIsOvertaken(t *testing.T) {
	t.Parallel()
	onBoth(t, webhookIsOvertaken)
}

func webhookIsOvertaken(t *testing.T, open opener) {
	r := receive(t)
	h := hookUp(t, open, r.URL)
	arrived, asleep := make(chan struct{}, 10), make(chan struct{})
	r.answers(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-asleep
		w.WriteHeader(http.StatusOK)
	})
	h.news.publish(t, episode(5, 1))
	<-arrived
	r.answers(nil)
	raw := h.store.raw(t, "webhooks")
	var doc map[string]any
	version, err := raw.Get(t.Context(), h.hook.ID, &doc)
	if err != nil {
		t.Fatal(err)
	}
	doc["claimed_until"] = time.Now().Add(-time.Second) // as after a minute
	if err := raw.Replace(t.Context(), h.hook.ID, version, doc); err != nil {
		t.Fatal(err)
	}
	run(t, openOn(t, h.store, h.news.reading, loopback))
	h.becomes(t, delivered(1))
	close(asleep)
	h.news.publish(t, episode(5, 2))
	h.becomes(t, delivered(2))
	posts := r.posts()
	if len(posts) != 3 || posts[0].header.Get("webhook-id") != posts[1].header.Get("webhook-id") {
		t.Errorf("%d posts", len(posts))
	}
}

// TestWebhookAcrossCrashes: three processes that end or are killed and start again while
// events are published, some of them twice, and a receiver that fails now and then.
// The ledger counts each event once; the receiver has each, in order, and knows those
// that came twice by their id.
func TestWebhookAcrossCrashes(t *testing.T) {
	t.Parallel()
	onBoth(t, webhookAcrossCrashes)
}

func webhookAcrossCrashes(t *testing.T, open opener) {
	const events, rooms = 60, 3
	r := receive(t)
	h := hookUp(t, open, r.URL)
	h.stop()
	r.answers(func(w http.ResponseWriter, _ *http.Request) {
		if rand.N(10) == 0 {
			panic(http.ErrAbortHandler) // taken or not: nobody can tell
		}
		w.WriteHeader(http.StatusOK)
	})
	ctx, cancel := context.WithCancel(t.Context())
	var fleet sync.WaitGroup
	for range rooms {
		fleet.Go(func() {
			for ctx.Err() == nil {
				own := &store{Store: h.store.Store}
				stop := run(t, openOn(t, own, h.news.reading, loopback))
				time.Sleep(time.Duration(20+rand.N(60)) * time.Millisecond)
				own.down.Store(rand.N(2) == 0) // killed: nothing more is written
				stop()
			}
		})
	}
	for i := range events {
		h.news.publish(t, episode(5, float64(i)))
		if i%7 == 0 {
			h.news.publish(t, episode(5, float64(i)))
		}
		h.forgive(t)
		time.Sleep(rand.N(20 * time.Millisecond)) // so that deaths meet deliveries
	}
	for {
		all, err := h.Webhooks(t.Context(), h.user)
		if err != nil {
			t.Fatal(err)
		}
		if all[0].Delivered >= events {
			break
		}
		h.forgive(t)
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	fleet.Wait()
	all, err := h.Webhooks(t.Context(), h.user)
	if err != nil || all[0].Delivered != events {
		t.Errorf("%d deliveries acknowledged, want %d (%v)", all[0].Delivered, events, err)
	}
	byID := map[string]string{} // webhook-id → event
	var order []string
	for _, p := range r.posts() {
		id := p.header.Get("webhook-id")
		if was, ok := byID[id]; ok && was != p.id {
			t.Errorf("%s names %s and %s", id, was, p.id)
		} else if !ok {
			order = append(order, p.id)
		}
		byID[id] = p.id
	}
	want := []string{}
	for i := range events {
		want = append(want, fmt.Sprintf("new_episode:5:%d", i))
	}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("first arrivals: -want +got\n%s", diff)
	}
	t.Logf("%d posts for %d events", len(r.posts()), events)
}

// forgive lets time pass for a webhook: it makes a failed one due and lets claims run out, whatever the workers do to it meanwhile.
func (h *hooked) forgive(t *testing.T) {
	t.Helper()
	raw := h.store.raw(t, "webhooks")
	var doc struct {
		NextAt       time.Time      `bson:"next_at"`
		ClaimedUntil time.Time      `bson:"claimed_until"`
		Rest         map[string]any `bson:",inline"`
	}
	version, err := raw.Get(t.Context(), h.hook.ID, &doc)
	if err != nil {
		t.Fatal(err)
	}
	expired := doc.ClaimedUntil.After(time.Now()) && rand.N(4) == 0 // of the dead, and of some that only sleep
	if expired {
		doc.ClaimedUntil = time.Now()
	}
	if expired || doc.NextAt.After(time.Now()) {
		doc.NextAt = time.Now()
		_ = raw.Replace(t.Context(), h.hook.ID, version, doc) // somebody was faster: another time
	}
}
