package anilibriatest

import (
	"slices"
)

// family is a franchise: the titles that carry the same word, in the order of ids.
type family struct {
	name   string
	titles []*Title
}

// families are all franchises in the order of their first title.
func (s *Server) families() []family {
	var all []family
	at := make(map[string]int)
	titles := s.visible(func(t *Title) bool { return t.Franchise != "" })
	slices.SortFunc(titles, func(a, b *Title) int { return a.ID - b.ID })
	for _, t := range titles {
		i, known := at[t.Franchise]
		if !known {
			i = len(all)
			at[t.Franchise] = i
			all = append(all, family{name: t.Franchise})
		}
		all[i].titles = append(all[i].titles, t)
	}
	return all
}

func (f family) id() string { return episodeUUID(f.titles[0].ID, 6000) }

func (v view) franchise(f family) object {
	first, last, minutes, episodes := f.titles[0].Year, f.titles[0].Year, 0, 0
	for _, t := range f.titles {
		first, last = min(first, t.Year), max(last, t.Year)
		count := len(t.episodes())
		episodes += count
		minutes += count * t.Minutes
	}
	picture := func(suffix string) string {
		return "/storage/anime/franchises/images/" + f.id() + "/" + token(f.titles[0].ID, 5) + suffix
	}
	return object{
		{"id", f.id()},
		{"name", f.titles[0].Main},
		{"image", object{
			{"preview", picture(".jpg")},
			{"thumbnail", picture("_t.jpg")},
			{"optimized", object{{"preview", picture(".webp")}, {"thumbnail", picture("_t.webp")}}},
		}},
		{"rating", nil},
		{"last_year", last},
		{"first_year", first},
		{"name_english", f.titles[0].English},
		{"total_episodes", episodes},
		{"total_releases", len(f.titles)},
		{"total_duration", nil},
		{"total_duration_in_seconds", minutes * 60},
	}
}

// whole is a franchise with its releases.
func (v view) whole(f family) object {
	list := make([]any, len(f.titles))
	for i, t := range f.titles {
		list[i] = object{
			{"id", episodeUUID(t.ID, 6001)},
			{"sort_order", i + 1},
			{"release_id", t.ID},
			{"franchise_id", f.id()},
			{"release", v.short(t)},
		}
	}
	return append(v.franchise(f), field{"franchise_releases", list})
}

func franchises(a *ask) (any, *refusal) {
	all := []any{}
	for _, f := range a.server.families() {
		all = append(all, a.franchise(f))
	}
	return all, nil
}

func franchiseByID(a *ask) (any, *refusal) {
	for _, f := range a.server.families() {
		if f.id() == a.path("uuid") {
			return a.whole(f), nil
		}
	}
	return nil, notFound()
}

func franchiseOf(a *ask) (any, *refusal) {
	t := a.server.find(a.path("id"))
	if t == nil {
		return nil, notFound()
	}
	all := []any{}
	if t.Franchise == "" {
		return all, nil
	}
	for _, f := range a.server.families() {
		if f.name == t.Franchise {
			all = append(all, a.whole(f))
		}
	}
	return all, nil
}
