package anilibriatest

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// page answers {data, meta} with links that name this host, as the real one does.
func (a *ask) page(titles []*Title, render func(*Title) object) (any, *refusal) {
	limit, no := a.size("limit", limitDefault, limitMax)
	if no != nil {
		return nil, no
	}
	page, no := a.size("page", 1, pageMax)
	if no != nil {
		return nil, no
	}
	from := min((page-1)*limit, len(titles))
	data := a.list(titles[from:min(from+limit, len(titles))], render)
	return object{{"data", data}, {"meta", a.meta(len(titles), len(data), limit, page)}}, nil
}

func (a *ask) meta(total, count, limit, page int) object {
	pages := max(1, (total+limit-1)/limit)
	links := object{}
	if page > 1 {
		links = append(links, field{"previous", a.link(page - 1)})
	}
	if page < pages {
		links = append(links, field{"next", a.link(page + 1)})
	}
	return object{{"pagination", object{
		{"total", total},
		{"count", count},
		{"per_page", limit},
		{"current_page", page},
		{"total_pages", pages},
		{"links", links},
	}}}
}

func (a *ask) link(page int) string {
	query := url.Values{}
	for key, values := range a.query {
		query[key] = values
	}
	query.Del("page")
	return fmt.Sprintf("%s%s/anime/catalog/releases?%s&page=%d", a.origin, BasePath, query.Encode(), page)
}

func catalog(a *ask) (any, *refusal) {
	found := a.server.visible(a.filter())
	sortTitles(found, a.query.Get("f[sorting]"))
	return a.page(found, a.listed)
}

// filter reads f[…]. As with the real API a list of f[years] is ignored; only
// from_year and to_year count.
func (a *ask) filter() func(*Title) bool {
	set := func(name string) []string {
		text := a.query.Get("f[" + name + "]")
		if text == "" {
			return nil
		}
		return strings.Split(text, ",")
	}
	from, _ := atoi(a.query.Get("f[years][from_year]"))
	to, _ := atoi(a.query.Get("f[years][to_year]"))
	text := strings.ToLower(a.query.Get("f[search]"))
	genres, types, seasons, ages := set("genres"), set("types"), set("seasons"), set("age_ratings")
	publish, production := set("publish_statuses"), set("production_statuses")
	return func(t *Title) bool {
		return among(types, t.Type) && among(seasons, t.Season) && among(ages, t.AgeRating) &&
			among(publish, statusWord("ONGOING", t.IsOngoing)) &&
			among(production, statusWord("IN_PRODUCTION", t.IsInProduction)) &&
			(from == 0 || t.Year >= from) && (to == 0 || t.Year <= to) &&
			t.hasGenres(genres) && (text == "" || t.named(text))
	}
}

func among(wanted []string, value string) bool {
	return len(wanted) == 0 || slices.Contains(wanted, value)
}

func statusWord(word string, yes bool) string {
	if yes {
		return "IS_" + word
	}
	return "IS_NOT_" + word
}

func (t *Title) hasGenres(wanted []string) bool {
	for _, text := range wanted {
		if id, _ := atoi(text); !slices.Contains(t.Genres, id) {
			return false
		}
	}
	return true
}

func (t *Title) named(lower string) bool {
	return strings.Contains(strings.ToLower(t.Main+"\n"+t.English+"\n"+t.Alternative), lower)
}

// sortTitles orders what already is FRESH_AT_DESC.
func sortTitles(titles []*Title, sorting string) {
	by := func(compare func(a, b *Title) int) { slices.SortStableFunc(titles, compare) }
	switch sorting {
	case "FRESH_AT_ASC":
		slices.Reverse(titles)
	case "RATING_DESC":
		by(func(a, b *Title) int { return cmp.Compare(b.Shikimori, a.Shikimori) })
	case "RATING_ASC":
		by(func(a, b *Title) int { return cmp.Compare(a.Shikimori, b.Shikimori) })
	case "YEAR_DESC":
		by(func(a, b *Title) int { return cmp.Compare(b.Year, a.Year) })
	case "YEAR_ASC":
		by(func(a, b *Title) int { return cmp.Compare(a.Year, b.Year) })
	}
}

func references(a *ask) (any, *refusal) {
	switch a.path("name") {
	case "age-ratings":
		return referenceList(ageRatings), nil
	case "genres":
		all := make([]any, len(genreOrder))
		for i, id := range genreOrder {
			all[i] = object{{"id", id}, {"name", genreNames[id]}}
		}
		return all, nil
	case "production-statuses":
		return referenceList(productionStatuses), nil
	case "publish-statuses":
		return referenceList(publishStatuses), nil
	case "seasons":
		return describedList(seasonOrder, seasonNames), nil
	case "sorting":
		return referenceList(sortings), nil
	case "types":
		return describedList(typeOrder, typeNames), nil
	case "years":
		return a.years(), nil
	}
	return nil, notFound()
}

func (a *ask) years() []any {
	var years []int
	for _, t := range a.server.visible(nil) {
		if t.Year > 0 && !slices.Contains(years, t.Year) {
			years = append(years, t.Year)
		}
	}
	slices.Sort(years)
	all := make([]any, len(years))
	for i, y := range years {
		all[i] = y
	}
	return all
}

func genres(a *ask) (any, *refusal) {
	all := make([]any, len(genreOrder))
	for i, id := range genreOrder {
		all[i] = a.genre(id)
	}
	return all, nil
}

func (a *ask) genreID() int {
	if id, ok := atoi(a.path("id")); ok && genreNames[id] != "" {
		return id
	}
	return 0
}

func genreByID(a *ask) (any, *refusal) {
	id := a.genreID()
	if id == 0 {
		return nil, notFound()
	}
	return a.genre(id), nil
}

func genreReleases(a *ask) (any, *refusal) {
	id := a.genreID()
	if id == 0 {
		return nil, notFound()
	}
	return a.page(a.server.visible(func(t *Title) bool { return slices.Contains(t.Genres, id) }), a.short)
}

// scheduled is a title that airs: in production, on a known day.
func scheduled(t *Title) bool { return t.IsInProduction && t.PublishDay > 0 }

func scheduleWeek(a *ask) (any, *refusal) {
	list := a.server.visible(scheduled)
	slices.SortStableFunc(list, func(x, y *Title) int { return x.PublishDay - y.PublishDay })
	return a.list(list, a.scheduled), nil
}

func scheduleNow(a *ask) (any, *refusal) {
	today := (int(time.Now().Weekday())+6)%7 + 1
	on := func(day int) []any {
		return a.list(a.server.visible(func(t *Title) bool { return scheduled(t) && t.PublishDay == day }), a.scheduled)
	}
	return object{{"today", on(today)}, {"tomorrow", on(today%7 + 1)}, {"yesterday", on((today+5)%7 + 1)}}, nil
}

// scheduled tells the episode of the last seven days, and the next one.
func (a *ask) scheduled(t *Title) object {
	var published, next any
	count := len(t.episodes())
	if e := t.latest(); e != nil && time.Since(e.UpdatedAt) < 7*24*time.Hour {
		published = a.episode(t, e, t.place(e))
	}
	complete := t.EpisodesTotal > 0 && count >= t.EpisodesTotal
	if !complete {
		next = count + 1
	}
	return object{
		{"release", a.listed(t)},
		{"full_season_is_released", complete},
		{"published_release_episode", published},
		{"next_release_episode_number", next},
	}
}

func torrents(a *ask) (any, *refusal) {
	limit, no := a.size("limit", limitDefault, limitMax)
	if no != nil {
		return nil, no
	}
	page, no := a.size("page", 1, pageMax)
	if no != nil {
		return nil, no
	}
	var all []any
	for _, t := range a.server.visible(func(t *Title) bool { return len(t.Torrents) > 0 }) {
		all = append(all, a.torrents(t, a.short(t))...)
	}
	from := min((page-1)*limit, len(all))
	data := all[from:min(from+limit, len(all))]
	return object{{"data", data}, {"meta", a.meta(len(all), len(data), limit, page)}}, nil
}

func torrentsOf(a *ask) (any, *refusal) {
	t := a.server.find(a.path("id"))
	if t == nil {
		return nil, notFound()
	}
	return a.torrents(t, a.short(t)), nil
}

func torrentByRef(a *ask) (any, *refusal) {
	ref := a.path("ref")
	for _, t := range a.server.fresh {
		for i := range t.Torrents {
			if r := &t.Torrents[i]; !t.Hidden && (strconv.Itoa(r.ID) == ref || torrentHash(r) == ref) {
				return a.torrent(t, r, a.short(t)), nil
			}
		}
	}
	return nil, notFound()
}
