package api_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheClientIsServed to every origin, the parts of the repository in one file.
func TestTheClientIsServed(t *testing.T) {
	t.Parallel()
	s := open(t)
	for path, kind := range map[string]string{
		"/sdk/anihub.js": "text/javascript; charset=utf-8", "/sdk/anihub.d.ts": "text/plain; charset=utf-8",
	} {
		want := lies(t, path)
		if path == "/sdk/anihub.js" {
			want = regexp.MustCompile(`(?m)^import .*\n`).ReplaceAllString(want, "")
			for _, part := range []string{"/sdk/line.js", "/sdk/listeners.js"} {
				want += strings.ReplaceAll("\n"+lies(t, part), "\nexport ", "\n")
			}
		}
		r := s.get(t, path, "Origin", "https://anywhere.example", "Accept-Encoding", "gzip")
		h := r.Header
		if body := string(read(t, r)); r.StatusCode != 200 || body != want {
			t.Errorf("%s: %d, %d bytes of %d", path, r.StatusCode, len(body), len(want))
		}
		for name, want := range map[string]string{
			"Content-Type": kind, "Access-Control-Allow-Origin": "*", "Cache-Control": "public, no-cache",
			"Content-Encoding": "gzip", "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding, Origin",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Access-Control-Allow-Credentials": "",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", path, name, got, want)
			}
		}
		again := s.get(t, path, "Origin", "https://anywhere.example", "If-None-Match", h.Get("Etag"))
		if again.StatusCode != http.StatusNotModified || len(read(t, again)) > 0 || again.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s again: %d %v", path, again.StatusCode, again.Header)
		}
		friend := s.get(t, path, "Origin", "https://friend.example")
		if got := friend.Header.Get("Access-Control-Allow-Origin"); got != "https://friend.example" {
			t.Errorf("%s for an origin of the allow-list: %q", path, got)
		}
		if post := s.do(t, "POST", path, "{}"); post.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, post.StatusCode)
		}
	}
	if r := s.get(t, "/sdk/anihub.ts"); r.StatusCode != http.StatusNotFound {
		t.Errorf("a file that is not there: %d", r.StatusCode)
	}
	if !strings.HasPrefix(string(read(t, s.get(t, "/sdk/anihub.js"))), "// AniHub client, protocol 1.") {
		t.Error("the client does not say its protocol")
	}
}

// lies is a file of the client as it lies in the repository.
func lies(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(".." + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
