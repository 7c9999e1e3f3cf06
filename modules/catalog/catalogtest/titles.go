package catalogtest

import (
	"fmt"
	"strconv"
	"time"

	"anihub/modules/catalog"
)

// start is when the invented catalogue was last changed.
var start = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

var (
	adjectives = []string{"Стеклянный", "Тёмный", "Последний", "Северный", "Бумажный", "Лунный", "Железный"}
	nouns      = []string{"фонарь", "ёж", "маяк", "поезд", "сад", "ветер", "архив", "берег", "рыцарь", "лис", "колодец"}
	english    = []string{"Lantern", "Hedgehog", "Lighthouse", "Train", "Garden", "Wind", "Archive", "Shore", "Knight", "Fox", "Well"}
	genres     = []string{"Комедия", "Драма", "Фэнтези", "Приключения", "Повседневность", "Детектив"}
	kinds      = []string{"TV", "ONA", "MOVIE", "OVA"}
	times      = []string{"winter", "spring", "summer", "autumn"}
	ages       = []string{"R0_PLUS", "R12_PLUS", "R16_PLUS"}
)

// Title invents a title: the same n, the same title. Its number of episodes is
// n mod 13, and every third title is ongoing.
func Title(n int) catalog.Title {
	s := catalog.Summary{
		ID: n, Code: "title-" + strconv.Itoa(n),
		Names: catalog.Names{
			RU: fmt.Sprintf("%s %s %d", adjectives[n%len(adjectives)], nouns[n%len(nouns)], n),
			EN: fmt.Sprintf("%s %d", english[n%len(english)], n),
		},
		Description: "Выдуманное описание.\nВторая строка.",
		Type:        kinds[n%len(kinds)], Genres: []string{genres[n%len(genres)], genres[(n/2+1)%len(genres)]},
		Year: 2000 + n%27, Season: times[n%len(times)], Weekday: n%7 + 1, AgeRating: ages[n%len(ages)],
		Poster: catalog.Poster{
			Small:  fmt.Sprintf("https://images.example/%d/small.webp", n),
			Medium: fmt.Sprintf("https://images.example/%d/medium.webp", n),
			Large:  fmt.Sprintf("https://images.example/%d/large.webp", n),
		},
		Rating: float64(n*37%90)/10 + 1, Popularity: n * 7919 % 5000,
		FreshAt: start.Add(time.Duration(n) * time.Minute), UpdatedAt: start.Add(time.Duration(n) * time.Second),
	}
	if s.Genres[0] == s.Genres[1] {
		s.Genres = s.Genres[:1]
	}
	t := catalog.Title{
		Summary: s, Announcement: "Выходит по средам",
		Player:   catalog.Player{External: "https://player.example/" + strconv.Itoa(n)},
		Members:  []catalog.Member{{Nickname: "Ворон", Role: "voicing"}, {Nickname: "Сойка", Role: "timing"}},
		Torrents: []catalog.Torrent{{ID: n, Hash: "abc" + strconv.Itoa(n), Size: 1 << 30, Seeders: 3, Magnet: "magnet:?xt=urn:btih:abc", UpdatedAt: start}},
	}
	for i := 1; i <= n%13; i++ {
		t = WithEpisode(t, Episode(n, float64(i)))
	}
	t.Status = status(t, n%3 == 0)
	return t
}

func status(t catalog.Title, going bool) string {
	switch {
	case len(t.Player.Episodes) == 0:
		return "announced"
	case going:
		return "ongoing"
	default:
		return "completed"
	}
}

// Episode invents an episode that plays.
func Episode(title int, ordinal float64) catalog.Episode {
	path := fmt.Sprintf("https://video.example/%d/%g/", title, ordinal)
	return catalog.Episode{
		ID: fmt.Sprintf("00000000-0000-4000-8000-%06d%06d", title, int(ordinal*10)), Ordinal: ordinal,
		Name: fmt.Sprintf("Серия %g", ordinal), Preview: path + "preview.webp", Duration: 1420,
		Opening: &catalog.Span{Start: 10, Stop: 100},
		Sources: []catalog.Source{
			{Quality: "1080p", URL: path + "1080.m3u8", Type: "hls"},
			{Quality: "720p", URL: path + "720.m3u8", Type: "hls"},
		},
		UpdatedAt: start.Add(time.Duration(ordinal) * time.Hour),
	}
}

// WithEpisode is the title with one more episode, bumped as the upstream does it.
func WithEpisode(t catalog.Title, e catalog.Episode) catalog.Title {
	t.Player.Episodes = append(append([]catalog.Episode(nil), t.Player.Episodes...), e)
	t.Episodes.Current = len(t.Player.Episodes)
	if len(e.Sources) > 0 {
		t.Latest = catalog.Latest{Ordinal: e.Ordinal, Name: e.Name, At: e.UpdatedAt}
	}
	if t.Status == "announced" {
		t.Status = "ongoing"
	}
	return Bumped(t)
}

// Bumped is the title as it looks after the upstream touched it.
func Bumped(t catalog.Title) catalog.Title {
	t.FreshAt = t.FreshAt.Add(time.Minute)
	t.UpdatedAt = t.UpdatedAt.Add(time.Minute)
	return t
}
