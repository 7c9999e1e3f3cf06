package catalogsvc

import (
	"net/url"
	"strings"
	"time"

	"anihub/modules/catalog"
	"anihub/platform/anilibria"
)

// The states of a title (SPEC §4).
const (
	announced = "announced"
	ongoing   = "ongoing"
	completed = "completed"
)

// fromRelease says in the product's words what the upstream said in its own.
func fromRelease(r anilibria.Release) catalog.Title {
	return catalog.Title{
		Summary:      summaryOf(r),
		Announcement: r.Notification,
		Player: catalog.Player{
			External: webURL(r.ExternalPlayer),
			Episodes: each(r.Episodes, episodeOf),
		},
		Members:  each(r.Members, func(m anilibria.Member) catalog.Member { return catalog.Member(m) }),
		Torrents: each(r.Torrents, torrentOf),
	}
}

func summaryOf(r anilibria.Release) catalog.Summary {
	return catalog.Summary{
		ID: r.ID, Code: r.Alias,
		Names:       catalog.Names{RU: r.Name.Main, EN: r.Name.English, Alternative: r.Name.Alternative},
		Description: r.Description, Type: r.Type,
		Status: statusOf(len(r.Episodes), r.IsInProduction || r.IsOngoing),
		Genres: r.Genres, Year: r.Year, Season: r.Season, Weekday: r.PublishDay, AgeRating: r.AgeRating,
		Episodes: catalog.EpisodeCount{Total: r.EpisodesTotal, Current: len(r.Episodes)},
		Poster: catalog.Poster{
			Small: webURL(r.Poster.Small), Medium: webURL(r.Poster.Medium), Large: webURL(r.Poster.Large),
		},
		Rating: ratingOf(r.Rating), Popularity: r.Favorites,
		FreshAt: stamp(r.FreshAt), UpdatedAt: stamp(r.UpdatedAt),
		Blocked: r.BlockedByGeo || r.BlockedByRights,
	}
}

func statusOf(episodes int, going bool) string {
	switch {
	case episodes == 0:
		return announced
	case going:
		return ongoing
	default:
		return completed
	}
}

// ratingOf is the upstream's own average, else Shikimori's (SPEC §4).
func ratingOf(r anilibria.Rating) float64 {
	if r.Average > 0 {
		return r.Average
	}
	return max(r.Shikimori, 0)
}

// stamp is a time as BSON keeps it: UTC, milliseconds. Everything that is stored
// goes through it, so that a title is equal to itself read back.
func stamp(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}

func episodeOf(e anilibria.Episode) catalog.Episode {
	return catalog.Episode{
		ID: e.ID, Ordinal: e.Ordinal, Name: e.Name, Preview: webURL(e.Preview), Duration: max(e.Duration, 0),
		Opening: spanOf(e.Opening), Ending: spanOf(e.Ending),
		Sources: sourcesOf(e), UpdatedAt: stamp(e.UpdatedAt),
	}
}

func spanOf(s *anilibria.Span) *catalog.Span {
	if s == nil || s.Start < 0 || s.Stop <= s.Start {
		return nil
	}
	return &catalog.Span{Start: s.Start, Stop: s.Stop}
}

// sourcesOf lists what plays an episode, best quality first; the players of
// others, which choose the quality themselves, come last.
func sourcesOf(e anilibria.Episode) []catalog.Source {
	var out []catalog.Source
	for _, h := range []struct{ quality, url string }{{"1080p", e.HLS1080}, {"720p", e.HLS720}, {"480p", e.HLS480}} {
		if u := webURL(h.url); u != "" {
			out = append(out, catalog.Source{Quality: h.quality, URL: u, Type: "hls"})
		}
	}
	if videoID(e.RutubeID) {
		out = append(out, catalog.Source{URL: "https://rutube.ru/play/embed/" + e.RutubeID + "/", Type: "rutube"})
	}
	if videoID(e.YouTubeID) {
		out = append(out, catalog.Source{URL: "https://www.youtube-nocookie.com/embed/" + e.YouTubeID, Type: "youtube"})
	}
	return out
}

// videoID refuses what could lead a player's URL elsewhere.
func videoID(s string) bool {
	return len(s) > 0 && len(s) <= 64 && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	})
}

// webURL lets through what a page may safely point at: absolute http(s) URLs.
func webURL(s string) string {
	if s == "" || len(s) > 2048 {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return ""
	}
	return s
}

func torrentOf(t anilibria.Torrent) catalog.Torrent {
	out := catalog.Torrent(t)
	if !strings.HasPrefix(out.Magnet, "magnet:?") {
		out.Magnet = ""
	}
	out.UpdatedAt = stamp(t.UpdatedAt)
	return out
}

// outline is the identity of what plays an episode: paths without host, scheme
// and query, because mirrors and countries differ in those (FACTS §6).
func outline(sources []catalog.Source) string {
	var b strings.Builder
	for _, s := range sources {
		b.WriteString(s.Type)
		b.WriteByte(' ')
		if u, err := url.Parse(s.URL); err == nil {
			b.WriteString(u.Path)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
