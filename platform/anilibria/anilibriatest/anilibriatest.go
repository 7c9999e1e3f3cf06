// Package anilibriatest is a faithful fake of the upstream: the routes of the
// AniLiberty API v1 that AniHub uses (FACTS §3.2), and of the retired v3 with its
// WebSocket (FACTS §1, §2), over one catalogue in memory that tests and `anihub demo`
// may change, with posters, previews and playable video of its own, counters per
// route and switches for every kind of failure.
//
// All titles are invented. Nothing here needs the network.
package anilibriatest

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// BasePath is where the API lives under the server's origin: a base URL for
// platform.anilibria.base_urls is origin + BasePath.
const BasePath = "/api/v1"

// Server is the fake upstream, an http.Handler safe for concurrent use.
type Server struct {
	mux *http.ServeMux

	mu         sync.RWMutex
	byID       map[int]*Title
	byAlias    map[string]*Title
	fresh      []*Title // newest bump first, hidden ones included
	bumps      uint64
	genreCount map[int]int

	switches faults
	calls    counters
	sockets  sockets
}

// New serves the titles; it takes them over. Titles without a FreshAt stay last.
func New(titles []Title) *Server {
	s := &Server{
		mux:        http.NewServeMux(),
		byID:       make(map[int]*Title, len(titles)),
		byAlias:    make(map[string]*Title, len(titles)),
		fresh:      make([]*Title, 0, len(titles)),
		genreCount: make(map[int]int),
	}
	for i := range titles {
		s.insert(&titles[i])
	}
	s.sort()
	s.routes()
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Serve answers on the listener until ctx ends. The base URL is
// "http://" + the listener's address + BasePath.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() {
		_ = server.Close()
		s.DropSockets() // the server does not know them any more
	})
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// insert adds a title to the maps and the end of the order; s.mu is held or s is new.
func (s *Server) insert(t *Title) {
	if t.ID == 0 {
		t.ID = s.nextID()
	}
	if t.Alias == "" {
		t.Alias = "title-" + ordinalText(float64(t.ID))
	}
	if t.UpdatedAt.IsZero() {
		t.UpdatedAt = t.FreshAt
	}
	s.byID[t.ID] = t
	s.byAlias[t.Alias] = t
	s.fresh = append(s.fresh, t)
	for _, g := range t.Genres {
		s.genreCount[g]++
	}
}

func (s *Server) nextID() int {
	highest := 10_000
	for id := range s.byID {
		highest = max(highest, id)
	}
	return highest + 1
}

// sort restores the order of FRESH_AT_DESC; among equals the later bump is first.
func (s *Server) sort() {
	slices.SortStableFunc(s.fresh, func(a, b *Title) int {
		return cmp.Or(b.FreshAt.Compare(a.FreshAt), cmp.Compare(b.bumped, a.bumped))
	})
}

// find is a visible title by id or alias.
func (s *Server) find(ref string) *Title {
	t := s.byAlias[ref]
	if id, ok := atoi(ref); ok {
		t = s.byID[id]
	}
	if t == nil || t.Hidden {
		return nil
	}
	return t
}

// visible are the titles every list is made of, newest bump first.
func (s *Server) visible(keep func(*Title) bool) []*Title {
	var all []*Title
	for _, t := range s.fresh {
		if !t.Hidden && (keep == nil || keep(t)) {
			all = append(all, t)
		}
	}
	return all
}

func originOf(r *http.Request) string {
	u := url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		u.Scheme = "https"
	}
	return u.String()
}

func atoi(s string) (int, bool) {
	if s == "" || len(s) > 9 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n := 0
	for _, d := range s {
		n = n*10 + int(d-'0')
	}
	return n, true
}
