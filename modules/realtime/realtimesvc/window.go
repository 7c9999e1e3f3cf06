package realtimesvc

import "sort"

// The window keeps the newest events with their frames in memory, so that a
// thousand viewers who come back at once cost the log nothing.
const (
	windowEvents = 1024
	windowBytes  = 4 << 20
)

// window covers the offsets in (from, to]. Its events are only appended and cut
// off at the front, so that a page may share them.
type window struct {
	from, to uint64
	events   []*event
	bytes    int
}

// restart forgets everything; the window now begins after offset.
func (w *window) restart(offset uint64) { *w = window{from: offset, to: offset} }

// add takes the record at offset; e is nil when it is no event.
func (w *window) add(offset uint64, e *event) {
	w.to = offset
	if e == nil {
		return
	}
	w.events = append(w.events, e)
	w.bytes += len(e.msg.Frame)
	for len(w.events) > windowEvents || w.bytes > windowBytes {
		w.from = w.events[0].offset
		w.bytes -= len(w.events[0].msg.Frame)
		w.events = w.events[1:]
	}
}

// after returns up to limit events behind an offset; ok is false when the window
// does not reach back that far.
func (w *window) after(offset uint64, limit int) (page, bool) {
	if offset < w.from || offset > w.to {
		return page{}, false
	}
	i := sort.Search(len(w.events), func(i int) bool { return w.events[i].offset > offset })
	rest := w.events[i:]
	if len(rest) <= limit {
		return page{events: rest[:len(rest):len(rest)], to: w.to}, true
	}
	rest = rest[:limit:limit]
	return page{events: rest, to: rest[limit-1].offset}, true
}
