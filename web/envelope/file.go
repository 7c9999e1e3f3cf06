package envelope

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"
)

// File is something that stays as it is while the process runs.
type File struct {
	plain, gzip []byte
	kind, etag  string
}

// NewFile keeps a body of a kind, its Content-Type. An error is that of compressing.
func NewFile(kind string, body []byte) (*File, error) {
	packed, err := Gzip(body)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	return &File{plain: body, gzip: packed, kind: kind, etag: `W/"` + hex.EncodeToString(sum[:12]) + `"`}, nil
}

// Plain is the body. Nobody may change it.
func (f *File) Plain() []byte { return f.plain }

// Send answers with the file. Browsers keep it and ask again each time: a new version
// of AniHub shows at once, and the same one costs a 304.
func (f *File) Send(c echo.Context) {
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, "public, no-cache")
	h.Set("Etag", f.etag)
	h.Set(echo.HeaderVary, "Accept-Encoding, Origin")
	if Matches(c.Request().Header["If-None-Match"], f.etag) {
		c.Response().WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if Accepts(c.Request().Header["Accept-Encoding"], "gzip") {
		body = f.gzip
		h.Set(echo.HeaderContentEncoding, "gzip")
	}
	h.Set(echo.HeaderContentType, f.kind)
	h.Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
	c.Response().WriteHeader(http.StatusOK)
	_, _ = c.Response().Write(body) // a reader who is gone cannot be told
}
