package userstest

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"anihub/modules/users"
)

// ProgressOf implements users.Progress.
func (f *Fake) ProgressOf(ctx context.Context, userID string) ([]users.ProgressHead, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	out := []users.ProgressHead{}
	if u := f.users[userID]; u != nil {
		for id := range u.progress {
			out = append(out, u.title(id).ProgressHead)
		}
	}
	slices.SortFunc(out, func(a, b users.ProgressHead) int {
		return cmp.Or(b.UpdatedAt.Compare(a.UpdatedAt), cmp.Compare(b.TitleID, a.TitleID))
	})
	return out, nil
}

// title is the progress of a title as it is told.
func (u *fakeUser) title(id int) users.TitleProgress {
	out := users.TitleProgress{ProgressHead: users.ProgressHead{TitleID: id}}
	for _, n := range slices.Sorted(maps.Keys(u.progress[id])) {
		e := u.progress[id][n]
		told := users.EpisodeProgress{Episode: n, UpdatedAt: e.place.At}
		if e.place.Seconds != nil {
			told.Seconds = *e.place.Seconds
		}
		if e.mark.Watched != nil {
			told.Watched = *e.mark.Watched
		}
		if e.mark.At.After(told.UpdatedAt) {
			told.UpdatedAt = e.mark.At
		}
		if told.UpdatedAt.After(out.UpdatedAt) {
			out.UpdatedAt = told.UpdatedAt
		}
		if told.Watched && n == float64(out.Watched+1) {
			out.Watched++
		}
		out.Episodes = append(out.Episodes, told)
	}
	return out
}

// Progress implements users.Progress.
func (f *Fake) Progress(ctx context.Context, userID string, titleIDs []int) ([]users.TitleProgress, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	if len(titleIDs) > users.MaxProgressRead {
		return nil, users.ErrUnacceptable.Detail("field", "title_id")
	}
	out := []users.TitleProgress{}
	u := f.users[userID]
	for _, id := range titleIDs {
		if u != nil && u.progress[id] != nil {
			out = append(out, u.title(id))
		}
	}
	return out, nil
}

// SaveProgress implements users.Progress.
func (f *Fake) SaveProgress(ctx context.Context, userID string, edits []users.TitleEdits) ([]users.TitleProgress, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	if err := sensible(edits); err != nil {
		return nil, err
	}
	u := f.users[userID]
	if u == nil {
		return nil, users.ErrNotFound
	}
	if u.progress == nil {
		u.progress = map[int]map[float64]fakeEpisode{}
	}
	out := []users.TitleProgress{}
	for _, t := range edits {
		known := maps.Clone(u.progress[t.TitleID])
		if known == nil {
			known = map[float64]fakeEpisode{}
		}
		for _, e := range t.Episodes {
			k := known[e.Episode]
			k.take(e)
			known[e.Episode] = k
		}
		if len(known) > users.MaxProgressEpisodes {
			return nil, users.ErrUnacceptable.Detail("field", "episodes").Detail("title_id", t.TitleID)
		}
		u.progress[t.TitleID] = known
		i := slices.IndexFunc(out, func(p users.TitleProgress) bool { return p.TitleID == t.TitleID })
		if i < 0 {
			i, out = len(out), append(out, users.TitleProgress{})
		}
		out[i] = u.title(t.TitleID)
	}
	return out, nil
}

// take is the rule of users.Progress, edit by edit.
func (k *fakeEpisode) take(e users.EpisodeEdit) {
	if n := stamp(); e.At.IsZero() || e.At.After(n) {
		e.At = n
	}
	e.At = e.At.UTC().Truncate(time.Millisecond)
	if first := time.UnixMilli(1).UTC(); e.At.Before(first) {
		e.At = first
	}
	later := func(old users.EpisodeEdit) int { return e.At.Compare(old.At) }
	if e.Seconds != nil && (later(k.place) > 0 || later(k.place) == 0 && *e.Seconds > *k.place.Seconds) {
		s := *e.Seconds
		k.place = users.EpisodeEdit{At: e.At, Seconds: &s}
	}
	if e.Watched != nil && (later(k.mark) > 0 || later(k.mark) == 0 && *e.Watched) {
		w := *e.Watched
		k.mark = users.EpisodeEdit{At: e.At, Watched: &w}
	}
}

func sensible(edits []users.TitleEdits) error {
	if len(edits) > users.MaxProgressTitles {
		return users.ErrUnacceptable.Detail("field", "titles")
	}
	for _, t := range edits {
		if t.TitleID < 1 || t.TitleID > math.MaxInt32 {
			return users.ErrUnacceptable.Detail("field", "title_id")
		}
		if len(t.Episodes) == 0 || len(t.Episodes) > users.MaxProgressEpisodes {
			return users.ErrUnacceptable.Detail("field", "episodes").Detail("title_id", t.TitleID)
		}
		for _, e := range t.Episodes {
			if !(e.Episode >= 0 && e.Episode <= users.MaxEpisode) || math.Round(e.Episode*100)/100 != e.Episode {
				return users.ErrUnacceptable.Detail("field", "episode").Detail("title_id", t.TitleID)
			}
			if e.Seconds == nil && e.Watched == nil || e.Seconds != nil && !(*e.Seconds >= 0 && *e.Seconds <= users.MaxSeconds) {
				return users.ErrUnacceptable.Detail("field", "seconds").Detail("title_id", t.TitleID)
			}
		}
	}
	return nil
}
