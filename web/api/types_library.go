package api

import (
	"time"

	"anihub/modules/catalog"
	"anihub/modules/users"
	"anihub/web/api/animelist"
	"anihub/web/envelope"
)

// The types of lists and progress.

// entryJSON is what a user thinks of a title.
type entryJSON struct {
	TitleID    int     `json:"title_id"`
	Status     *string `json:"status"`
	Score      *int    `json:"score"`
	Favorite   bool    `json:"favorite"`
	UpdatedAt  *string `json:"updated_at"` // of status and score
	FavoriteAt *string `json:"favorite_at"`
}

func libraryEntry(e users.Entry) entryJSON {
	return entryJSON{e.TitleID, text(e.Status), positive(e.Score), e.Favorite, instant(e.ListedAt), instant(e.FavoriteAt)}
}

// listedJSON is the same with the title, null when the catalogue cannot tell.
type listedJSON struct {
	entryJSON
	Title *summaryJSON `json:"title"`
}

type episodeProgressJSON struct {
	Episode   float64 `json:"episode"`
	Seconds   float64 `json:"seconds"`
	Watched   bool    `json:"watched"`
	UpdatedAt *string `json:"updated_at"`
}

type progressJSON struct {
	TitleID   int                   `json:"title_id"`
	UpdatedAt *string               `json:"updated_at"` // null: nothing was watched yet
	Episodes  []episodeProgressJSON `json:"episodes"`
}

func titleProgress(p users.TitleProgress) progressJSON {
	return progressJSON{p.TitleID, instant(p.UpdatedAt), envelope.Each(p.Episodes, func(e users.EpisodeProgress) episodeProgressJSON {
		return episodeProgressJSON{e.Episode, e.Seconds, e.Watched, instant(e.UpdatedAt)}
	})}
}

// continueJSON is a title to go on with: the episode to watch next, and where in it.
type continueJSON struct {
	TitleID     int             `json:"title_id"`
	Title       summaryJSON     `json:"title"`
	Episode     nextEpisodeJSON `json:"episode"`
	Seconds     float64         `json:"seconds"`
	NewEpisodes int             `json:"new_episodes"` // not watched, and out since the user stopped
	UpdatedAt   *string         `json:"updated_at"`   // when the user stopped
}

type nextEpisodeJSON struct {
	ID       string  `json:"id"`
	Ordinal  float64 `json:"ordinal"`
	Name     *string `json:"name"`
	Preview  *string `json:"preview"`
	Duration *int    `json:"duration"`
}

func nextEpisode(e catalog.Episode) nextEpisodeJSON {
	return nextEpisodeJSON{e.ID, e.Ordinal, text(e.Name), text(e.Preview), positive(e.Duration)}
}

type importedJSON struct {
	Imported  int           `json:"imported"`
	Unchanged int           `json:"unchanged"`
	Unknown   []unknownJSON `json:"unknown"`
}

// unknownJSON is an entry of a file that was not imported, and why.
type unknownJSON struct {
	Title      *string `json:"title"`
	TitleRU    *string `json:"title_ru"`
	SourceID   *int    `json:"source_id"`
	Status     *string `json:"status"`
	Score      *int    `json:"score"`
	Reason     string  `json:"reason"` // not_found, ambiguous, not_anime, bad_status, bad_score
	Candidates []int   `json:"candidates"`
}

func unknown(i animelist.Item, reason string, candidates []int) unknownJSON {
	return unknownJSON{
		text(i.Name), text(i.NameRU), positive(i.SourceID), text(string(i.Status)), positive(i.Score), reason,
		append([]int{}, candidates...),
	}
}

// exportJSON is everything about a user but their progress, which follows it.
type exportJSON struct {
	ExportedAt    *string            `json:"exported_at"`
	Profile       userJSON           `json:"profile"`
	Sessions      []sessionInfoJSON  `json:"sessions"`
	Subscriptions []subscriptionJSON `json:"subscriptions"`
	Webhooks      []webhookJSON      `json:"webhooks"`
	Push          []pushEndpointJSON `json:"push"`
	Lists         []entryJSON        `json:"lists"`
	Favorites     []entryJSON        `json:"favorites"`
}

// instant is RFC 3339 in UTC to the millisecond, for times that edits are compared
// by; one that is not known is null.
func instant(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	return &s
}
