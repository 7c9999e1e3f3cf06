package anilibriatest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The routes that faults and counters are kept for.
const (
	RouteRelease     = "release"
	RouteReleases    = "releases"
	RouteLatest      = "latest"
	RouteRandom      = "random"
	RouteRecommended = "recommended"
	RouteMembers     = "members"
	RouteEpisode     = "episode"
	RouteCatalog     = "catalog"
	RouteReferences  = "references"
	RouteSchedule    = "schedule"
	RouteSearch      = "search"
	RouteFranchises  = "franchises"
	RouteFranchise   = "franchise"
	RouteGenres      = "genres"
	RouteTorrents    = "torrents"
	RouteStatus      = "status"
	RouteMedia       = "media" // posters, previews and video
	RouteOther       = "other" // unknown paths
)

// ask is one request under way: answers are made under the read lock.
type ask struct {
	view
	path  func(string) string
	query url.Values
}

// refusal is an answer that is no success.
type refusal struct {
	status int
	body   any
}

func (s *Server) routes() {
	api := func(route, path string, answer func(a *ask) (any, *refusal)) {
		s.mux.HandleFunc("GET "+BasePath+"/"+path, s.guarded(route, s.json(answer)))
	}
	api(RouteRelease, "anime/releases/{ref}", release)
	api(RouteReleases, "anime/releases/list", releases)
	api(RouteReleases, "anime/releases/list/{$}", releases)
	api(RouteLatest, "anime/releases/latest", latest)
	api(RouteRandom, "anime/releases/random", random)
	api(RouteRecommended, "anime/releases/recommended", recommended)
	s.mux.HandleFunc("GET "+BasePath+"/anime/releases/{ref}/{below}", s.belowRelease())
	api(RouteCatalog, "anime/catalog/releases", catalog)
	api(RouteReferences, "anime/catalog/references/{name}", references)
	api(RouteSchedule, "anime/schedule/now", scheduleNow)
	api(RouteSchedule, "anime/schedule/week", scheduleWeek)
	api(RouteSearch, "app/search/releases", search)
	api(RouteFranchises, "anime/franchises", franchises)
	api(RouteFranchises, "anime/franchises/random", franchises)
	api(RouteFranchises, "anime/franchises/{uuid}", franchiseByID)
	api(RouteFranchise, "anime/franchises/release/{id}", franchiseOf)
	api(RouteGenres, "anime/genres", genres)
	api(RouteGenres, "anime/genres/random", genres)
	api(RouteGenres, "anime/genres/{id}", genreByID)
	api(RouteGenres, "anime/genres/{id}/releases", genreReleases)
	api(RouteTorrents, "anime/torrents", torrents)
	api(RouteTorrents, "anime/torrents/{ref}", torrentByRef)
	api(RouteTorrents, "anime/torrents/release/{id}", torrentsOf)
	api(RouteStatus, "app/status", status)
	s.mux.HandleFunc("GET /storage/{path...}", s.guarded(RouteMedia, s.picture))
	s.mux.HandleFunc("GET /videos/media/ts/{id}/{ordinal}/{quality}/{file}", s.guarded(RouteMedia, s.video))
	s.v3Routes()
	s.mux.HandleFunc("/", s.other)
}

func (s *Server) other(w http.ResponseWriter, r *http.Request) {
	s.guarded(RouteOther, func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusNotFound, appendJSON(nil, message("Not Found")))
	})(w, r)
}

// belowRelease tells episodes/{uuid} from {ref}/members, which the mux cannot.
func (s *Server) belowRelease() http.HandlerFunc {
	episode := s.guarded(RouteEpisode, s.json(episodeOf))
	members := s.guarded(RouteMembers, s.json(membersOf))
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.PathValue("ref") == "episodes":
			episode(w, r)
		case r.PathValue("below") == "members":
			members(w, r)
		default:
			s.other(w, r)
		}
	}
}

// json answers with a projected tree.
func (s *Server) json(answer func(a *ask) (any, *refusal)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		a := &ask{view: view{server: s, origin: originOf(r)}, path: r.PathValue, query: query}
		s.mu.RLock()
		tree, no := answer(a)
		var body []byte
		if no == nil {
			body = appendJSON(make([]byte, 0, 16<<10), project(tree, query))
		}
		s.mu.RUnlock()
		if no != nil {
			write(w, no.status, appendJSON(nil, no.body))
			return
		}
		write(w, http.StatusOK, body)
	}
}

// project applies include and exclude to each item of a page, or to the answer.
func project(tree any, query url.Values) any {
	include, exclude := newPaths(query["include"]), newPaths(query["exclude"])
	cut := func(n any) any { return without(only(n, include), exclude) }
	if page, ok := tree.(object); ok && len(page) == 2 && page[0].key == "data" && page[1].key == "meta" {
		return object{{"data", cut(page[0].value)}, page[1]}
	}
	return cut(tree)
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}

func message(text string) object { return object{{"message", text}} }

func notFound() *refusal { return &refusal{http.StatusNotFound, message("Not Found")} }

// invalid is Laravel's 422.
func invalid(name, text string) *refusal {
	return &refusal{http.StatusUnprocessableEntity, object{
		{"message", text}, {"errors", object{{name, []any{text}}}},
	}}
}

// size reads a limit or page: 1 to most.
func (a *ask) size(name string, otherwise, most int) (int, *refusal) {
	text := a.query.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, ok := atoi(text)
	switch {
	case !ok && strings.TrimLeft(text, "0123456789") != "":
		return 0, invalid(name, fmt.Sprintf("The %s field must be an integer.", name))
	case n < 1 && ok:
		return 0, invalid(name, fmt.Sprintf("The %s field must be at least 1.", name))
	case n > most || !ok:
		return 0, invalid(name, fmt.Sprintf("The %s field must not be greater than %d.", name, most))
	}
	return n, nil
}

const (
	limitMax     = 50
	limitDefault = 15
	pageMax      = 1_000_000
)

func release(a *ask) (any, *refusal) {
	t := a.server.find(a.path("ref"))
	if t == nil {
		return nil, notFound()
	}
	return a.full(t), nil
}

func releases(a *ask) (any, *refusal) {
	wanted := make(map[string]bool)
	for _, list := range []string{a.query.Get("ids"), a.query.Get("aliases")} {
		for ref := range strings.SplitSeq(list, ",") {
			wanted[ref] = true
		}
	}
	delete(wanted, "")
	if len(wanted) == 0 {
		return nil, invalid("ids", "The ids field is required when aliases is not present.")
	}
	var found []*Title
	for ref := range wanted {
		if t := a.server.find(ref); t != nil && !slices.Contains(found, t) {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, func(x, y *Title) int { return x.ID - y.ID })
	return a.page(found, a.full)
}

func latest(a *ask) (any, *refusal) {
	limit, no := a.size("limit", limitDefault, limitMax)
	if no != nil {
		return nil, no
	}
	list := make([]any, 0, limit)
	for _, t := range a.server.fresh {
		if len(list) == limit {
			break
		}
		if !t.Hidden && !t.FreshAt.IsZero() {
			list = append(list, a.bumped(t))
		}
	}
	return list, nil
}

func random(a *ask) (any, *refusal) {
	limit, no := a.size("limit", limitDefault, limitMax)
	if no != nil {
		return nil, no
	}
	all := a.server.visible(nil)
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return a.list(all[:min(limit, len(all))], a.listed), nil
}

func membersOf(a *ask) (any, *refusal) {
	t := a.server.find(a.path("ref"))
	if t == nil {
		return nil, notFound()
	}
	return a.members(t), nil
}

func episodeOf(a *ask) (any, *refusal) {
	t, e := a.server.findEpisode(a.path("below"))
	if t == nil {
		return nil, notFound()
	}
	release := append(a.short(t), field{"episodes", a.episodes(t)})
	return append(a.episode(t, e, t.place(e)), field{"release", release}), nil
}

func (s *Server) findEpisode(uuid string) (*Title, *Episode) {
	candidates := s.fresh
	if id, err := strconv.ParseUint(uuid[:min(8, len(uuid))], 16, 32); err == nil && s.byID[int(id)] != nil {
		candidates = []*Title{s.byID[int(id)]}
	}
	for _, t := range candidates {
		if t.Hidden || (t.generated > 0 && len(candidates) > 1) {
			continue
		}
		episodes := t.episodes()
		for i := range episodes {
			if t.id(&episodes[i]) == uuid {
				return t, &episodes[i]
			}
		}
	}
	return nil, nil
}

// place is where the episode stands in the title's list.
func (t *Title) place(e *Episode) int {
	episodes := t.episodes()
	return slices.IndexFunc(episodes, func(other Episode) bool { return other.Ordinal == e.Ordinal })
}

func search(a *ask) (any, *refusal) {
	text := strings.ToLower(strings.TrimSpace(a.query.Get("query")))
	if text == "" {
		return nil, invalid("query", "The query field is required.")
	}
	found := a.server.visible(func(t *Title) bool { return t.named(text) })
	return a.list(found[:min(len(found), limitMax)], a.short), nil
}

func status(a *ask) (any, *refusal) {
	return object{
		{"request", object{{"ip", "203.0.113.10"}, {"country", "The Netherlands"}, {"iso_code", "NL"}, {"timezone", "Europe/Amsterdam"}}},
		{"is_alive", true},
		{"available_api_endpoints", []any{a.origin}},
	}, nil
}

func (a *ask) list(titles []*Title, render func(*Title) object) []any {
	all := make([]any, len(titles))
	for i, t := range titles {
		all[i] = render(t)
	}
	return all
}
