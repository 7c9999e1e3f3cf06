package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"anihub/platform/fault"
	"anihub/web/envelope"
)

var (
	errNotBuilt = fault.New(fault.Unavailable, "PAGE_NOT_BUILT", "The page is not built into this binary (make web); the API works.")
	errNoFile   = fault.New(fault.NotFound, "NOT_FOUND", "There is no such file.")
)

// site serves the page: hashed assets for ever, everything else by its tag, and
// index.html for every path that is no file, because the page routes by itself.
// Files come precompressed where the build made siblings (.br, .gz).
type site struct {
	files map[string]*file
}

// file is one file of the page in its codings.
type file struct {
	codings map[string][]byte // "", "br", "gzip"
	kind    string
	etag    string
	cache   string
}

const (
	forever = "public, max-age=31536000, immutable"
	revisit = "no-cache"
)

func newSite(dist fs.FS) (*site, error) {
	s := &site{files: map[string]*file{}}
	err := fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(dist, name)
		if err == nil {
			s.add(name, body)
		}
		return err
	})
	return s, err
}

func (s *site) add(name string, body []byte) {
	coding := map[string]string{".br": "br", ".gz": "gzip"}[path.Ext(name)]
	if coding != "" {
		name = strings.TrimSuffix(name, path.Ext(name))
	}
	f := s.files[name]
	if f == nil {
		f = &file{codings: map[string][]byte{}, kind: kindOf(name), cache: revisit}
		if strings.HasPrefix(name, "assets/") {
			f.cache = forever
		}
		s.files[name] = f
	}
	f.codings[coding] = body
	if coding == "" {
		sum := sha256.Sum256(body)
		f.etag = `W/"` + hex.EncodeToString(sum[:12]) + `"`
	}
}

// kindOf does not ask the system's tables: they differ from machine to machine.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".webmanifest":
		return "application/manifest+json"
	case ".woff2":
		return "font/woff2"
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return "application/octet-stream"
}

// serve answers what is no route of the API.
func (s *site) serve(c echo.Context) error {
	r := c.Request()
	at := path.Clean(r.URL.Path)
	if !page(r, at) {
		return echo.ErrNotFound
	}
	name := strings.TrimPrefix(at, "/")
	if f := s.files[name]; f != nil {
		return f.send(c)
	}
	if path.Ext(name) != "" {
		return errNoFile // a missing script must not look like a page
	}
	index := s.files["index.html"]
	if index == nil {
		return errNotBuilt
	}
	return index.send(c)
}

// page tells whether a request may be for the page at all.
func page(r *http.Request, at string) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	for _, prefix := range []string{"/api", "/internal", "/metrics", "/debug", "/health", "/socket.io"} {
		if at == prefix || strings.HasPrefix(at, prefix+"/") {
			return false
		}
	}
	// Clean would make sense of a path that climbs; whoever sends one means no page.
	return !strings.Contains(r.URL.Path, "..") && !strings.ContainsAny(r.URL.Path, "\x00\\")
}

func (f *file) send(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Cache-Control", f.cache)
	h.Set("Etag", f.etag)
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(c.Request().Header.Get("If-None-Match"), f.etag) {
		return c.NoContent(http.StatusNotModified)
	}
	body := f.codings[""]
	for _, coding := range []string{"br", "gzip"} {
		if coded, ok := f.codings[coding]; ok && envelope.Accepts(c.Request().Header["Accept-Encoding"], coding) {
			h.Set("Content-Encoding", coding)
			body = coded
			break
		}
	}
	if body == nil {
		return errors.New("site: a coded file without its plain one")
	}
	h.Set("Content-Type", f.kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.Response().WriteHeader(http.StatusOK)
	_, _ = c.Response().Write(body) // a reader who is gone cannot be told
	return nil
}
