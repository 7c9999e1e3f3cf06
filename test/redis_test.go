package test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"anihub/platform/anilibria/anilibriatest"
	"anihub/platform/redisdb/redistest"
)

// redisWithin gives Redis that much time, so that only a fault makes it fail, not a
// busy machine.
func redisWithin(d string) []string {
	return []string{
		"ANIHUB_PLATFORM_CACHE_L2_TIMEOUT=" + d, "ANIHUB_PLATFORM_STORAGE_REDIS_DIAL_TIMEOUT=" + d,
		"ANIHUB_PLATFORM_STORAGE_REDIS_READ_TIMEOUT=" + d, "ANIHUB_PLATFORM_STORAGE_REDIS_WRITE_TIMEOUT=" + d,
	}
}

// oftenCompared makes L1 look at L2 every second.
func oftenCompared() []string {
	return append(redisWithin("500ms"),
		"ANIHUB_PLATFORM_CACHE_L1_TTL=1s", "ANIHUB_PLATFORM_CACHE_JITTER=0", "ANIHUB_PLATFORM_CACHE_BREAKER_DELAY=1s")
}

// The ways in which Redis accepts and does not answer.
func TestRedisThatDoesNotAnswerCostsNoViewerAnything(t *testing.T) {
	t.Parallel()
	nothing := func(*redistest.Server, *relay) {}
	for name, c := range map[string]struct {
		harm, heal func(*redistest.Server, *relay)
	}{
		// Nobody can end a pause of all commands; it ends by itself.
		"CLIENT PAUSE": {func(s *redistest.Server, _ *relay) { s.Do("CLIENT", "PAUSE", 6000, "ALL") }, nothing},
		"SIGSTOP": {
			func(s *redistest.Server, _ *relay) { s.Pause() },
			func(s *redistest.Server, _ *relay) { s.Resume() },
		},
		"a black hole": {
			func(_ *redistest.Server, r *relay) { r.swallow() },
			func(_ *redistest.Server, r *relay) { r.pass() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t)
			way := newRelay(t, redis.Addr())
			u := newUpstream(t, anilibriatest.Catalogue())
			p := start(t, []string{"serve"}, together(u.quiet(), oftenCompared(), redisEnv("redis://"+way.addr()))...)
			p.ready()
			passedOver(t, u, p, func() { c.harm(redis, way) }, func() { c.heal(redis, way) })
		})
	}
}

// passedOver does harm to Redis under load and holds what is seen outside, and what
// the operator sees, against the promise.
func passedOver(t *testing.T, u *upstream, p *process, harm, heal func()) {
	t.Helper()
	const during, after = 9901, 9904
	awaitRedis(t, p, "ready", "closed", 0)
	crowd := p.crowd(u.cold(40))
	harm()
	eventually(t, "L2 is passed over", func() bool { return p.metric("cache_level_breaker_state", `level="l2"`) == 2 })
	eventually(t, "statistics tell", func() bool { return p.breaker("l2") == "open" })
	eventually(t, "readiness is degraded and still 200", func() bool {
		status, whole, redis := p.readiness("redis")
		return status == 200 && whole == "degraded" && redis == "degraded"
	})
	u.revise(t, during, "Пока Redis молчал")
	p.take(during)
	p.learns(t, during, "Пока Redis молчал")

	heal()
	awaitRedis(t, p, "ready", "closed", 0)
	u.revise(t, after, "Когда Redis вернулся")
	p.take(after)
	crowd.leave(t)
	eventually(t, "nothing is owed to L2", func() bool { return p.metric("cache_invalidations_owed") == 0 })
	for id, want := range map[int]string{during: "Пока Redis молчал", after: "Когда Redis вернулся"} {
		p.learns(t, id, want)
		eventually(t, "every level has the same", func() bool { return p.levelsAgree(t, id) })
	}
	oneLinePerChange(t, p, "l2")
}

// learns holds answers against a change that is stored already: what is older may be told
// only by a reader's soft timeout, while a level is asked that does not answer, and marked.
func (p *process) learns(t *testing.T, id int, name string) {
	t.Helper()
	eventually(t, "the change is told", func() bool {
		a := p.title(id)
		got := a.title(t).Names.RU
		if f := a.Meta.Freshness; got != name && (!f.Stale || f.Reason != "timeout") {
			t.Fatalf("title %d: %q as %+v, want %q", id, got, f, name)
		}
		return got == name
	})
}

func awaitRedis(t *testing.T, p *process, state, breaker string, gauge float64) {
	t.Helper()
	eventually(t, "Redis is "+state, func() bool {
		status, whole, redis := p.readiness("redis")
		return status == 200 && whole == state && redis == state &&
			p.metric("cache_level_breaker_state", `level="l2"`) == gauge && p.breaker("l2") == breaker
	})
}

// breaker is the state of a level in the statistics.
func (p *process) breaker(level string) string {
	p.t.Helper()
	var s struct {
		Cache struct {
			Levels []struct{ Level, Breaker string }
		}
	}
	p.admin("GET", "/internal/stats", "").into(p.t, &s)
	for _, l := range s.Cache.Levels {
		if l.Level == level {
			return l.Breaker
		}
	}
	return ""
}

// levelsAgree: no level holds another title than the deepest one does.
func (p *process) levelsAgree(t *testing.T, id int) bool {
	t.Helper()
	p.title(id)
	var x struct {
		Levels []struct {
			Level, ETag string
			Present     bool
		}
	}
	p.admin("GET", fmt.Sprintf("/internal/cache/explain?key=title:%d", id), "").into(t, &x)
	present := 0
	for _, l := range x.Levels {
		if l.Present && l.ETag == x.Levels[len(x.Levels)-1].ETag {
			present++
		}
	}
	return present == 3 && len(x.Levels) == 3
}

var changeLine = regexp.MustCompile(`cache level changed state.* level=(\S+) passed_over=(\S+)`)

// oneLinePerChange: the lines of a level tell of failing and healing by turns, so
// none is told twice and none is missing.
func oneLinePerChange(t *testing.T, p *process, level string) {
	t.Helper()
	var told []string
	for _, m := range changeLine.FindAllStringSubmatch(p.out.String(), -1) {
		if m[1] == level {
			told = append(told, m[2])
		}
	}
	for i, passedOver := range told {
		if passedOver != fmt.Sprint(i%2 == 0) {
			t.Errorf("the log tells of %s: passed over %v; want true and false by turns", level, told)
			return
		}
	}
	if len(told) == 0 || len(told)%2 != 0 {
		t.Errorf("the log tells of %s: passed over %v; want true first and false last", level, told)
	}
}

// crowd is eight viewers who read what is hot, lists, and now and then a title that
// nobody has read.
type crowd struct {
	done  chan struct{}
	wg    sync.WaitGroup
	asked atomic.Int64
	mu    sync.Mutex
	bad   []string
}

// crowdMost is how often each of the crowd asks at most.
const crowdMost = 4000

func (p *process) crowd(cold []int) *crowd {
	c := &crowd{done: make(chan struct{})}
	hot := []string{titlePath(9901), titlePath(9902), titlePath(9904), titles + "?limit=20", titlePath(9905), titles + "?sort=updated&order=desc", "/api/anilibria/v2/popular"}
	for w := range 8 {
		c.wg.Go(func() {
			for i := range crowdMost {
				path := hot[(w+i)%len(hot)]
				if i%50 == 49 {
					path = titlePath(cold[(w*7+i/50)%len(cold)])
				}
				select {
				case <-c.done:
					return
				case <-time.After(5 * time.Millisecond):
					c.note(path)(p.get(path))
				}
			}
		})
	}
	return c
}

func (c *crowd) note(path string) func(status int, _ http.Header, body string) {
	return func(status int, _ http.Header, body string) {
		c.asked.Add(1)
		if status != 200 {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.bad = append(c.bad, fmt.Sprintf("%s: %d %.200s", path, status, body))
		}
	}
}

// leave ends the crowd; every answer to it must have been 200.
func (c *crowd) leave(t *testing.T) {
	t.Helper()
	close(c.done)
	c.wg.Wait()
	if len(c.bad) > 0 {
		t.Errorf("%d of %d answers were not 200:\n%s", len(c.bad), c.asked.Load(), strings.Join(c.bad[:min(5, len(c.bad))], "\n"))
	}
	t.Logf("%d answers", c.asked.Load())
}

// TestAFullRedisCostsNoViewerAnything: it reads and refuses to write.
func TestAFullRedisCostsNoViewerAnything(t *testing.T) {
	t.Parallel()
	const id = 9901
	redis := redistest.Start(t)
	u := newUpstream(t, anilibriatest.Catalogue())
	p := start(t, []string{"serve"}, together(u.quiet(), oftenCompared(), redisEnv(redis.URL()))...)
	p.ready()
	awaitRedis(t, p, "ready", "closed", 0)
	cold := u.cold(40)
	crowd := p.crowd(cold)
	redis.Do("CONFIG", "SET", "maxmemory-policy", "noeviction")
	redis.Do("CONFIG", "SET", "maxmemory", "1mb")
	errors := func() float64 { return p.metric("cache_requests_total", `level="l2"`, `result="error"`) }
	before := errors()
	eventually(t, "errors are counted", func() bool { return errors() > before })
	u.revise(t, id, "Пока в Redis не было места")
	p.take(id)
	if name := p.title(id).title(t).Names.RU; name != "Пока в Redis не было места" {
		t.Errorf("a change while Redis is full: %q", name)
	}

	redis.Do("CONFIG", "SET", "maxmemory", "0")
	awaitRedis(t, p, "ready", "closed", 0)
	eventually(t, "nothing is owed to L2", func() bool { return p.metric("cache_invalidations_owed") == 0 })
	crowd.leave(t)
	for _, id := range []int{id, cold[0]} {
		eventually(t, "every level has the same", func() bool { return p.levelsAgree(t, id) })
	}
	if name := p.title(id).title(t).Names.RU; name != "Пока в Redis не было места" {
		t.Errorf("after healing: %q", name)
	}
}

// TestWhatCannotBeReadInRedisIsAsIfItWereNotThere: frames that are none.
func TestWhatCannotBeReadInRedisIsAsIfItWereNotThere(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	u := newUpstream(t, anilibriatest.Catalogue())
	p := start(t, []string{"serve"}, together(u.quiet(), oftenCompared(), redisEnv(redis.URL()))...)
	p.ready()
	client := redis.Client()
	harm := map[string]func(frame string) string{
		"garbage":         func(string) string { return "}{ no frame at all" },
		"nothing":         func(string) string { return "" },
		"another version": func(frame string) string { return frame[:1] + "\x7f" + frame[2:] },
		"another magic":   func(frame string) string { return "\x00" + frame[1:] },
		"truncated":       func(frame string) string { return frame[:len(frame)/2] },
		"only a header":   func(frame string) string { return frame[:36] },
		"a flipped bit": func(frame string) string {
			return frame[:len(frame)-20] + string(frame[len(frame)-20]^1) + frame[len(frame)-19:]
		},
		"a longer one": func(frame string) string { return frame + "tail" },
	}
	ids := u.IDs()
	poisoned := func() float64 { return p.metric("cache_poisoned_total", `level="l2"`) }
	done := 0
	for name, spoil := range harm {
		id := ids[done]
		key := fmt.Sprintf("anilibria:title:%d", id)
		before := p.title(id)
		var frame string
		eventually(t, "the title is in Redis", func() bool {
			p.title(id)
			frame = client.Get(t.Context(), key).Val()
			return len(frame) > 100
		})
		poison := spoil(frame)
		if err := client.Set(t.Context(), key, poison, time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		done++
		eventually(t, name+" is found and counted", func() bool {
			a := p.title(id)
			if a.status != 200 || string(a.Data) != string(before.Data) {
				t.Fatalf("%s: %d %.200s", name, a.status, a.body)
			}
			return poisoned() >= float64(done)
		})
		if n := poisoned(); n != float64(done) {
			t.Errorf("%s: counted %v in all, want %d", name, n, done)
		}
		eventually(t, name+" is gone, a sound frame is there", func() bool {
			p.title(id)
			now := client.Get(t.Context(), key).Val()
			return now != poison && p.levelsAgree(t, id)
		})
	}
	if told := changeLine.FindAllString(p.out.String(), -1); slices.ContainsFunc(told, func(l string) bool { return strings.Contains(l, "level=l2") }) {
		t.Errorf("a value that cannot be read is no reason to pass L2 over: %v", told)
	}
}
