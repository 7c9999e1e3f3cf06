package realtimesvc

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"

	"anihub/modules/realtime"
	"anihub/platform/eventlog"
	"anihub/platform/fault"
)

// Limits of an event.
const (
	maxEventID   = 128      // bytes
	maxEventData = 16 << 10 // bytes of its data as viewers see it
	maxEpisode   = 100_000
)

// prepared is an event that is ready for the log.
type prepared struct {
	id, typ string
	titleID int
	kind    kind
	data    json.RawMessage // what viewers see
}

// Publish implements realtime.Service. Nothing is appended before all events are
// known to be acceptable.
func (s *Service) Publish(ctx context.Context, events []realtime.Event) ([]realtime.Published, error) {
	ready := make([]prepared, len(events))
	for i, e := range events {
		p, err := s.prepare(ctx, e)
		if err != nil {
			return nil, err
		}
		ready[i] = p
	}
	done := make([]realtime.Published, 0, len(ready))
	for _, p := range ready {
		d, err := s.append(ctx, p)
		if err != nil {
			return done, err
		}
		done = append(done, d)
	}
	return done, nil
}

func (s *Service) append(ctx context.Context, p prepared) (realtime.Published, error) {
	raw, err := json.Marshal(entryData{Type: p.typ, TitleID: p.titleID, Data: p.data})
	if err != nil {
		return realtime.Published{}, realtime.ErrBadEvent.With(err)
	}
	at, duplicate, err := s.log.Append(ctx, eventlog.Entry{ID: entryPrefix + p.id, Topic: TopicEvent, Data: raw})
	if err != nil {
		return realtime.Published{}, unavailable(err)
	}
	done := realtime.Published{EventID: p.id, Position: at.String(), Duplicate: duplicate}
	if !duplicate {
		s.metrics.published.WithLabelValues(p.typ).Inc()
		done.Subscribers = s.hub.subscribers(p.kind, p.titleID)
		s.announce(ctx, p, done.Position)
	}
	// A duplicate too: its publisher may have died before the copy was made.
	return done, inStore(s.history.keep(ctx, p, at))
}

// announce tells consumers outside of AniHub, at most once: the log is what
// carries the guarantee.
func (s *Service) announce(ctx context.Context, p prepared, position string) {
	if s.publisher == nil {
		return
	}
	msg, err := push(p.typ, p.id, position, p.data)
	if err == nil {
		err = s.publisher.Publish(ctx, "anilibria:"+p.typ, msg.Frame)
	}
	if err != nil {
		s.metrics.errors.WithLabelValues("ANNOUNCE_FAILED").Inc()
		s.announceFailed.Do(func() { s.logger.WarnContext(ctx, "plain publish failed; counted from now on", "err", err) })
	}
}

// prepare checks an event and makes what viewers see of it.
func (s *Service) prepare(ctx context.Context, e realtime.Event) (prepared, error) {
	k, ok := kindOf(e.Type)
	if !ok {
		return prepared{}, realtime.ErrUnknownType.Detail("type", clip(e.Type)).Detail("accepted", kindNames())
	}
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e.At = e.At.UTC().Truncate(time.Millisecond)
	if f := checkEvent(e); f != nil {
		return prepared{}, f
	}
	if e.ID == "" {
		e.ID = deriveID(e)
	}
	data, f := s.viewersData(ctx, e)
	if f != nil {
		return prepared{}, f
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return prepared{}, badEvent("data").With(err)
	}
	if len(raw) > maxEventData {
		return prepared{}, badEvent("data").Detail("max_bytes", maxEventData)
	}
	return prepared{id: e.ID, typ: e.Type, titleID: e.TitleID, kind: k, data: raw}, nil
}

func badEvent(field string) *fault.Error { return realtime.ErrBadEvent.Detail("field", field) }

func checkEvent(e realtime.Event) *fault.Error {
	switch {
	case !acceptableEventID(e.ID):
		return badEvent("event_id").Detail("accepted", "up to 128 printable ASCII characters without spaces")
	case e.TitleID < 1 || e.TitleID > math.MaxInt32:
		return badEvent("title_id").Detail("accepted", "a whole number from 1")
	case hasEpisode(e.Type) && (math.IsNaN(e.Episode) || e.Episode < 0 || e.Episode > maxEpisode):
		return badEvent("episode").Detail("accepted", "a number from 0 to 100000")
	case e.At.Year() < 1970 || e.At.Year() > 9999:
		return badEvent("timestamp")
	}
	return nil
}

func hasEpisode(typ string) bool {
	return typ == realtime.NewEpisode || typ == realtime.EpisodeUpdate
}

func acceptableEventID(id string) bool {
	for _, b := range []byte(id) {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return len(id) <= maxEventID
}

// deriveID names an event by what makes it the same event again (SPEC §6).
func deriveID(e realtime.Event) string {
	parts := []string{e.Type, strconv.Itoa(e.TitleID)}
	if hasEpisode(e.Type) {
		parts = append(parts, strconv.FormatFloat(e.Episode, 'f', -1, 64))
	}
	switch e.Type {
	case realtime.EpisodeUpdate:
		parts = append(parts, strconv.FormatInt(e.At.UnixMilli(), 10))
	case realtime.StatusChange:
		status, _ := e.Data["new_status"].(string)
		parts = append(parts, strings.Map(idRune, status))
	}
	return strings.Join(parts, ":")
}

func idRune(r rune) rune {
	if r <= ' ' || r > '~' {
		return '_'
	}
	return r
}

// viewersData is the data of the push: what came with the event, with the fields
// that every event of its type has. What is not known is null.
func (s *Service) viewersData(ctx context.Context, e realtime.Event) (map[string]any, *fault.Error) {
	d := make(map[string]any, len(e.Data)+6)
	maps.Copy(d, e.Data)
	switch e.Type {
	case realtime.NewEpisode, realtime.EpisodeUpdate:
		d["episode"] = e.Episode
		s.describe(ctx, e.TitleID, d)
		ensure(d, "episode_name")
	case realtime.NewTitle:
		s.describe(ctx, e.TitleID, d)
		if d["genres"] == nil {
			d["genres"] = []string{}
		}
	case realtime.StatusChange:
		ensure(d, "old_status")
		if status, _ := d["new_status"].(string); status == "" || len(status) > 32 {
			return nil, badEvent("new_status")
		}
	}
	d["title_id"] = e.TitleID
	d["timestamp"] = e.At.Format(time.RFC3339Nano)
	return d, checkData(d)
}

// describe fills title and poster from the catalogue where they are lacking.
func (s *Service) describe(ctx context.Context, titleID int, d map[string]any) {
	ensure(d, "title", "poster")
	if s.titles == nil || d["title"] != nil && d["poster"] != nil {
		return
	}
	title, poster, ok := s.titles.Lookup(ctx, titleID)
	if !ok {
		return
	}
	if d["title"] == nil && title != "" {
		d["title"] = title
	}
	if d["poster"] == nil && poster != "" {
		d["poster"] = poster
	}
}

func ensure(d map[string]any, keys ...string) {
	for _, k := range keys {
		if _, ok := d[k]; !ok {
			d[k] = nil
		}
	}
}

// checkData checks the fields whose form viewers rely on; others are passed on.
func checkData(d map[string]any) *fault.Error {
	for _, k := range []string{"title", "episode_name", "poster", "old_status", "new_status"} {
		if _, text := d[k].(string); !text && d[k] != nil {
			return badEvent(k).Detail("accepted", "text")
		}
	}
	if poster, ok := d["poster"].(string); ok && !acceptablePoster(poster) {
		return badEvent("poster").Detail("accepted", "an http(s) address or a path")
	}
	if d["genres"] != nil && !texts(d["genres"]) {
		return badEvent("genres").Detail("accepted", "a list of text")
	}
	return nil
}

// acceptablePoster keeps addresses that a page could execute away from viewers.
func acceptablePoster(s string) bool {
	return s == "" || strings.HasPrefix(s, "/") || strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

func texts(v any) bool {
	switch list := v.(type) {
	case []string:
		return true
	case []any:
		for _, x := range list {
			if _, ok := x.(string); !ok {
				return false
			}
		}
		return true
	}
	return false
}
