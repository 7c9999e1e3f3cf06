package test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"anihub/platform/anilibria/anilibriatest"
	"anihub/platform/documents/mongowiretest"
	"anihub/platform/redisdb/redistest"
)

// world is everything that AniHub stands on.
type world struct {
	t     *testing.T
	u     *upstream
	redis *redistest.Server
	mongo *mongowiretest.Server
	ids   []int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, redis: redistest.Start(t), mongo: mongowiretest.Start(t), u: newUpstream(t, anilibriatest.Catalogue())}
	w.ids = w.u.IDs()
	return w
}

func (w *world) env(more ...string) []string {
	return together(w.u.quiet(), shared(w.redis, w.mongo), []string{"ANIHUB_PLATFORM_ANILIBRIA_BREAKER_DELAY=1s"}, more)
}

// end is the blackout: upstream, documents and Redis are gone.
func (w *world) end() {
	w.t.Helper()
	w.u.shut()
	w.mongo.Kill()
	w.redis.Kill()
}

// begin brings all three back, Redis empty.
func (w *world) begin() {
	w.t.Helper()
	w.redis.Restart()
	w.mongo.Restart()
	w.u.open(w.t)
}

// asked are the catalogue's routes, and each title by itself.
func (w *world) asked(one short) []string {
	all := catalogRoutes(one)
	for _, id := range w.ids {
		all = append(all, titlePath(id))
	}
	return all
}

// alive asks everything once, and tells which routes there are: every catalogue
// route, and the one of franchises where this version has it.
func (w *world) alive(p *process) []string {
	w.t.Helper()
	p.ready()
	routes := w.asked(p.title(w.ids[0]).title(w.t))
	if path := "/api/anilibria/v2/franchise/" + fmt.Sprint(w.ids[0]); p.read(path).status == 200 {
		routes = append(routes, path)
	}
	for _, path := range routes {
		if a := p.read(path); a.status != 200 || a.Meta.Freshness.Stale {
			w.t.Errorf("alive: %s: %d %+v %.200s", path, a.status, a.Meta.Freshness, a.body)
		}
	}
	return routes
}

// answersAll: every route answers 200 with what it is asked for, and holds answers
// to what honest says about it.
func (w *world) answersAll(p *process, routes []string, honest func(path string, f freshness) bool) {
	w.t.Helper()
	silent, lying := 0, 0
	for _, path := range routes {
		a := p.read(path)
		empty := len(a.Data) < 3 && !strings.Contains(path, "/franchise/") // a title may have none
		if a.status != 200 || empty || !a.Success {
			if silent++; silent <= 3 {
				w.t.Errorf("%s: %d %.200s", path, a.status, a.body)
			}
			continue
		}
		if !honest(path, a.Meta.Freshness) {
			if lying++; lying <= 3 {
				w.t.Errorf("%s: freshness %+v", path, a.Meta.Freshness)
			}
		}
	}
	if silent+lying > 0 {
		w.t.Errorf("of %d routes %d do not answer and %d are not honest", len(routes), silent, lying)
	}
	for _, path := range []string{"/api/anilibria/v2/status", "/health/live", "/health/ready"} {
		if status, _, body := p.get(path); status != 200 {
			w.t.Errorf("%s: %d %.200s", path, status, body)
		}
	}
}

// byItself tells whether a route is about one title or the schedule, which come
// through the levels; all others come from the index.
func byItself(path string) bool {
	_, rest, ok := strings.Cut(path, titles+"/")
	return ok && !strings.HasPrefix(rest, "batch") || strings.HasSuffix(path, "/schedule") || strings.Contains(path, "/franchise/")
}

// heals: everything is back, and so is the news, without a restart.
func (w *world) heals(p *process, routes []string) {
	w.t.Helper()
	eventually(w.t, "readiness heals", func() bool {
		status, whole, _ := p.readiness("redis")
		return status == 200 && whole == "ready"
	})
	for _, path := range routes {
		eventually(w.t, path+" is fresh again", func() bool {
			a := p.read(path)
			return a.status == 200 && !a.Meta.Freshness.Stale
		})
	}
	w.u.revise(w.t, w.ids[0], "После темноты")
	p.take(w.ids[0])
	if name := p.title(w.ids[0]).title(w.t).Names.RU; name != "После темноты" {
		w.t.Errorf("a change after the blackout: %q", name)
	}
}

// TestABlackoutSilencesNothingThatIsInMemory: the process that has read the catalogue
// has all of it there, and does not yet need to compare it.
func TestABlackoutSilencesNothingThatIsInMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := start(t, []string{"serve"}, w.env()...)
	routes := w.alive(p)
	w.end()
	w.answersAll(p, routes, func(path string, f freshness) bool {
		return !f.Stale && (byItself(path) || f.Level == "index") // young: nobody has to be asked yet
	})
	w.begin()
	w.heals(p, routes)
}

// TestABlackoutSilencesNothingThatIsDueToBeCompared: what is in memory would have to
// be compared with levels that are gone, and says so.
func TestABlackoutSilencesNothingThatIsDueToBeCompared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := start(t, []string{"serve"}, w.env("ANIHUB_PLATFORM_CACHE_L1_TTL=1s", "ANIHUB_PLATFORM_CACHE_JITTER=0")...)
	routes := w.alive(p)
	w.end()
	for _, path := range routes {
		if byItself(path) {
			eventually(t, path+" says that it cannot be compared", func() bool {
				f := p.read(path).Meta.Freshness
				return f.Stale && f.Reason == "level_down"
			})
		}
	}
	w.answersAll(p, routes, func(path string, f freshness) bool {
		if byItself(path) {
			return f.Stale && (f.Reason == "level_down" || f.Reason == "timeout" || f.Reason == "upstream_down")
		}
		return !f.Stale && f.Level == "index"
	})
	w.begin()
	w.heals(p, routes)
}

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
