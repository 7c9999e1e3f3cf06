package syncersvc

import (
	"context"
	"errors"
	"strconv"
	"time"

	syncer "anihub/modules/sync"
	"anihub/platform/anilibria"
	"anihub/platform/documents"
)

// store keeps jobs and the two states of the scheduled work.
type store struct {
	jobs   documents.Collection
	states documents.Collection
}

func newStore(s documents.Store) *store {
	return &store{
		jobs:   s.Collection(documents.Spec{Name: "sync_jobs", Indexes: []documents.Index{{Field: "created_at"}, {Field: "open"}}}),
		states: s.Collection(documents.Spec{Name: "sync_states"}),
	}
}

// Collections are those of the module.
func Collections() []documents.Spec {
	return documents.DeclaredBy(func(s documents.Store) { newStore(s) })
}

func (s *store) job(ctx context.Context, id string) (jobDoc, int64, error) {
	var d jobDoc
	if id == "" {
		return d, 0, documents.ErrNotFound
	}
	version, err := s.jobs.Get(ctx, id, &d)
	return d, version, err
}

// changeTries bounds how often a change meets another writer; each meeting means
// that somebody else got on.
const changeTries = 20

// change applies a change to a job under version check. The change's own error
// ends it and is returned.
func (s *store) change(ctx context.Context, id string, apply func(*jobDoc) error) error {
	for try := 1; ; try++ {
		d, version, err := s.job(ctx, id)
		if err != nil {
			return err
		}
		if err := apply(&d); err != nil {
			return err
		}
		d.Open = d.Kind
		if d.finished() {
			d.Open = ""
		}
		err = s.jobs.Replace(ctx, id, version, d)
		if !errors.Is(err, documents.ErrVersion) || try == changeTries {
			return err
		}
	}
}

func (s *store) newest(ctx context.Context, limit int) ([]syncer.Job, error) {
	out := []syncer.Job{}
	for doc, err := range s.jobs.Scan(ctx, documents.Scan{Order: "created_at", Descending: true, Limit: limit}) {
		if err != nil {
			return nil, err
		}
		var d jobDoc
		if err := doc.Decode(&d); err != nil {
			return nil, err
		}
		j := d.job(doc.ID)
		j.FailedTitles = nil
		out = append(out, j)
	}
	return out, nil
}

// openFull is the full pass that is queued or running.
func (s *store) openFull(ctx context.Context) (syncer.Job, bool, error) {
	for doc, err := range s.jobs.Find(ctx, "open", syncer.KindFull) {
		if err != nil {
			return syncer.Job{}, false, err
		}
		var d jobDoc
		if err := doc.Decode(&d); err != nil {
			return syncer.Job{}, false, err
		}
		return d.job(doc.ID), true, nil
	}
	return syncer.Job{}, false, nil
}

// The ids of the two states.
const (
	fullID = "full"
	pollID = "poll"
)

// fullState is how far the full pass is, and when the last one was complete.
type fullState struct {
	JobID    string    `bson:"job_id"` // "" = none is under way
	Next     int       `bson:"next"`   // page to read next
	Done     int       `bson:"done"`
	Total    int       `bson:"total"`
	Failed   int       `bson:"failed"`
	Seen     []byte    `bson:"seen,omitempty"`     // packed ids of the titles that were listed so far
	Shrunk   int       `bson:"shrunk,omitempty"`   // passes in a row that missed too many titles
	Complete time.Time `bson:"complete,omitempty"` // zero = never
	Fence    int64     `bson:"fence"`

	version int64
}

// pollState is what the last poll saw of each release in the list of latest ones.
type pollState struct {
	Marks map[string]string `bson:"marks"` // release id → fingerprint of its bump
	Fence int64             `bson:"fence"`

	version int64
}

func fingerprint(b anilibria.Bump) string {
	return strconv.FormatInt(b.FreshAt.UnixMilli(), 36) + "." + strconv.FormatInt(b.UpdatedAt.UnixMilli(), 36) +
		"." + strconv.FormatInt(b.EpisodeUpdated.UnixMilli(), 36) + "/" + b.EpisodeID
}

func (p pollState) known() bool { return len(p.Marks) > 0 }

// changed are the ids whose bump is not the one we saw, in the order they happened:
// the list is newest first.
func (p pollState) changed(bumps []anilibria.Bump) []int {
	var out []int
	for i := len(bumps) - 1; i >= 0; i-- {
		if p.Marks[strconv.Itoa(bumps[i].ID)] != fingerprint(bumps[i]) {
			out = append(out, bumps[i].ID)
		}
	}
	return out
}

// mark remembers the bumps whose releases are done; the others keep the mark they
// had. What has left the list is forgotten.
func (p *pollState) mark(bumps []anilibria.Bump, done map[int]bool) {
	marks := make(map[string]string, len(bumps))
	for _, b := range bumps {
		id := strconv.Itoa(b.ID)
		before, had := p.Marks[id]
		switch {
		case done[b.ID]:
			marks[id] = fingerprint(b)
		case had:
			marks[id] = before
		}
	}
	p.Marks = marks
}

func (s *store) fullState(ctx context.Context) (st fullState, err error) {
	st.version, err = s.get(ctx, fullID, &st)
	return st, err
}

func (s *store) saveFullState(ctx context.Context, st *fullState) error {
	err := s.put(ctx, fullID, st.version, *st)
	if err == nil {
		st.version++
	}
	return err
}

func (s *store) pollState(ctx context.Context) (st pollState, err error) {
	st.version, err = s.get(ctx, pollID, &st)
	return st, err
}

func (s *store) savePollState(ctx context.Context, st pollState) error {
	return s.put(ctx, pollID, st.version, st)
}

// markAll makes the bumps the ones we saw.
func (s *store) markAll(ctx context.Context, bumps []anilibria.Bump) error {
	st, err := s.pollState(ctx)
	if err != nil {
		return err
	}
	st.Marks = make(map[string]string, len(bumps))
	for _, b := range bumps {
		st.Marks[strconv.Itoa(b.ID)] = fingerprint(b)
	}
	return s.savePollState(ctx, st)
}

// takeOver writes the new runner's token into both states.
func (s *store) takeOver(ctx context.Context, token int64) error {
	full, err := s.fullState(ctx)
	if err != nil {
		return err
	}
	poll, err := s.pollState(ctx)
	if err != nil {
		return err
	}
	if full.Fence > token || poll.Fence > token {
		return errStale
	}
	full.Fence, poll.Fence = token, token
	return errors.Join(s.saveFullState(ctx, &full), s.savePollState(ctx, poll))
}

// errStale: another process has become the runner meanwhile.
var errStale = errors.New("a newer runner has taken over")

// get reads a state; one that was never written is version 0.
func (s *store) get(ctx context.Context, id string, into any) (int64, error) {
	version, err := s.states.Get(ctx, id, into)
	if errors.Is(err, documents.ErrNotFound) {
		return 0, nil
	}
	return version, err
}

// put writes a state over the version it was read at.
func (s *store) put(ctx context.Context, id string, version int64, doc any) error {
	var err error
	if version == 0 {
		err = s.states.Insert(ctx, id, doc)
	} else {
		err = s.states.Replace(ctx, id, version, doc)
	}
	if errors.Is(err, documents.ErrVersion) || errors.Is(err, documents.ErrExists) {
		return errStale
	}
	return err
}
