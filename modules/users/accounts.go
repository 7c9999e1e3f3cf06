package users

import (
	"context"
	"time"

	"anihub/platform/fault"
)

// ErrBadPassword says that the password which confirms a change is wrong. It is no
// ErrBadCredentials: the caller is signed in and stays so.
var ErrBadPassword = fault.New(fault.Forbidden, "BAD_PASSWORD", "The password is wrong.")

// Custody is what an owner and an operator do with an account.
type Custody interface {
	// Sessions of a user that are alive, last used first. A user who does not exist
	// has none.
	Sessions(ctx context.Context, userID string) ([]SessionInfo, error)
	// EndSessions ends all sessions of a user but the one to keep ("" = none); their
	// access tokens are dead within a second. Ending none is no error.
	EndSessions(ctx context.Context, userID, keep string) error
	// ChangePassword sets another password and ends all other sessions of the user, as
	// EndSessions. ErrBadPassword, ErrUnacceptable, ErrNotFound, ErrTooMany, ErrBusy.
	ChangePassword(ctx context.Context, c PasswordChange) error
	// DeleteAccount removes a user with all that is theirs and ends their sessions;
	// their login and e-mail are free at once. ErrBadPassword, ErrNotFound, ErrTooMany,
	// ErrBusy.
	DeleteAccount(ctx context.Context, d Deletion) error
	// ResetPassword is an operator's: it sets a password by login or e-mail and ends all
	// sessions of the user. ErrNotFound, ErrUnacceptable, ErrBusy.
	ResetPassword(ctx context.Context, who, password string) (User, error)
	// Users is an operator's list, ordered by id. ErrUnacceptable for a page that cannot be.
	Users(ctx context.Context, p UserPage) ([]User, error)
}

// More reasons why a session ended.
const (
	EndedPassword = "password" // the password was changed elsewhere or reset
	EndedDeleted  = "deleted"  // the account was deleted
)

// SessionInfo is what an owner is told of a session.
type SessionInfo struct {
	ID        string
	UserAgent string // as the client said
	Address   string // of the last refresh
	CreatedAt time.Time
	UsedAt    time.Time // when it was refreshed last, which a client in use does within AccessTTL
	ExpiresAt time.Time
}

// PasswordChange asks for another password. SessionID is the session that goes on.
type PasswordChange struct {
	UserID, SessionID string
	Current, New      string
	Client            Client
}

// Deletion asks for the end of an account.
type Deletion struct {
	UserID, Password string
	Client           Client
}

// MaxUserPage is the most users of one UserPage.
const MaxUserPage = 500

// UserPage is a part of all users.
type UserPage struct {
	After string // the id before the first one; "" = from the beginning
	Limit int    // 1 … MaxUserPage
}
