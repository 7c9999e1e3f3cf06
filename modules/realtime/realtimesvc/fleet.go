package realtimesvc

import (
	"context"
	"maps"
	"sync"

	"anihub/modules/realtime"
)

// Fleet is what the instances that serve realtime know of each other. RedisFleet is one;
// without it a process counts for itself.
type Fleet interface {
	// Acquire counts one more conversation of a user, over all instances, until release
	// is called. realtime.ErrTooMany when there would be more than limit.
	Acquire(ctx context.Context, userID string, limit int) (release func(), err error)
	// Run tells the others until ctx ends that this instance lives, and what own returns:
	// how many of its conversations are subscribed to each title. heard is handed the same
	// of every other instance that lives, or why it is not known.
	Run(ctx context.Context, own func() map[int]int, heard func(others []map[int]int, err error))
}

// tally counts the conversations of each user in this process.
type tally struct {
	mu   sync.Mutex
	open map[string]int
}

// add returns how many there are then.
func (t *tally) add(user string, n int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = make(map[string]int)
	}
	t.open[user] += n
	is := t.open[user]
	if is <= 0 {
		delete(t.open, user)
	}
	return is
}

func (t *tally) of(user string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[user]
}

func (t *tally) users() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]string, 0, len(t.open))
	for user := range t.open {
		all = append(all, user)
	}
	return all
}

// alone is a fleet of one.
type alone struct{ own tally }

// Acquire implements Fleet.
func (a *alone) Acquire(_ context.Context, userID string, limit int) (func(), error) {
	if a.own.add(userID, 1) > limit {
		a.own.add(userID, -1)
		return nil, tooMany(limit)
	}
	return sync.OnceFunc(func() { a.own.add(userID, -1) }), nil
}

// Run implements Fleet.
func (a *alone) Run(context.Context, func() map[int]int, func([]map[int]int, error)) {}

func tooMany(limit int) error { return realtime.ErrTooMany.Detail("limit", limit) }

// heard keeps who is subscribed to what elsewhere.
func (s *Service) heard(others []map[int]int, err error) {
	if err != nil {
		s.metrics.errors.WithLabelValues("FLEET_UNAVAILABLE").Inc()
	}
	s.elsewhere.Store(&others)
	s.metrics.instances.Set(float64(1 + len(others)))
}

// Presence implements realtime.Service.
func (s *Service) Presence(ctx context.Context) (realtime.Presence, error) {
	if err := ctx.Err(); err != nil {
		return realtime.Presence{}, err
	}
	p := realtime.Presence{Instances: 1, Titles: s.hub.audience()}
	if others := s.elsewhere.Load(); others != nil {
		p.Instances += len(*others)
		for _, titles := range *others {
			for id, n := range titles {
				p.Titles[id] += n
			}
		}
	}
	return p, nil
}

// audience counts the conversations that are subscribed to each title.
func (h *hub) audience() map[int]int {
	all := make(map[int]int)
	for i := range h.shards {
		for id, n := range h.shards[i].audience() {
			all[id] += n
		}
	}
	return all
}

func (s *shard) audience() map[int]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[int]int, len(s.titles))
	for id, who := range s.titles {
		all[id] = len(who)
	}
	return all
}

// busiest is the part of an audience that is worth telling others.
func busiest(audience map[int]int, most int) map[int]int {
	if len(audience) <= most {
		return audience
	}
	// By halves: what is watched by more than a bar is kept, until few enough are.
	kept := maps.Clone(audience)
	for bar := 1; len(kept) > most; bar *= 2 {
		maps.DeleteFunc(kept, func(_, n int) bool { return n <= bar })
	}
	return kept
}
