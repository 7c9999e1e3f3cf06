package anilibriatest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// V3Path is where the retired API v3 lives under the server's origin; its base URL is
// origin + V3Path, its WebSocket origin + V3Path + "/ws/". It shows the same titles as
// v1. Faults and counters go by the same names as in v1: RouteRelease is title,
// RouteReleases title/list, RouteCatalog title/updates by pages and RouteLatest the
// same by limit, RouteStatus years.
const V3Path = "/v3"

// The parameters that every route knows, and those of lists (FACTS §1.2).
const (
	v3Common = "filter,remove,include,description_type,playlist_type"
	v3Listed = v3Common + ",limit,since,after,page,items_per_page"
)

// v3Answer makes an answer; the names are the parameters it knows.
type v3Answer struct {
	known  string
	answer func(a *ask) (any, *refusal)
}

func (s *Server) v3Routes() {
	for path, r := range map[string]struct {
		route string
		v3Answer
	}{
		"title":            {RouteRelease, v3Answer{"id,code,torrent_id," + v3Common, v3Title}},
		"title/list":       {RouteReleases, v3Answer{"id_list,code_list,torrent_id_list," + v3Listed, v3TitleList}},
		"title/changes":    {RouteLatest, v3Answer{v3Listed, v3Changes}},
		"title/schedule":   {RouteSchedule, v3Answer{"days," + v3Common, v3Schedule}},
		"title/random":     {RouteRandom, v3Answer{v3Common, v3Random}},
		"title/search":     {RouteSearch, v3Answer{"search,year,type,season_code,genres,order_by,sort_direction," + v3Listed, v3Search}},
		"title/franchises": {RouteFranchise, v3Answer{"id," + v3Common, v3FranchisesOf}},
		"franchise/list":   {RouteFranchises, v3Answer{v3Listed, v3FranchiseList}},
		"genres":           {RouteGenres, v3Answer{"", v3Genres}},
		"years":            {RouteStatus, v3Answer{"", func(a *ask) (any, *refusal) { return a.years(), nil }}},
	} {
		s.mux.HandleFunc("GET "+V3Path+"/"+path, s.guarded(r.route, s.v3JSON(r.v3Answer)))
	}
	updates := v3Answer{v3Listed, v3Updates}
	latest, paged := s.guarded(RouteLatest, s.v3JSON(updates)), s.guarded(RouteCatalog, s.v3JSON(updates))
	s.mux.HandleFunc("GET "+V3Path+"/title/updates", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("page") {
			paged(w, r)
			return
		}
		latest(w, r)
	})
	s.v3Sockets()
	s.mux.HandleFunc(V3Path+"/", s.guarded(RouteOther, func(w http.ResponseWriter, _ *http.Request) {
		writeV3Error(w, http.StatusNotFound, "Not Found!")
	}))
}

// v3JSON refuses unknown parameters and cuts each title by filter and remove.
func (s *Server) v3JSON(r v3Answer) http.HandlerFunc {
	known := strings.Split(r.known, ",")
	return func(w http.ResponseWriter, req *http.Request) {
		query := req.URL.Query()
		if unknown := strange(query, known); unknown != "" {
			writeV3Error(w, http.StatusPreconditionFailed, "Unknown parameters: "+unknown)
			return
		}
		a := &ask{view: view{server: s, origin: originOf(req)}, path: req.PathValue, query: query}
		s.mu.RLock()
		tree, no := r.answer(a)
		var body []byte
		if no == nil {
			body = appendJSON(make([]byte, 0, 16<<10), tree)
		}
		s.mu.RUnlock()
		if no != nil {
			write(w, no.status, appendJSON(nil, no.body))
			return
		}
		write(w, http.StatusOK, body)
	}
}

func strange(query url.Values, known []string) string {
	var unknown []string
	for name := range query {
		if !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return strings.Join(unknown, ", ")
}

func v3Error(code int, text string) object {
	return object{{"error", object{{"code", code}, {"message", text}}}}
}

// writeV3Error has the code as its status, except that every 5xx is a 500.
func writeV3Error(w http.ResponseWriter, code int, text string) {
	status := code
	if code >= http.StatusInternalServerError {
		status = http.StatusInternalServerError
	}
	write(w, status, appendJSON(nil, v3Error(code, text)))
}

func v3Refused(code int, text string) *refusal { return &refusal{code, v3Error(code, text)} }

// v3Cut applies filter and remove to a title; array wildcards need no care, for paths
// go through arrays by themselves.
func (a *ask) v3Cut(n any) any {
	lists := func(name string) []string {
		return []string{strings.ReplaceAll(a.query.Get(name), "[*]", "")}
	}
	return without(only(n, newPaths(lists("filter"))), newPaths(lists("remove")))
}

func (a *ask) v3Titles(titles []*Title) []any {
	all := make([]any, len(titles))
	for i, t := range titles {
		all[i] = a.v3Cut(a.v3Title(t, a.query.Get("playlist_type") == "array"))
	}
	return all
}

func v3Title(a *ask) (any, *refusal) {
	id, code := a.query.Get("id"), a.query.Get("code")
	if id != "" && code != "" {
		return nil, v3Refused(http.StatusPreconditionFailed, "Unknown parameters: code, id")
	}
	t := a.server.byAlias[code]
	if n, ok := atoi(id); ok {
		t = a.server.byID[n]
	}
	if t == nil || t.Hidden {
		return nil, v3Refused(http.StatusNotFound, fmt.Sprintf("Title %q not found!", id+code))
	}
	return a.v3Titles([]*Title{t})[0], nil
}

func v3TitleList(a *ask) (any, *refusal) {
	var found []*Title
	for ref := range strings.SplitSeq(a.query.Get("id_list")+","+a.query.Get("code_list"), ",") {
		if t := a.server.find(ref); t != nil && !slices.Contains(found, t) {
			found = append(found, t)
		}
	}
	return a.v3Titles(cutPage(a, found).titles), nil
}

func v3Updates(a *ask) (any, *refusal) {
	return a.v3Page(a.server.visible(a.since(func(t *Title) time.Time { return t.FreshAt }))), nil
}

func v3Changes(a *ask) (any, *refusal) {
	found := a.server.visible(a.since(func(t *Title) time.Time { return t.UpdatedAt }))
	slices.SortStableFunc(found, func(x, y *Title) int { return y.UpdatedAt.Compare(x.UpdatedAt) })
	return a.v3Page(found), nil
}

// since keeps what is strictly newer.
func (a *ask) since(of func(*Title) time.Time) func(*Title) bool {
	after, err := strconv.ParseInt(a.query.Get("since"), 10, 64)
	return func(t *Title) bool { return err != nil || unix(of(t)) > after }
}

// v3Page is a part of a list and what is said of it.
type v3Page[T any] struct {
	titles     []T
	pagination object
}

// cutPage reads page and items_per_page, or after and limit. The default is five,
// and -1 all.
func cutPage[T any](a *ask, all []T) v3Page[T] {
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(a.query.Get(name)); err == nil {
			return n
		}
		return otherwise
	}
	limit, page := number("limit", 5), number("page", 0)
	size := max(1, number("items_per_page", 5))
	from := max(0, number("after", 0))
	if page > 0 {
		limit, from = size, (page-1)*size
	}
	if limit < 0 {
		limit = len(all)
	}
	from = min(from, len(all))
	return v3Page[T]{all[from:min(from+limit, len(all))], object{
		{"pages", (len(all) + size - 1) / size},
		{"current_page", page},
		{"items_per_page", size},
		{"total_items", len(all)},
	}}
}

func (a *ask) v3Page(all []*Title) object {
	p := cutPage(a, all)
	return object{{"list", a.v3Titles(p.titles)}, {"pagination", p.pagination}}
}

func v3Schedule(a *ask) (any, *refusal) {
	days := a.query.Get("days")
	if days == "" {
		days = "0,1,2,3,4,5,6"
	}
	all := []any{}
	for text := range strings.SplitSeq(days, ",") {
		day, ok := atoi(text)
		if !ok || day > 6 {
			return nil, v3Refused(http.StatusBadRequest, fmt.Sprintf("Unknown day %q", text))
		}
		titles := a.server.visible(func(t *Title) bool { return scheduled(t) && t.PublishDay == day+1 })
		all = append(all, object{{"day", day}, {"list", a.v3Titles(titles)}})
	}
	return all, nil
}

func v3Random(a *ask) (any, *refusal) {
	all := a.server.visible(nil)
	if len(all) == 0 {
		return nil, v3Refused(http.StatusNotFound, "Title not found!")
	}
	return a.v3Titles([]*Title{all[rand.IntN(len(all))]})[0], nil
}

func v3Search(a *ask) (any, *refusal) {
	text := strings.ToLower(strings.TrimSpace(a.query.Get("search")))
	year := a.query.Get("year")
	return a.v3Page(a.server.visible(func(t *Title) bool {
		return t.named(text) && (year == "" || strconv.Itoa(t.Year) == year)
	})), nil
}

func v3FranchisesOf(a *ask) (any, *refusal) {
	t := a.server.find(a.query.Get("id"))
	if t == nil {
		return nil, v3Refused(http.StatusNotFound, fmt.Sprintf("Title %q not found!", a.query.Get("id")))
	}
	return a.v3Franchises(t), nil
}

func v3FranchiseList(a *ask) (any, *refusal) {
	all := []any{}
	for _, f := range a.server.families() {
		all = append(all, a.v3Franchise(f))
	}
	p := cutPage(a, all)
	return object{{"list", p.titles}, {"pagination", p.pagination}}, nil
}

func v3Genres(*ask) (any, *refusal) {
	var names []string
	for _, name := range genreNames {
		names = append(names, name)
	}
	slices.Sort(names)
	return texts(names), nil
}
