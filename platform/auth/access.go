package auth

import (
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// AccessLife is the life of a user's access token. A token that was made to live
// longer is not ours.
const AccessLife = 15 * time.Minute

// UserAudience is the `aud` of users' tokens.
const UserAudience = "anihub"

// Users issues and verifies users' access tokens.
type Users struct{ keys *Keys }

// NewUsers signs with the keys. They must be others than those of services.
func NewUsers(keys *Keys) *Users { return &Users{keys} }

// Claims is what a user's access token says.
type Claims struct {
	UserID    string
	SessionID string
	Roles     []string
	ExpiresAt time.Time // to the second
}

// Principal is the user of the token.
func (c Claims) Principal() Principal {
	return Principal{UserID: c.UserID, SessionID: c.SessionID, Roles: c.Roles}
}

// IssueAccess makes an access token that lives for AccessLife from now, and says
// until when.
func (u *Users) IssueAccess(userID, sessionID string, roles []string, now time.Time) (string, time.Time, error) {
	token, err := u.keys.sign(jwt.MapClaims{
		"aud": UserAudience, "sub": userID, "sid": sessionID, "roles": list(roles),
	}, now, AccessLife)
	return token, time.Unix(now.Add(AccessLife).Unix(), 0).UTC(), err
}

// VerifyAccess reads an access token. ErrToken; Reason tells why. That the token is
// good says nothing yet about its session.
func (u *Users) VerifyAccess(token string) (Claims, error) {
	raw, err := u.keys.verify(token, UserAudience, AccessLife)
	if err != nil {
		return Claims{}, err
	}
	var c Claims
	if c.UserID, err = text(raw, "sub"); err != nil {
		return Claims{}, err
	}
	if c.SessionID, err = text(raw, "sid"); err != nil {
		return Claims{}, err
	}
	if c.Roles, err = texts(raw, "roles"); err != nil {
		return Claims{}, err
	}
	c.ExpiresAt, _ = date(raw, "exp")
	return c, nil
}

// Subkeys derives keys for another purpose from the users' keys, the current first.
func (u *Users) Subkeys(purpose string) ([][]byte, error) { return u.keys.Subkeys(purpose) }
