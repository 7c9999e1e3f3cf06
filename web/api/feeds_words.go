package api

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"anihub/modules/catalog"
	"anihub/web/envelope"
)

// words are the sentences of the feeds in one language.
type words struct {
	lang         string
	feedName     string
	feedSubtitle string
	calendarName string
	episode      string // before its number
	newEpisode   string // when the number is not known
}

// wordsFor is the language asked for by name, else by the reader's preference.
func wordsFor(lang, accept string) words {
	if lang == "en" || lang == "" && envelope.PrefersEnglish(accept) {
		return words{
			lang: "en", feedName: "AniHub: new episodes", feedSubtitle: "Anime episodes as they come out",
			calendarName: "AniHub: coming episodes", episode: "episode ", newEpisode: "new episode",
		}
	}
	return words{
		lang: "ru", feedName: "AniHub: новые серии", feedSubtitle: "Серии аниме по мере выхода",
		calendarName: "AniHub: ближайшие серии", episode: "серия ", newEpisode: "новая серия",
	}
}

// name is what a title is called in this language, else in any.
func (w words) name(s catalog.Summary) string {
	all := []string{s.Names.RU, s.Names.EN, s.Names.Alternative, s.Code}
	if w.lang == "en" {
		all[0], all[1] = all[1], all[0]
	}
	for _, n := range all {
		if n = oneLine(n); n != "" {
			return n
		}
	}
	return "AniHub"
}

// episodeOf names an episode; a film is its own.
func (w words) episodeOf(title, number string, film bool) string {
	switch {
	case film:
		return title
	case number == "":
		return title + ": " + w.newEpisode
	default:
		return title + ": " + w.episode + number
	}
}

// What a text of the upstream may take, in characters.
const (
	maxLine = 300
	maxText = 4000
)

// oneLine is a text of the upstream as a heading.
func oneLine(s string) string { return clipped(strings.Join(strings.Fields(clean(s)), " "), maxLine) }

// plain is a text of the upstream with its lines.
func plain(s string) string { return clipped(strings.TrimSpace(clean(s)), maxText) }

// clean leaves out what XML 1.0 (§2.2) cannot say or what would reach out of the
// text: control characters, non-characters, and marks that turn the direction of what
// stands beside it.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Noncharacter_Code_Point, r):
			return -1
		case r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, s)
}

func clipped(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:most-1])) + "…"
}

// picture is a poster that a reader may fetch; "" = none.
func picture(p catalog.Poster) string {
	for _, text := range []string{p.Medium, p.Large, p.Small} {
		u, err := url.Parse(text)
		if err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil {
			return u.String()
		}
	}
	return ""
}
