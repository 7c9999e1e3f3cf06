package syncersvc

import (
	"slices"
	"time"

	syncer "anihub/modules/sync"
)

// jobDoc is a stored job. Open is its kind while it is not finished, so that the
// index finds what is to be done. Fence is the token of the runner that took it last:
// what an earlier one still wants to write is refused.
type jobDoc struct {
	Kind       string    `bson:"kind"`
	State      string    `bson:"state"`
	Open       string    `bson:"open,omitempty"`
	Priority   string    `bson:"priority"`
	TitleID    int       `bson:"title_id,omitempty"`
	Force      bool      `bson:"force,omitempty"`
	Done       int       `bson:"done"`
	Total      int       `bson:"total"`
	Failed     int       `bson:"failed"`
	Rate       float64   `bson:"rate,omitempty"` // titles per second
	ETA        time.Time `bson:"eta,omitempty"`
	CreatedAt  time.Time `bson:"created_at"`
	StartedAt  time.Time `bson:"started_at,omitempty"`
	FinishedAt time.Time `bson:"finished_at,omitempty"`
	ErrorCode  string    `bson:"error_code,omitempty"`
	Error      string    `bson:"error,omitempty"`

	Fence        int64     `bson:"fence,omitempty"`
	Alive        time.Time `bson:"alive,omitempty"`  // when its runner last gave a sign of life
	Titles       []int     `bson:"titles,omitempty"` // of a retry: what is to be fetched
	FailedTitles []int     `bson:"failed_titles,omitempty"`
	Silent       bool      `bson:"silent,omitempty"` // they belong to the baseline, which makes no news
	RetryOf      string    `bson:"retry_of,omitempty"`
}

func (d jobDoc) job(id string) syncer.Job {
	j := syncer.Job{
		ID: id, Kind: d.Kind, State: d.State, Priority: d.Priority, TitleID: d.TitleID,
		Progress:  syncer.Progress{Done: d.Done, Total: d.Total, Failed: d.Failed, Rate: d.Rate, ETA: d.ETA},
		CreatedAt: d.CreatedAt, StartedAt: d.StartedAt, FinishedAt: d.FinishedAt,
		ErrorCode: d.ErrorCode, Error: d.Error, RetryOf: d.RetryOf, FailedTitles: slices.Clone(d.FailedTitles),
	}
	if time.Now().After(d.ETA) {
		j.Progress.ETA = time.Time{} // it was wrong: nothing got on since
	}
	return j
}

func (d jobDoc) finished() bool {
	return d.State == syncer.Succeeded || d.State == syncer.Failed || d.State == syncer.Cancelled
}

// heldBy tells why the runner with the token must not go on; nil = it may.
func (d jobDoc) heldBy(fence int64) error {
	switch {
	case d.State == syncer.Cancelled:
		return errCancelled
	case d.finished() || d.Fence != fence:
		return errStale
	}
	return nil
}

// orphaned tells whether nobody gave a sign of life for so long.
func (d jobDoc) orphaned(after time.Duration) bool {
	latest := d.CreatedAt
	for _, t := range []time.Time{d.StartedAt, d.Alive} {
		if t.After(latest) {
			latest = t
		}
	}
	return time.Since(latest) >= after
}

// leaveOut remembers titles that could not be fetched, each once, and how many there
// are by now.
func (d *jobDoc) leaveOut(ids []int) {
	for _, id := range ids {
		if len(d.FailedTitles) < syncer.MaxFailedTitles && !slices.Contains(d.FailedTitles, id) {
			d.FailedTitles = append(d.FailedTitles, id)
		}
	}
}

// unfetched are the titles of a finished job that are worth another try: those that
// failed, and of a retry those that it did not come to.
func (d jobDoc) unfetched() []int {
	out := slices.Clone(d.FailedTitles)
	if d.Kind == syncer.KindRetry && d.Done < len(d.Titles) {
		out = append(out, d.Titles[d.Done:]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
