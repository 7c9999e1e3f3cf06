package realtimesvc

import "sync"

// set is a set of conversations.
type set map[*conversation]struct{}

// shard is a part of the index: some conversations and what they subscribed to.
type shard struct {
	mu     sync.Mutex
	closed bool
	all    set
	kinds  [kinds]set
	titles map[int]set
	users  map[string]set
}

func (s *shard) init() {
	s.all = make(set)
	for i := range s.kinds {
		s.kinds[i] = make(set)
	}
	s.titles = make(map[int]set)
	s.users = make(map[string]set)
}

func (s *shard) join(c *conversation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.all[c] = struct{}{}
	return true
}

func (s *shard) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

func (s *shard) appendAll(to []*conversation) []*conversation {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.all {
		to = append(to, c)
	}
	return to
}

// tell hands the event to the conversations of this shard. Who subscribed in two
// ways is asked twice and takes it once.
func (s *shard) tell(e *event) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for c := range s.kinds[e.kind] {
		if c.push(e) {
			n++
		}
	}
	for c := range s.titles[e.titleID] {
		if c.push(e) {
			n++
		}
	}
	return n
}

func (s *shard) count(k kind, titleID int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.kinds[k])
	for c := range s.titles[titleID] {
		if _, twice := s.kinds[k][c]; !twice {
			n++
		}
	}
	return n
}

// add puts the conversation under what it subscribes to.
func (s *shard) add(c *conversation, w wish) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range w.kinds {
		s.kinds[k][c] = struct{}{}
	}
	for _, id := range w.titles {
		put(s.titles, id, c)
	}
}

// drop takes the conversation from what it no longer subscribes to.
func (s *shard) drop(c *conversation, w wish) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(c, w)
}

func (s *shard) remove(c *conversation, w wish) {
	for _, k := range w.kinds {
		delete(s.kinds[k], c)
	}
	for _, id := range w.titles {
		take(s.titles, id, c)
	}
}

// leave takes the conversation out of everything.
func (s *shard) leave(c *conversation, w wish, user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, c)
	s.remove(c, w)
	if user != "" {
		take(s.users, user, c)
	}
}

func (s *shard) signIn(c *conversation, user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	put(s.users, user, c)
}

func (s *shard) signOut(c *conversation, user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	take(s.users, user, c)
}

func (s *shard) ofUser(user string) []*conversation {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*conversation
	for c := range s.users[user] {
		found = append(found, c)
	}
	return found
}

func put[K comparable](index map[K]set, key K, c *conversation) {
	if index[key] == nil {
		index[key] = make(set)
	}
	index[key][c] = struct{}{}
}

func take[K comparable](index map[K]set, key K, c *conversation) {
	delete(index[key], c)
	if len(index[key]) == 0 {
		delete(index, key)
	}
}
