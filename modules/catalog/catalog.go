// Package catalog is the door of the catalogue: titles with their episodes, lists,
// the schedule, and what changed. Rooms and corridors implement Service; web and
// other modules call it and cannot tell which.
package catalog

import (
	"context"
	"time"

	"anihub/platform/fault"
)

// What the catalogue can answer besides success.
var (
	// ErrNotFound: the upstream itself said that there is no such title.
	ErrNotFound = fault.New(fault.NotFound, "TITLE_NOT_FOUND", "There is no such title.")
	// ErrUnavailable: the title is not known here and the upstream does not answer.
	ErrUnavailable = fault.New(fault.Unavailable, "CATALOG_UNAVAILABLE", "The catalogue cannot answer this right now; try again later.")
	// ErrBadQuery: a filter, sort or page that means nothing; details name it.
	ErrBadQuery = fault.New(fault.Unprocessable, "BAD_QUERY", "A parameter of the query is not acceptable.")
)

// Service is the catalogue. Every method may also return ErrUnavailable or a
// context error.
//
// The reading methods take the version that the caller holds already ("" for
// none); when that is still the answer, they return it Unchanged, without value.
type Service interface {
	// Title is one title with everything. ErrNotFound.
	Title(ctx context.Context, ref Ref, have string) (Answer[Title], error)
	// Titles is a page of titles in the short form. ErrBadQuery; ErrNotFound only with
	// RecommendedFor.
	Titles(ctx context.Context, q Query, have string) (Answer[Page], error)
	// Schedule is what airs on which weekday.
	Schedule(ctx context.Context, have string) (Answer[[]Day], error)
	// Facets counts the whole catalogue by genre, year, season, type and status.
	Facets(ctx context.Context, have string) (Answer[Facets], error)
	// Refresh fetches titles from the upstream, stores what changed together with
	// the events it means, rings the bell and returns both. Titles the upstream does
	// not know are named in Missing, those it could not answer for in Failed.
	Refresh(ctx context.Context, r Refresh) (Refreshed, error)
	// Pending are stored events that nobody confirmed as published, oldest first.
	Pending(ctx context.Context, limit int) ([]Event, error)
	// Confirm forgets pending events by id; confirming twice is no error.
	Confirm(ctx context.Context, events []Event) error
}

// Answer is a value with its provenance.
type Answer[T any] struct {
	Value     T
	Unchanged bool   // the caller's version is still right; Value is zero
	Version   string // identity of Value and Freshness together
	Freshness Freshness
	Position  string // place in the event log up to which Value is current; "" = unknown

	// Holds tells at next to no cost whether the answer still is the answer, and up to
	// which position. It is nil when only the door can tell, as one elsewhere does.
	Holds func() (position string, ok bool) `json:"-"`
}

// Freshness says where a value came from and how old it is.
type Freshness struct {
	Level      string    // l1, l2, l3, origin, index
	StoredAt   time.Time // when the upstream said it
	FreshUntil time.Time
	Stale      bool
	Reason     string // why stale: upstream_down, level_down, timeout, expired
}

// Ref names a title by id or, when ID is 0, by its code (slug).
type Ref struct {
	ID   int
	Code string
}

// Summary is the short form of a title, as lists carry it.
type Summary struct {
	ID          int
	Code        string
	Names       Names
	Description string
	Type        string // TV, ONA, WEB, OVA, OAD, MOVIE, DORAMA, SPECIAL or ""
	Status      string // announced, ongoing, completed
	Genres      []string
	Year        int
	Season      string // winter, spring, summer, autumn or ""
	Weekday     int    // 1 = Monday … 7; 0 = none
	AgeRating   string
	Episodes    EpisodeCount
	Poster      Poster
	Rating      float64 // 0 = none
	Popularity  int
	FreshAt     time.Time // last episode or torrent
	UpdatedAt   time.Time
	Blocked     bool
	Latest      Latest
	Expected    Expected
}

// Latest is the last episode of a title that can be watched. At is when it was first
// seen to be, by the upstream's clock; another upload of the same episode leaves it.
type Latest struct {
	Ordinal float64
	Name    string
	At      time.Time // zero = there is none
}

// Expected is when the next episode of an ongoing title is likely to come out. It may
// lie up to some hours in the past: then it is late.
type Expected struct {
	At         time.Time // zero = nobody can tell
	Confidence float64   // 0 … 1: the share of the last releases that came at their time, less for each week missed
}

// Title is a title with everything.
type Title struct {
	Summary
	Announcement string
	Player       Player
	Franchise    []Franchise
	Members      []Member
	Torrents     []Torrent
}

// Names of a title; "" = none.
type Names struct{ RU, EN, Alternative string }

// EpisodeCount counts episodes; Total 0 = not announced.
type EpisodeCount struct{ Total, Current int }

// Poster holds absolute http(s) URLs; "" = none.
type Poster struct{ Small, Medium, Large string }

// Player holds the episodes in order and an external player's URL, if any.
type Player struct {
	External string
	Episodes []Episode
}

// Episode is one episode with what plays it, best quality first.
type Episode struct {
	ID        string
	Ordinal   float64 // 25.5 exists
	Name      string
	Preview   string
	Duration  int // seconds; 0 = unknown
	Opening   *Span
	Ending    *Span
	Sources   []Source
	UpdatedAt time.Time
}

// Span is a part of an episode in seconds, Stop > Start.
type Span struct{ Start, Stop int }

// Source plays an episode.
type Source struct {
	Quality string // 1080p, 720p, 480p; "" = the player decides
	URL     string
	Type    string // hls, rutube, youtube
}

// Member is one person of the team.
type Member struct{ Nickname, Role string }

// Torrent is one torrent of a title.
type Torrent struct {
	ID                    int
	Hash, Label, Quality  string
	Type, Codec, Episodes string
	Size                  int64
	Seeders, Leechers     int
	Magnet                string
	UpdatedAt             time.Time
}

// Franchise is a series of titles in watching order.
type Franchise struct {
	ID, Name, NameEnglish string
	Titles                []FranchiseTitle
}

// FranchiseTitle is one of them. It may be unknown to the catalogue.
type FranchiseTitle struct {
	ID     int
	Code   string
	Names  Names
	Year   int
	Type   string
	Poster Poster
}

// Query selects titles. The zero Query is the first page of everything by id.
type Query struct {
	Page, Limit      int // 1…; 1–100, 0 = 20
	Search           string
	Year             int
	YearFrom, YearTo int
	Season           string
	Genres           []string // a title must have all
	Type             string
	Status           string
	AgeRating        string
	Sort             string // id, year, rating, updated, name, popularity, episode (when the latest one came out)
	Descending       bool
	IDs              []int // only these, in this order (batch), fetched when not known here; then Sort must be ""
	Random           bool  // Limit titles drawn at random; Version is "" then
	Facets           bool
	RecommendedFor   int // only what the upstream recommends to those who like this title, in its order; ErrNotFound when there is no such title. Then no Sort, Search, IDs or Random
}

// Page is a page of titles.
type Page struct {
	Titles             []Summary
	Page, Limit, Total int
	Facets             *Facets // of the whole selection, when asked for
	Unavailable        []int   // of Query.IDs: neither known here nor answered for by the upstream right now
}

// Facets counts titles by value, most frequent first (years: newest first).
type Facets struct {
	Genres, Years, Seasons, Types, Statuses, AgeRatings []Count
}

// Count is how many titles have a value.
type Count struct {
	Value string
	Count int
}

// Day is one weekday of the schedule.
type Day struct {
	Weekday int // 1 = Monday
	Titles  []Scheduled
}

// Scheduled is a title of a day.
type Scheduled struct {
	Summary
	NextEpisode int     // 0 = unknown
	Published   float64 // ordinal that came out this week; 0 = none yet
}

// Refresh says what to fetch.
type Refresh struct {
	IDs        []int // at most 50
	Background bool  // give way to viewers
	Silent     bool  // a baseline: store, but make no events
	Force      bool  // store and ring even when nothing changed
	Hide       bool  // what turns out Missing leaves lists and search, and is ErrNotFound, until a Refresh finds it again
}

// Refreshed says what came of it.
type Refreshed struct {
	Changed []int   // ids whose stored form changed
	Events  []Event // what viewers should hear, in order per title; also pending
	Missing []int   // the upstream does not know these
	Hidden  []int   // of Missing: known here until now, and taken out of sight
	Failed  []Failure
}

// Failure is one id that could not be refreshed, with a fault's code and sentence.
type Failure struct {
	ID            int
	Code, Message string
}

// The types of events.
const (
	NewEpisode    = "new_episode"
	EpisodeUpdate = "episode_update"
	NewTitle      = "new_title"
	StatusChange  = "status_change"
)

// Event is one change worth telling. ID is derived from what happened, so that
// the same change found twice is one event.
type Event struct {
	ID          string
	Type        string
	TitleID     int
	Title       string
	Poster      string
	Episode     float64 // new_episode, episode_update
	EpisodeID   string
	EpisodeName string
	Genres      []string // new_title
	OldStatus   string   // status_change
	NewStatus   string
	At          time.Time
}
