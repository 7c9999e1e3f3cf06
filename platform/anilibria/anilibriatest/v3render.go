package anilibriatest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// v3Title is a title as v3 has it; the fields are in the order of the real API.
func (v view) v3Title(t *Title, array bool) object {
	return object{
		{"id", t.ID},
		{"code", t.Alias},
		{"names", v3Names(t)},
		{"franchises", v.v3Franchises(t)},
		{"announce", orNull(t.Notification)},
		{"status", v3Status(t)},
		{"posters", v3Posters(t)},
		{"updated", unix(t.FreshAt)},
		{"last_change", unix(t.UpdatedAt)},
		{"type", v3Type(t)},
		{"genres", v3GenresOf(t)},
		{"team", v3Team(t)},
		{"season", v3Season(t)},
		{"description", orNull(strings.ReplaceAll(t.Description, "\n", "\r\n"))},
		{"in_favorites", t.Favorites},
		{"blocked", object{{"copyrights", t.BlockedByRights}, {"geoip", t.BlockedByGeo}, {"geoip_list", []any{}}}},
		{"player", v.v3Player(t, array)},
		{"torrents", v3Torrents(t)},
	}
}

func v3Names(t *Title) object {
	return object{{"ru", t.Main}, {"en", orNull(t.English)}, {"alternative", orNull(t.Alternative)}}
}

// unix is a date in seconds; v3 has no null for numbers.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// The values of status: v3 has one word for what v1 tells by two flags.
const (
	v3InWork   = 1
	v3Finished = 2
	v3Hidden   = 3
)

func v3Status(t *Title) object {
	names := map[int]string{v3InWork: "В работе", v3Finished: "Завершен", v3Hidden: "Скрыт"}
	code := v3Finished
	switch {
	case t.Hidden:
		code = v3Hidden
	case t.IsInProduction || t.IsOngoing:
		code = v3InWork
	}
	return object{{"string", names[code]}, {"code", code}}
}

// v3Posters is one jpg in three places.
func v3Posters(t *Title) object {
	one := object{{"url", posterPath(t, 1, ".jpg")}, {"raw_base64_file", nil}}
	return object{{"small", one}, {"medium", one}, {"original", one}}
}

func v3Type(t *Title) object {
	codes := map[string]int{"MOVIE": 0, "TV": 1, "OVA": 2, "ONA": 3, "SPECIAL": 4, "WEB": 5}
	var code, full any
	if n, ok := codes[t.Type]; ok {
		code = n
	}
	if t.Type != "" {
		full = fmt.Sprintf("%s (%d эп.), %d мин.", typeNames[t.Type], t.EpisodesTotal, t.Minutes)
	}
	return object{
		{"full_string", full},
		{"code", code},
		{"string", orNull(t.Type)},
		{"episodes", numberOrNull(t.EpisodesTotal)},
		{"length", numberOrNull(t.Minutes)},
	}
}

func v3GenresOf(t *Title) []any {
	names := make([]string, len(t.Genres))
	for i, id := range t.Genres {
		names[i] = genreNames[id]
	}
	return texts(names)
}

func texts(list []string) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s
	}
	return all
}

func v3Team(t *Title) object {
	of := func(role string) []any {
		all := []any{}
		for _, m := range t.Members {
			if m.Role == role {
				all = append(all, m.Nickname)
			}
		}
		return all
	}
	return object{
		{"voice", of("voicing")},
		{"translator", of("translating")},
		{"editing", of("editing")},
		{"decor", of("decorating")},
		{"timing", of("timing")},
	}
}

func v3Season(t *Title) object {
	var day any
	if t.PublishDay > 0 {
		day = t.PublishDay - 1
	}
	code := 0
	if t.Season != "" {
		code = t.seasonIndex() + 1
	}
	return object{
		{"string", orNull(strings.ToLower(seasonNames[t.Season]))},
		{"code", code},
		{"year", t.Year},
		{"week_day", day},
	}
}

// v3Range is {first, last, string}, all null without episodes.
func v3Range(episodes []Episode) object {
	if len(episodes) == 0 {
		return object{{"first", nil}, {"last", nil}, {"string", nil}}
	}
	first, last := episodes[0].Ordinal, episodes[0].Ordinal
	for _, e := range episodes {
		first, last = min(first, e.Ordinal), max(last, e.Ordinal)
	}
	return object{{"first", first}, {"last", last}, {"string", ordinalText(first) + "-" + ordinalText(last)}}
}

func (v view) v3Player(t *Title, array bool) object {
	episodes := t.episodes()
	list, rutube := make(object, 0, len(episodes)), object{}
	bare := make([]any, 0, len(episodes))
	for i := range episodes {
		e := &episodes[i]
		entry := v3Episode(t, e)
		list, bare = append(list, field{ordinalText(e.Ordinal), entry}), append(bare, entry)
		if e.RutubeID != "" {
			rutube = append(rutube, field{ordinalText(e.Ordinal), object{
				{"episode", e.Ordinal}, {"created_timestamp", unix(e.UpdatedAt)}, {"rutube_id", e.RutubeID},
			}})
		}
	}
	var shown any = list
	if array {
		shown = bare
	}
	_, host, _ := strings.Cut(v.origin, "://")
	return object{
		{"alternative_player", orNull(t.ExternalPlayer)},
		{"host", host},
		{"is_rutube", len(rutube) > 0},
		{"episodes", v3Range(episodes)},
		{"list", shown},
		{"rutube", rutube},
	}
}

func v3Episode(t *Title, e *Episode) object {
	return object{
		{"episode", e.Ordinal},
		{"name", orNull(e.Name)},
		{"uuid", t.id(e)},
		{"created_timestamp", unix(e.UpdatedAt)},
		{"preview", previewPath(t, e, ".jpg")},
		{"skips", object{{"opening", v3Skip(e.Opening)}, {"ending", v3Skip(e.Ending)}}},
		{"hls", v3HLS(t, e, e.Quality)},
	}
}

// v3HLS has the qualities that are ready so far.
func v3HLS(t *Title, e *Episode, ready int) object {
	path := func(quality int) any {
		if min(ready, e.Quality) < quality {
			return nil
		}
		return streamPath(t, e, quality)
	}
	return object{{"fhd", path(1080)}, {"hd", path(720)}, {"sd", path(480)}}
}

// v3Skip has both ends or none.
func v3Skip(s Skip) []any {
	if s == (Skip{}) || s.Start == Null || s.Stop == Null {
		return []any{}
	}
	return []any{s.Start, s.Stop}
}

func v3Torrents(t *Title) object {
	list := make([]any, len(t.Torrents))
	for i := range t.Torrents {
		list[i] = v3Torrent(&t.Torrents[i])
	}
	episodes := t.episodes()
	if len(list) == 0 {
		episodes = nil
	}
	return object{{"episodes", v3Range(episodes)}, {"list", list}}
}

func v3Torrent(r *Torrent) object {
	first, last, _ := strings.Cut(r.Episodes, "-")
	number := func(text string) any {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil
		}
		return n
	}
	if last == "" {
		last = first
	}
	encoder, suffix := "h264", ""
	if r.Codec == "HEVC" {
		encoder, suffix = "h265", " HEVC"
	}
	hash := torrentHash(r)
	return object{
		{"torrent_id", r.ID},
		{"episodes", object{{"first", number(first)}, {"last", number(last)}, {"string", r.Episodes}}},
		{"quality", object{
			{"string", r.Type + " " + r.Quality + suffix},
			{"type", r.Type},
			{"resolution", r.Quality},
			{"encoder", encoder},
			{"lq_audio", nil},
		}},
		{"leechers", r.Leechers},
		{"seeders", r.Seeders},
		{"downloads", r.Seeders * 31},
		{"total_size", r.Size},
		{"size_string", fmt.Sprintf("%.2f GB", float64(r.Size)/1e9)},
		{"url", "/public/torrent/download.php?id=" + strconv.Itoa(r.ID)},
		{"magnet", magnet(r)},
		{"uploaded_timestamp", unix(r.UpdatedAt)},
		{"hash", hash},
		{"metadata", nil},
		{"raw_base64_file", nil},
	}
}

// v3Franchises are those of a title; nobody else's are looked at.
func (v view) v3Franchises(t *Title) []any {
	all := []any{}
	if t.Franchise == "" {
		return all
	}
	for _, f := range v.server.families() {
		if f.name == t.Franchise {
			all = append(all, v.v3Franchise(f))
		}
	}
	return all
}

func (v view) v3Franchise(f family) object {
	list := make([]any, len(f.titles))
	for i, t := range f.titles {
		list[i] = object{{"id", t.ID}, {"code", t.Alias}, {"ordinal", i + 1}, {"names", v3Names(t)}}
	}
	return object{{"franchise", object{{"id", f.id()}, {"name", f.titles[0].Main}}}, {"releases", list}}
}
