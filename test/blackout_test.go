package test

import (
	"fmt"
	"net/url"
	"strings"
)

// catalogRoutes are the catalogue's routes that tell their freshness, for a catalogue
// that has this title.
func catalogRoutes(one short) []string {
	const v2 = "/api/anilibria/v2"
	word, _, _ := strings.Cut(one.Names.RU, " ")
	return []string{
		titles + "?limit=100", titles + "?facets=true&sort=year&order=desc", titles + "?search=" + url.QueryEscape(word),
		titlePath(one.ID), titles + "/code/" + one.Code, fmt.Sprintf("%s/batch?ids=%d", titles, one.ID),
		v2 + "/search?q=" + url.QueryEscape(word), v2 + "/updates", v2 + "/popular", v2 + "/random?limit=5",
		v2 + "/schedule", v2 + "/genres", v2 + "/years", v2 + "/seasons",
	}
}
