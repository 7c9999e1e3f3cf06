package anilibria_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"anihub/platform/anilibria"
	"anihub/platform/anilibria/anilibriatest"
	v1 "anihub/platform/anilibria/v1"

	"github.com/prometheus/client_golang/prometheus"
)

// These tests use real sockets: what they show is in the transport. No time is
// asserted in them.

func realGuard(t *testing.T, bases ...string) *anilibria.Guard {
	t.Helper()
	c := anilibria.DefaultConfig()
	c.BaseURLs = bases
	c.Timeout, c.AttemptTimeout = 5*time.Minute, 2*time.Minute // a busy machine is no broken host
	g, err := anilibria.NewGuard(c, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// fake serves the demo catalogue and gives its base URL.
func fake(t *testing.T) (*anilibriatest.Server, string) {
	t.Helper()
	s := anilibriatest.New(anilibriatest.Catalogue())
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL + anilibriatest.BasePath
}

// U6. Not parallel: it reads what the whole process allocates.
func TestBodiesAreCut(t *testing.T) {
	packed := gzipped(t, anilibria.MaxBody+2<<20)
	var written atomic.Int64
	for name, body := range map[string]http.HandlerFunc{
		"40 MB announced": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "41943040")
			_ = pour(w, 40<<20)
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			written.Add(pour(w, 1<<40))
		},
		"gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed)
		},
	} {
		server := httptest.NewServer(body)
		g := realGuard(t, server.URL)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		want(t, g.Fetch(t.Context(), question()), anilibria.ErrGarbage)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 3*anilibria.MaxBody {
			t.Errorf("%s: %d MB allocated", name, grown>>20)
		}
		server.Close()
	}
	if n := written.Load(); n > anilibria.MaxBody+64<<20 {
		t.Errorf("%d MB were taken", n>>20)
	}
}

func pour(w io.Writer, size int64) (n int64) {
	chunk := bytes.Repeat([]byte(" "), 1<<20)
	for n < size {
		m, err := w.Write(chunk)
		n += int64(m)
		if err != nil {
			break
		}
	}
	return n
}

func gzipped(t *testing.T, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil || pour(z, size) < size || z.Close() != nil {
		t.Fatal("no bomb")
	}
	return b.Bytes()
}

func TestGzipIsUnpacked(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			http.Error(w, "no gzip asked for", http.StatusNotAcceptable)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, alive)
		_ = z.Close()
	}))
	defer server.Close()
	if err := realGuard(t, server.URL).Fetch(t.Context(), question()); err != nil {
		t.Error(err)
	}
}

// U7
func TestBrokenHostsArePassedOver(t *testing.T) {
	t.Parallel()
	good, base := fake(t)
	for name, broken := range map[string]string{
		"refused":                    "http://" + closedPort(t) + "/api/v1",
		"no such DNS":                "http://no-such-host.invalid/api/v1",
		"TLS expired":                expired(t),
		"plain HTTP on the TLS port": "https://" + strings.TrimPrefix(base, "http://"),
		"reset":                      faulty(t, anilibriatest.Fault{Reset: true}),
		"HTML":                       faulty(t, anilibriatest.Fault{HTML: true}),
		"500":                        faulty(t, anilibriatest.Fault{Status: 500}),
		"truncated":                  faulty(t, anilibriatest.Fault{Truncate: true}),
		"wrong types":                faulty(t, anilibriatest.Fault{WrongTypes: true}),
		"40 MB":                      faulty(t, anilibriatest.Fault{Huge: 40 << 20}),
	} {
		good.ResetCalls()
		c := v1.New(realGuard(t, broken, base), "http://assets.test")
		r, err := c.Release(t.Context(), anilibria.Ref{ID: 9901})
		if err != nil || r.ID != 9901 || good.Calls(anilibriatest.RouteRelease) != 1 {
			t.Errorf("%s: %d, %v, %d calls of the good host", name, r.ID, err, good.Calls(anilibriatest.RouteRelease))
		}
		alone := v1.New(realGuard(t, broken), "http://assets.test")
		if r, err := alone.Release(t.Context(), anilibria.Ref{ID: 9901}); err == nil {
			t.Errorf("%s alone: %+v", name, r)
		}
	}
}

// faulty is a fake that always fails in one way.
func faulty(t *testing.T, f anilibriatest.Fault) string {
	t.Helper()
	s, base := fake(t)
	s.Break(anilibriatest.All, f)
	return base
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// expired is a TLS server whose certificate ran out.
func expired(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// The driver and the fake agree on every route, through the real guard.
func TestDriverAgainstTheFake(t *testing.T) {
	t.Parallel()
	s, base := fake(t)
	c := v1.New(realGuard(t, base), "http://assets.test")
	ctx := t.Context()
	if err := c.Status(ctx); err != nil {
		t.Error(err)
	}
	var ids []int
	for page := 1; ; page++ {
		p, err := c.CatalogPage(ctx, page, anilibria.PageMax)
		if err != nil {
			t.Fatal(err)
		}
		full, err := c.Releases(ctx, p.IDs)
		if err != nil || len(full) != len(p.IDs) {
			t.Fatalf("page %d: %d releases of %d, %v", page, len(full), len(p.IDs), err)
		}
		for _, r := range full {
			sameTitle(t, s, r)
		}
		if ids = append(ids, p.IDs...); page >= p.Pages {
			break
		}
	}
	if len(ids) != len(s.IDs()) {
		t.Errorf("%d ids of %d", len(ids), len(s.IDs()))
	}
	e, err := s.AirEpisode(9930)
	if err != nil {
		t.Fatal(err)
	}
	bumps, err := c.Latest(ctx, 50)
	if err != nil || len(bumps) != 50 || bumps[0].ID != 9930 || bumps[0].EpisodeID != e.ID || bumps[0].EpisodeOrdinal != e.Ordinal {
		t.Errorf("%d bumps, first %+v, %v", len(bumps), bumps[0], err)
	}
	schedule, err := c.Schedule(ctx)
	if err != nil || len(schedule) < 10 || schedule[0].Weekday != 1 {
		t.Errorf("%d scheduled, %v", len(schedule), err)
	}
	franchises, err := c.Franchise(ctx, 9906)
	if err != nil || len(franchises) != 1 || len(franchises[0].Releases) != 4 {
		t.Errorf("franchises %+v, %v", franchises, err)
	}
	for _, id := range []int{9914, 1} { // no franchise, no release
		if f, err := c.Franchise(ctx, id); err != nil || len(f) != 0 {
			t.Errorf("franchises of %d: %+v, %v", id, f, err)
		}
	}
	_, err = c.Release(ctx, anilibria.Ref{ID: 1})
	want(t, err, anilibria.ErrNotFound)
	if r, err := c.Release(ctx, anilibria.Ref{Alias: "chou-shoujo"}); err != nil || r.ID != 9919 {
		t.Errorf("%d, %v", r.ID, err)
	}
}

func sameTitle(t *testing.T, s *anilibriatest.Server, r anilibria.Release) {
	t.Helper()
	x, _ := s.Title(r.ID)
	if r.Alias != x.Alias || r.Name.Main != x.Main || len(r.Episodes) != len(x.Episodes) || len(r.Torrents) != len(x.Torrents) ||
		len(r.Members) != len(x.Members) || len(r.Genres) != len(x.Genres) || r.BlockedByGeo != x.BlockedByGeo || r.EpisodesTotal != x.EpisodesTotal ||
		!r.FreshAt.Equal(x.FreshAt) || r.Description != x.Description {
		t.Errorf("release %d differs: %+v", r.ID, r)
	}
	for _, e := range r.Episodes {
		if !e.Playable() || (e.Opening != nil && e.Opening.Stop <= e.Opening.Start) || strings.Contains(e.HLS480, "?") {
			t.Errorf("release %d: %+v", r.ID, e)
		}
	}
}

// U7: a host that answered before it broke is asked again by Run and comes back.
func TestRunHealsARealHost(t *testing.T) {
	t.Parallel()
	s, base := fake(t)
	_, spare := fake(t)
	c := anilibria.DefaultConfig()
	c.BaseURLs = []string{base, spare}
	c.Breaker.Delay = time.Second
	g, err := anilibria.NewGuard(c, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	s.Break(anilibriatest.All, anilibriatest.Fault{Status: 503})
	client := v1.New(g, "http://assets.test")
	for range 6 {
		if _, err := client.Release(t.Context(), anilibria.Ref{ID: 9901}); err != nil {
			t.Fatal(err)
		}
	}
	if !g.State()[1].Active {
		t.Fatal("the spare host is not active")
	}
	s.Heal(anilibriatest.All)
	for !g.State()[0].Active { // the test's own deadline ends it otherwise
		time.Sleep(20 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
