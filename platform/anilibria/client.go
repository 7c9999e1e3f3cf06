// Package anilibria speaks to the upstream catalogue, AniLibria (AniLiberty). One
// Client with typed results hides which of the two dialects a host speaks: v1
// (AniLiberty) or v3 (retired, still run by mirrors). Ids, slugs and episode uuids
// are shared between them.
//
// The words of the upstream stop here: a Release leaves this package cleaned, with
// absolute poster URLs and HLS URLs without the requester's query string.
package anilibria

import (
	"context"
	"time"

	"anihub/platform/fault"
)

// What the upstream can answer besides success.
var (
	// ErrNotFound: the upstream itself said 404.
	ErrNotFound = fault.New(fault.NotFound, "UPSTREAM_NOT_FOUND", "AniLibria does not know this.")
	// ErrUnavailable: no host answered in time, or every breaker is open.
	ErrUnavailable = fault.New(fault.Unavailable, "UPSTREAM_UNAVAILABLE", "AniLibria does not answer right now.")
	// ErrRefused: 401, 403, 410, 412, 422, 451 and the like; not retried.
	ErrRefused = fault.New(fault.Upstream, "UPSTREAM_REFUSED", "AniLibria refused the request.")
	// ErrGarbage: HTML, truncated or wrongly typed JSON, or a body over MaxBody.
	ErrGarbage = fault.New(fault.Upstream, "UPSTREAM_GARBAGE", "AniLibria answered something that cannot be read.")
)

// MaxBody is the largest decoded body taken from the upstream.
const MaxBody = 32 << 20

// Client is what AniHub asks of the upstream. Every method may return
// ErrUnavailable, ErrRefused, ErrGarbage or a context error.
type Client interface {
	// Release is one release with episodes, members and torrents. ErrNotFound.
	Release(ctx context.Context, ref Ref) (Release, error)
	// Releases are full releases by id, at most PageMax; those the upstream did not
	// return are absent. Order is not promised.
	Releases(ctx context.Context, ids []int) ([]Release, error)
	// Latest are the newest bumps (episode or torrent), newest first.
	Latest(ctx context.Context, limit int) ([]Bump, error)
	// CatalogPage lists ids by freshness, newest first, page 1….
	CatalogPage(ctx context.Context, page, limit int) (CatalogPage, error)
	// Schedule is what airs on which weekday.
	Schedule(ctx context.Context) ([]ScheduleItem, error)
	// Franchise are the franchises a release belongs to (usually none or one).
	Franchise(ctx context.Context, releaseID int) ([]Franchise, error)
	// Recommended are the ids of at most limit releases that are recommended to those
	// who like a release. None where the dialect has no such question.
	Recommended(ctx context.Context, releaseID, limit int) ([]int, error)
	// Status asks a host whether it is alive (app/status).
	Status(ctx context.Context) error
}

// PageMax is the largest page every route of the upstream accepts (FACTS §3.5).
const PageMax = 50

// What is beyond these is no data of the upstream.
const (
	MaxEpisodeID = 64      // bytes; a uuid has 36
	MaxOrdinal   = 100_000 // far over the longest series
	MaxPageItems = 1000    // more than any page holds; it bounds the search for doubles
)

// Ref names a release by id or, when ID is 0, by its alias.
type Ref struct {
	ID    int
	Alias string
}

// Background marks a context as background work (sync): it is limited to
// background_rate and gives way to viewers.
func Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

// IsBackground tells whether the context was marked.
func IsBackground(ctx context.Context) bool {
	marked, _ := ctx.Value(backgroundKey{}).(bool)
	return marked
}

type backgroundKey struct{}

// Release is one title as the upstream knows it. Zero values mean unknown.
type Release struct {
	ID              int
	Alias           string
	Name            Name
	Type            string // TV, ONA, WEB, OVA, OAD, MOVIE, DORAMA, SPECIAL
	Year            int
	Season          string // winter, spring, summer, autumn
	PublishDay      int    // 1 = Monday … 7
	Description     string // LF line ends
	Notification    string
	AgeRating       string // R0_PLUS … R18_PLUS
	Poster          Poster
	Genres          []string
	IsOngoing       bool // airing in Japan
	IsInProduction  bool // still being dubbed
	BlockedByGeo    bool
	BlockedByRights bool
	EpisodesTotal   int // 0 = not announced
	EpisodeMinutes  int
	Favorites       int
	Rating          Rating
	ExternalPlayer  string // absolute https URL
	FreshAt         time.Time
	UpdatedAt       time.Time
	CreatedAt       time.Time
	Members         []Member
	Episodes        []Episode // by sort order
	Torrents        []Torrent
	ShikimoriID     int
	MyAnimeListID   int
}

// Name holds the names of a release.
type Name struct{ Main, English, Alternative string }

// Poster holds absolute URLs, best first choice for each size; "" = none.
type Poster struct{ Small, Medium, Large string }

// Rating is the upstream's own average and, as a second choice, Shikimori's; 0 = none.
type Rating struct{ Average, Shikimori float64 }

// Member is one person of the team.
type Member struct {
	Nickname string
	Role     string // poster, timing, voicing, editing, decorating, translating
}

// Episode is one episode. It is playable when it has any source.
type Episode struct {
	ID        string  // uuid, the same in v1 and v3
	Ordinal   float64 // 25.5 exists
	SortOrder int
	Name      string
	Preview   string // absolute URL
	Duration  int    // seconds; 0 = unknown
	Opening   *Span
	Ending    *Span
	HLS480    string
	HLS720    string
	HLS1080   string
	RutubeID  string
	YouTubeID string
	UpdatedAt time.Time
}

// Playable tells whether the episode has any source a viewer can watch.
func (e Episode) Playable() bool {
	return e.HLS480 != "" || e.HLS720 != "" || e.HLS1080 != "" || e.RutubeID != "" || e.YouTubeID != ""
}

// Span is a part of an episode, in seconds, Stop > Start.
type Span struct{ Start, Stop int }

// Torrent is one torrent of a release.
type Torrent struct {
	ID        int
	Hash      string
	Label     string // episode range and quality, for people
	Quality   string // 1080p
	Type      string // WEBRip, BDRip…
	Codec     string
	Episodes  string // "1-12"
	Size      int64
	Seeders   int
	Leechers  int
	Magnet    string
	UpdatedAt time.Time
}

// Bump is one entry of the list of latest changes.
type Bump struct {
	ID             int
	FreshAt        time.Time
	UpdatedAt      time.Time
	EpisodeID      string // "" when the upstream named none
	EpisodeOrdinal float64
	EpisodeUpdated time.Time
}

// CatalogPage is one page of ids.
type CatalogPage struct {
	IDs   []int
	Page  int
	Pages int
	Total int
}

// ScheduleItem is one release of the weekly schedule.
type ScheduleItem struct {
	ReleaseID   int
	Weekday     int     // 1 = Monday
	NextEpisode int     // 0 = unknown
	Published   float64 // ordinal of the episode already out this week; 0 = none
}

// Franchise is a series of releases in watching order.
type Franchise struct {
	ID          string
	Name        string
	NameEnglish string
	Releases    []FranchiseRelease // by order
}

// FranchiseRelease is one release of a franchise; it may not exist in the catalogue.
type FranchiseRelease struct {
	ReleaseID int
	Order     int
	Alias     string
	Name      Name
	Year      int
	Type      string
	Poster    Poster
}
