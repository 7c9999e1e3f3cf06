package realtimetest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"anihub/modules/realtime"
)

// Fake is realtime in memory, simple enough to be seen right: every conversation
// keeps the whole history and a list of what it delivered. It has no limits but
// those of frames.
type Fake struct {
	mu        sync.Mutex
	users     map[string]fakeUser
	history   []fakeEvent
	convs     map[*fakeConversation]struct{}
	sessions  int
	delivered int64
	err       error
	clients   []realtime.Client
	limit     int
}

type fakeUser struct {
	id     string
	titles []int
}

type fakeEvent struct {
	typ   string
	title int
	at    time.Time
	msg   realtime.Message
}

var _ realtime.Service = (*Fake)(nil)

const fakeEpoch = "fake"

// NewFake makes a fake without events and users.
func NewFake() *Fake {
	return &Fake{users: map[string]fakeUser{}, convs: map[*fakeConversation]struct{}{}}
}

// Admit makes a token good for a user who wants to hear about the titles.
func (f *Fake) Admit(token, userID string, titles ...int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users[token] = fakeUser{userID, titles}
}

// Fail makes every method of the door return err; nil heals it.
func (f *Fake) Fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// Limit makes conversations end with 4008 when more bytes than that wait for
// their viewer; 0 is no limit.
func (f *Fake) Limit(bytes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limit = bytes
}

// End closes all conversations as the service would.
func (f *Fake) End(code int, reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.convs {
		c.end(&realtime.Closed{Code: code, Reason: reason})
	}
}

// Clients are those who opened conversations, in order.
func (f *Fake) Clients() []realtime.Client {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.clients)
}

func (f *Fake) fails(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return f.err
}

func (f *Fake) position(n int) string { return fmt.Sprintf("%s:%d", fakeEpoch, n) }

// Publish implements realtime.Service.
func (f *Fake) Publish(ctx context.Context, events []realtime.Event) ([]realtime.Published, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fails(ctx); err != nil {
		return nil, err
	}
	for _, e := range events {
		if err := fakeCheck(e); err != nil {
			return nil, err
		}
	}
	done := []realtime.Published{}
	for _, e := range events {
		done = append(done, f.append(e))
	}
	return done, nil
}

func (f *Fake) append(e realtime.Event) realtime.Published {
	id := e.ID
	if id == "" {
		id = fakeID(e)
	}
	for i, old := range f.history {
		if old.msg.EventID == id {
			return realtime.Published{EventID: id, Position: f.position(i + 1), Duplicate: true}
		}
	}
	position := f.position(len(f.history) + 1)
	data := encode(fakeData(e))
	f.history = append(f.history, fakeEvent{e.Type, e.TitleID, time.Now().UTC().Truncate(time.Millisecond), realtime.Message{
		Type: e.Type, EventID: id, Position: position, Data: data,
		Frame: encode(map[string]any{"type": e.Type, "event_id": id, "position": position, "data": json.RawMessage(data)}),
	}})
	done := realtime.Published{EventID: id, Position: position}
	for c := range f.convs {
		if c.tell(len(f.history)) {
			done.Subscribers++
		}
	}
	f.delivered += int64(done.Subscribers)
	return done
}

// Open implements realtime.Service.
func (f *Fake) Open(ctx context.Context, client realtime.Client) (realtime.Conversation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fails(ctx); err != nil {
		return nil, err
	}
	f.sessions++
	f.clients = append(f.clients, client)
	c := &fakeConversation{f: f, wants: map[string]int{}, wake: make(chan struct{}, 1)}
	f.convs[c] = struct{}{}
	c.say("hello", nil, map[string]any{
		"protocol": 1, "session": fmt.Sprintf("fake-session-%04d", f.sessions), "epoch": fakeEpoch,
		"position": f.position(len(f.history)), "ping_seconds": 25, "limits": map[string]int{"frame_bytes": realtime.MaxFrame},
	})
	return c, nil
}

// History implements realtime.Service. The fake has one epoch; of a foreign one it
// knows nothing.
func (f *Fake) History(ctx context.Context, q realtime.HistoryQuery) ([]realtime.News, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fails(ctx); err != nil {
		return nil, err
	}
	for _, t := range q.Types {
		if !slices.Contains(fakeTypes(), t) {
			return nil, realtime.ErrUnknownType
		}
	}
	after := int(q.AfterOrder)
	if q.After != "" && after == 0 {
		epoch, offset, ok := strings.Cut(q.After, ":")
		n, err := strconv.Atoi(offset)
		if !ok || err != nil || n < 0 {
			return nil, realtime.ErrBadPosition
		}
		if epoch == fakeEpoch {
			after = n
		}
	}
	out := []realtime.News{}
	for i, e := range f.history {
		wanted := (len(q.Titles) == 0 || slices.Contains(q.Titles, e.title)) && (len(q.Types) == 0 || slices.Contains(q.Types, e.typ))
		if i < after || !wanted || q.Limit > 0 && len(out) == q.Limit {
			continue
		}
		out = append(out, realtime.News{
			Order: int64(i + 1), EventID: e.msg.EventID, Type: e.typ, TitleID: e.title,
			Position: e.msg.Position, At: e.at, Data: slices.Clone(e.msg.Data),
		})
	}
	return out, nil
}

// Tail implements realtime.Service.
func (f *Fake) Tail(ctx context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.position(len(f.history)), f.fails(ctx)
}

// Presence implements realtime.Service.
func (f *Fake) Presence(ctx context.Context) (realtime.Presence, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := realtime.Presence{Instances: 1, Titles: map[int]int{}}
	for c := range f.convs {
		for key := range c.wants {
			var id int
			if n, _ := fmt.Sscanf(key, "title %d", &id); n == 1 {
				p.Titles[id]++
			}
		}
	}
	return p, f.fails(ctx)
}

// Stats implements realtime.Service.
func (f *Fake) Stats(ctx context.Context) (realtime.Stats, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	st := realtime.Stats{Connections: len(f.convs), Delivered: f.delivered, Position: f.position(len(f.history))}
	for c := range f.convs {
		st.Subscriptions += len(c.wants)
	}
	return st, f.fails(ctx)
}

func fakeCheck(e realtime.Event) error {
	if !slices.Contains(fakeTypes(), e.Type) {
		return realtime.ErrUnknownType
	}
	text := func(k string) bool { _, ok := e.Data[k].(string); return ok || e.Data[k] == nil }
	poster, _ := e.Data["poster"].(string)
	status, _ := e.Data["new_status"].(string)
	_, genres := e.Data["genres"].([]string)
	listed, _ := e.Data["genres"].([]any)
	switch {
	case e.TitleID < 1 || math.IsNaN(e.Episode) || e.Episode < 0,
		len(e.ID) > 128 || strings.ContainsAny(e.ID, " \n"),
		!text("title") || !text("episode_name") || !text("poster") || strings.HasPrefix(poster, "javascript:"),
		e.Type == realtime.StatusChange && status == "",
		e.Data["genres"] != nil && !genres && listed == nil,
		len(encode(e.Data)) > 16<<10:
		return realtime.ErrBadEvent
	}
	return nil
}

func fakeTypes() []string {
	return []string{realtime.NewEpisode, realtime.EpisodeUpdate, realtime.NewTitle, realtime.StatusChange}
}

func fakeID(e realtime.Event) string {
	id := fmt.Sprintf("%s:%d", e.Type, e.TitleID)
	number := ":" + strconv.FormatFloat(e.Episode, 'f', -1, 64)
	switch e.Type {
	case realtime.NewEpisode:
		return id + number
	case realtime.EpisodeUpdate:
		return id + number + fmt.Sprint(":", e.At.UnixMilli())
	case realtime.StatusChange:
		return id + fmt.Sprint(":", e.Data["new_status"])
	}
	return id
}

func fakeData(e realtime.Event) map[string]any {
	d := map[string]any{}
	switch e.Type {
	case realtime.NewEpisode, realtime.EpisodeUpdate:
		d = map[string]any{"title": nil, "episode_name": nil, "poster": nil}
	case realtime.NewTitle:
		d = map[string]any{"title": nil, "poster": nil, "genres": []string{}}
	}
	maps.Copy(d, e.Data)
	if e.Type == realtime.NewEpisode || e.Type == realtime.EpisodeUpdate {
		d["episode"] = e.Episode
	}
	d["title_id"], d["timestamp"] = e.TitleID, e.At.UTC().Format(time.RFC3339Nano)
	return d
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // a test gave it what JSON cannot say
	}
	return b
}
