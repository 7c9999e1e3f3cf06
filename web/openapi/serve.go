package openapi

import (
	"github.com/labstack/echo/v4"

	"anihub/platform/fault"
	"anihub/web/envelope"
)

// ServeJSON answers with the document.
func (r *Reference) ServeJSON(c echo.Context) error {
	return r.serve(c, func(m *made) *envelope.File { return m.json })
}

// ServePage answers with the document as a page.
func (r *Reference) ServePage(c echo.Context) error {
	return r.serve(c, func(m *made) *envelope.File {
		c.Response().Header().Set(echo.HeaderContentSecurityPolicy, m.policy)
		return m.page
	})
}

// ServeScript answers with the script of the page.
func (r *Reference) ServeScript(c echo.Context) error {
	return r.serve(c, func(m *made) *envelope.File { return m.script })
}

func (r *Reference) serve(c echo.Context, pick func(*made) *envelope.File) error {
	if err := envelope.NoQuery(c); err != nil {
		return err
	}
	m, err := r.made()
	if err != nil {
		return fault.ErrInternal.With(err)
	}
	pick(m).Send(c)
	return nil
}
