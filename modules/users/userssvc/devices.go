package userssvc

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"anihub/modules/users"
	"anihub/platform/eventlog"
)

// What a save of progress is told with at most. Of a larger one, which is an import or a
// device that was away for long, devices are told that much has changed.
const (
	maxToldTitles   = 10
	maxToldEpisodes = 100
)

// tellDevices tells the user's connections what was done on one of them. That it fails is
// no failure of what was done: they see it when they ask.
func (s *Service) tellDevices(ctx context.Context, userID, topic string, data any) {
	if s.deps.Devices == nil {
		return
	}
	raw, err := json.Marshal(data)
	if err == nil {
		raw, err = json.Marshal(users.ForDevices{UserID: userID, Data: raw})
	}
	if err == nil {
		_, _, err = s.deps.Devices.Append(ctx, eventlog.Entry{ID: newID(), Topic: topic, Data: raw})
	}
	if err != nil {
		s.log.WarnContext(ctx, "other devices were not told", "topic", topic, "user", userID, "err", err)
	}
}

// progressData is what devices are told (users.ProgressTopic).
type progressData struct {
	TitleID  *int                  `json:"title_id"`
	Episodes []episodeProgressData `json:"episodes"`
}

type episodeProgressData struct {
	Episode   float64   `json:"episode"`
	Seconds   float64   `json:"seconds"`
	Watched   bool      `json:"watched"`
	UpdatedAt time.Time `json:"updated_at"`
}

// tellProgress tells what a save has made of the episodes that it named.
func (s *Service) tellProgress(ctx context.Context, userID string, changed []progressData) {
	n := 0
	for _, t := range changed {
		n += len(t.Episodes)
	}
	if len(changed) > maxToldTitles || n > maxToldEpisodes {
		changed = []progressData{{Episodes: []episodeProgressData{}}}
	}
	for _, t := range changed {
		s.tellDevices(ctx, userID, users.ProgressTopic, t)
	}
}

// toldOf is what devices are told of the episodes that were edited.
func toldOf(saved, edited progress) progressData {
	title := int(saved.Head.Of.Title)
	d := progressData{TitleID: &title, Episodes: []episodeProgressData{}}
	for _, e := range saved.title().Episodes {
		if slices.ContainsFunc(edited.Episodes, func(was episode) bool { return was.Ordinal == e.Episode }) {
			d.Episodes = append(d.Episodes, episodeProgressData(e))
		}
	}
	return d
}
