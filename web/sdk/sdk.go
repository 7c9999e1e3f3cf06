// Package sdk is the client that front-end developers import: one hand-written ES
// module and its types, served as they lie here. The page of this repository uses the
// same file, so what others get is what is used every day.
package sdk

import (
	_ "embed"
	"errors"

	"github.com/labstack/echo/v4"

	"anihub/web/envelope"
)

var (
	//go:embed anihub.js
	module []byte
	//go:embed anihub.d.ts
	types []byte
)

// SDK is the client, ready to be served.
type SDK struct {
	module, types *envelope.File
}

// New compresses it once. An error is that of compressing.
func New() (*SDK, error) {
	m, err := envelope.NewFile("text/javascript; charset=utf-8", module)
	t, also := envelope.NewFile("text/plain; charset=utf-8", types)
	return &SDK{m, t}, errors.Join(err, also)
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
