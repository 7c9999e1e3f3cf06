package anilibriatest

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// view renders titles for one request: origin is where media are served from.
type view struct {
	server *Server
	origin string
}

// date is the format of the real API: whole seconds, numeric zone.
func date(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05+00:00")
}

// short is a release without lists, as search, franchises and torrents repeat it.
func (v view) short(t *Title) object {
	return object{
		{"id", t.ID},
		{"type", described(t.Type, typeNames)},
		{"year", t.Year},
		{"name", object{{"main", t.Main}, {"english", orNull(t.English)}, {"alternative", orNull(t.Alternative)}}},
		{"alias", t.Alias},
		{"season", described(t.Season, seasonNames)},
		{"shikimori", external(t.ShikimoriID, t.Shikimori, "https://shikimori.io/animes/")},
		{"mal", external(t.ShikimoriID, t.Shikimori, "https://myanimelist.net/anime/")},
		{"rating", rating(t)},
		{"poster", poster(t)},
		{"fresh_at", date(t.FreshAt)},
		{"created_at", date(t.CreatedAt)},
		{"updated_at", date(t.UpdatedAt)},
		{"is_ongoing", t.IsOngoing},
		{"age_rating", ageRating(t.AgeRating)},
		{"publish_day", object{{"value", numberOrNull(t.PublishDay)}, {"description", orNull(dayNames[t.PublishDay%8])}}},
		{"description", orNull(strings.ReplaceAll(t.Description, "\n", "\r\n"))},
		{"notification", orNull(t.Notification)},
		{"episodes_total", numberOrNull(t.EpisodesTotal)},
		{"external_player", orNull(t.ExternalPlayer)},
		{"is_in_production", t.IsInProduction},
		{"is_blocked_by_geo", t.BlockedByGeo},
		{"is_blocked_by_copyrights", t.BlockedByRights},
		{"added_in_users_favorites", t.Favorites},
		{"average_duration_of_episode", numberOrNull(t.Minutes)},
		{"added_in_planned_collection", t.Favorites / 9},
		{"added_in_watched_collection", t.Favorites / 4},
		{"added_in_watching_collection", t.Favorites / 7},
		{"added_in_postponed_collection", t.Favorites / 90},
		{"added_in_abandoned_collection", t.Favorites / 300},
	}
}

// listed is an item of the catalogue: short with genres.
func (v view) listed(t *Title) object {
	return append(v.short(t), field{"genres", v.genres(t)})
}

// bumped is an item of the latest list.
func (v view) bumped(t *Title) object {
	var latest any
	if e := t.latest(); e != nil {
		latest = v.episode(t, e, t.place(e))
	}
	return append(v.listed(t), field{"latest_episode", latest})
}

// full is a release with everything.
func (v view) full(t *Title) object {
	short := v.short(t)
	return append(short[:len(short):len(short)],
		field{"genres", v.genres(t)},
		field{"background_covers", []any{}},
		field{"members", v.members(t)},
		field{"sponsors", []any{}},
		field{"episodes", v.episodes(t)},
		field{"torrents", v.torrents(t, short)},
	)
}

func (v view) genres(t *Title) []any {
	all := make([]any, 0, len(t.Genres))
	for _, id := range t.Genres {
		all = append(all, v.genre(id))
	}
	return all
}

func (v view) genre(id int) object {
	picture := func(suffix string) string {
		return fmt.Sprintf("/storage/anime/genres/images/%d/%s%s", id, token(id, 1), suffix)
	}
	return object{
		{"id", id},
		{"name", genreNames[id]},
		{"image", object{
			{"preview", picture(".jpg")},
			{"thumbnail", picture("_t.jpg")},
			{"optimized", object{{"preview", picture(".webp")}, {"thumbnail", picture("_t.webp")}}},
		}},
		{"total_releases", v.server.genreCount[id]},
	}
}

func (v view) members(t *Title) []any {
	all := make([]any, 0, len(t.Members))
	for i, m := range t.Members {
		all = append(all, object{
			{"id", episodeUUID(t.ID, float64(9000+i))},
			{"role", described(m.Role, roleNames)},
			{"nickname", m.Nickname},
			{"user", nil},
		})
	}
	return all
}

func (v view) episodes(t *Title) []any {
	episodes := t.episodes()
	all := make([]any, 0, len(episodes))
	for i := range episodes {
		all = append(all, v.episode(t, &episodes[i], i))
	}
	return all
}

func (v view) episode(t *Title, e *Episode, place int) object {
	order := e.SortOrder
	if order == 0 {
		order = place + 1
	}
	return object{
		{"id", t.id(e)},
		{"name", orNull(e.Name)},
		{"ordinal", e.Ordinal},
		{"opening", skip(e.Opening)},
		{"ending", skip(e.Ending)},
		{"preview", preview(t, e)},
		{"hls_480", v.stream(t, e, 480)},
		{"hls_720", v.stream(t, e, 720)},
		{"hls_1080", v.stream(t, e, 1080)},
		{"duration", e.Duration},
		{"rutube_id", orNull(e.RutubeID)},
		{"youtube_id", orNull(e.YouTubeID)},
		{"updated_at", date(e.UpdatedAt)},
		{"sort_order", order},
		{"release_id", t.ID},
		{"name_english", orNull(e.NameEnglish)},
	}
}

// stream carries the query of the real one, which tells of whoever asked.
func (v view) stream(t *Title, e *Episode, quality int) any {
	if e.Quality < quality {
		return nil
	}
	return v.origin + streamPath(t, e, quality) + "?countryIso=NL&isAuthorized=0&isWithVideoAds=1&isWithVideoAdsAlways=1"
}

func streamPath(t *Title, e *Episode, quality int) string {
	return fmt.Sprintf("/videos/media/ts/%d/%s/%d/%s.m3u8", t.ID, ordinalText(e.Ordinal), quality, digest(t.ID, e, quality))
}

func (v view) torrents(t *Title, short object) []any {
	all := make([]any, 0, len(t.Torrents))
	for i := range t.Torrents {
		all = append(all, v.torrent(t, &t.Torrents[i], short))
	}
	return all
}

func (v view) torrent(t *Title, r *Torrent, short object) object {
	hash := torrentHash(r)
	label := fmt.Sprintf("%s - AniLiberty.TOP [%s %s][%s][%s]", t.English, r.Type, r.Quality, r.Codec, r.Episodes)
	return object{
		{"id", r.ID},
		{"hash", hash},
		{"size", r.Size},
		{"type", object{{"value", r.Type}, {"description", r.Type}}},
		{"label", label},
		{"codec", codec(r.Codec)},
		{"color", nil},
		{"magnet", magnet(r)},
		{"seeders", r.Seeders},
		{"quality", object{{"value", r.Quality}, {"description", r.Quality}}},
		{"bitrate", nil},
		{"filename", label + ".torrent"},
		{"leechers", r.Leechers},
		{"sort_order", 0},
		{"created_at", date(r.UpdatedAt)},
		{"updated_at", date(r.UpdatedAt)},
		{"is_hardsub", false},
		{"description", r.Episodes},
		{"completed_times", r.Seeders * 31},
		{"release", short},
	}
}

func magnet(r *Torrent) string {
	return fmt.Sprintf("magnet:?xt=urn:btih:%s&xl=%d", torrentHash(r), r.Size)
}

func codec(label string) object {
	value, colour := "x264/AVC", any(nil)
	if label == "HEVC" {
		value, colour = "x265/HEVC", "#FFEB3B"
	}
	return object{{"value", value}, {"label", label}, {"description", value}, {"label_color", colour}, {"label_is_visible", colour != nil}}
}

func described(value string, names map[string]string) object {
	return object{{"value", orNull(value)}, {"description", orNull(names[value])}}
}

func external(id int, score float64, base string) any {
	if id == 0 {
		return nil
	}
	return object{{"id", id}, {"url", base + strconv.Itoa(id)}, {"votes", id % 5000}, {"rating", score}}
}

func rating(t *Title) object {
	distribution := make(object, 10)
	for i := range distribution {
		distribution[i] = field{strconv.Itoa(i + 1), 0}
	}
	votes := 0
	if t.Average > 0 {
		votes = 10 + t.ID%200
		distribution[min(9, int(t.Average)-1+1)].value = votes
	}
	return object{{"average", numberOrNull(t.Average)}, {"votes", votes}, {"distribution", distribution}}
}

func ageRating(value string) object {
	i := ageIndex(value)
	if i < 0 {
		return object{{"value", nil}, {"label", nil}, {"is_adult", nil}, {"description", nil}}
	}
	a := ageRatings[i]
	return object{{"value", a.value}, {"label", a.label}, {"is_adult", a.value == "R18_PLUS"}, {"description", a.description}}
}

func poster(t *Title) object {
	path := func(salt int, suffix string) any { return posterPath(t, salt, suffix) }
	return object{
		{"src", path(1, ".jpg")},
		{"preview", path(1, ".jpg")},
		{"thumbnail", path(2, ".jpg")},
		{"optimized", object{{"src", path(3, ".webp")}, {"preview", path(3, ".webp")}, {"thumbnail", path(4, ".webp")}}},
	}
}

func posterPath(t *Title, salt int, suffix string) any {
	if t.NoPoster {
		return nil
	}
	return fmt.Sprintf("/storage/releases/posters/%d/%s%s", t.ID, token(t.ID, salt), suffix)
}

func previewPath(t *Title, e *Episode, suffix string) any {
	if e.NoPreview {
		return nil
	}
	return fmt.Sprintf("/storage/releases/episodes/previews/%d/%s/%s%s", t.ID, ordinalText(e.Ordinal), token(t.ID, 10+place(e.Ordinal)), suffix)
}

func preview(t *Title, e *Episode) object {
	path := func(suffix string) any { return previewPath(t, e, suffix) }
	return object{
		{"src", path(".jpg")},
		{"preview", path(".jpg")},
		{"thumbnail", path("__t.jpg")},
		{"optimized", object{{"src", path("__o.webp")}, {"preview", path("__o.webp")}, {"thumbnail", path("__ot.webp")}}},
	}
}

// skip has stop before start, as the real one.
func skip(s Skip) object {
	if s == (Skip{}) {
		s = Skip{Null, Null}
	}
	end := func(n int) any {
		if n == Null {
			return nil
		}
		return n
	}
	return object{{"stop", end(s.Stop)}, {"start", end(s.Start)}}
}

func ordinalText(o float64) string { return strconv.FormatFloat(o, 'f', -1, 64) }

func place(ordinal float64) int { return int(ordinal * 10) }

// token is the random-looking part of a file name, the same in every run.
func token(id, salt int) string { return strings.ToUpper(hexOf(id, salt))[:16] }

func digest(id int, e *Episode, quality int) string {
	return hexOf(id, place(e.Ordinal)*10_000+quality+e.Revision*7) + hexOf(quality, id+e.Revision)
}

func torrentHash(r *Torrent) string {
	return (hexOf(r.ID, 77) + hexOf(r.ID, 78) + hexOf(r.ID, 79))[:40]
}

func hexOf(a, b int) string {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d/%d", a, b)
	return fmt.Sprintf("%016x", h.Sum64())
}

// episodeUUID starts with the id of the title, so that an episode is found by it.
func episodeUUID(title int, ordinal float64) string {
	return fmt.Sprintf("%08x-%04x-4a1b-8c2d-%s", title, place(ordinal)&0xffff, hexOf(title, place(ordinal))[:12])
}
