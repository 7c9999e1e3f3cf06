package anilibriatest

import (
	"slices"
	"strconv"
)

// told is a title as the listeners of the WebSocket know it. After a change it says
// what has become of it; with nobody there it says nothing and costs nothing.
type told struct {
	view
	title  *Title
	before object
}

// tell remembers a title before a change; s.mu is held.
func (s *Server) tell(t *Title) *told {
	origin, ok := s.sockets.listened()
	if !ok {
		return nil
	}
	w := &told{view: view{server: s, origin: origin}, title: t}
	w.before = w.v3Title(t, false)
	return w
}

func event(kind string, data object) object {
	return object{{"type", kind}, {"data", data}}
}

// changed is a change of anything but episodes and torrents.
func (w *told) changed() {
	if w != nil {
		w.server.sockets.send([]object{w.titleUpdate()})
	}
}

// added is a new title: before, there was nothing.
func (w *told) added() {
	if w != nil {
		w.before = nil
		w.changed()
	}
}

func (w *told) titleUpdate() object {
	now := w.v3Title(w.title, false)
	diff, _ := difference(w.before, now)
	return event("title_update", object{{"title", now}, {"diff", orEmpty(diff)}})
}

// episode is a new or changed episode. A new one is encoded quality by quality, each
// with a playlist of its own, though REST has them all at once; then come the finish
// and the title.
func (w *told) episode(e *Episode) {
	if w == nil {
		return
	}
	old := w.before.get("player")
	number := ordinalText(e.Ordinal)
	reupload := false
	if entry, ok := at(old, "list", number, "hls").(object); ok {
		reupload = slices.ContainsFunc(entry, func(f field) bool { return f.value != nil })
	}
	qualities := []int{480, 720, 1080}
	if reupload {
		qualities = []int{1080}
	}
	id := strconv.Itoa(w.title.ID)
	var frames []object
	last := old
	for _, q := range qualities {
		if q > e.Quality && !reupload {
			continue
		}
		frames = append(frames, encoding(id, number, min(q, max(e.Quality, 480)), reupload)...)
		update, player := w.playlistUpdate(e, last, q)
		frames, last = append(frames, update), player
	}
	if len(frames) == 0 { // no file: Rutube, YouTube, or nothing yet
		update, _ := w.playlistUpdate(e, last, 0)
		frames = append(frames, update)
	} else {
		frames = append(frames, event("encode_finish", object{{"id", id}, {"episode", number}}))
	}
	w.server.sockets.send(append(frames, w.titleUpdate()))
}

// encoding are the frames of one quality. The real ones come at every 5 %.
func encoding(id, number string, quality int, reupload bool) []object {
	name := map[int]string{480: "sd", 720: "hd", 1080: "fhd"}[quality]
	head := func(more ...field) object {
		return append(object{{"id", id}, {"episode", number}, {"resolution", strconv.Itoa(quality)}, {"quality", name}}, more...)
	}
	frames := []object{event("encode_start", head(field{"isReupload", reupload}))}
	for _, percent := range []string{"25", "50", "75", "100"} {
		frames = append(frames, event("encode_progress", head(field{"encoded_percent", percent})))
	}
	return append(frames, event("encode_end", head()))
}

// playlistUpdate shows the player while the episode is ready up to a quality.
func (w *told) playlistUpdate(e *Episode, before any, ready int) (update, player object) {
	partly := *w.title
	partly.Episodes = slices.Clone(partly.Episodes)
	number := ordinalText(e.Ordinal)
	for i := range partly.Episodes {
		if partly.Episodes[i].Ordinal == e.Ordinal {
			partly.Episodes[i].Quality = min(e.Quality, ready)
		}
	}
	player = w.v3Player(&partly, false)
	diff, _ := difference(before, player)
	previous, _ := at(diff, "list", number, "hls").(object)
	return event("playlist_update", object{
		{"id", w.title.ID},
		{"player", player},
		{"updated_episode", at(player, "list", number)},
		{"episode", number},
		{"diff", orEmpty(diff)},
		{"reupload", len(previous) > 0 && !slices.ContainsFunc(previous, func(f field) bool { return f.value == nil })},
	}), player
}

// torrent is a new torrent; its frame has no magnet and no size in words.
func (w *told) torrent(id int) {
	if w == nil {
		return
	}
	strip := func(n any) any { return without(n, newPaths([]string{"list.magnet,list.size_string"})) }
	now := strip(v3Torrents(w.title))
	diff, _ := difference(strip(w.before.get("torrents")), now)
	w.server.sockets.send([]object{
		event("torrent_update", object{
			{"id", strconv.Itoa(w.title.ID)},
			{"torrents", now},
			{"updated_torrent_id", id},
			{"diff", orEmpty(diff)},
		}),
		w.titleUpdate(),
	})
}

func (o object) get(key string) any {
	for _, f := range o {
		if f.key == key {
			return f.value
		}
	}
	return nil
}

// at follows keys through objects.
func at(n any, keys ...string) any {
	for _, key := range keys {
		o, _ := n.(object)
		n = o.get(key)
	}
	return n
}

func orEmpty(diff any) any {
	if diff == nil {
		return object{}
	}
	return diff
}

// difference are the previous values of what has changed; arrays become objects by
// index, and what was not there before is null (FACTS §2).
func difference(before, now any) (any, bool) {
	old, now := keyed(before), keyed(now)
	was, ok1 := old.(object)
	is, ok2 := now.(object)
	if !ok1 || !ok2 {
		if !ok1 && !ok2 && old == now {
			return nil, false
		}
		return before, true
	}
	var diff object
	for _, f := range is {
		if previous, changed := difference(was.get(f.key), f.value); changed {
			diff = append(diff, field{f.key, previous})
		}
	}
	for _, f := range was {
		if !slices.ContainsFunc(is, func(g field) bool { return g.key == f.key }) {
			diff = append(diff, f)
		}
	}
	if len(diff) == 0 {
		return nil, false
	}
	return diff, true
}

// keyed turns an array into an object by index.
func keyed(n any) any {
	list, ok := n.([]any)
	if !ok {
		return n
	}
	o := make(object, len(list))
	for i, item := range list {
		o[i] = field{strconv.Itoa(i), item}
	}
	return o
}
