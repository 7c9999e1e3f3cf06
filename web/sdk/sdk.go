// Package sdk is the client that front-end developers import: one ES module and its
// types. It is written in parts, which the page of this repository imports as they lie
// here, so what others get is what is used every day; they get it in one file.
package sdk

import (
	"bytes"
	_ "embed"
	"errors"
	"regexp"

	"github.com/labstack/echo/v4"

	"anihub/web/envelope"
)

var (
	//go:embed anihub.js
	client []byte
	//go:embed line.js
	line []byte
	//go:embed listeners.js
	listeners []byte
	//go:embed anihub.d.ts
	types []byte
)

// SDK is the client, ready to be served.
type SDK struct {
	module, types *envelope.File
}

// New compresses it once. An error is that of compressing.
func New() (*SDK, error) {
	m, err := envelope.NewFile("text/javascript; charset=utf-8", joined())
	t, also := envelope.NewFile("text/plain; charset=utf-8", types)
	return &SDK{m, t}, errors.Join(err, also)
}

var (
	imports = regexp.MustCompile(`(?m)^import .*\n`)
	exports = regexp.MustCompile(`(?m)^export `)
)

// joined is the module in one file: what the client imports stands behind it, where
// nothing is exported. The parts run nothing but declarations, so the order is free.
func joined() []byte {
	parts := [][]byte{imports.ReplaceAll(client, nil)}
	for _, part := range [][]byte{line, listeners} {
		parts = append(parts, exports.ReplaceAll(part, nil))
	}
	return bytes.Join(parts, []byte("\n"))
}

// ServeModule answers with the module.
func (s *SDK) ServeModule(c echo.Context) error { return send(c, s.module) }

// ServeTypes answers with its types.
func (s *SDK) ServeTypes(c echo.Context) error { return send(c, s.types) }

// send lets pages of every origin have it: browsers fetch modules with CORS, and this
// one is public. An origin of the allow-list has its answer already, because it may ask
// with credentials, where * would be refused.
func send(c echo.Context, f *envelope.File) error {
	if h := c.Response().Header(); h.Get(echo.HeaderAccessControlAllowOrigin) == "" {
		h.Set(echo.HeaderAccessControlAllowOrigin, "*")
	}
	f.Send(c)
	return nil
}
