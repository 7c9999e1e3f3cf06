package catalogsvc

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"anihub/modules/catalog"
	"anihub/platform/anilibria"
	"anihub/platform/cache"
)

// wireScheduled is one line of the schedule as cache levels keep it: only what
// the upstream says about the week. The titles come from the index.
type wireScheduled struct {
	Title     int     `json:"title"`
	Weekday   int     `json:"weekday"`
	Next      int     `json:"next,omitempty"`
	Published float64 `json:"published,omitempty"`
}

// Schedule is what airs on which weekday, Monday first; within a day the more
// popular first. Titles that the index does not know (yet) are left out.
func (s *Service) Schedule(ctx context.Context, have string) (catalog.Answer[[]catalog.Day], error) {
	position := s.position()
	hit, err := s.cache.Get(ctx, scheduleKey, s.loadSchedule)
	if err != nil {
		return catalog.Answer[[]catalog.Day]{}, unavailable(err)
	}
	snap, err := s.indexed()
	if err != nil {
		return catalog.Answer[[]catalog.Day]{}, err
	}
	a := catalog.Answer[[]catalog.Day]{Freshness: freshnessOf(hit), Position: upTo(position, hit)}
	a.Version = string(appendVersion(nil, hit)) + "." + s.indexVersion(snap, false)
	if a.Version == have {
		a.Unchanged = true
		return a, nil
	}
	var lines []wireScheduled
	if err := json.Unmarshal(hit.Body, &lines); err != nil {
		return catalog.Answer[[]catalog.Day]{}, catalog.ErrUnavailable.With(fmt.Errorf("decode schedule: %w", err))
	}
	a.Value = week(lines, snap)
	return a, nil
}

func (s *Service) loadSchedule(ctx context.Context) (cache.Entry, error) {
	items, err := s.upstream.Schedule(ctx)
	if err != nil {
		return cache.Entry{}, err
	}
	body, err := encodeJSON(each(items, func(i anilibria.ScheduleItem) wireScheduled {
		return wireScheduled{Title: i.ReleaseID, Weekday: i.Weekday, Next: max(i.NextEpisode, 0), Published: i.Published}
	}))
	if err != nil {
		return cache.Entry{}, err
	}
	return cache.Entry{Body: body, ETag: etagOf(body), Tags: []string{scheduleKey}}, nil
}

// week joins the schedule with the titles, seven days always.
func week(lines []wireScheduled, snap *snapshot) []catalog.Day {
	days := make([]catalog.Day, 7)
	for i := range days {
		days[i].Weekday = i + 1
	}
	byTitle := make(map[int]wireScheduled, len(lines))
	for _, l := range lines {
		byTitle[l.Title] = l
	}
	popular := snap.sorted[byPopularity]
	for i := len(popular) - 1; i >= 0; i-- {
		l, ok := byTitle[popular[i].s.ID]
		if !ok || l.Weekday < 1 || l.Weekday > len(days) {
			continue
		}
		day := &days[l.Weekday-1]
		day.Titles = append(day.Titles, catalog.Scheduled{
			Summary: summaries(popular[i : i+1])[0], NextEpisode: l.Next, Published: l.Published,
		})
	}
	return days
}

// reschedule lets the schedule be asked for again when one of the titles has news that the
// upstream tells in it as well: which episode was out, and which one is next.
func (s *Service) reschedule(ctx context.Context, all ...applied) {
	if !slices.ContainsFunc(all, applied.airs) {
		return
	}
	if _, err := s.cache.Invalidate(ctx, cache.Invalidation{Keys: []string{scheduleKey}}); err != nil {
		s.log.WarnContext(ctx, "the schedule is not made stale everywhere yet", "err", err)
	}
}

// airs tells whether there is another episode or another state of the title.
func (a applied) airs() bool {
	return slices.ContainsFunc(a.events, func(e catalog.Event) bool { return e.Type != catalog.EpisodeUpdate })
}
