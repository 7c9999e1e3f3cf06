package realtimesvc

// wish is a list of what to subscribe to.
type wish struct {
	titles []int
	kinds  []kind
}

func (w wish) size() int { return len(w.titles) + len(w.kinds) }

func (w wish) has(e *event) bool {
	for _, k := range w.kinds {
		if k == e.kind {
			return true
		}
	}
	for _, id := range w.titles {
		if id == e.titleID {
			return true
		}
	}
	return false
}

// subscriptions of one conversation. Each remembers the offset from which on it
// covers events. Together with the cursor that says of any event whether it was
// delivered, without a memory of events.
type subscriptions struct {
	titles map[int]uint64
	kinds  [kinds]struct {
		on   bool
		from uint64
	}
	count int
}

// cover tells whether a subscription covers the event.
func (s *subscriptions) cover(e *event) bool {
	if k := &s.kinds[e.kind]; k.on && k.from < e.offset {
		return true
	}
	from, ok := s.titles[e.titleID]
	return ok && from < e.offset
}

// match tells whether a subscription is for such events, from wherever.
func (s *subscriptions) match(e *event) bool {
	if s.kinds[e.kind].on {
		return true
	}
	_, ok := s.titles[e.titleID]
	return ok
}

// missing is the part of a wish that is not subscribed yet.
func (s *subscriptions) missing(w wish) wish {
	var more wish
	for _, k := range w.kinds {
		if !s.kinds[k].on {
			more.kinds = append(more.kinds, k)
		}
	}
	for _, id := range w.titles {
		if _, ok := s.titles[id]; !ok {
			more.titles = append(more.titles, id)
		}
	}
	return more
}

// add subscribes to what is new, and lets what is not begin earlier if from is
// earlier.
func (s *subscriptions) add(w wish, from uint64) {
	for _, k := range w.kinds {
		if t := &s.kinds[k]; !t.on {
			t.on, t.from = true, from
			s.count++
		} else {
			t.from = min(t.from, from)
		}
	}
	for _, id := range w.titles {
		old, ok := s.titles[id]
		if !ok {
			s.count++
			old = from
		}
		if s.titles == nil {
			s.titles = make(map[int]uint64)
		}
		s.titles[id] = min(old, from)
	}
}

// remove unsubscribes from a title; false when it was not subscribed.
func (s *subscriptions) remove(title int) bool {
	if _, ok := s.titles[title]; !ok {
		return false
	}
	delete(s.titles, title)
	s.count--
	return true
}

// restart lets all subscriptions begin at from.
func (s *subscriptions) restart(from uint64) {
	for i := range s.kinds {
		s.kinds[i].from = from
	}
	for id := range s.titles {
		s.titles[id] = from
	}
}

// all is everything that is subscribed.
func (s *subscriptions) all() wish {
	var w wish
	for i, k := range s.kinds {
		if k.on {
			w.kinds = append(w.kinds, kind(i))
		}
	}
	for id := range s.titles {
		w.titles = append(w.titles, id)
	}
	return w
}
