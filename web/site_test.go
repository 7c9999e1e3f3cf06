package web

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labstack/echo/v4"
)

func built() fstest.MapFS {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	return fstest.MapFS{
		"index.html": file("<html>page</html>"), "assets/app-1a2b.js": file("script"),
		"assets/app-1a2b.js.br": file("BR"), "assets/app-1a2b.js.gz": file("GZ"),
		"favicon.svg": file("<svg/>"), "boot.js": file("boot"), "manifest.webmanifest": file("{}"),
	}
}

func get(t *testing.T, files fstest.MapFS, method, path string, headers ...string) (*httptest.ResponseRecorder, error) {
	t.Helper()
	s, err := newSite(files)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	return w, s.serve(echo.New().NewContext(r, w))
}

func TestSite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, accept, body, kind, cache, coding string
	}{
		{"/", "", "<html>page</html>", "text/html; charset=utf-8", revisit, ""},
		{"/title/9901", "", "<html>page</html>", "text/html; charset=utf-8", revisit, ""},
		{"/index.html", "", "<html>page</html>", "text/html; charset=utf-8", revisit, ""},
		{"/assets/app-1a2b.js", "", "script", "text/javascript; charset=utf-8", forever, ""},
		{"/assets/app-1a2b.js", "gzip, br", "BR", "text/javascript; charset=utf-8", forever, "br"},
		{"/assets/app-1a2b.js", "gzip", "GZ", "text/javascript; charset=utf-8", forever, "gzip"},
		{"/assets/app-1a2b.js", "br;q=0, gzip;q=0", "script", "text/javascript; charset=utf-8", forever, ""},
		{"/favicon.svg", "gzip", "<svg/>", "image/svg+xml", revisit, ""},
		{"/boot.js", "", "boot", "text/javascript; charset=utf-8", revisit, ""},
		{"/manifest.webmanifest", "", "{}", "application/manifest+json", revisit, ""},
	} {
		w, err := get(t, built(), "GET", c.path, "Accept-Encoding", c.accept)
		h := w.Header()
		if err != nil || w.Body.String() != c.body || h.Get("Content-Type") != c.kind || h.Get("Cache-Control") != c.cache || h.Get("Content-Encoding") != c.coding || h.Get("Etag") == "" {
			t.Errorf("%s (%s): %v %q %v", c.path, c.accept, err, w.Body, h)
		}
		w, err = get(t, built(), "GET", c.path, "If-None-Match", h.Get("Etag"))
		if err != nil || w.Code != http.StatusNotModified || w.Body.Len() > 0 {
			t.Errorf("%s again: %v %d", c.path, err, w.Code)
		}
	}
}

func TestSiteRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, path string }{
		{"GET", "/api"},
		{"GET", "/api/nothing"},
		{"GET", "/internal/stats"},
		{"GET", "/metrics"},
		{"GET", "/debug/pprof/"},
		{"GET", "/health/x"},
		{"POST", "/"},
		{"DELETE", "/title/1"},
		{"GET", "/assets/gone.js"},
		{"GET", "/robots.php"},
		{"GET", "/assets/..%2f..%2fetc%2fpasswd"},
		{"GET", "/..%2f"},
		{"GET", "/a%00b"},
		{"GET", "/a%5cb"},
		{"GET", "/assets/app-1a2b.js.br"},
	} {
		w, err := get(t, built(), c.method, c.path)
		if err == nil {
			t.Errorf("%s %s: %d %.40q", c.method, c.path, w.Code, w.Body)
		}
	}
}

func TestSiteWithoutAPage(t *testing.T) {
	t.Parallel()
	if _, err := get(t, fstest.MapFS{"favicon.svg": {Data: []byte("<svg/>")}}, "GET", "/"); err == nil || !strings.Contains(err.Error(), "not built") {
		t.Errorf("got %v", err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	bad := Config{Addr: "8080", RateLimit: -1, AllowedOrigins: []string{"https://x/path", "x"}, TrustedProxies: []string{"10.0.0.1"}}
	err := bad.Validate()
	for _, key := range []string{"addr:", "rate_limit:", "allowed_origins:", "trusted_proxies:"} {
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte(key)) {
			t.Errorf("%v does not name %s", err, key)
		}
	}
}
