package anilibriatest

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"
)

//go:embed catalogue.txt
var catalogueText string

// Catalogue is the demo's catalogue: some seventy invented titles with the edge
// cases of FACTS §3.7 among them, as fresh as if it were read now.
func Catalogue() []Title { return CatalogueAt(time.Now()) }

// CatalogueAt is the catalogue as it looks at a moment.
func CatalogueAt(moment time.Time) []Title {
	moment = moment.UTC().Truncate(time.Second)
	var titles []Title
	for line := range strings.Lines(catalogueText) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			t, edge := parseTitle(line)
			t.date(moment, len(titles))
			t.fill(edge)
			titles = append(titles, t)
		}
	}
	return titles
}

// parseTitle reads one line of catalogue.txt; a test holds every line to the form.
func parseTitle(line string) (Title, string) {
	f := strings.Split(line, "|")
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		if err != nil {
			panic(fmt.Sprintf("catalogue.txt: %q in %q", text, line))
		}
		return n
	}
	out, total, _ := strings.Cut(f[6], "/")
	score, _ := strconv.ParseFloat(f[9], 64)
	t := Title{
		ID: number(f[0]), Type: f[1], Year: number(f[2]), Season: f[3], PublishDay: number(f[4]), AgeRating: f[5],
		EpisodesTotal: number(total), Minutes: number(f[7]), Favorites: number(f[8]), Shikimori: score,
		Franchise: f[11], Main: f[13], English: f[14], Alternative: f[15], Description: strings.ReplaceAll(f[16], `\n`, "\n"),
		generated: number(out),
	}
	for g := range strings.SplitSeq(f[10], ",") {
		t.Genres = append(t.Genres, number(g))
	}
	t.Alias = strings.Trim(strings.Map(slug, strings.ToLower(t.Alternative)), "-")
	if t.Alias == "" {
		t.Alias = "anons-" + f[0]
	}
	if t.ID%4 == 0 {
		t.Average = score
	}
	if score > 0 {
		t.ShikimoriID = 50_000 + t.ID
	}
	return t, f[12]
}

func slug(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
		return r
	case r == '\'' || r == ',' || r == ':':
		return -1
	}
	return '-'
}

// date places a title in time: what is still airing had its last episode within a
// week, the rest ended with its season.
func (t *Title) date(moment time.Time, place int) {
	ended := time.Date(t.Year, time.Month(3*t.seasonIndex()+3), 10+place%15, 15, place%60, 0, 0, time.UTC)
	t.IsInProduction = t.generated < t.EpisodesTotal || t.EpisodesTotal == 0
	t.IsOngoing = t.IsInProduction && t.generated > 0
	if t.IsInProduction || ended.After(moment) {
		ended = moment.Add(-time.Duration(1+place*5%150) * time.Hour)
	}
	t.FreshAt, t.UpdatedAt = ended, ended.Add(90*time.Second)
	if t.ID%5 != 0 { // created_at is null in real data too
		t.CreatedAt = ended.AddDate(0, 0, -7*t.generated-10)
	}
}

func (t *Title) seasonIndex() int {
	for i, s := range seasonOrder {
		if s == t.Season {
			return i
		}
	}
	return 0
}

// fill makes the episodes, the team and the torrents, and bends them to the edge
// case the title stands for.
func (t *Title) fill(edge string) {
	t.own()
	t.Members = crew(t.ID)
	for i := range t.Episodes {
		if i < len(chapters) && t.ID%3 == 0 {
			t.Episodes[i].Name = chapters[(i+t.ID)%len(chapters)]
		}
		t.Episodes[i].Ending = Skip{Start: t.Episodes[i].Duration - 95, Stop: t.Episodes[i].Duration - 5}
	}
	t.bend(edge)
	t.addTorrents()
}

func (t *Title) bend(edge string) {
	each := func(change func(i int, e *Episode)) {
		for i := range t.Episodes {
			change(i, &t.Episodes[i])
		}
	}
	switch edge {
	case "sparse":
		*t = Title{ID: t.ID, Alias: t.Alias, Main: t.Main, Year: t.Year, UpdatedAt: t.UpdatedAt, IsInProduction: true, NoPoster: true}
	case "announced":
		t.FreshAt, t.IsOngoing = time.Time{}, true
	case "noprev":
		each(func(_ int, e *Episode) { e.NoPreview = true })
	case "half":
		each(func(i int, e *Episode) { e.Opening, e.Ending = halves(i) })
	case "sd":
		each(func(_ int, e *Episode) { e.Quality = 480 })
	case "rutube":
		each(func(i int, e *Episode) {
			e.Quality, e.Duration, e.RutubeID = 0, 0, strings.ToLower(token(t.ID, i)+token(i, t.ID))
		})
	case "youtube":
		each(func(i int, e *Episode) { e.Quality, e.Duration, e.YouTubeID = 0, 0, token(t.ID, i)[:11] })
	case "fraction":
		t.insertHalf(min(7, len(t.Episodes)))
	case "order":
		each(func(i int, e *Episode) { e.SortOrder = i + 1 + i%3*2 })
	case "geo":
		t.BlockedByGeo, t.Episodes, t.ExternalPlayer = true, nil, "//kodik.info/serial/29602/"+strings.ToLower(token(t.ID, 3))+"/720p"
	case "rights":
		t.BlockedByRights, t.Episodes = true, nil
	case "kodik":
		t.Episodes, t.ExternalPlayer = nil, "//kodik.info/serial/31007/"+strings.ToLower(token(t.ID, 3))+"/720p"
	case "notice":
		t.Notification = "Финальная серия выйдет на неделю позже: переозвучиваем концовку."
	}
}

// halves are openings and endings of which one end is missing.
func halves(i int) (opening, ending Skip) {
	if i%2 == 0 {
		return Skip{Start: 100, Stop: Null}, Skip{Start: Null, Stop: 95}
	}
	return Skip{Start: Null, Stop: 190}, Skip{Start: 0, Stop: Null}
}

// insertHalf puts an episode n.5 behind episode n.
func (t *Title) insertHalf(n int) {
	half := t.Episodes[n-1]
	half.Ordinal += 0.5
	half.Name = "Между главами"
	t.Episodes = append(t.Episodes[:n], append([]Episode{half}, t.Episodes[n:]...)...)
}

func (t *Title) addTorrents() {
	if len(t.Episodes) == 0 || t.ID%6 == 0 {
		return
	}
	span := "1-" + ordinalText(t.Episodes[len(t.Episodes)-1].Ordinal)
	for i, codec := range []string{"AVC", "HEVC"} {
		t.Torrents = append(t.Torrents, Torrent{
			ID: t.ID*4 + i, Quality: "1080p", Type: "WEB-DL", Codec: codec, Episodes: span,
			Size: int64(len(t.Episodes)) * int64(1_400_000_000/(i+1)), Seeders: 20 + t.ID%90, Leechers: t.ID % 17, UpdatedAt: t.FreshAt,
		})
	}
}

// chapters name some of the episodes.
var chapters = []string{
	"Первый вечер", "Чужой ключ", "То, что осталось", "Без пяти семь", "Долгая дорога", "Гость", "Тихая вода",
	"Обратный билет", "Пятно на карте", "Слово держат двое", "Перед грозой", "Последний свет",
}
