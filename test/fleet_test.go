package test

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"anihub/platform/anilibria/anilibriatest"
	"anihub/platform/documents/mongowiretest"
	"anihub/platform/eventlog"
	"anihub/platform/redisdb/redistest"
)

// revision is what the oracle calls a title in its second life.
func revision(id int) string { return fmt.Sprintf("Вторая жизнь %d", id) }

// TestAProcessThatSleptTellsNothingOldOnceItsPositionHasPassed: it is stopped with
// 500 titles in its memory, all of them change, and it wakes under load. Each of its
// answers is held against the position that it carries itself.
func TestAProcessThatSleptTellsNothingOldOnceItsPositionHasPassed(t *testing.T) {
	t.Parallel()
	const many = 500
	u := newUpstream(t, slim(many))
	ids := u.IDs()
	env := together(u.quiet(), shared(redistest.Start(t), mongowiretest.Start(t)))
	awake := start(t, []string{"serve"}, env...)
	awake.holds(many)
	sleeper := start(t, []string{"serve"}, env...)
	sleeper.holds(many)
	for _, p := range []*process{awake, sleeper} {
		everyTitle(ids, func(id int) {
			if a := p.title(id); a.status != 200 {
				t.Errorf("%s: %d %.200s", a.path, a.status, a.body)
			}
		})
	}

	sleeper.signal(syscall.SIGSTOP)
	for _, id := range ids {
		u.revise(t, id, revision(id))
	}
	awake.awaitPass(awake.beginPass())
	change := awake.mark()
	sleeper.signal(syscall.SIGCONT)

	o := &oracle{t: t, change: change, seen: map[string]bool{}}
	pages := (many + 99) / 100
	eventually(t, "the sleeper has passed the change with every title and every page", func() bool {
		everyTitle(ids, func(id int) { a := sleeper.title(id); o.judge(a, a.title(t)) })
		for page := 1; page <= pages; page++ {
			a := sleeper.read(fmt.Sprintf("%s?limit=100&page=%d", titles, page))
			o.judge(a, a.list(t)...)
		}
		return len(o.seen) == many+pages || t.Failed()
	})
	t.Logf("%d answers from before the change, %d after it", o.before.Load(), o.after.Load())
}

// slim are n titles of one episode each: what is looked at is their number.
func slim(n int) []anilibriatest.Title {
	all := make([]anilibriatest.Title, n)
	for i := range all {
		all[i] = anilibriatest.Title{
			ID: 20_001 + i, Main: fmt.Sprintf("Первая жизнь %d", 20_001+i), English: fmt.Sprintf("First Life %d", 20_001+i),
			Type: "TV", Year: 2001 + i%20, Season: "spring", Genres: []int{1 + i%5},
			FreshAt:  time.Date(2020, 4, 1, 12, i, 0, 0, time.UTC),
			Episodes: []anilibriatest.Episode{{Ordinal: 1, Quality: 1080, Duration: 1420}},
		}
	}
	return all
}

// beginPass asks for the whole catalogue to be fetched and names the job.
func (p *process) beginPass() string {
	p.t.Helper()
	var job struct {
		ID string `json:"job_id"`
	}
	p.admin("POST", "/internal/sync/full", "").into(p.t, &job)
	return job.ID
}

func (p *process) awaitPass(id string) {
	p.t.Helper()
	eventually(p.t, "the full pass ends", func() bool {
		var job struct{ State string }
		p.admin("GET", "/internal/sync/jobs/"+id, "").into(p.t, &job)
		return job.State == "succeeded"
	})
}

// everyTitle runs over the ids in four lanes.
func everyTitle(ids []int, do func(id int)) {
	var wg sync.WaitGroup
	for lane := range 4 {
		wg.Go(func() {
			for i := lane; i < len(ids); i += 4 {
				do(ids[i])
			}
		})
	}
	wg.Wait()
}

// mark puts an event on the log and tells its position: whatever this process has
// done before lies before it.
func (p *process) mark() eventlog.Position {
	p.t.Helper()
	a := p.admin("POST", "/internal/anilibria/notify",
		`{"type":"new_episode","title_id":1,"episode":1,"data":{"title":"Метка"},"timestamp":"2026-01-02T03:04:05Z"}`)
	var out struct{ Position string }
	if err := json.Unmarshal(a.Data, &out); err != nil {
		p.t.Fatalf("notify: %d %s", a.status, a.body)
	}
	at, err := eventlog.ParsePosition(out.Position)
	if err != nil {
		p.t.Fatalf("notify: %v in %s", err, a.body)
	}
	return at
}

// oracle knows that every title changed before a position.
type oracle struct {
	t             *testing.T
	change        eventlog.Position
	before, after atomic.Int64
	mu            sync.Mutex
	seen          map[string]bool // what has answered with a position at or past the change
}

// past tells whether an answer claims to know of the change. One without a position
// claims nothing.
func (o *oracle) past(a answer) bool {
	if a.status != 200 {
		o.t.Errorf("%s: %d %.200s", a.path, a.status, a.body)
		return false
	}
	at, err := eventlog.ParsePosition(a.header.Get("X-Stream-Position"))
	if err != nil || at.Epoch != o.change.Epoch || at.Offset < o.change.Offset {
		o.before.Add(1)
		return false
	}
	o.after.Add(1)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen[a.path] = true
	return true
}

func (o *oracle) judge(a answer, told ...short) {
	if !o.past(a) {
		return
	}
	for _, s := range told {
		if s.Names.RU != revision(s.ID) {
			o.t.Errorf("%s at %s tells %q, which was replaced at %s", a.path, a.header.Get("X-Stream-Position"), s.Names.RU, o.change)
		}
	}
}
