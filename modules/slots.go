package modules

import (
	"context"

	"github.com/redis/go-redis/v9"

	"anihub/modules/catalog"
	"anihub/modules/realtime"
)

// titles fills realtime's slot with the catalogue's door.
type titles struct{ door catalog.Service }

// Lookup implements realtimesvc.Titles.
func (t titles) Lookup(ctx context.Context, id int) (title, poster string, ok bool) {
	page, err := t.door.Titles(ctx, catalog.Query{IDs: []int{id}, Limit: 1}, "")
	if err != nil || len(page.Value.Titles) == 0 {
		return "", "", false
	}
	found := page.Value.Titles[0]
	return found.Names.RU, found.Poster.Medium, true
}

// publisher sends to consumers outside through Redis.
type publisher struct{ client redis.UniversalClient }

// Publish implements realtimesvc.Publisher.
func (p publisher) Publish(ctx context.Context, channel string, payload []byte) error {
	return p.client.Publish(ctx, channel, payload).Err()
}

// history fills the users' slot with realtime's door, which is there when it is asked:
// each of the two needs the other.
type history struct{ m *Modules }

// History implements userssvc.News.
func (h history) History(ctx context.Context, q realtime.HistoryQuery) ([]realtime.News, error) {
	if h.m.Realtime == nil {
		return nil, realtime.ErrUnavailable.Because("modules.realtime.url is not set")
	}
	return h.m.Realtime.History(ctx, q)
}

// Tail implements userssvc.News.
func (h history) Tail(ctx context.Context) (string, error) {
	if h.m.Realtime == nil {
		return "", realtime.ErrUnavailable.Because("modules.realtime.url is not set")
	}
	return h.m.Realtime.Tail(ctx)
}

// sources fills the users' slot with the catalogue's door.
type sources struct{ m *Modules }

// Qualities implements userssvc.Titles.
func (s sources) Qualities(ctx context.Context, id int, episode float64) (all []string, known bool) {
	if s.m.Catalog == nil {
		return nil, false
	}
	got, err := s.m.Catalog.Title(ctx, catalog.Ref{ID: id}, "")
	if err != nil {
		return nil, false
	}
	for _, e := range got.Value.Player.Episodes {
		if e.Ordinal != episode {
			continue
		}
		for _, source := range e.Sources {
			all = append(all, source.Quality)
		}
		return all, len(all) > 0
	}
	return nil, false
}
