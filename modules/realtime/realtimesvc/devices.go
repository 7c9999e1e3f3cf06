package realtimesvc

import (
	"context"
	"encoding/json"

	"anihub/modules/users"
	"anihub/platform/eventlog"
)

// followDevices tells users' devices what another of them did. It is no news: who was
// away asks, and a gap is nobody's loss.
func (s *Service) followDevices(ctx context.Context) {
	if s.devices == nil {
		return
	}
	tell := func(records []eventlog.Record) error {
		for _, r := range records {
			s.tellDevices(r)
		}
		return nil
	}
	ignore := func(eventlog.Position) error { return nil }
	// Follow returns nil when ctx ends, and only then.
	_ = eventlog.Follow(ctx, s.devices, eventlog.Position{}, tell, ignore, s.logger)
}

func (s *Service) tellDevices(r eventlog.Record) {
	if r.Topic != users.ReadTopic && r.Topic != users.ProgressTopic {
		return // a newer version of us may know it
	}
	var d users.ForDevices
	if json.Unmarshal(r.Data, &d) != nil || d.UserID == "" || len(d.Data) == 0 {
		s.metrics.errors.WithLabelValues("BAD_RECORD").Inc()
		return
	}
	m := answer(r.Topic, nil, d.Data)
	for _, c := range s.hub.ofUser(d.UserID) {
		c.say(m)
	}
}
