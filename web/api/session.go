package api

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/modules/users"
	"anihub/platform/auth"
	"anihub/web/envelope"
)

// refreshCookie carries the refresh token: out of reach of scripts, and only sent
// to the routes that need it.
const (
	refreshCookie = "refresh_token"
	refreshPath   = "/api/auth"
)

type registerBody struct {
	Login         string `json:"login"`
	Email         string `json:"email"`
	Password      string `json:"password"`
	RefreshInBody bool   `json:"refresh_in_body"`
}

// Validate checks the form; what is acceptable is the users module's to say.
func (b registerBody) Validate() error {
	return envelope.Required(envelope.Field{Name: "login", Value: b.Login}, envelope.Field{Name: "email", Value: b.Email}, envelope.Field{Name: "password", Value: b.Password})
}

type loginBody struct {
	Login         string `json:"login"`
	Password      string `json:"password"`
	RefreshInBody bool   `json:"refresh_in_body"`
}

// Validate checks the form.
func (b loginBody) Validate() error {
	return envelope.Required(envelope.Field{Name: "login", Value: b.Login}, envelope.Field{Name: "password", Value: b.Password})
}

type refreshBody struct {
	Token         string `json:"refresh_token"`
	RefreshInBody bool   `json:"refresh_in_body"`
}

// Validate checks nothing: the token may come in the cookie instead.
func (b refreshBody) Validate() error { return nil }

func (a *API) register(c echo.Context) error {
	var b registerBody
	if err := envelope.Bind(c, &b); err != nil {
		return err
	}
	s, err := a.deps.Users.Register(c.Request().Context(), users.Registration{
		Login: b.Login, Email: b.Email, Password: b.Password, Client: client(c),
	})
	if err != nil {
		return err
	}
	return a.sendSession(c, http.StatusCreated, s, b.RefreshInBody)
}

func (a *API) login(c echo.Context) error {
	var b loginBody
	if err := envelope.Bind(c, &b); err != nil {
		return err
	}
	s, err := a.deps.Users.Login(c.Request().Context(), users.Credentials{
		Login: b.Login, Password: b.Password, Client: client(c),
	})
	if err != nil {
		return err
	}
	return a.sendSession(c, http.StatusOK, s, b.RefreshInBody)
}

// refresh takes the token from the body or else from the cookie. The cookie acts
// for the viewer by itself, so it is only taken from our own pages.
func (a *API) refresh(c echo.Context) error {
	var b refreshBody
	if c.Request().ContentLength != 0 {
		if err := envelope.Bind(c, &b); err != nil {
			return err
		}
	}
	token := b.Token
	if cookie, err := c.Cookie(refreshCookie); token == "" && err == nil {
		if !a.ownSite(c.Request()) {
			return envelope.ErrCrossSite
		}
		token = cookie.Value
	}
	if token == "" {
		return envelope.ErrSignIn
	}
	s, err := a.deps.Users.Refresh(c.Request().Context(), users.Refresh{Token: token, Client: client(c)})
	if err != nil {
		return err
	}
	return a.sendSession(c, http.StatusOK, s, b.RefreshInBody)
}

func (a *API) logout(c echo.Context) error {
	p := auth.From(c.Request().Context())
	if err := a.deps.Users.Logout(c.Request().Context(), p.UserID, p.SessionID); err != nil {
		return err
	}
	a.setCookie(c, "", -time.Second)
	return envelope.OK(c, http.StatusOK, nil)
}

func (a *API) me(c echo.Context) error {
	u, err := a.deps.Users.User(c.Request().Context(), auth.From(c.Request().Context()).UserID)
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, user(u))
}

func (a *API) sendSession(c echo.Context, status int, s users.Session, inBody bool) error {
	a.setCookie(c, s.RefreshToken, time.Until(s.RefreshExpires))
	out := sessionJSON{
		AccessToken: s.AccessToken, TokenType: "Bearer",
		ExpiresIn: max(0, int(time.Until(s.AccessExpires).Round(time.Second).Seconds())), User: user(s.User),
	}
	if inBody {
		out.RefreshToken = s.RefreshToken
	}
	return envelope.OK(c, status, out)
}

func (a *API) setCookie(c echo.Context, value string, life time.Duration) {
	c.SetCookie(&http.Cookie{
		Name: refreshCookie, Value: value, Path: refreshPath, MaxAge: int(life.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: c.Scheme() == "https",
	})
}

// ownSite tells whether a request comes from our own page, an allowed origin, or no
// page at all.
func (a *API) ownSite(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		site := r.Header.Get("Sec-Fetch-Site")
		return site == "" || site == "same-origin" || site == "none"
	}
	u, err := url.Parse(origin)
	return err == nil && (u.Host == r.Host || slices.Contains(a.cfg.AllowedOrigins, origin))
}

func client(c echo.Context) users.Client {
	return users.Client{Address: c.RealIP(), UserAgent: envelope.Clip(c.Request().UserAgent(), 256)}
}
