package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/modules/users"
	"anihub/platform/auth"
	"anihub/platform/fault"
	"anihub/web/envelope"
)

// errNoSession is alike for a session that ended and for one of somebody else.
var errNoSession = fault.New(fault.NotFound, "SESSION_NOT_FOUND", "There is no such session.")

type passwordBody struct {
	Current string `json:"current_password"`
	New     string `json:"new_password"`
}

// Validate checks the form.
func (b passwordBody) Validate() error {
	return envelope.Required(envelope.Field{Name: "current_password", Value: b.Current}, envelope.Field{Name: "new_password", Value: b.New})
}

type deletionBody struct {
	Password string `json:"password"`
}

// Validate checks the form.
func (b deletionBody) Validate() error {
	return envelope.Required(envelope.Field{Name: "password", Value: b.Password})
}

func (a *API) sessions(c echo.Context) error {
	p := auth.From(c.Request().Context())
	all, err := a.deps.Users.Sessions(c.Request().Context(), p.UserID)
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, sessionInfos(all, p.SessionID))
}

// endSessions signs out everywhere, here too; ?others=true stays signed in here.
func (a *API) endSessions(c echo.Context) error {
	in := envelope.ReadQuery(c, "others")
	others := in.Yes("others")
	if in.Err != nil {
		return in.Err
	}
	p := auth.From(c.Request().Context())
	keep := ""
	if others {
		keep = p.SessionID
	}
	if err := a.deps.Users.EndSessions(c.Request().Context(), p.UserID, keep); err != nil {
		return err
	}
	return a.signedOut(c, !others)
}

// endSession ends one of the user's own sessions; this one is a logout.
func (a *API) endSession(c echo.Context) error {
	p, id := auth.From(c.Request().Context()), c.Param("id")
	all, err := a.deps.Users.Sessions(c.Request().Context(), p.UserID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(s users.SessionInfo) bool { return s.ID == id }) {
		return errNoSession
	}
	if err := a.deps.Users.Logout(c.Request().Context(), p.UserID, id); err != nil {
		return err
	}
	return a.signedOut(c, id == p.SessionID)
}

// signedOut answers nothing, and takes the cookie away when it is worth nothing.
func (a *API) signedOut(c echo.Context, here bool) error {
	if here {
		a.setCookie(c, "", -time.Second)
	}
	return envelope.OK(c, http.StatusOK, nil)
}

func (a *API) changePassword(c echo.Context) error {
	var b passwordBody
	if err := envelope.Bind(c, &b); err != nil {
		return err
	}
	p := auth.From(c.Request().Context())
	err := a.deps.Users.ChangePassword(c.Request().Context(), users.PasswordChange{
		UserID: p.UserID, SessionID: p.SessionID, Current: b.Current, New: b.New, Client: client(c),
	})
	if err != nil {
		return err
	}
	return envelope.OK(c, http.StatusOK, nil)
}

func (a *API) deleteAccount(c echo.Context) error {
	var b deletionBody
	if err := envelope.Bind(c, &b); err != nil {
		return err
	}
	err := a.deps.Users.DeleteAccount(c.Request().Context(), users.Deletion{
		UserID: userID(c), Password: b.Password, Client: client(c),
	})
	if err != nil {
		return err
	}
	return a.signedOut(c, true)
}

// sessionInfoJSON is a session in the list of its owner.
type sessionInfoJSON struct {
	ID        string  `json:"id"`
	Device    string  `json:"device"`
	Address   string  `json:"address"`
	CreatedAt *string `json:"created_at"`
	UsedAt    *string `json:"used_at"`
	ExpiresAt *string `json:"expires_at"`
	Current   bool    `json:"current"`
}

func sessionInfos(all []users.SessionInfo, current string) []sessionInfoJSON {
	return envelope.Each(all, func(s users.SessionInfo) sessionInfoJSON { return sessionInfo(s, current) })
}

func sessionInfo(s users.SessionInfo, current string) sessionInfoJSON {
	return sessionInfoJSON{
		s.ID, device(s.UserAgent), s.Address,
		envelope.Moment(s.CreatedAt), envelope.Moment(s.UsedAt), envelope.Moment(s.ExpiresAt), s.ID == current,
	}
}
