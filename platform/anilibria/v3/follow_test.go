package v3_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"anihub/platform/anilibria"
	"anihub/platform/anilibria/anilibriatest"
	v3 "anihub/platform/anilibria/v3"
)

// asking is a Fetcher that asks the fake itself, without a network.
type asking struct{ fake *anilibriatest.Server }

func (a asking) Fetch(_ context.Context, r anilibria.Request) error {
	w := httptest.NewRecorder()
	a.fake.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://a.test"+anilibriatest.V3Path+"/"+r.Path+"?"+r.Query.Encode(), http.NoBody))
	if w.Code != http.StatusOK {
		return fmt.Errorf("%s: %d %s", r.Path, w.Code, w.Body)
	}
	return r.Decode(w.Body.Bytes(), func(string, error) {})
}

// follower is what a consumer of the source does, and all of it: it reads by REST
// what a hint names, and whatever has changed when it is told to catch up.
type follower struct {
	client anilibria.Client
	fresh  map[int]time.Time
	told   map[string]int // episodes, and how often each was announced
	base   bool           // what is there now is no news
}

func (f *follower) follow(ctx context.Context, source anilibria.EventSource) error {
	for {
		event, err := source.Next(ctx)
		if err != nil {
			return nil
		}
		ids := []int{event.ReleaseID}
		if event.CatchUp {
			if ids, err = f.changed(ctx); err != nil {
				return err
			}
		}
		if err := f.refresh(ctx, ids); err != nil {
			return err
		}
	}
}

func (f *follower) changed(ctx context.Context) (ids []int, err error) {
	bumps, err := f.client.Latest(ctx, anilibria.PageMax)
	for _, b := range bumps {
		if !f.fresh[b.ID].Equal(b.FreshAt) {
			ids = append(ids, b.ID)
		}
	}
	return ids, err
}

func (f *follower) refresh(ctx context.Context, ids []int) error {
	releases, err := f.client.Releases(ctx, ids)
	for _, r := range releases {
		f.fresh[r.ID] = r.FreshAt
		for _, e := range r.Episodes {
			if _, known := f.told[e.ID]; known || !e.Playable() {
				continue
			}
			f.told[e.ID] = 0
			if !f.base {
				f.told[e.ID]++
			}
		}
	}
	return err
}

// U10: whatever the socket does, every episode is announced once.
func TestEachEpisodeOnceWhateverTheSocketDoes(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			wired(t, func(t *testing.T, b *bench) { storm(t, b, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func storm(t *testing.T, b *bench, random *rand.Rand) {
	t.Helper()
	f := &follower{client: v3.New(asking{b.fake}, "http://a.test"), fresh: map[int]time.Time{}, told: map[string]int{}, base: true}
	ids := []int{9901, 9902, 9903, 9904, 9905, 9906}
	if err := f.refresh(t.Context(), ids); err != nil {
		t.Fatal(err)
	}
	all, err := f.changed(t.Context())
	if err != nil || f.refresh(t.Context(), all) != nil {
		t.Fatal(err)
	}
	f.base = false
	done := make(chan error, 1)
	go func() { done <- f.follow(b.ctx, b) }()
	var aired []string
	for range 40 {
		misbehave(b.fake, random)
		id := ids[random.IntN(len(ids))]
		e, err := b.fake.AirEpisode(id)
		if err == nil && random.IntN(3) == 0 {
			err = b.fake.Reupload(id, e.Ordinal)
		}
		if err != nil {
			t.Fatal(err)
		}
		aired = append(aired, e.ID)
		time.Sleep(time.Duration(random.IntN(60_000)) * time.Millisecond)
	}
	// The last frames may be lost on a connection that stands; the next one tells.
	b.fake.HealSockets()
	b.fake.DropSockets()
	time.Sleep(3 * time.Minute)
	synctest.Wait()
	for _, id := range aired {
		if f.told[id] != 1 {
			t.Errorf("episode %s was announced %d times", id, f.told[id])
		}
	}
	news := 0
	for _, n := range f.told {
		news += n
	}
	if news != len(aired) {
		t.Errorf("%d announcements of %d episodes", news, len(aired))
	}
	select {
	case err := <-done:
		t.Errorf("the follower has left: %v", err)
	default:
	}
}

// misbehave switches to another fault, or to none.
func misbehave(fake *anilibriatest.Server, random *rand.Rand) {
	faults := []anilibriatest.SocketFault{
		{},
		{Duplicate: true},
		{Reorder: true},
		{Garbage: true},
		{Lose: true},
		{Silent: true},
		{Huge: 5 << 20},
		{Duplicate: true, Reorder: true, Garbage: true},
		{Refuse: true},
		{Greeting: strings.Repeat("?", 10)},
	}
	fake.BreakSockets(faults[random.IntN(len(faults))])
	if random.IntN(4) == 0 {
		fake.DropSockets()
	}
}
