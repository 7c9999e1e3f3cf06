package realtimesvc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"anihub/modules/realtime"
	"anihub/modules/users"
	"anihub/platform/eventlog"
)

// Topics of the log that realtime reads; it skips all others. Entries of
// TopicEvent are written by Publish; those of TopicSession by the users module
// when sessions end.
const (
	TopicEvent   = "event"
	TopicSession = users.SessionTopic
)

// entryPrefix keeps the ids of events apart from the ids of other topics, since
// the log drops an entry whose id it has seen.
const entryPrefix = TopicEvent + ":"

// kinds is how many types of events there are.
const kinds = 4

// kind is a type of event, small enough to index an array.
type kind uint8

// kindNames are the types of events in the order of their kinds.
func kindNames() [kinds]string {
	return [...]string{realtime.NewEpisode, realtime.EpisodeUpdate, realtime.NewTitle, realtime.StatusChange}
}

func kindOf(name string) (kind, bool) {
	names := kindNames()
	i := slices.Index(names[:], name)
	return kind(max(i, 0)), i >= 0
}

// entryData is the Data of an entry of TopicEvent. Data is what viewers see.
type entryData struct {
	Type    string          `json:"type"`
	TitleID int             `json:"title_id"`
	Data    json.RawMessage `json:"data"`
}

// sessionData is the Data of an entry of TopicSession. Without a session id all
// sessions of the user end.
type sessionData struct {
	UserID    string `json:"user_id"`
	SessionID string `json:"session_id"`
	Reason    string `json:"reason"` // banned, logout, expired, …
}

// event is a record of TopicEvent with its frame. It is shared by all
// conversations and never changed.
type event struct {
	offset  uint64
	kind    kind
	titleID int
	msg     realtime.Message
}

// eventOf decodes a record of TopicEvent.
func eventOf(r eventlog.Record) (*event, error) {
	var d entryData
	if err := json.Unmarshal(r.Data, &d); err != nil {
		return nil, fmt.Errorf("record %s: %w", r.Position, err)
	}
	if len(d.Data) == 0 {
		return nil, fmt.Errorf("record %s: no data", r.Position)
	}
	k, ok := kindOf(d.Type)
	if !ok {
		// A newer version of us may know it.
		return nil, fmt.Errorf("record %s: type %.40q is not known", r.Position, d.Type)
	}
	msg, err := push(d.Type, strings.TrimPrefix(r.ID, entryPrefix), r.Position.String(), d.Data)
	if err != nil {
		return nil, err
	}
	return &event{offset: r.Position.Offset, kind: k, titleID: d.TitleID, msg: msg}, nil
}

// page is a piece of the log: its events, and the offset up to which it reaches.
type page struct {
	events []*event
	to     uint64
}

// pageOf decodes records; what cannot be decoded was counted when it was told.
func pageOf(records []eventlog.Record, after uint64) page {
	p := page{to: after}
	for _, r := range records {
		p.to = r.Position.Offset
		if r.Topic != TopicEvent {
			continue
		}
		if e, err := eventOf(r); err == nil {
			p.events = append(p.events, e)
		}
	}
	return p
}
