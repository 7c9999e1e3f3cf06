package internalapi

import (
	"anihub/platform/cache"
	"anihub/web/envelope"
)

type cacheStatsJSON struct {
	Levels        []levelStatsJSON `json:"levels"`
	Loads         loadStatsJSON    `json:"loads"`
	Loading       int              `json:"loading"`
	Invalidations int64            `json:"invalidations"`
	Owed          int              `json:"owed"`
}

type levelStatsJSON struct {
	Level   string `json:"level"`
	Hits    int64  `json:"hits"`
	Stale   int64  `json:"stale"`
	Misses  int64  `json:"misses"`
	Errors  int64  `json:"errors"`
	Skipped int64  `json:"skipped"`
	Breaker string `json:"breaker"`
	Entries *int   `json:"entries"` // null: the level does not know
	Bytes   *int64 `json:"bytes"`
}

type loadStatsJSON struct {
	OK        int64 `json:"ok"`
	NotFound  int64 `json:"not_found"`
	Failed    int64 `json:"failed"`
	Timeout   int64 `json:"timeout"`
	Panicked  int64 `json:"panicked"`
	Abandoned int64 `json:"abandoned"`
}

func cacheStatsOf(s cache.Stats) cacheStatsJSON {
	return cacheStatsJSON{
		Levels: envelope.Each(s.Levels, levelStatsOf), Loads: loadStatsJSON(s.Loads),
		Loading: s.Loading, Invalidations: s.Invalidations, Owed: s.Owed,
	}
}

func levelStatsOf(s cache.LevelStats) levelStatsJSON {
	out := levelStatsJSON{
		Level: s.Level, Hits: s.Hits, Stale: s.Stale, Misses: s.Misses, Errors: s.Errors, Skipped: s.Skipped, Breaker: s.Breaker,
	}
	if s.Entries >= 0 {
		out.Entries, out.Bytes = &s.Entries, &s.Bytes
	}
	return out
}

type explanationJSON struct {
	Key          string         `json:"key"`
	Levels       []keyLevelJSON `json:"levels"`
	Loading      bool           `json:"loading"`
	LoadingSince *string        `json:"loading_since"`
	Waiters      int            `json:"waiters"`
	Owed         bool           `json:"owed"`
	LastError    *string        `json:"last_error"`
	LastFailure  *string        `json:"last_failure"`
	StaleReason  *string        `json:"stale_reason"`
}

type keyLevelJSON struct {
	Level      string   `json:"level"`
	Present    bool     `json:"present"`
	Error      *string  `json:"error"`
	Breaker    string   `json:"breaker"`
	Generation int64    `json:"generation"`
	ETag       *string  `json:"etag"`
	Bytes      int      `json:"bytes"`
	NotFound   bool     `json:"not_found"`
	StoredAt   *string  `json:"stored_at"`
	FreshUntil *string  `json:"fresh_until"`
	CheckAt    *string  `json:"check_at"`
	Trusted    bool     `json:"trusted"`
	Tags       []string `json:"tags"`
}

func explanationOf(x cache.Explanation) explanationJSON {
	return explanationJSON{
		Key: x.Key, Levels: envelope.Each(x.Levels, keyLevelOf), Loading: x.Loading, LoadingSince: envelope.Moment(x.Since),
		Waiters: x.Waiters, Owed: x.Owed, LastError: known(x.LastError), LastFailure: envelope.Moment(x.LastFail),
		StaleReason: known(x.Reason),
	}
}

func keyLevelOf(s cache.LevelState) keyLevelJSON {
	return keyLevelJSON{
		Level: s.Level, Present: s.Present, Error: known(s.Error), Breaker: s.Breaker, Generation: s.Generation,
		ETag: known(s.ETag), Bytes: s.Size, NotFound: s.NotFound, StoredAt: envelope.Moment(s.StoredAt),
		FreshUntil: envelope.Moment(s.FreshUntil), CheckAt: envelope.Moment(s.CheckAt), Trusted: s.Trusted,
		Tags: append([]string{}, s.Tags...),
	}
}

// known is a text; what is not known is null.
func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
