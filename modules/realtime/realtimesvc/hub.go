package realtimesvc

import (
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"anihub/modules/realtime"
	"anihub/platform/eventlog"
)

// shards is how many parts the index has. An event holds one part at a time, so
// that subscribers who come or go wait for a part of its round, not for all of it.
const shards = 32

// hub knows where in the log this process is, and who is to be told what.
//
// Locks are taken in the order shard, conversation, hub; a conversation that
// holds its own lock never asks for a shard's.
type hub struct {
	shards [shards]shard
	turn   atomic.Uint32 // the shard of the next conversation

	mu     sync.Mutex
	place  place
	window window
	recent recent
	ended  []ending // the newest ones, for who signs in at this moment
	ends   uint64   // how many there were

	ready chan struct{} // closed when place is known for the first time
}

// place is where in the log this process is. Up to told every conversation was
// considered; the record at telling, when it is another, is being told.
type place struct {
	era           uint64 // counts epochs and gaps: offsets of two eras are not comparable
	epoch         string
	told, telling uint64
}

func (p place) position(offset uint64) string {
	return eventlog.Position{Epoch: p.epoch, Offset: offset}.String()
}

// ending is a session that ended.
type ending struct {
	user, session string // session "" = all of the user
	code          int
	reason        string
}

func (e ending) hits(user, session string) bool {
	return e.user == user && (e.session == "" || e.session == session)
}

// maxEndings bounds hub.ended: far more than can end during one sign-in.
const maxEndings = 1024

func newHub() *hub {
	h := &hub{ready: make(chan struct{}), recent: newRecent()}
	for i := range h.shards {
		h.shards[i].init()
	}
	return h
}

// at is where this process is.
func (h *hub) at() place {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.place
}

// begin sets the first place. The window may be filled up to there already.
func (h *hub) begin(p eventlog.Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.place = place{era: 1, epoch: p.Epoch, told: p.Offset, telling: p.Offset}
	if h.window.to != p.Offset {
		h.window.restart(p.Offset)
	}
	close(h.ready)
}

// rewind lets the window begin after an offset.
func (h *hub) rewind(offset uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.window.restart(offset)
}

// remember puts what was told before this process started into the window.
func (h *hub) remember(records []eventlog.Record, upTo uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range records {
		if r.Position.Offset > upTo {
			return
		}
		var e *event
		if r.Topic == TopicEvent {
			if known, err := eventOf(r); err == nil {
				e = known
				h.recent.seen(e.msg.EventID)
			}
		}
		h.window.add(r.Position.Offset, e)
	}
}

// move begins a new era at p.
func (h *hub) move(p eventlog.Position) place {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.place = place{era: h.place.era + 1, epoch: p.Epoch, told: p.Offset, telling: p.Offset}
	h.window.restart(p.Offset)
	return h.place
}

// reset begins a new era and tells every conversation that there was a gap.
func (h *hub) reset(p eventlog.Position) {
	now := h.move(p)
	for _, c := range h.everybody() {
		c.rebase(now)
	}
}

// pass steps over a record that is not told: no event, or one that was told
// before under another position.
func (h *hub) pass(offset uint64, e *event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.window.add(offset, e)
	h.place.told, h.place.telling = offset, offset
}

// tell hands an event to whoever subscribed to it and returns to how many.
func (h *hub) tell(e *event) int {
	h.mu.Lock()
	h.window.add(e.offset, e)
	h.place.telling = e.offset
	h.mu.Unlock()
	n := 0
	for i := range h.shards {
		n += h.shards[i].tell(e)
	}
	h.mu.Lock()
	h.place.told = e.offset
	h.mu.Unlock()
	return n
}

// knows tells whether an event of this id was told recently, and remembers it.
func (h *hub) knows(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.recent.seen(id)
}

// missed returns events after an offset of an era from memory, when it has them.
func (h *hub) missed(era, after uint64, limit int) (page, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if era != h.place.era {
		return page{}, false
	}
	return h.window.after(after, limit)
}

// subscribers counts who would be told an event now.
func (h *hub) subscribers(k kind, titleID int) int {
	n := 0
	for i := range h.shards {
		n += h.shards[i].count(k, titleID)
	}
	return n
}

// end closes the conversations of a session.
func (h *hub) end(e ending) {
	h.mu.Lock()
	h.ends++
	h.ended = append(h.ended, e)
	if len(h.ended) > maxEndings {
		h.ended = slices.Delete(h.ended, 0, len(h.ended)-maxEndings/2)
	}
	h.mu.Unlock()
	for _, c := range h.ofUser(e.user) {
		c.endSession(e)
	}
}

// ofUser is a user's conversations of this moment.
func (h *hub) ofUser(user string) []*conversation {
	var all []*conversation
	for i := range h.shards {
		all = append(all, h.shards[i].ofUser(user)...)
	}
	return all
}

// endings is how many sessions ended so far.
func (h *hub) endings() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ends
}

// endedSince finds what ended a session since there were so many endings. known
// is false when more ended meanwhile than are remembered.
func (h *hub) endedSince(ends uint64, user, session string) (e ending, found, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.ends - ends
	if n > uint64(len(h.ended)) {
		return ending{}, false, false
	}
	for _, e := range h.ended[uint64(len(h.ended))-n:] {
		if e.hits(user, session) {
			return e, true, true
		}
	}
	return ending{}, false, true
}

// join admits a conversation; false when the house is closing.
func (h *hub) join(c *conversation) bool {
	c.shard = &h.shards[h.turn.Add(1)%shards]
	return c.shard.join(c)
}

// everybody is all conversations of this moment.
func (h *hub) everybody() []*conversation {
	var all []*conversation
	for i := range h.shards {
		all = h.shards[i].appendAll(all)
	}
	return all
}

// drain admits nobody any more and asks everybody to come back, each a little
// later than the one before: the next instance must not meet them all at once.
func (h *hub) drain(span time.Duration) {
	for i := range h.shards {
		h.shards[i].close()
	}
	all := h.everybody()
	for i, c := range all {
		c.restart(minRetry + span*time.Duration(i)/time.Duration(len(all)))
	}
}

// minRetry is the soonest a viewer is asked to come back: this process has to
// leave the load balancer first.
const minRetry = 250 * time.Millisecond

// restartReason is the reason of a close with 1012.
func restartReason(d time.Duration) string {
	raw, err := json.Marshal(retryData{RetryInMS: d.Milliseconds()})
	if err != nil {
		return ""
	}
	return string(raw)
}

// closedRestart ends a conversation that should come back after d.
func closedRestart(d time.Duration) *realtime.Closed {
	return &realtime.Closed{Code: realtime.CloseRestart, Reason: restartReason(d)}
}
