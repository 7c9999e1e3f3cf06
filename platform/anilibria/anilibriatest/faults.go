package anilibriatest

import (
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// All stands for every route in Break, Heal and Calls.
const All = ""

// Fault is how a route misbehaves; set one of the kinds, Delay goes with any.
type Fault struct {
	Status     int             // answers with this status and the body the real API has for it
	RetryAfter string          // header that goes with Status
	HTML       bool            // a page of HTML, with Status or 200
	Hang       bool            // accepts and never answers
	Reset      bool            // cuts the connection after half of the answer
	Truncate   bool            // half of the JSON, with a Content-Length that fits
	WrongTypes bool            // valid JSON of the wrong shape
	Body       string          // this in place of the answer, as JSON with 200
	Huge       int64           // this many bytes of one JSON string
	Bomb       int64           // the same, packed with gzip to a thousandth
	Drip       time.Duration   // one byte of the answer each
	Delay      time.Duration   // before anything else
	Until      <-chan struct{} // nothing before this is closed
	Times      int             // how many answers it spoils; 0 = until Heal
}

type faults struct {
	mu  sync.Mutex
	set map[string]*Fault
}

// Break makes a route (All: every route) misbehave.
func (s *Server) Break(route string, f Fault) {
	s.switches.mu.Lock()
	defer s.switches.mu.Unlock()
	if s.switches.set == nil {
		s.switches.set = make(map[string]*Fault)
	}
	s.switches.set[route] = &f
}

// Heal ends the misbehaviour of a route; Heal(All) ends all of it.
func (s *Server) Heal(route string) {
	s.switches.mu.Lock()
	defer s.switches.mu.Unlock()
	if route == All {
		clear(s.switches.set)
	}
	delete(s.switches.set, route)
}

// take is the fault for the next answer of a route.
func (f *faults) take(route string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range []string{route, All} {
		fault, ok := f.set[key]
		if !ok {
			continue
		}
		taken := *fault
		if fault.Times == 1 {
			delete(f.set, key)
		}
		fault.Times = max(0, fault.Times-1)
		return taken, true
	}
	return Fault{}, false
}

type counters struct {
	mu   sync.Mutex
	n    map[string]int
	open map[string]int
	last map[string]*url.URL
	head map[string]http.Header
}

// Calls is how often a route was asked (All: all routes), spoiled answers included.
func (s *Server) Calls(route string) int {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	if route != All {
		return s.calls.n[route]
	}
	sum := 0
	for _, n := range s.calls.n {
		sum += n
	}
	return sum
}

// Pending is how many questions to a route are under way: asked, and neither
// answered nor given up.
func (s *Server) Pending(route string) int {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	return s.calls.open[route]
}

// ResetCalls sets all counters to zero.
func (s *Server) ResetCalls() {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	clear(s.calls.n)
}

// LastQuery is the query of the last question to a route, nil without one.
func (s *Server) LastQuery(route string) url.Values {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	if u := s.calls.last[route]; u != nil {
		return u.Query()
	}
	return nil
}

// LastHeader are the request headers of the last question to a route.
func (s *Server) LastHeader(route string) http.Header {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	return s.calls.head[route].Clone()
}

func (c *counters) count(route string, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n, c.open = make(map[string]int), make(map[string]int)
		c.last, c.head = make(map[string]*url.URL), make(map[string]http.Header)
	}
	c.n[route]++
	c.open[route]++
	c.last[route], c.head[route] = r.URL, r.Header
}

func (c *counters) over(route string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[route]--
}

// guarded counts and spoils.
func (s *Server) guarded(route string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.calls.count(route, r)
		defer s.calls.over(route)
		f, broken := s.switches.take(route)
		if !broken {
			h(w, r)
			return
		}
		if !sleep(r, f.Delay) || !f.await(r) {
			return
		}
		f.spoil(w, r, h)
	}
}

func (f Fault) spoil(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
	switch {
	case f.Hang:
		<-r.Context().Done()
	case f.HTML:
		f.html(w)
	case f.Status != 0:
		f.status(w, r)
	case f.WrongTypes:
		write(w, http.StatusOK, []byte(`{"id":{"value":true},"name":"?","data":{"a":1},"meta":[1],"is_alive":"maybe"}`))
	case f.Body != "":
		write(w, http.StatusOK, []byte(f.Body))
	case f.Huge > 0:
		w.Header().Set("Content-Type", "application/json")
		huge(w, f.Huge)
	case f.Bomb > 0:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		huge(packed, f.Bomb)
		_ = packed.Close()
	default:
		f.cut(w, r, h)
	}
}

// cut spoils the true answer: half of it, or byte by byte.
func (f Fault) cut(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
	if !f.Reset && !f.Truncate && f.Drip == 0 {
		h(w, r)
		return
	}
	record := &recorder{header: make(http.Header), code: http.StatusOK}
	h(record, r)
	body := record.body
	switch {
	case f.Truncate:
		write(w, record.code, body[:len(body)/2])
	case f.Reset:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2])
		hangUp(w)
	default:
		w.Header().Set("Content-Type", "application/json")
		for i := range body {
			if !sleep(r, f.Drip) {
				return
			}
			_, _ = w.Write(body[i : i+1])
			_ = http.NewResponseController(w).Flush()
		}
	}
}

// recorder keeps an answer instead of sending it.
type recorder struct {
	header http.Header
	code   int
	body   []byte
}

func (r *recorder) Header() http.Header  { return r.header }
func (r *recorder) WriteHeader(code int) { r.code = code }

func (r *recorder) Write(b []byte) (int, error) {
	r.body = append(r.body, b...)
	return len(b), nil
}

// hangUp resets the connection where it can, and cuts it where it cannot.
func hangUp(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	_ = control.Flush()
	conn, _, err := control.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func (f Fault) status(w http.ResponseWriter, r *http.Request) {
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	text := http.StatusText(f.Status)
	switch f.Status {
	case http.StatusTooManyRequests:
		text = "Too Many Attempts."
	case http.StatusInternalServerError:
		text = "Server Error"
	}
	if strings.HasPrefix(r.URL.Path, V3Path+"/") {
		writeV3Error(w, f.Status, text)
		return
	}
	write(w, f.Status, appendJSON(nil, message(text)))
}

func (f Fault) html(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(max(f.Status, http.StatusOK))
	_, _ = io.WriteString(w, "<!DOCTYPE html><title>Just a moment...</title><p>Checking your browser.")
}

// huge writes n bytes of one JSON string, or as many as somebody reads.
func huge(w io.Writer, n int64) {
	chunk := bytes.Repeat([]byte("a"), 32<<10)
	_, err := io.WriteString(w, `{"data":"`)
	for left := n; left > 0 && err == nil; left -= int64(len(chunk)) {
		_, err = w.Write(chunk[:min(int64(len(chunk)), left)])
	}
	_, _ = io.WriteString(w, `"}`)
}

// await waits for Until unless the caller leaves.
func (f Fault) await(r *http.Request) bool {
	if f.Until == nil {
		return true
	}
	select {
	case <-f.Until:
		return true
	case <-r.Context().Done():
		return false
	}
}

// sleep waits unless the caller leaves.
func sleep(r *http.Request, d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
