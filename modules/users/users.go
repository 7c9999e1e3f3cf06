// Package users is the door of accounts: who a viewer is, which titles they want
// to hear about, what they think of titles and where they stopped watching.
package users

import (
	"context"
	"encoding/json"
	"time"

	"anihub/platform/fault"
)

// What the users module can answer besides success.
var (
	ErrBadCredentials = fault.New(fault.Unauthenticated, "BAD_CREDENTIALS", "The login or the password is wrong.")
	ErrBadToken       = fault.New(fault.Unauthenticated, "BAD_TOKEN", "The token is not valid.")
	ErrAccountExists  = fault.New(fault.Conflict, "ACCOUNT_EXISTS", "An account with this login or e-mail exists already.")
	ErrUnacceptable   = fault.New(fault.Unprocessable, "UNACCEPTABLE", "A field is not acceptable.")
	ErrNotFound       = fault.New(fault.NotFound, "USER_NOT_FOUND", "There is no such user.")
	ErrBanned         = fault.New(fault.Forbidden, "BANNED", "This account is banned.")
	ErrTooMany        = fault.New(fault.TooMany, "TOO_MANY_ATTEMPTS", "Too many attempts; try again later.")
	ErrBusy           = fault.New(fault.Unavailable, "BUSY", "Too many sign-ins at once; try again in a moment.")
	ErrNotSubscribed  = fault.New(fault.NotFound, "NOT_SUBSCRIBED", "There is no subscription to this title.")
	ErrNoWebhook      = fault.New(fault.NotFound, "WEBHOOK_NOT_FOUND", "There is no such webhook.")
	ErrNoFeed         = fault.New(fault.NotFound, "FEED_NOT_FOUND", "There is no such feed.")
	ErrUnavailable    = fault.New(fault.Unavailable, "USERS_UNAVAILABLE", "Accounts are not available right now; try again later.")
)

// Service is the whole door. Every method may also return ErrUnavailable or a
// context error.
type Service interface {
	Accounts
	Custody
	Profiles
	Subscriptions
	Library
	Progress
	Inbox
	Channel
	Push
}

// Accounts is how one becomes and stays somebody.
type Accounts interface {
	// Register makes an account and signs it in. ErrUnacceptable names the field;
	// ErrAccountExists, ErrTooMany, ErrBusy.
	Register(ctx context.Context, r Registration) (Session, error)
	// Login signs in by login or e-mail. ErrBadCredentials (alike for an unknown
	// account), ErrBanned, ErrTooMany, ErrBusy.
	Login(ctx context.Context, c Credentials) (Session, error)
	// Refresh trades a refresh token for the next. Using a rotated token again ends
	// the whole session, except within 10 s by the same client. ErrBadToken, ErrBanned.
	Refresh(ctx context.Context, r Refresh) (Session, error)
	// Logout ends a session; its access tokens are dead within a second. Ending an
	// ended session is no error.
	Logout(ctx context.Context, userID, sessionID string) error
	// Validate tells what an access token is worth now. A worthless token is an
	// answer, not an error.
	Validate(ctx context.Context, token string) (Validation, error)
}

// Profiles is what is known about a user.
type Profiles interface {
	// User is the user; callers decide what to show. ErrNotFound.
	User(ctx context.Context, id string) (User, error)
	// UpdateProfile changes what a user may change of themselves. ErrNotFound,
	// ErrUnacceptable, ErrAccountExists.
	UpdateProfile(ctx context.Context, id string, p Profile) (User, error)
	// SetRole gives or takes a role, by login or e-mail. ErrNotFound, ErrUnacceptable.
	SetRole(ctx context.Context, who, role string, on bool) (User, error)
	// SetBanned bans or pardons, by login or e-mail. A ban ends the user's sessions;
	// their access tokens are dead within a second. ErrNotFound.
	SetBanned(ctx context.Context, who string, on bool) (User, error)
}

// Subscriptions are the titles a user wants to be told about.
type Subscriptions interface {
	// Subscriptions of a user, newest first.
	Subscriptions(ctx context.Context, userID string) ([]Subscription, error)
	// Subscribe adds a title; again is no error. ErrUnacceptable over MaxSubscriptions
	// and for a title id below 1, ErrNotFound when there is no such user.
	Subscribe(ctx context.Context, userID string, titleID int) (Subscription, error)
	// Unsubscribe removes a title; removing nothing is no error.
	Unsubscribe(ctx context.Context, userID string, titleID int) error
}

// MaxSubscriptions of one user.
const MaxSubscriptions = 1000

// AccessTTL and RefreshTTL are the lives of the two tokens.
const (
	AccessTTL  = 15 * time.Minute
	RefreshTTL = 30 * 24 * time.Hour
)

// SessionTopic is the topic of the event log that tells when a session ends, so
// that its sockets can be closed wherever they are. The data of an entry is
// {"user_id","session_id","reason"} with one of the reasons below.
const SessionTopic = "session"

// Topics of the devices' log, by which a user's connections are told what was done on
// one of them. They are the types of the messages, and the data of an entry is ForDevices.
const (
	ReadTopic     = "notification_read" // {"event_ids","up_to","unread"}
	ProgressTopic = "progress"          // {"title_id","episodes":[{"episode","seconds","watched","updated_at"}]}, or title_id null: much has changed
)

// ForDevices is the data of an entry of the devices' log, in JSON.
type ForDevices struct {
	UserID string          `json:"user_id"`
	Data   json.RawMessage `json:"data"` // of the message
}

// Why a session ended.
const (
	EndedLogout = "logout"
	EndedReuse  = "reuse"   // a rotated refresh token was used again
	EndedBanned = "banned"  // the user was banned
	EndedCrowd  = "crowd"   // the user has too many newer sessions
	EndedAge    = "expired" // not refreshed for RefreshTTL
)

// Roles of a user.
const (
	RoleUser  = "user"
	RoleAdmin = "admin"
)

// Client is where a request comes from, for limits and the list of sessions.
type Client struct{ Address, UserAgent string }

// Registration asks for an account.
type Registration struct {
	Login, Email, Password string
	Client                 Client
}

// Credentials ask for a session; Login is a login or an e-mail.
type Credentials struct {
	Login, Password string
	Client          Client
}

// Refresh asks for the next pair of tokens.
type Refresh struct {
	Token  string
	Client Client
}

// Session is a signed-in user with tokens.
type Session struct {
	ID             string
	User           User
	AccessToken    string
	AccessExpires  time.Time
	RefreshToken   string
	RefreshExpires time.Time
}

// User is an account without its secrets.
type User struct {
	ID        string
	Login     string // as typed
	Email     string // as typed
	Name      string // shown name; "" = the login
	Roles     []string
	Banned    bool
	Quiet     *QuietHours // nil = none
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Profile is what a user may change; nil = leave as it is.
type Profile struct {
	Name  *string
	Email *string
	Quiet *QuietHours // the zero QuietHours = none any more
}

// Validation is the worth of an access token.
type Validation struct {
	Valid     bool
	Reason    string // when not valid: malformed, expired, not_yet_valid, wrong_audience, wrong_issuer, bad_signature, session_ended, banned
	UserID    string
	SessionID string
	Roles     []string
	ExpiresAt time.Time
}

// Subscription is one title a user is told about.
type Subscription struct {
	TitleID int
	Since   time.Time
	Preference
}
