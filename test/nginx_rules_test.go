package test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"anihub/test/loopbacktest"
)

// backend stands for an instance: it tells what reached it, or does worse.
type backend struct {
	*httptest.Server
	answers int // a status, or how it dies
	seen    atomic.Int64
}

// dies is no answer at all.
const dies = 0

// arrived is what a backend was asked.
type arrived struct {
	Header http.Header
	Host   string
	Bytes  int64
}

func newBackends(t *testing.T, answers ...int) (all []*backend, addrs []string) {
	t.Helper()
	for _, status := range answers {
		b := &backend{answers: status}
		b.Server = httptest.NewServer(b)
		t.Cleanup(b.Close)
		all, addrs = append(all, b), append(addrs, b.Listener.Addr().String())
	}
	return all, addrs
}

// ServeHTTP implements http.Handler.
func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.seen.Add(1)
	if b.answers == dies {
		panic(http.ErrAbortHandler)
	}
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(b.answers)
	_ = json.NewEncoder(w).Encode(arrived{r.Header, r.Host, n})
}

func seen(all []*backend) (n int64) {
	for _, b := range all {
		n += b.seen.Swap(0)
	}
	return n
}

// TestNginxRepeatsOnlyWhatMayBe: when instances die of a request, reading is tried on each
// of them and writing is not tried again; one that cannot be reached has seen nothing, so
// another one is asked whatever it is.
func TestNginxRepeatsOnlyWhatMayBe(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]int64{"GET": 3, "POST": 1, "PATCH": 1} {
		t.Run(method+" kills", func(t *testing.T) {
			t.Parallel()
			all, addrs := newBackends(t, dies, dies, dies)
			p := startNginx(t, addrs, asItIs)
			status, header, body := ask(t, method, p.url+"/api/auth/login", "", `{}`)
			if status != 502 || header.Get("Retry-After") == "" || !json.Valid([]byte(body)) {
				t.Errorf("%d %v %s", status, header, body)
			}
			if n := seen(all); n != want {
				t.Errorf("instances were asked %d times, want %d", n, want)
			}
		})
	}
	t.Run("unreachable", func(t *testing.T) {
		t.Parallel()
		all, addrs := newBackends(t, 200)
		p := startNginx(t, []string{loopbacktest.Addr(t), loopbacktest.Addr(t), addrs[0]}, asItIs)
		for range 6 {
			if status, _, body := ask(t, "POST", p.url+"/api/auth/login", "", `{}`); status != 200 {
				t.Errorf("%d %s", status, body)
			}
		}
		if n := seen(all); n != 6 {
			t.Errorf("asked %d times for 6 requests", n)
		}
	})
}

// TestNginxPassesOverWhoIsNotReady: the catalogue is asked of the next instance when one
// says 503, which no other request is, and an instance that says it stays in use.
func TestNginxPassesOverWhoIsNotReady(t *testing.T) {
	t.Parallel()
	all, addrs := newBackends(t, 503, 503, 200)
	p := startNginx(t, addrs, asItIs)
	for range 30 {
		if status, _, body := ask(t, "GET", p.url+titles, "", ""); status != 200 {
			t.Errorf("%d %s", status, body)
		}
	}
	for i, b := range all {
		if b.seen.Swap(0) < 10 {
			t.Errorf("instance %d was not asked in its turn", i)
		}
	}
	for _, method := range []string{"GET", "POST"} {
		refused := 0
		for range 30 {
			if status, _, _ := ask(t, method, p.url+"/api/users/lists", "", ""); status == 503 {
				refused++
			}
		}
		if n := seen(all); n != 30 || refused < 10 {
			t.Errorf("%s: instances were asked %d times for 30 requests, 503 came back %d times", method, n, refused)
		}
	}
	unready, addrs := newBackends(t, 503, 503, 503)
	p = startNginx(t, addrs, asItIs)
	for range 10 {
		if status, _, body := ask(t, "GET", p.url+titles, "", ""); status != 503 || !strings.Contains(body, `"Bytes":0`) {
			t.Errorf("when none is ready: %d %s, want what AniHub says", status, body)
		}
	}
	if n := seen(unready); n != 40 {
		t.Errorf("10 requests were asked of instances %d times, want one and three more each", n)
	}
}

// TestNginxLimits: nginx allows what AniHub allows and a little more, so that it is AniHub
// who says no, and not much more.
func TestNginxLimits(t *testing.T) {
	t.Parallel()
	all, addrs := newBackends(t, 200)
	p := startNginx(t, addrs, asItIs)
	for _, c := range []struct {
		body, header, path int
		want               int
		reaches            bool
	}{
		{body: 4<<20 + 1, want: 200, reaches: true},
		{body: 6 << 20, want: 413},
		{header: 15 << 10, want: 200, reaches: true},
		{header: 40 << 10, want: 400},
		{path: 15 << 10, want: 200, reaches: true},
		{path: 40 << 10, want: 414},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", p.url+"/"+strings.Repeat("a", c.path), bytes.NewReader(make([]byte, c.body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Long", strings.Repeat("a", c.header))
		resp, err := browser().Do(r)
		if err != nil { // it hung up while the body was still coming
			if c.want == 200 {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		_ = resp.Body.Close()
		if n := seen(all); resp.StatusCode != c.want || (n == 1) != c.reaches {
			t.Errorf("%+v: %d, and it reached AniHub %d times", c, resp.StatusCode, n)
		}
	}
}

// TestNginxWithTLS: the lines marked #tls, with the mark taken away.
func TestNginxWithTLS(t *testing.T) {
	t.Parallel()
	all, addrs := newBackends(t, 200)
	lender := httptest.NewTLSServer(nil) // of its certificate
	defer lender.Close()
	secure, dir := loopbacktest.Addr(t), t.TempDir()
	writeCertificate(t, lender, dir)
	p := startNginx(t, addrs, func(conf string) string {
		conf = strings.ReplaceAll(conf, "#tls ", "")
		conf = strings.ReplaceAll(conf, "http2 on;", "") // which 1.22, of Debian 12, does not know
		conf = strings.ReplaceAll(conf, "listen 443 ", "listen "+secure+" ")
		return strings.ReplaceAll(conf, "/etc/nginx/tls", dir)
	})
	plain := viewerAt(t, "127.0.0.9")
	resp, err := plain.Get(p.url + "/titles?page=2")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if to := resp.Header.Get("Location"); resp.StatusCode != 308 || to != "https://127.0.0.1/titles?page=2" {
		t.Errorf("without TLS: %d to %q", resp.StatusCode, to)
	}
	for _, alive := range []bool{true, false} {
		if !alive {
			all[0].Close()
		}
		resp, err := lender.Client().Get("https://" + secure + "/")
		if err != nil {
			t.Fatal(err)
		}
		var got arrived
		err = json.NewDecoder(resp.Body).Decode(&got)
		_ = resp.Body.Close()
		if hsts := resp.Header.Get("Strict-Transport-Security"); err != nil || hsts != "max-age=31536000" {
			t.Errorf("%d, %v, HSTS %q", resp.StatusCode, err, hsts)
		}
		if proto := got.Header.Get("X-Forwarded-Proto"); alive && (proto != "https" || got.Host != secure) {
			t.Errorf("AniHub is told %q and %q", proto, got.Host)
		}
	}
}

func writeCertificate(t *testing.T, s *httptest.Server, dir string) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"fullchain.pem": {Type: "CERTIFICATE", Bytes: s.Certificate().Raw},
		"privkey.pem":   {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
