package anilibria_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"anihub/platform/anilibria"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// answer is what a fake host does with one request.
type answer func(r *http.Request) (*http.Response, error)

// world is a set of hosts in the process: a RoundTripper whose hosts can be changed
// at any time, for tests in virtual time.
type world struct {
	mu      sync.Mutex
	hosts   map[string]answer
	asked   map[string]int
	times   []time.Time
	flying  int
	highest int
	last    *http.Request
}

func newWorld() *world {
	return &world{hosts: make(map[string]answer), asked: make(map[string]int)}
}

func (w *world) is(host string, a answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hosts[host] = a
}

func (w *world) calls(host string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[host]
}

func (w *world) most() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.highest
}

func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	a := w.hosts[r.URL.Host]
	w.asked[r.URL.Host]++
	w.times = append(w.times, time.Now())
	w.flying++
	w.highest = max(w.highest, w.flying)
	w.last = r
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.flying--
		w.mu.Unlock()
	}()
	res, err := a(r)
	if res != nil {
		res.Request = r
	}
	return res, err
}

func says(status int, body string, header ...string) answer {
	return func(*http.Request) (*http.Response, error) {
		h := http.Header{"Content-Type": {"application/json"}}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}, nil
	}
}

const alive = `{"is_alive":true,"n":1}`

func fine() answer { return says(200, alive) }

func page() answer {
	return says(200, "<html>blocked</html>", "Content-Type", "text/html; charset=utf-8")
}

func fails(err error) answer {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// drips sends headers at once and a byte of the body each second.
func drips(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: -1,
		Body: &dripping{ctx: r.Context()},
	}, nil
}

type dripping struct{ ctx context.Context }

func (d *dripping) Close() error { return nil }

func (d *dripping) Read(b []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(time.Second):
		b[0] = ' '
		return 1, nil
	}
}

// after answers after a while, unless the caller leaves.
func after(d time.Duration, a answer) answer {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return a(r)
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

// rig is a guard over a world, with its metrics and logs.
type rig struct {
	*anilibria.Guard
	world    *world
	registry *prometheus.Registry
	logs     *lines
}

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

func newRig(t *testing.T, hosts ...string) *rig {
	t.Helper()
	c := anilibria.DefaultConfig()
	c.BaseURLs = nil
	for _, h := range hosts {
		c.BaseURLs = append(c.BaseURLs, "http://"+h+"/api/v1")
	}
	return newRigWith(t, c)
}

func newRigWith(t *testing.T, c anilibria.Config) *rig {
	t.Helper()
	r := &rig{world: newWorld(), registry: prometheus.NewRegistry(), logs: &lines{}}
	var err error
	log := slog.New(slog.NewTextHandler(r.logs, nil))
	if r.Guard, err = anilibria.NewGuardOver(c, log, r.registry, r.world); err != nil {
		t.Fatal(err)
	}
	return r
}

// ask is the plainest question.
func (r *rig) ask(ctx context.Context) error { return r.Fetch(ctx, question()) }

func question() anilibria.Request {
	return anilibria.Request{Route: "test", Path: "anything", Decode: func(body []byte, _ anilibria.Skip) error {
		var v struct {
			N *int `json:"n"`
		}
		return json.Unmarshal(body, &v)
	}}
}

// metric is the sum of a metric's series that carry all the labels.
func (r *rig) metric(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if carries(m, labels) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

func carries(m *dto.Metric, labels []string) bool {
	found := 0
	for i := 0; i+1 < len(labels); i += 2 {
		for _, l := range m.GetLabel() {
			if l.GetName() == labels[i] && l.GetValue() == labels[i+1] {
				found++
			}
		}
	}
	return found == len(labels)/2
}
