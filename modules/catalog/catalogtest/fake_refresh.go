package catalogtest

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"anihub/modules/catalog"
)

// Refresh copies titles from the upstream and makes the news of the contract.
func (f *Fake) Refresh(ctx context.Context, r catalog.Refresh) (catalog.Refreshed, error) {
	if err := ctx.Err(); err != nil {
		return catalog.Refreshed{}, err
	}
	if len(r.IDs) > 50 || slices.ContainsFunc(r.IDs, func(id int) bool { return id <= 0 }) {
		return catalog.Refreshed{}, catalog.ErrBadQuery
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out catalog.Refreshed
	for i, id := range r.IDs {
		t, known := f.truth[id]
		switch {
		case slices.Contains(r.IDs[:i], id):
		case f.down:
			out.Failed = append(out.Failed, catalog.Failure{ID: id, Code: "UPSTREAM_UNAVAILABLE", Message: "AniLibria does not answer right now."})
		case !known:
			out.Missing = append(out.Missing, id)
			if k := f.kept[id]; r.Hide && k != nil && !k.hidden {
				f.number++
				k.hidden = true
				out.Hidden = append(out.Hidden, id)
			}
		default:
			changed, events := f.apply(t, r)
			if changed {
				out.Changed = append(out.Changed, id)
			}
			out.Events = append(out.Events, events...)
		}
	}
	return clone(out), nil
}

func (f *Fake) apply(t catalog.Title, r catalog.Refresh) (changed bool, events []catalog.Event) {
	k := f.kept[t.ID]
	if k == nil {
		k = &kept{told: map[string]catalog.Episode{}}
		f.kept[t.ID] = k
	}
	before := k.title
	changed = r.Force || k.hidden || !cmp.Equal(before, t)
	k.hidden = false
	if changed {
		f.number++
		k.title, k.number = clone(t), f.number
	}
	events = k.news(before, t)
	k.settled = true
	if r.Silent {
		return changed, nil
	}
	f.pending = append(f.pending, events...)
	return changed, events
}

func (k *kept) news(before, now catalog.Title) (events []catalog.Event) {
	event := func(kind, id string) catalog.Event {
		return catalog.Event{
			ID: fmt.Sprintf("%s:%d:%s", kind, now.ID, id), Type: kind, TitleID: now.ID,
			Title: now.Names.RU, Poster: now.Poster.Medium, At: now.UpdatedAt,
		}
	}
	switch {
	case !k.settled:
		e := event(catalog.NewTitle, "")
		e.Genres = now.Genres
		events = append(events, e)
	case before.Status != now.Status:
		e := event(catalog.StatusChange, now.Status+now.UpdatedAt.String())
		e.OldStatus, e.NewStatus = before.Status, now.Status
		events = append(events, e)
	}
	for _, ep := range now.Player.Episodes {
		old, told := k.told[ep.ID]
		if len(ep.Sources) == 0 || told && old.UpdatedAt.Equal(ep.UpdatedAt) && cmp.Equal(old.Sources, ep.Sources) {
			continue
		}
		e := event(catalog.NewEpisode, ep.ID)
		if told {
			e = event(catalog.EpisodeUpdate, ep.ID+ep.UpdatedAt.String())
		}
		e.Episode, e.EpisodeID, e.EpisodeName = ep.Ordinal, ep.ID, ep.Name
		events = append(events, e)
		k.told[ep.ID] = ep
	}
	return events
}

// Pending are the events that wait, oldest first.
func (f *Fake) Pending(ctx context.Context, limit int) ([]catalog.Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return clone(f.pending[:min(max(limit, 0), len(f.pending))]), nil
}

// Confirm forgets events.
func (f *Fake) Confirm(ctx context.Context, events []catalog.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pending = slices.DeleteFunc(f.pending, func(p catalog.Event) bool {
		return slices.ContainsFunc(events, func(e catalog.Event) bool { return e.ID == p.ID })
	})
	return nil
}
