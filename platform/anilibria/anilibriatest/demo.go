package anilibriatest

import (
	"context"
	"slices"
	"time"
)

// Demo makes the catalogue live: new episodes air in turn on the titles that are
// still being dubbed.
type Demo struct {
	server *Server
	turn   int
}

// NewDemo airs episodes on a server.
func NewDemo(s *Server) *Demo { return &Demo{server: s} }

// Run airs an episode every so often until ctx ends.
func (d *Demo) Run(ctx context.Context, every time.Duration) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := d.Step(); err != nil {
				return err
			}
		}
	}
}

// Step airs the next episode; a title that is complete then has ended.
func (d *Demo) Step() error {
	ids := d.server.airing()
	if len(ids) == 0 {
		return nil
	}
	id := ids[d.turn%len(ids)]
	d.turn++
	if _, err := d.server.AirEpisode(id); err != nil {
		return err
	}
	return d.server.Change(id, func(t *Title) {
		complete := t.EpisodesTotal > 0 && len(t.Episodes) >= t.EpisodesTotal
		t.IsOngoing, t.IsInProduction = !complete, !complete
	})
}

// airing are the titles whose next episode may come, in the order of ids. When the
// last one has ended, the longest known series get another season, so that a demo
// may run for a day.
func (s *Server) airing() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []int
	for id, t := range s.byID {
		if t.IsInProduction && !t.Hidden && !t.BlockedByGeo && t.ExternalPlayer == "" && t.PublishDay > 0 {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		for id, t := range s.byID {
			if t.PublishDay > 0 && t.EpisodesTotal >= 10 && t.Year >= 2026 {
				t.EpisodesTotal += 12
				t.IsInProduction, t.IsOngoing = true, true
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}
