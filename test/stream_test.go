package test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"anihub/platform/anilibria/anilibriatest"
	"anihub/platform/documents/mongowiretest"
	"anihub/platform/redisdb/redistest"
)

// radio is a browser's EventSource: it keeps the id of the last event.
type radio struct {
	t    *testing.T
	id   string
	body io.ReadCloser
	in   *bufio.Reader
}

// tune listens to an instance from where the radio was.
func (r *radio) tune(p *process) {
	t := r.t
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/api/anilibria/v2/events?types=new_episode", nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.id != "" {
		req.Header.Set("Last-Event-ID", r.id)
	}
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%d", resp.StatusCode)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	r.body, r.in = resp.Body, bufio.NewReader(resp.Body)
}

// next is the name and the data of the next event.
func (r *radio) next() (name, data string, err error) {
	for {
		line, err := r.in.ReadString('\n')
		if err != nil {
			return "", "", err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "id":
			r.id = value
		case "event":
			name = value
		case "data":
			data = value
		case "":
			if data != "" {
				return name, data, nil
			}
		}
	}
}

// expect passes over what is no event of that name and returns its data.
func (r *radio) expect(name string) string {
	r.t.Helper()
	for {
		got, data, err := r.next()
		if err != nil {
			r.t.Fatalf("waiting for %s: %v", name, err)
		}
		if got == name {
			return data
		}
	}
}

func (r *radio) episode() string {
	r.t.Helper()
	var m message
	if err := json.Unmarshal([]byte(r.expect("new_episode")), &m); err != nil {
		r.t.Fatal(err)
	}
	return m.EventID
}

// TestAStreamGoesOnOnAnotherInstance: the one that a browser listens to is killed, and it
// hears everything once, in order, from the other.
func TestAStreamGoesOnOnAnotherInstance(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, anilibriatest.Catalogue())
	env := together(u.env(), shared(redistest.Start(t), mongowiretest.Start(t)))
	a := start(t, []string{"serve"}, env...)
	a.ready()
	b := start(t, []string{"serve"}, env...)
	b.ready()
	witness := b.watch(everyEpisode)
	air := func(id int) string {
		t.Helper()
		if _, err := u.AirEpisode(id); err != nil {
			t.Fatal(err)
		}
		return witness.expect("new_episode").EventID
	}
	r := &radio{t: t}
	r.tune(a)
	r.expect("subscribed")
	want := []string{air(9901)}
	heard := []string{r.episode()}
	a.kill()
	if _, _, err := r.next(); err == nil {
		t.Error("the stream goes on after its process was killed")
	}
	want = append(want, air(9904), air(9901))
	r.tune(b)
	heard = append(heard, r.episode(), r.episode())
	want = append(want, air(9904))
	heard = append(heard, r.episode())
	if !slices.Equal(heard, want) {
		t.Errorf("heard %v, want %v", heard, want)
	}
}

// TestAStreamEndsWithItsProcess: the stop is graceful, says when to come back, and does
// not wait for those who listen.
func TestAStreamEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, anilibriatest.Catalogue())
	env := append(u.env(), "ANIHUB_PLATFORM_STORAGE_DATA_DIR="+t.TempDir(), "ANIHUB_MODULES_REALTIME_DRAIN_SECONDS=1")
	p := start(t, []string{"serve"}, env...)
	p.ready()
	eventually(t, "the baseline is settled", func() bool { return p.metric("sync_polls_total", `result="ok"`) > 0 })
	r := &radio{t: t}
	r.tune(p)
	r.expect("subscribed")
	p.signal(syscall.SIGTERM)
	if data := r.expect("close"); !strings.Contains(data, `"code":1012`) || !strings.Contains(data, "retry_in_ms") {
		t.Errorf("the stream ended with %s", data)
	}
	if code := p.wait(); code != 0 {
		t.Errorf("exit %d", code)
	}
	for n := range 3 {
		if _, err := u.AirEpisode(9901 + n); err != nil {
			t.Fatal(err)
		}
	}
	p = start(t, []string{"serve"}, env...)
	r.tune(p)
	seen := map[string]bool{}
	for range 3 {
		id := r.episode()
		if seen[id] {
			t.Errorf("%s came twice", id)
		}
		seen[id] = true
	}
	if len(seen) != 3 {
		t.Error(fmt.Sprint("heard ", seen))
	}
}
