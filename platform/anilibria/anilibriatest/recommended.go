package anilibriatest

import (
	"cmp"
	"slices"
)

// recommended answers with the titles that share most genres with a release, the more
// popular first among equals; without a release at random, as the real one does.
func recommended(a *ask) (any, *refusal) {
	if !a.query.Has("release_id") {
		return random(a)
	}
	limit, no := a.size("limit", limitDefault, limitMax)
	if no != nil {
		return nil, no
	}
	id, _ := atoi(a.query.Get("release_id"))
	t := a.server.byID[id]
	if t == nil || t.Hidden {
		return nil, invalid("release_id", "The selected release id is invalid.")
	}
	all := a.server.visible(func(other *Title) bool { return other.ID != t.ID && t.shared(other) > 0 })
	slices.SortFunc(all, func(x, y *Title) int {
		return cmp.Or(t.shared(y)-t.shared(x), y.Favorites-x.Favorites, x.ID-y.ID)
	})
	return a.list(all[:min(limit, len(all))], a.listed), nil
}

// shared counts the genres that two titles have in common.
func (t *Title) shared(other *Title) (n int) {
	for _, g := range t.Genres {
		if slices.Contains(other.Genres, g) {
			n++
		}
	}
	return n
}
