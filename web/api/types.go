package api

import (
	"strconv"

	"anihub/modules/catalog"
	"anihub/modules/users"
	"anihub/web/envelope"
)

// Every JSON type the browser sees stands here, with the function that makes it.
// None of them is a door's type: doors may change without the public seeing it.

// answerJSON is the envelope the original clients expect.
type answerJSON struct {
	Success    bool            `json:"success"`
	Data       any             `json:"data"`
	Pagination *paginationJSON `json:"pagination,omitempty"`
	Facets     *facetsJSON     `json:"facets,omitempty"`
	Meta       *metaJSON       `json:"meta,omitempty"`
}

type paginationJSON struct {
	Page  int `json:"page"`
	Limit int `json:"limit"`
	Total int `json:"total"`
	Pages int `json:"pages"`
}

func pagination(p catalog.Page) *paginationJSON {
	return &paginationJSON{p.Page, p.Limit, p.Total, (p.Total + p.Limit - 1) / max(p.Limit, 1)}
}

type metaJSON struct {
	Source       string         `json:"source"`
	Cached       bool           `json:"cached"`
	CacheExpires *string        `json:"cache_expires"`
	Freshness    *freshnessJSON `json:"freshness,omitempty"`
	Missing      []int          `json:"missing,omitempty"`
	Unavailable  []int          `json:"unavailable,omitempty"`
}

type freshnessJSON struct {
	Level      string  `json:"level"`
	StoredAt   *string `json:"stored_at"`
	FreshUntil *string `json:"fresh_until"`
	Stale      bool    `json:"stale"`
	Reason     *string `json:"reason"`
}

func meta(f catalog.Freshness) *metaJSON {
	return &metaJSON{
		Source: "anilibria", Cached: f.Level != "origin", CacheExpires: envelope.Moment(f.FreshUntil),
		Freshness: &freshnessJSON{f.Level, envelope.Moment(f.StoredAt), envelope.Moment(f.FreshUntil), f.Stale, text(f.Reason)},
	}
}

type namesJSON struct {
	RU          *string `json:"ru"`
	EN          *string `json:"en"`
	Alternative *string `json:"alternative"`
}

type posterJSON struct {
	Small  *string `json:"small"`
	Medium *string `json:"medium"`
	Large  *string `json:"large"`
}

type countJSON struct {
	Total   *int `json:"total"`
	Current int  `json:"current"`
}

// summaryJSON is the short form that lists carry.
type summaryJSON struct {
	ID          int           `json:"id"`
	Code        string        `json:"code"`
	Names       namesJSON     `json:"names"`
	Description *string       `json:"description"`
	Type        *string       `json:"type"`
	Status      string        `json:"status"`
	Genres      []string      `json:"genres"`
	Year        *int          `json:"year"`
	Season      *string       `json:"season"`
	Weekday     *int          `json:"weekday"`
	AgeRating   *string       `json:"age_rating"`
	Episodes    countJSON     `json:"episodes"`
	Poster      posterJSON    `json:"poster"`
	Rating      *float64      `json:"rating"`
	Popularity  int           `json:"popularity"`
	FreshAt     *string       `json:"fresh_at"`
	UpdatedAt   *string       `json:"updated_at"`
	Blocked     bool          `json:"blocked"`
	Expected    *expectedJSON `json:"expected"`
}

// expectedJSON is when the next episode is likely to come out; null when nobody can tell.
type expectedJSON struct {
	At         string  `json:"at"`
	Confidence float64 `json:"confidence"`
}

func expected(e catalog.Expected) *expectedJSON {
	at := envelope.Moment(e.At)
	if at == nil {
		return nil
	}
	return &expectedJSON{At: *at, Confidence: e.Confidence}
}

func summary(s catalog.Summary) summaryJSON {
	return summaryJSON{
		ID: s.ID, Code: s.Code, Names: names(s.Names), Description: text(s.Description),
		Type: text(s.Type), Status: s.Status, Genres: orEmpty(s.Genres), Year: positive(s.Year),
		Season: text(s.Season), Weekday: positive(s.Weekday), AgeRating: text(s.AgeRating),
		Episodes: countJSON{positive(s.Episodes.Total), s.Episodes.Current}, Poster: poster(s.Poster),
		Rating: positive(s.Rating), Popularity: s.Popularity,
		FreshAt: envelope.Moment(s.FreshAt), UpdatedAt: envelope.Moment(s.UpdatedAt), Blocked: s.Blocked,
		Expected: expected(s.Expected),
	}
}

func names(n catalog.Names) namesJSON {
	return namesJSON{text(n.RU), text(n.EN), text(n.Alternative)}
}

func poster(p catalog.Poster) posterJSON {
	return posterJSON{text(p.Small), text(p.Medium), text(p.Large)}
}

// titleJSON is a title with everything.
type titleJSON struct {
	summaryJSON
	Announcement *string         `json:"announcement"`
	Player       playerJSON      `json:"player"`
	Franchise    []franchiseJSON `json:"franchise"`
	Members      []memberJSON    `json:"members"`
	Torrents     []torrentJSON   `json:"torrents"`
}

func title(t catalog.Title) titleJSON {
	return titleJSON{
		summaryJSON: summary(t.Summary), Announcement: text(t.Announcement), Player: player(t.Player),
		Franchise: envelope.Each(t.Franchise, franchise), Members: envelope.Each(t.Members, member), Torrents: envelope.Each(t.Torrents, torrent),
	}
}

type playerJSON struct {
	Host     *string                `json:"host"`
	Episodes map[string]episodeJSON `json:"episodes"`
}

// player keys the episodes by their ordinal as people write it: "1", "25.5".
func player(p catalog.Player) playerJSON {
	out := playerJSON{Host: text(p.External), Episodes: make(map[string]episodeJSON, len(p.Episodes))}
	for _, e := range p.Episodes {
		out.Episodes[ordinal(e.Ordinal)] = episode(e)
	}
	return out
}

func ordinal(o float64) string { return strconv.FormatFloat(o, 'f', -1, 64) }

type episodeJSON struct {
	ID        string       `json:"id"`
	Ordinal   float64      `json:"ordinal"`
	Name      *string      `json:"name"`
	Preview   *string      `json:"preview"`
	Duration  *int         `json:"duration"`
	Skips     skipsJSON    `json:"skips"`
	Sources   []sourceJSON `json:"sources"`
	UpdatedAt *string      `json:"updated_at"`
}

type skipsJSON struct {
	Opening *spanJSON `json:"opening"`
	Ending  *spanJSON `json:"ending"`
}

type spanJSON struct {
	Start int `json:"start"`
	Stop  int `json:"stop"`
}

type sourceJSON struct {
	Quality *string `json:"quality"`
	URL     string  `json:"url"`
	Type    string  `json:"type"`
}

func episode(e catalog.Episode) episodeJSON {
	return episodeJSON{
		ID: e.ID, Ordinal: e.Ordinal, Name: text(e.Name), Preview: text(e.Preview), Duration: positive(e.Duration),
		Skips: skipsJSON{span(e.Opening), span(e.Ending)}, UpdatedAt: envelope.Moment(e.UpdatedAt),
		Sources: envelope.Each(e.Sources, func(s catalog.Source) sourceJSON { return sourceJSON{text(s.Quality), s.URL, s.Type} }),
	}
}

func span(s *catalog.Span) *spanJSON {
	if s == nil {
		return nil
	}
	return &spanJSON{s.Start, s.Stop}
}

type memberJSON struct {
	Nickname string `json:"nickname"`
	Role     string `json:"role"`
}

func member(m catalog.Member) memberJSON { return memberJSON{m.Nickname, m.Role} }

type torrentJSON struct {
	ID        int     `json:"id"`
	Hash      string  `json:"hash"`
	Label     *string `json:"label"`
	Quality   *string `json:"quality"`
	Type      *string `json:"type"`
	Codec     *string `json:"codec"`
	Episodes  *string `json:"episodes"`
	Size      int64   `json:"size"`
	Seeders   int     `json:"seeders"`
	Leechers  int     `json:"leechers"`
	Magnet    *string `json:"magnet"`
	UpdatedAt *string `json:"updated_at"`
}

func torrent(t catalog.Torrent) torrentJSON {
	return torrentJSON{
		t.ID, t.Hash, text(t.Label), text(t.Quality), text(t.Type), text(t.Codec), text(t.Episodes),
		t.Size, t.Seeders, t.Leechers, text(t.Magnet), envelope.Moment(t.UpdatedAt),
	}
}

type franchiseJSON struct {
	ID          string               `json:"id"`
	Name        *string              `json:"name"`
	NameEnglish *string              `json:"name_english"`
	Titles      []franchiseTitleJSON `json:"titles"`
}

type franchiseTitleJSON struct {
	ID     int        `json:"id"`
	Code   string     `json:"code"`
	Names  namesJSON  `json:"names"`
	Year   *int       `json:"year"`
	Type   *string    `json:"type"`
	Poster posterJSON `json:"poster"`
}

func franchise(f catalog.Franchise) franchiseJSON {
	return franchiseJSON{f.ID, text(f.Name), text(f.NameEnglish), envelope.Each(f.Titles, func(t catalog.FranchiseTitle) franchiseTitleJSON {
		return franchiseTitleJSON{t.ID, t.Code, names(t.Names), positive(t.Year), text(t.Type), poster(t.Poster)}
	})}
}

type facetsJSON struct {
	Genres     []valueJSON `json:"genres"`
	Years      []valueJSON `json:"years"`
	Seasons    []valueJSON `json:"seasons"`
	Types      []valueJSON `json:"types"`
	Statuses   []valueJSON `json:"statuses"`
	AgeRatings []valueJSON `json:"age_ratings"`
}

type valueJSON struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

func facets(f *catalog.Facets) *facetsJSON {
	if f == nil {
		return nil
	}
	return &facetsJSON{
		values(f.Genres), values(f.Years), values(f.Seasons), values(f.Types), values(f.Statuses), values(f.AgeRatings),
	}
}

func values(all []catalog.Count) []valueJSON {
	return envelope.Each(all, func(c catalog.Count) valueJSON { return valueJSON{c.Value, c.Count} })
}

type dayJSON struct {
	Day    int             `json:"day"`
	Titles []scheduledJSON `json:"titles"`
}

type scheduledJSON struct {
	summaryJSON
	NextEpisode *int     `json:"next_episode"`
	Published   *float64 `json:"published_episode"`
}

func day(d catalog.Day) dayJSON {
	return dayJSON{d.Weekday, envelope.Each(d.Titles, func(s catalog.Scheduled) scheduledJSON {
		return scheduledJSON{summary(s.Summary), positive(s.NextEpisode), positive(s.Published)}
	})}
}

// userJSON is a user as they see themselves.
type userJSON struct {
	ID        string   `json:"id"`
	Login     string   `json:"login"`
	Email     string   `json:"email"`
	Name      string   `json:"name"`
	Roles     []string `json:"roles"`
	CreatedAt *string  `json:"created_at"`

	QuietHours *quietHoursJSON `json:"quiet_hours"`
}

func user(u users.User) userJSON {
	name := u.Name
	if name == "" {
		name = u.Login
	}
	return userJSON{u.ID, u.Login, u.Email, name, orEmpty(u.Roles), envelope.Moment(u.CreatedAt), quietHours(u.Quiet)}
}

type sessionJSON struct {
	AccessToken  string   `json:"access_token"`
	TokenType    string   `json:"token_type"`
	ExpiresIn    int      `json:"expires_in"`
	RefreshToken string   `json:"refresh_token,omitempty"`
	User         userJSON `json:"user"`
}

type subscriptionJSON struct {
	TitleID  int      `json:"title_id"`
	Since    *string  `json:"since"`
	Quality  *string  `json:"quality"`  // null = any
	Channels []string `json:"channels"` // null = all
}

func subscription(s users.Subscription) subscriptionJSON {
	return subscriptionJSON{s.TitleID, envelope.Moment(s.Since), text(s.Quality), s.Channels}
}

// text is a string; what is not known is null.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// positive is a number; what is not known (0) is null.
func positive[N int | float64](n N) *N {
	if n <= 0 {
		return nil
	}
	return &n
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
