package modules

import (
	"context"

	"github.com/redis/go-redis/v9"

	"anihub/modules/catalog"
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
