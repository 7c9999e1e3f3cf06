package api

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"anihub/modules/realtime"
)

// How old what is known of the audience may be, and how long one question may take.
const (
	audienceLife = 5 * time.Second
	audienceTime = 2 * time.Second
)

// audience is how many viewers wait for news of each title. It goes with the answers about
// titles as a header, because a body that changed with it could not be kept. Requests read
// what was heard last; one of them, now and then, has it asked again.
type audience struct {
	ask    func(context.Context) (realtime.Presence, error)
	due    atomic.Int64 // when to ask again, in Unix nanoseconds
	titles atomic.Pointer[map[int]int]
}

// header is the number of one title; nil when there is nobody.
func (a *audience) header(title int) []string {
	a.refresh(time.Now())
	known := a.titles.Load()
	if known == nil || (*known)[title] == 0 {
		return nil
	}
	return []string{strconv.Itoa((*known)[title])}
}

// refresh asks in the background when it is time, unless somebody else was faster.
func (a *audience) refresh(now time.Time) {
	due := a.due.Load()
	if now.UnixNano() < due || !a.due.CompareAndSwap(due, now.Add(audienceLife).UnixNano()) {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), audienceTime)
		defer cancel()
		if p, err := a.ask(ctx); err == nil {
			a.titles.Store(&p.Titles)
		}
	}()
}
