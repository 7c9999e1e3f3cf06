package v3

import (
	"slices"

	"anihub/platform/anilibria"
	"anihub/platform/anilibria/loose"
)

// posters are one picture under three names, some of which may be missing.
func (r *reader) posters() (p anilibria.Poster) {
	r.Object(func(key []byte) {
		switch string(key) {
		case "small":
			p.Small = r.poster()
		case "medium":
			p.Medium = r.poster()
		case "original":
			p.Large = r.poster()
		}
	})
	first := func(urls ...string) string {
		i := slices.IndexFunc(urls, func(u string) bool { return u != "" })
		return urls[max(0, i)]
	}
	return anilibria.Poster{
		Small:  first(p.Small, p.Medium, p.Large),
		Medium: first(p.Medium, p.Large, p.Small),
		Large:  first(p.Large, p.Medium, p.Small),
	}
}

func (r *reader) poster() (address string) {
	r.Object(func(key []byte) {
		if string(key) == "url" {
			address = loose.Absolute(r.origin, r.Text())
		}
	})
	return address
}

// words is a list of names without doubles.
func (r *reader) words(kind string) []string {
	found := loose.ReadList(&r.Scan, func() (string, error) {
		word := loose.Line(r.Text())
		return word, loose.Unless(word != "", "an empty name")
	})
	found.Tell(r.skip, kind)
	return found.Kept
}

func (r *reader) genres() (names []string) {
	for _, name := range r.words(anilibria.KindGenre) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// team is five lists of nicknames.
func (r *reader) team() (members []anilibria.Member) {
	r.Object(func(key []byte) {
		var role string
		switch string(key) {
		case "voice":
			role = "voicing"
		case "translator":
			role = "translating"
		case "editing":
			role = "editing"
		case "decor":
			role = "decorating"
		case "timing":
			role = "timing"
		default:
			return
		}
		for _, nickname := range r.words(anilibria.KindMember) {
			members = append(members, anilibria.Member{Nickname: nickname, Role: role})
		}
	})
	return members
}
