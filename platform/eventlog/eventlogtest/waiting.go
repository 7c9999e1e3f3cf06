package eventlogtest

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"anihub/platform/eventlog"
)

func concurrent(k *kit) {
	start := k.tail()
	const writers, each = 8, 10
	total := min(writers*each, k.target.Retain)
	var readers, appenders sync.WaitGroup
	seen := make([][]eventlog.Record, 3)
	for i := range seen {
		readers.Go(func() { seen[i] = k.collect(start, total) })
	}
	for w := range writers {
		appenders.Go(func() {
			for i := range total / writers {
				if _, _, err := k.log.Append(k.ctx(), entry(fmt.Sprintf("%d/%d", w, i))); err != nil {
					k.Error(err)
				}
			}
		})
	}
	appenders.Wait()
	readers.Wait()
	counts := map[string]int{}
	for i, r := range seen[0] {
		counts[r.ID]++
		if r.Position.Offset != uint64(i+1) {
			k.Errorf("record %d is at %s", i, r.Position)
		}
	}
	if len(counts) != total/writers*writers {
		k.Fatalf("%d different ids", len(counts))
	}
	for i := range seen {
		if diff := cmp.Diff(seen[0], seen[i]); diff != "" {
			k.Fatalf("reader %d saw another order: %s", i, diff)
		}
	}
}

// collect waits for n records.
func (k *kit) collect(after eventlog.Position, n int) []eventlog.Record {
	var all []eventlog.Record
	for len(all) < n {
		records, err := k.log.Wait(k.ctx(), after, 5)
		if err != nil {
			k.Errorf("wait after %s: %v", after, err)
			return all
		}
		all = append(all, records...)
		after = all[len(all)-1].Position
	}
	return all
}

func waitWakes(k *kit) {
	at := k.tail()
	for i := range 20 {
		got, from := make(chan []eventlog.Record, 1), at
		go func() { got <- k.collect(from, 1) }()
		if i%2 == 0 { // half of the time the waiter is there first
			time.Sleep(5 * time.Millisecond)
		}
		id := strconv.Itoa(i)
		at = k.append(id)
		if diff := cmp.Diff([]string{id}, ids(<-got)); diff != "" {
			k.Fatal(diff)
		}
	}
}

func waitWakesMany(k *kit) {
	at := k.tail()
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if got := ids(k.collect(at, 2)); len(got) != 2 || got[0] != "a" || got[1] != "b" {
				k.Errorf("got %q", got)
			}
		})
	}
	k.append("a")
	k.append("b")
	wg.Wait()
}

func waitAtOnce(k *kit) {
	at := k.tail()
	k.append("a")
	k.append("b")
	records, err := k.log.Wait(k.ctx(), at, 1)
	if err != nil || len(records) != 1 || records[0].ID != "a" {
		k.Fatalf("%v, %v", ids(records), err)
	}
}

func waitContext(k *kit) {
	at := k.append("a")
	ctx, cancel := context.WithTimeout(k.Context(), 30*time.Millisecond)
	defer cancel()
	_, err := k.log.Wait(ctx, at, 1)
	k.want(err, context.DeadlineExceeded)
	ctx, cancel = context.WithCancel(k.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := k.log.Wait(ctx, at, 1)
		failed <- err
	}()
	time.Sleep(10 * time.Millisecond)
	cancel()
	k.want(<-failed, context.Canceled)
}

func cancelled(k *kit) {
	at := k.append("a")
	ctx, cancel := context.WithCancel(k.Context())
	cancel()
	_, _, err := k.log.Append(ctx, entry("b"))
	k.want(err, context.Canceled)
	_, err = k.log.Tail(ctx)
	k.want(err, context.Canceled)
	_, err = k.log.Read(ctx, at, 1)
	k.want(err, context.Canceled)
	_, err = k.log.Wait(ctx, at, 1)
	k.want(err, context.Canceled)
}

func badEntries(k *kit) {
	at := k.tail()
	big := make([]byte, eventlog.MaxData+1)
	for _, c := range []struct {
		entry eventlog.Entry
		want  error
	}{
		{eventlog.Entry{Topic: "event"}, eventlog.ErrEntry},
		{eventlog.Entry{ID: strings.Repeat("x", eventlog.MaxID+1), Topic: "event"}, eventlog.ErrEntry},
		{eventlog.Entry{ID: "a"}, eventlog.ErrEntry},
		{eventlog.Entry{ID: "a", Topic: "Event"}, eventlog.ErrEntry},
		{eventlog.Entry{ID: "a", Topic: strings.Repeat("x", eventlog.MaxTopic+1)}, eventlog.ErrEntry},
		{eventlog.Entry{ID: "a", Topic: "event", Data: big}, eventlog.ErrTooLarge},
	} {
		_, _, err := k.log.Append(k.ctx(), c.entry)
		k.want(err, c.want)
	}
	if got := k.tail(); got != at {
		k.Fatalf("a refused entry moved the tail to %s", got)
	}
}

func largest(k *kit) {
	at := k.tail()
	e := eventlog.Entry{
		ID: strings.Repeat("i", eventlog.MaxID), Topic: strings.Repeat("t", eventlog.MaxTopic),
		Data: bytes.Repeat([]byte{0xfe}, eventlog.MaxData),
	}
	if _, _, err := k.log.Append(k.ctx(), e); err != nil {
		k.Fatal(err)
	}
	got := k.all(at, 1)[0]
	if got.ID != e.ID || got.Topic != e.Topic || !bytes.Equal(got.Data, e.Data) {
		k.Fatal("the largest entry came back changed")
	}
}

func limits(k *kit) {
	at := k.tail()
	k.append("a")
	for _, limit := range []int{0, -1, math.MinInt} {
		_, err := k.log.Read(k.ctx(), at, limit)
		k.want(err, eventlog.ErrLimit)
		_, err = k.log.Wait(k.ctx(), at, limit)
		k.want(err, eventlog.ErrLimit)
	}
	if got := k.all(at, math.MaxInt); len(got) != 1 {
		k.Fatalf("%d records", len(got))
	}
}

// backlog: answers are bounded, and still everything comes.
func backlog(k *kit) {
	at := k.tail()
	for i := range 40 {
		e := eventlog.Entry{ID: strconv.Itoa(i), Topic: "event", Data: bytes.Repeat([]byte{byte(i)}, 200<<10)}
		if _, _, err := k.log.Append(k.ctx(), e); err != nil {
			k.Fatal(err)
		}
	}
	for i, r := range k.all(at, 1000) {
		if r.ID != strconv.Itoa(i) || len(r.Data) != 200<<10 || r.Data[0] != byte(i) {
			k.Fatalf("record %d is %s with %d bytes", i, r.ID, len(r.Data))
		}
	}
	if got := k.tail().Offset; got != 40 {
		k.Fatalf("tail is %d", got)
	}
}

func closing(k *kit) {
	at := k.append("a")
	failed := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := k.log.Wait(k.ctx(), at, 1)
			failed <- err
		}()
	}
	time.Sleep(10 * time.Millisecond)
	if err := k.log.Close(); err != nil {
		k.Fatal(err)
	}
	k.want(<-failed, eventlog.ErrUnavailable)
	k.want(<-failed, eventlog.ErrUnavailable)
	_, _, err := k.log.Append(k.ctx(), entry("b"))
	k.want(err, eventlog.ErrUnavailable)
	_, err = k.log.Tail(k.ctx())
	k.want(err, eventlog.ErrUnavailable)
	_, err = k.log.Read(k.ctx(), at, 1)
	k.want(err, eventlog.ErrUnavailable)
	_, err = k.log.Wait(k.ctx(), at, 1)
	k.want(err, eventlog.ErrUnavailable)
	if err := k.log.Close(); err != nil {
		k.Fatalf("second close: %v", err)
	}
}
