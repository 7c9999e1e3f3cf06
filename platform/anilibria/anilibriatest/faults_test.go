package anilibriatest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"anihub/platform/anilibria/anilibriatest"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	s := demo()
	const path = anilibriatest.BasePath + "/anime/releases/9901"
	_, _, whole := get(t, s, path)
	for name, c := range map[string]struct {
		fault anilibriatest.Fault
		check func(code int, h http.Header, body []byte) bool
	}{
		"status": {anilibriatest.Fault{Status: 500}, func(code int, _ http.Header, body []byte) bool {
			return code == 500 && string(body) == `{"message":"Server Error"}`
		}},
		"429": {anilibriatest.Fault{Status: 429, RetryAfter: "7"}, func(code int, h http.Header, body []byte) bool {
			return code == 429 && h.Get("Retry-After") == "7" && string(body) == `{"message":"Too Many Attempts."}`
		}},
		"HTML": {anilibriatest.Fault{HTML: true}, func(code int, h http.Header, _ []byte) bool {
			return code == 200 && strings.HasPrefix(h.Get("Content-Type"), "text/html")
		}},
		"truncated":   {anilibriatest.Fault{Truncate: true}, func(code int, _ http.Header, body []byte) bool { return code == 200 && len(body) == len(whole)/2 }},
		"wrong types": {anilibriatest.Fault{WrongTypes: true}, func(code int, _ http.Header, body []byte) bool { return code == 200 && len(body) > 0 }},
		"body":        {anilibriatest.Fault{Body: "[]"}, func(_ int, _ http.Header, body []byte) bool { return string(body) == "[]" }},
		"huge":        {anilibriatest.Fault{Huge: 1 << 20}, func(_ int, _ http.Header, body []byte) bool { return len(body) > 1<<20 }},
		"bomb": {anilibriatest.Fault{Bomb: 1 << 20}, func(_ int, h http.Header, body []byte) bool {
			return h.Get("Content-Encoding") == "gzip" && len(body) > 0 && len(body) < 1<<14 && unpacked(body) > 1<<20
		}},
	} {
		s.Break(anilibriatest.RouteRelease, c.fault)
		if code, h, body := get(t, s, path); !c.check(code, h, body) {
			t.Errorf("%s: %d %v %.80s", name, code, h, body)
		}
		s.Heal(anilibriatest.RouteRelease)
	}
	s.Break(anilibriatest.All, anilibriatest.Fault{Status: 503, Times: 2})
	var codes []int
	for range 3 {
		code, _, _ := get(t, s, path)
		codes = append(codes, code)
	}
	if codes[0] != 503 || codes[1] != 503 || codes[2] != 200 {
		t.Errorf("a fault for two answers: %v", codes)
	}
}

func unpacked(body []byte) int64 {
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return 0
	}
	n, _ := io.Copy(io.Discard, r)
	return n
}

// TestUntil: a question that waits is pending, and is answered when it may be.
func TestUntil(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, until := demo(), make(chan struct{})
		s.Break(anilibriatest.RouteStatus, anilibriatest.Fault{Until: until})
		code := 0
		go func() { code, _, _ = get(t, s, anilibriatest.BasePath+"/app/status") }()
		synctest.Wait()
		if n := s.Pending(anilibriatest.RouteStatus); n != 1 || code != 0 {
			t.Errorf("while it waits: %d pending, status %d", n, code)
		}
		close(until)
		synctest.Wait()
		if n := s.Pending(anilibriatest.RouteStatus); n != 0 || code != 200 {
			t.Errorf("afterwards: %d pending, status %d", n, code)
		}
	})
}

func TestFaultsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := demo()
		start := time.Now()
		s.Break(anilibriatest.RouteStatus, anilibriatest.Fault{Delay: 3 * time.Second})
		if code, _, _ := get(t, s, anilibriatest.BasePath+"/app/status"); code != 200 || time.Since(start) != 3*time.Second {
			t.Errorf("%d after %s", code, time.Since(start))
		}
		start = time.Now()
		s.Break(anilibriatest.RouteStatus, anilibriatest.Fault{Drip: time.Second})
		if _, _, body := get(t, s, anilibriatest.BasePath+"/app/status"); time.Since(start) != time.Duration(len(body))*time.Second {
			t.Errorf("%d bytes after %s", len(body), time.Since(start))
		}
		s.Break(anilibriatest.RouteStatus, anilibriatest.Fault{Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, anilibriatest.BasePath+"/app/status", nil))
		if w.Body.Len() != 0 || ctx.Err() == nil {
			t.Error("a hang has answered")
		}
	})
}

func TestResetOverASocket(t *testing.T) {
	t.Parallel()
	s := demo()
	server := httptest.NewServer(s)
	defer server.Close()
	s.Break(anilibriatest.RouteRelease, anilibriatest.Fault{Reset: true})
	res, err := server.Client().Get(server.URL + anilibriatest.BasePath + "/anime/releases/9901")
	if err == nil {
		_, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	if err == nil {
		t.Error("half an answer came as a whole one")
	}
}

func TestCounters(t *testing.T) {
	t.Parallel()
	s := demo()
	for _, path := range []string{"/anime/releases/9901", "/anime/releases/1", "/anime/releases/latest?limit=3&include=id", "/nothing"} {
		get(t, s, anilibriatest.BasePath+path)
	}
	if s.Calls(anilibriatest.RouteRelease) != 2 || s.Calls(anilibriatest.RouteLatest) != 1 || s.Calls(anilibriatest.All) != 4 ||
		s.LastQuery(anilibriatest.RouteLatest).Get("include") != "id" || s.LastQuery(anilibriatest.RouteSearch) != nil {
		t.Error("the counters are wrong")
	}
	s.ResetCalls()
	if s.Calls(anilibriatest.All) != 0 {
		t.Error("the counters were not reset")
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- demo().Serve(ctx, l) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + l.Addr().String() + anilibriatest.BasePath + "/app/status")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	cancel()
	if err := <-done; err != nil || res.StatusCode != 200 {
		t.Error(res.Status, err)
	}
	if err := demo().Serve(t.Context(), l); err == nil || errors.Is(err, http.ErrServerClosed) {
		t.Errorf("serving on a closed listener: %v", err)
	}
}

func BenchmarkReleasesList(b *testing.B) {
	s := anilibriatest.New(anilibriatest.Generate(50, 1))
	list := make([]string, 50)
	for i := range list {
		list[i] = "200" + string(rune('0'+i/10)) + string(rune('0'+i%10))
	}
	path := anilibriatest.BasePath + "/anime/releases/list?limit=50&exclude=torrents.release&ids=" + strings.Join(list, ",")
	for b.Loop() {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != 200 || w.Body.Len() < 50*2000 {
			b.Fatal(w.Code, w.Body.Len())
		}
		b.SetBytes(int64(w.Body.Len()))
	}
	b.ReportMetric(50*float64(b.N)/b.Elapsed().Seconds(), "titles/s")
}

func BenchmarkGenerate(b *testing.B) {
	for b.Loop() {
		anilibriatest.New(anilibriatest.Generate(2000, 1))
	}
}
