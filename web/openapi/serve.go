package openapi

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"anihub/platform/fault"
	"anihub/web/envelope"
)

// file is something that stays as it is while the process runs.
type file struct {
	plain, gzip  []byte
	kind, etag   string
	policy       string // Content-Security-Policy, when another than that of the surface
	cacheControl string
}

// newFile is kept by browsers and asked for again each time: a new version of AniHub
// shows at once, and the same one costs a 304.
func newFile(kind string, body []byte) (*file, error) {
	packed, err := envelope.Gzip(body)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	return &file{
		plain: body, gzip: packed, kind: kind, cacheControl: "public, no-cache",
		etag: `W/"` + hex.EncodeToString(sum[:12]) + `"`,
	}, nil
}

// ServeJSON answers with the document.
func (r *Reference) ServeJSON(c echo.Context) error {
	return r.serve(c, func(m *made) *file { return m.json })
}

// ServePage answers with the document as a page.
func (r *Reference) ServePage(c echo.Context) error {
	return r.serve(c, func(m *made) *file { return m.page })
}

// ServeScript answers with the script of the page.
func (r *Reference) ServeScript(c echo.Context) error {
	return r.serve(c, func(m *made) *file { return m.script })
}

func (r *Reference) serve(c echo.Context, pick func(*made) *file) error {
	if err := envelope.NoQuery(c); err != nil {
		return err
	}
	m, err := r.made()
	if err != nil {
		return fault.ErrInternal.With(err)
	}
	pick(m).send(c)
	return nil
}

func (f *file) send(c echo.Context) {
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, f.cacheControl)
	h.Set("Etag", f.etag)
	h.Set(echo.HeaderVary, "Accept-Encoding, Origin")
	if f.policy != "" {
		h.Set(echo.HeaderContentSecurityPolicy, f.policy)
	}
	if envelope.Matches(c.Request().Header["If-None-Match"], f.etag) {
		c.Response().WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if envelope.Accepts(c.Request().Header["Accept-Encoding"], "gzip") {
		body = f.gzip
		h.Set(echo.HeaderContentEncoding, "gzip")
	}
	h.Set(echo.HeaderContentType, f.kind)
	h.Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
	c.Response().WriteHeader(http.StatusOK)
	_, _ = c.Response().Write(body) // a reader who is gone cannot be told
}
