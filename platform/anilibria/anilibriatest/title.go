package anilibriatest

import "time"

// Title is one release of the fake catalogue. Zero values are what the real API
// leaves null.
type Title struct {
	ID              int    // 0: AddTitle chooses the next
	Alias           string // "": made of the id
	Main            string // Russian
	English         string
	Alternative     string // romaji
	Type            string // TV, ONA, WEB, OVA, OAD, MOVIE, DORAMA, SPECIAL; "" = null
	Year            int
	Season          string // winter, spring, summer, autumn; "" = null
	PublishDay      int    // 1 = Monday … 7
	Description     string // LF; served with CRLF as the real one is
	Notification    string
	AgeRating       string // R0_PLUS … R18_PLUS
	Genres          []int  // ids of the real dictionary
	IsOngoing       bool
	IsInProduction  bool
	BlockedByGeo    bool
	BlockedByRights bool
	EpisodesTotal   int
	Minutes         int
	Favorites       int
	Average         float64
	Shikimori       float64
	ShikimoriID     int
	ExternalPlayer  string
	NoPoster        bool
	Franchise       string // releases with the same word belong together, ordered by id
	FreshAt         time.Time
	UpdatedAt       time.Time
	CreatedAt       time.Time
	Members         []Member
	Episodes        []Episode
	Torrents        []Torrent
	Hidden          bool // unknown to every route

	generated int    // episodes that are made when they are asked for
	bumped    uint64 // order among equal FreshAt
}

// Member is one person of the team.
type Member struct{ Nickname, Role string }

// Episode is one episode of a fake title.
type Episode struct {
	ID          string // "": derived from title and ordinal
	Ordinal     float64
	SortOrder   int // 0: the place in the list
	Name        string
	NameEnglish string
	Opening     Skip
	Ending      Skip
	Quality     int // best HLS quality: 1080, 720, 480; 0 = no HLS
	RutubeID    string
	YouTubeID   string
	NoPreview   bool // all members null, as for most real episodes
	Duration    int  // seconds
	UpdatedAt   time.Time
	Revision    int // grows with each re-upload; part of the HLS path
}

// Null is the end of a Skip that the upstream does not know.
const Null = -1

// Skip is an opening or ending in seconds. The zero Skip is null on both ends.
type Skip struct{ Start, Stop int }

// Torrent is one torrent of a fake title.
type Torrent struct {
	ID        int
	Quality   string // 1080p
	Type      string // WEB-DL
	Codec     string // AVC, HEVC
	Episodes  string // "1-12"
	Size      int64
	Seeders   int
	Leechers  int
	UpdatedAt time.Time
}

// id is the uuid of an episode; the derived one starts with the id of its title.
func (t *Title) id(e *Episode) string {
	if e.ID != "" {
		return e.ID
	}
	return episodeUUID(t.ID, e.Ordinal)
}

// episodes are the title's episodes; the generated ones are made anew each time, so
// that 100,000 titles need no memory for a million of them.
func (t *Title) episodes() []Episode {
	if t.generated == 0 {
		return t.Episodes
	}
	all := make([]Episode, t.generated)
	for i := range all {
		all[i] = generatedEpisode(t, i)
	}
	return all
}

// own makes the generated parts real, so that they can be changed.
func (t *Title) own() {
	if t.generated > 0 {
		t.Episodes, t.generated = t.episodes(), 0
	}
}

// latest is the newest episode by order, nil without any.
func (t *Title) latest() *Episode {
	all := t.episodes()
	if len(all) == 0 {
		return nil
	}
	newest := &all[0]
	for i := range all {
		if !all[i].UpdatedAt.Before(newest.UpdatedAt) {
			newest = &all[i]
		}
	}
	return newest
}
