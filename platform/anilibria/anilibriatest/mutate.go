package anilibriatest

import (
	"fmt"
	"slices"
	"time"
)

// AddTitle adds a title and gives its id; a title with a FreshAt of zero is bumped
// now when it has episodes.
func (s *Server) AddTitle(t Title) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(t.Episodes) > 0 && t.FreshAt.IsZero() {
		t.FreshAt = now()
	}
	if t.UpdatedAt.IsZero() {
		t.UpdatedAt = now()
	}
	s.bumps++
	t.bumped = s.bumps
	s.insert(&t)
	s.sort()
	s.tell(&t).added()
	return t.ID
}

// AirEpisode adds the next episode, fully encoded, and bumps the title: fresh_at
// first, then the episode's own date, then updated_at, as the real one does.
func (s *Server) AirEpisode(titleID int) (Episode, error) {
	return s.Air(titleID, Episode{Quality: 1080, Duration: 1420})
}

// Air adds an episode as given; Ordinal 0 means the next whole number. An episode
// without any source is there, but not playable yet: the title is bumped by Reupload.
func (s *Server) Air(titleID int, e Episode) (Episode, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.owned(titleID)
	if err != nil {
		return Episode{}, err
	}
	news := s.tell(t)
	at := now()
	if e.Ordinal == 0 {
		e.Ordinal = nextOrdinal(t.Episodes)
	}
	e.UpdatedAt = at
	e.ID = t.id(&e)
	t.Episodes = append(t.Episodes, e)
	s.bump(t, at)
	news.episode(&e)
	return e, nil
}

func nextOrdinal(episodes []Episode) float64 {
	highest := 0.0
	for _, e := range episodes {
		highest = max(highest, e.Ordinal)
	}
	return float64(int(highest) + 1)
}

// Reupload changes the files of an episode: same id, new paths, a newer date. An
// episode without HLS gets it.
func (s *Server) Reupload(titleID int, ordinal float64) error {
	return s.ChangeEpisode(titleID, ordinal, func(e *Episode) {
		e.Revision++
		e.Quality = max(e.Quality, 720)
	})
}

// ChangeEpisode changes an episode and bumps the title.
func (s *Server) ChangeEpisode(titleID int, ordinal float64, change func(*Episode)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.owned(titleID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(t.Episodes, func(e Episode) bool { return e.Ordinal == ordinal })
	if i < 0 {
		return fmt.Errorf("title %d has no episode %v", titleID, ordinal)
	}
	news := s.tell(t)
	at := now()
	change(&t.Episodes[i])
	t.Episodes[i].UpdatedAt = at
	s.bump(t, at)
	news.episode(&t.Episodes[i])
	return nil
}

// AddTorrent adds a torrent and bumps the title; its episodes stay as they are.
func (s *Server) AddTorrent(titleID int, r Torrent) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.owned(titleID)
	if err != nil {
		return err
	}
	news := s.tell(t)
	at := now()
	r.UpdatedAt = at
	t.Torrents = append(t.Torrents, r)
	s.bump(t, at)
	news.torrent(r.ID)
	return nil
}

// SetStatus flips the two flags that AniHub's status is made of; like a corrected
// description it changes updated_at alone.
func (s *Server) SetStatus(titleID int, ongoing, inProduction bool) error {
	return s.Change(titleID, func(t *Title) { t.IsOngoing, t.IsInProduction = ongoing, inProduction })
}

// Change changes a title and its updated_at, but not its place in the lists.
func (s *Server) Change(titleID int, change func(*Title)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.owned(titleID)
	if err != nil {
		return err
	}
	news := s.tell(t)
	change(t)
	t.UpdatedAt = now()
	news.changed()
	return nil
}

// Hide makes every route forget a title; Show brings it back.
func (s *Server) Hide(titleID int) error { return s.setHidden(titleID, true) }

// Show ends Hide.
func (s *Server) Show(titleID int) error { return s.setHidden(titleID, false) }

func (s *Server) setHidden(titleID int, hidden bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.owned(titleID)
	if err == nil {
		news := s.tell(t)
		t.Hidden = hidden
		news.changed()
	}
	return err
}

// Title is a copy of a title, hidden ones included.
func (s *Server) Title(titleID int) (Title, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, ok := s.byID[titleID]
	if !ok {
		return Title{}, false
	}
	c := *t
	c.Episodes, c.generated = slices.Clone(t.episodes()), 0
	return c, true
}

// IDs are the visible titles, newest bump first.
func (s *Server) IDs() []int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var ids []int
	for _, t := range s.visible(nil) {
		ids = append(ids, t.ID)
	}
	return ids
}

// EpisodeID is the uuid of an episode of a title.
func (s *Server) EpisodeID(titleID int, ordinal float64) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t := s.byID[titleID]; t != nil {
		episodes := t.episodes()
		for i := range episodes {
			if episodes[i].Ordinal == ordinal {
				return t.id(&episodes[i])
			}
		}
	}
	return ""
}

// owned is a title whose generated parts are made real; s.mu is held.
func (s *Server) owned(titleID int) (*Title, error) {
	t := s.byID[titleID]
	if t == nil {
		return nil, fmt.Errorf("no title %d", titleID)
	}
	t.own()
	return t, nil
}

// bump brings a title to the front; s.mu is held.
func (s *Server) bump(t *Title, at time.Time) {
	s.bumps++
	t.FreshAt, t.UpdatedAt, t.bumped = at, at, s.bumps
	i := slices.Index(s.fresh, t)
	copy(s.fresh[1:i+1], s.fresh[:i])
	s.fresh[0] = t
}

// now has the precision of the real API.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
