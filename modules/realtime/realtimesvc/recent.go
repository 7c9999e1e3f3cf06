package realtimesvc

// recentIDs is how many events are remembered by their id. It matters only when
// the log is lost: a publisher that did not learn whether its event got on the
// old log puts it on the new one too.
const recentIDs = 2048

// recent is a set of the newest ids.
type recent struct {
	ids  map[string]struct{}
	ring []string
	next int
}

func newRecent() recent {
	return recent{ids: make(map[string]struct{}, recentIDs), ring: make([]string, recentIDs)}
}

// seen tells whether id is in the set, and puts it there.
func (r *recent) seen(id string) bool {
	if _, ok := r.ids[id]; ok {
		return true
	}
	delete(r.ids, r.ring[r.next])
	r.ring[r.next] = id
	r.ids[id] = struct{}{}
	r.next = (r.next + 1) % len(r.ring)
	return false
}
