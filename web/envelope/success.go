package envelope

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/platform/fault"
)

// WorthGzip is the size from which compressing pays for its header and the work.
const WorthGzip = 1024

// Gzip compresses a body.
func Gzip(plain []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Accepts reads Accept-Encoding (RFC 9110 §12.5.3): a coding is welcome when it is
// named, or else when * is, unless with a quality of zero.
func Accepts(given []string, coding string) bool {
	others := false
	for _, line := range given {
		for part := range strings.SplitSeq(line, ",") {
			switch name, q := quality(part); name {
			case coding:
				return q > 0
			case "*":
				others = q > 0
			}
		}
	}
	return others
}

// Matches is If-None-Match with weak comparison (RFC 9110 §13.1.2); the tag is weak.
func Matches(given []string, etag string) bool {
	for _, line := range given {
		for tag := range strings.SplitSeq(line, ",") {
			tag = strings.TrimSpace(tag)
			if tag == "*" || strings.TrimPrefix(tag, "W/") == etag[2:] {
				return true
			}
		}
	}
	return false
}

// Write sends a value as JSON, compressed where that pays.
func Write(c echo.Context, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fault.ErrInternal.With(err)
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	if len(body) >= WorthGzip && Accepts(c.Request().Header["Accept-Encoding"], "gzip") {
		if body, err = Gzip(body); err != nil {
			return fault.ErrInternal.With(err)
		}
		h.Set(echo.HeaderContentEncoding, "gzip")
	}
	h.Add(echo.HeaderVary, "Accept-Encoding")
	h.Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
	c.Response().WriteHeader(status)
	_, _ = c.Response().Write(body) // a reader who is gone cannot be told
	return nil
}

// OK sends a value in the envelope. It is somebody's own and nobody may keep it.
func OK(c echo.Context, status int, data any) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return Write(c, status, success{true, data})
}

type success struct {
	Success bool `json:"success"`
	Data    any  `json:"data"`
}

// Moment is RFC 3339 in UTC; a time that is not known is null.
func Moment(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339)
	return &s
}

// Each maps a list; an empty one is [], never null.
func Each[A, B any](all []A, f func(A) B) []B {
	out := make([]B, len(all))
	for i, a := range all {
		out[i] = f(a)
	}
	return out
}
