package userssvc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"anihub/modules/users"
	"anihub/platform/documents"
)

// progress is the stored progress of a title.
type progress struct {
	Head     progressHead `bson:",inline"`
	Episodes []episode    `bson:"episodes"` // in order
	Rest     rest         `bson:",inline"`
}

// progressHead is what can be told of progress without its episodes.
type progressHead struct {
	Of        shelved   `bson:",inline"`
	UpdatedAt time.Time `bson:"updated_at"`
	Watched   int64     `bson:"watched"` // in a row, from the first
}

func (p progressHead) head() users.ProgressHead {
	return users.ProgressHead{TitleID: int(p.Of.Title), UpdatedAt: p.UpdatedAt, Watched: int(p.Watched)}
}

func (p progress) title() users.TitleProgress {
	out := users.TitleProgress{ProgressHead: p.Head.head(), Episodes: make([]users.EpisodeProgress, len(p.Episodes))}
	for i, e := range p.Episodes {
		out.Episodes[i] = users.EpisodeProgress{
			Episode: e.Ordinal, Seconds: e.Seconds, Watched: e.Watched, UpdatedAt: time.UnixMilli(e.updatedAt()).UTC(),
		}
	}
	return out
}

// ProgressOf implements users.Progress. The episodes are not decoded.
func (s *Service) ProgressOf(ctx context.Context, userID string) ([]users.ProgressHead, error) {
	return observed(ctx, s, "progress_of", func() ([]users.ProgressHead, error) {
		if !validID(userID) {
			return []users.ProgressHead{}, nil
		}
		all, err := ofUser(ctx, s.store.progress, userID, progressHead.head)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(all, func(a, b users.ProgressHead) int {
			return cmp.Or(b.UpdatedAt.Compare(a.UpdatedAt), cmp.Compare(b.TitleID, a.TitleID))
		})
		return all, nil
	})
}

// Progress implements users.Progress.
func (s *Service) Progress(ctx context.Context, userID string, titleIDs []int) ([]users.TitleProgress, error) {
	return observed(ctx, s, "progress", func() ([]users.TitleProgress, error) {
		if len(titleIDs) > users.MaxProgressRead {
			return nil, tooMany("title_id", users.MaxProgressRead)
		}
		out := []users.TitleProgress{}
		for _, title := range titleIDs {
			id, err := titleOf(userID, title)
			if err != nil {
				continue // what cannot be stored is not there
			}
			var p progress
			_, err = s.store.progress.Get(ctx, id.id(), &p)
			if errors.Is(err, documents.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			out = append(out, p.title())
		}
		return out, nil
	})
}

// SaveProgress implements users.Progress.
func (s *Service) SaveProgress(ctx context.Context, userID string, edits []users.TitleEdits) ([]users.TitleProgress, error) {
	return observed(ctx, s, "save_progress", func() ([]users.TitleProgress, error) {
		all, err := gather(userID, edits, now())
		if err != nil {
			return nil, err
		}
		var made []string
		var told []progressData
		out := make([]users.TitleProgress, 0, len(all))
		for _, p := range all {
			id, changed := p.Head.Of.id(), false
			saved, isNew, err := edit(ctx, s.store.progress, progress{Head: progressHead{Of: p.Head.Of}}, id, func(stored *progress) (_ bool, err error) {
				changed, err = p.mergeInto(stored)
				return changed, err
			})
			if err != nil {
				return nil, errors.Join(err, s.admit(ctx, s.store.progress, userID, made))
			}
			if isNew {
				made = append(made, id)
			}
			if changed {
				told = append(told, toldOf(saved, p))
			}
			out = append(out, saved.title())
		}
		err = s.admit(ctx, s.store.progress, userID, made)
		if err == nil {
			s.tellProgress(ctx, userID, told)
		}
		return out, err
	})
}

// mergeInto is the change of stored progress by edits.
func (p progress) mergeInto(stored *progress) (bool, error) {
	merged := mergeAll(stored.Episodes, p.Episodes)
	if len(merged) > users.MaxProgressEpisodes {
		return false, tooMany("episodes", users.MaxProgressEpisodes).Detail("title_id", p.Head.Of.Title)
	}
	if slices.EqualFunc(stored.Episodes, merged, equal) {
		return false, nil
	}
	stored.Episodes, stored.Head.Watched = merged, int64(watchedInRow(merged))
	latest := slices.MaxFunc(merged, func(a, b episode) int { return cmp.Compare(a.updatedAt(), b.updatedAt()) })
	stored.Head.UpdatedAt = time.UnixMilli(latest.updatedAt()).UTC()
	return true, nil
}

// equal but for fields that a newer AniHub wrote, which no edit has.
func equal(a, b episode) bool {
	return a.Ordinal == b.Ordinal && a.Seconds == b.Seconds && a.PlacedAt == b.PlacedAt &&
		a.Watched == b.Watched && a.WatchedAt == b.WatchedAt
}

// gather checks edits before any is stored, and makes of all that concern one title
// one; a title or an episode may be named more than once.
func gather(userID string, edits []users.TitleEdits, now time.Time) ([]progress, error) {
	if len(edits) > users.MaxProgressTitles {
		return nil, tooMany("titles", users.MaxProgressTitles)
	}
	at := map[int]int{}
	var all []progress
	for _, t := range edits {
		id, err := titleOf(userID, t.TitleID)
		if err != nil {
			return nil, err
		}
		if len(t.Episodes) == 0 || len(t.Episodes) > users.MaxProgressEpisodes {
			return nil, wrongEdit(t.TitleID, "episodes", fmt.Sprintf("1 to %d episodes", users.MaxProgressEpisodes))
		}
		i, ok := at[t.TitleID]
		if !ok {
			i = len(all)
			at[t.TitleID] = i
			all = append(all, progress{Head: progressHead{Of: id}})
		}
		for _, e := range t.Episodes {
			if err := checkEdit(t.TitleID, e); err != nil {
				return nil, err
			}
			all[i].Episodes = append(all[i].Episodes, episodeOf(e, now))
		}
	}
	return all, nil
}

func checkEdit(titleID int, e users.EpisodeEdit) error {
	switch {
	case !validEpisode(e.Episode):
		return wrongEdit(titleID, "episode", fmt.Sprintf("0 to %d, with at most two decimals", users.MaxEpisode))
	case e.Seconds == nil && e.Watched == nil:
		return wrongEdit(titleID, "seconds", "seconds, watched or both")
	case e.Seconds != nil && !validSeconds(*e.Seconds):
		return wrongEdit(titleID, "seconds", fmt.Sprintf("0 to %d", users.MaxSeconds))
	}
	return nil
}

func wrongEdit(titleID int, field, accepted string) error {
	return users.ErrUnacceptable.Detail("title_id", titleID).Detail("field", field).Detail("accepted", accepted)
}
