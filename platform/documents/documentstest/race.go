package documentstest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"anihub/platform/documents"
)

const racers = 50

// race runs f so many times at once and waits.
func race(f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range racers {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// increments: with version checks, no update is lost.
func increments(t *testing.T, s documents.Store) {
	type counter struct{ N int64 }
	ctx, c := t.Context(), s.Collection(plain)
	must(t, c.Insert(ctx, "a", counter{}))
	var wins atomic.Int64
	race(func(int) {
		for {
			var doc counter
			v, err := c.Get(ctx, "a", &doc)
			if err == nil && v != doc.N+1 {
				err = fmt.Errorf("version %d holds %d", v, doc.N)
			}
			if err == nil {
				doc.N++
				err = c.Replace(ctx, "a", v, doc)
			}
			if errors.Is(err, documents.ErrVersion) {
				continue
			}
			if err != nil {
				t.Error(err)
				return
			}
			wins.Add(1)
			return
		}
	})
	if wins.Load() != racers {
		t.Errorf("%d of %d increments succeeded", wins.Load(), racers)
	}
	wantStored(t, c, "a", racers+1, counter{racers})
}

func raceForID(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(plain)
	var winner atomic.Int64
	var wins atomic.Int64
	race(func(i int) {
		err := c.Insert(ctx, "a", bson.D{{Key: "by", Value: int64(i)}})
		if err == nil {
			wins.Add(1)
			winner.Store(int64(i))
		} else if !errors.Is(err, documents.ErrExists) {
			t.Error(err)
		}
	})
	if wins.Load() != 1 {
		t.Errorf("%d of %d inserts of one id succeeded", wins.Load(), racers)
	}
	wantStored(t, c, "a", 1, bson.D{{Key: "by", Value: winner.Load()}})
}

func raceForValue(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(users)
	for i := range racers / 2 {
		must(t, c.Insert(ctx, fmt.Sprint(i), bson.D{{Key: "login", Value: fmt.Sprint(i)}}))
	}
	var wins atomic.Int64
	wanted := bson.D{{Key: "login", Value: "wanted"}}
	race(func(i int) { // half of them insert, half of them change
		var err error
		if i < racers/2 {
			err = c.Replace(ctx, fmt.Sprint(i), 1, wanted)
		} else {
			err = c.Insert(ctx, fmt.Sprint(i), wanted)
		}
		if err == nil {
			wins.Add(1)
		} else if !errors.Is(err, documents.ErrExists) {
			t.Error(err)
		}
	})
	if n := len(ids(t, c.Find(ctx, "login", "wanted"))); wins.Load() != 1 || n != 1 {
		t.Errorf("%d of %d got the unique value, %d have it", wins.Load(), racers, n)
	}
}

// firstUse: a collection that nobody has used yet is used by many at once.
func firstUse(t *testing.T, s documents.Store) {
	ctx, c := t.Context(), s.Collection(users)
	race(func(i int) {
		id := fmt.Sprint(i)
		if err := c.Insert(ctx, id, bson.D{{Key: "login", Value: id}}); err != nil {
			t.Error(err)
		}
	})
	if n := len(ids(t, c.Scan(ctx, documents.Scan{}))); n != racers {
		t.Errorf("%d of %d are there", n, racers)
	}
}

func cancelled(t *testing.T, s documents.Store) {
	c := s.Collection(users)
	must(t, c.Insert(t.Context(), "a", bson.D{{Key: "login", Value: "a"}}))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	for _, c := range []documents.Collection{c, s.Collection(unused)} { // used, and not used yet
		for op, do := range operations(c) {
			wantError(t, op+", cancelled", do(gone), context.Canceled)
			wantError(t, op+", too late", do(late), context.DeadlineExceeded)
			wantNot(t, op, do(late), documents.ErrUnavailable)
		}
	}
	wantError(t, "Ping", s.Ping(gone), context.Canceled)
	wantStored(t, c, "a", 1, bson.D{{Key: "login", Value: "a"}})
	wantIDs(t, "after it", c.Scan(t.Context(), documents.Scan{}), "a")
}

func cancelledScan(t *testing.T, s documents.Store) {
	c := s.Collection(plain)
	for i := range 50 {
		must(t, c.Insert(t.Context(), fmt.Sprint(i), bson.D{}))
	}
	for _, at := range []int{1, 10, 32, 40} { // within a page and between pages
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		var failed error
		for _, err := range c.Scan(ctx, documents.Scan{}) {
			if failed = err; err != nil {
				break
			}
			if n++; n == at {
				cancel()
			}
		}
		cancel()
		wantError(t, fmt.Sprintf("cancelled at %d", at), failed, context.Canceled)
		if n != at {
			t.Errorf("cancelled at %d, %d were seen", at, n)
		}
	}
}

func closed(t *testing.T, s documents.Store) {
	c := s.Collection(users)
	must(t, c.Insert(t.Context(), "a", bson.D{{Key: "login", Value: "a"}}))
	must(t, s.Close())
	must(t, s.Close())
	for _, c := range []documents.Collection{c, s.Collection(unused)} {
		for op, do := range operations(c) {
			wantError(t, op+" after Close", do(t.Context()), documents.ErrUnavailable)
		}
	}
	wantError(t, "Ping after Close", s.Ping(t.Context()), documents.ErrUnavailable)
}
