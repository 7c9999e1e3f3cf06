package userssvc

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"anihub/modules/users"
	"anihub/platform/documents"
)

// store is the collections.
type store struct {
	users, sessions, subscriptions, marks documents.Collection
	library, progress, likenesses         documents.Collection
	reads, notices, webhooks, feeds       documents.Collection
	pushes, pushKeys                      documents.Collection
}

func newStore(s documents.Store) *store {
	return &store{
		users: s.Collection(documents.Spec{Name: "users", Indexes: []documents.Index{
			{Field: "login_key", Unique: true}, {Field: "email_key", Unique: true}, {Field: "sweep_at"},
		}}),
		sessions: s.Collection(documents.Spec{Name: sessionsName, Indexes: []documents.Index{
			{Field: "user"}, {Field: "expires_at"}, {Field: "ended_at"},
		}}),
		subscriptions: s.Collection(documents.Spec{Name: "subscriptions", Indexes: []documents.Index{
			{Field: "user"}, {Field: "title"},
		}}),
		marks:      s.Collection(documents.Spec{Name: "users_marks"}),
		library:    s.Collection(ofTitles("library")),
		progress:   s.Collection(ofTitles("progress")),
		likenesses: s.Collection(documents.Spec{Name: "likenesses", Indexes: []documents.Index{{Field: ownerField}}}),
		reads:      s.Collection(documents.Spec{Name: "inbox_reads"}),
		notices: s.Collection(documents.Spec{Name: "notices", Indexes: []documents.Index{
			{Field: "user"}, {Field: "at"},
		}}),
		webhooks: s.Collection(documents.Spec{Name: "webhooks", Indexes: []documents.Index{{Field: "user"}}}),
		feeds:    s.Collection(documents.Spec{Name: "feed_tokens", Indexes: []documents.Index{{Field: "user"}}}),
		pushes:   s.Collection(documents.Spec{Name: "pushes", Indexes: []documents.Index{{Field: "user"}, {Field: "session"}}}),
		pushKeys: s.Collection(documents.Spec{Name: "push_keys"}),
	}
}

// Collections are those of the module.
func Collections() []documents.Spec {
	return documents.DeclaredBy(func(s documents.Store) { newStore(s) })
}

// sessionsName is the collection that has rules of its own when a user leaves.
const sessionsName = "sessions"

// rest keeps the fields that a newer AniHub wrote and this one does not know.
type rest map[string]any

// account is a stored user. Its password is a hash.
type account struct {
	Login     string    `bson:"login"`
	LoginKey  string    `bson:"login_key"`
	Email     string    `bson:"email"`
	EmailKey  string    `bson:"email_key"`
	Name      string    `bson:"name"`
	Password  string    `bson:"password"`
	Roles     []string  `bson:"roles"`
	Banned    bool      `bson:"banned"`
	CreatedAt time.Time `bson:"created_at"`
	UpdatedAt time.Time `bson:"updated_at"`
	Quiet     *quiet    `bson:"quiet,omitempty"`

	Credential int64      `bson:"credential,omitempty"` // how often the password was set: sessions of an older one are over,
	Kept       string     `bson:"kept,omitempty"`       // but for the session that set it
	DeletedAt  *time.Time `bson:"deleted_at,omitempty"` // set = the account is gone
	SweepAt    *time.Time `bson:"sweep_at,omitempty"`   // set = something is left to end then (settle)
	Rest       rest       `bson:",inline"`

	id string
}

// admits tells whether a session of the account may go on.
func (a account) admits(ses session) bool {
	return a.DeletedAt == nil && !a.Banned && ses.User == a.id &&
		(ses.Credential == a.Credential || ses.id == a.Kept)
}

// refusal is why sessions of the account end that it does not admit.
func (a account) refusal() string {
	switch {
	case a.DeletedAt != nil:
		return users.EndedDeleted
	case a.Banned:
		return users.EndedBanned
	}
	return users.EndedPassword
}

func (a account) user() users.User {
	return users.User{
		ID: a.id, Login: a.Login, Email: a.Email, Name: a.Name, Roles: slices.Clone(a.Roles),
		Banned: a.Banned, Quiet: a.Quiet.door(), CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
}

// session is a stored session. Of its refresh token only the hash is kept.
type session struct {
	User       string     `bson:"user"`
	Hash       []byte     `bson:"hash"`       // SHA-256 of the current refresh token
	Seed       []byte     `bson:"seed"`       // what its tokens are derived from, beside a key
	Generation int64      `bson:"generation"` // of the current token, from 1
	RotatedAt  time.Time  `bson:"rotated_at"` // when the current token was made
	RotatedBy  []byte     `bson:"rotated_by"` // hash of the client it was made for
	CreatedAt  time.Time  `bson:"created_at"`
	ExpiresAt  time.Time  `bson:"expires_at"`
	Credential int64      `bson:"credential,omitempty"` // the account's when the session began
	Address    string     `bson:"address"`              // of the last refresh
	UserAgent  string     `bson:"user_agent"`
	EndedAt    *time.Time `bson:"ended_at,omitempty"` // set = over, to be announced and deleted
	EndedWhy   string     `bson:"ended_why,omitempty"`
	Rest       rest       `bson:",inline"`

	id      string
	version int64
}

// over tells whether the session is worth nothing any more.
func (s session) over(now time.Time) bool { return s.EndedAt != nil || !now.Before(s.ExpiresAt) }

// subscription is stored as <user>:<title>.
type subscription struct {
	User  string    `bson:"user"`
	Title int64     `bson:"title"`
	Since time.Time `bson:"since"`
	// How to be told; absent in what an older AniHub wrote.
	Quality  string   `bson:"quality,omitempty"`
	Channels []string `bson:"channels"` // null = all
	Rest     rest     `bson:",inline"`
}

func subscriptionID(user string, title int) string { return user + ":" + strconv.Itoa(title) }

// mark is a fact about the installation.
type mark struct {
	User string    `bson:"user"`
	At   time.Time `bson:"at"`
}

// firstAdmin marks that somebody became admin by being first.
const firstAdmin = "first_admin"

// idLength of users and sessions: 20 characters of base32 are 100 random bits.
const idLength = 20

func newID() string { return strings.ToLower(rand.Text()[:idLength]) }

// validID keeps out what no store could hold an id of ours under.
func validID(id string) bool {
	if len(id) != idLength {
		return false
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// now is the time as the store keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// account by id. users.ErrNotFound.
func (s *store) account(ctx context.Context, id string) (account, error) {
	a := account{id: id}
	if !validID(id) {
		return a, users.ErrNotFound
	}
	_, err := s.users.Get(ctx, id, &a)
	if err == nil && a.DeletedAt != nil {
		return account{id: id}, users.ErrNotFound
	}
	return a, named(err)
}

// find is the account by the key of its login or its e-mail. users.ErrNotFound.
func (s *store) find(ctx context.Context, key string) (account, error) {
	field := "login_key"
	if strings.Contains(key, "@") { // no login has one
		field = "email_key"
	}
	for d, err := range s.users.Find(ctx, field, key) {
		if err != nil {
			return account{}, err
		}
		a := account{id: d.ID}
		if err := d.Decode(&a); err != nil || a.DeletedAt == nil {
			return a, err
		}
	}
	return account{}, users.ErrNotFound
}

// change edits an account until nobody else changed it meanwhile. An error of edit
// leaves it as it was. users.ErrNotFound, documents.ErrExists.
func (s *store) change(ctx context.Context, id string, edit func(*account) error) (account, error) {
	return s.amend(ctx, id, func(a *account) error {
		if a.DeletedAt != nil {
			return users.ErrNotFound
		}
		return edit(a)
	})
}

// amend is change for accounts that are gone, too.
func (s *store) amend(ctx context.Context, id string, edit func(*account) error) (account, error) {
	for range maxTries {
		a := account{id: id}
		if !validID(id) {
			return a, users.ErrNotFound
		}
		version, err := s.users.Get(ctx, id, &a)
		if err != nil {
			return a, named(err)
		}
		if err := edit(&a); err != nil {
			return a, err
		}
		err = s.users.Replace(ctx, id, version, a)
		if !errors.Is(err, documents.ErrVersion) {
			return a, err
		}
	}
	return account{}, documents.ErrVersion
}

// maxTries of a change that others keep overtaking.
const maxTries = 20

func named(err error) error {
	if errors.Is(err, documents.ErrNotFound) {
		return users.ErrNotFound
	}
	return err
}

// session by id. documents.ErrNotFound.
func (s *store) session(ctx context.Context, id string) (session, error) {
	ses := session{id: id}
	if !validID(id) {
		return ses, documents.ErrNotFound
	}
	var err error
	ses.version, err = s.sessions.Get(ctx, id, &ses)
	return ses, err
}

// sessionsOf a user, those that are over included.
func (s *store) sessionsOf(ctx context.Context, user string) ([]session, error) {
	var all []session
	for d, err := range s.sessions.Find(ctx, "user", user) {
		if err != nil {
			return nil, err
		}
		ses := session{id: d.ID, version: d.Version}
		if err := d.Decode(&ses); err != nil {
			return nil, err
		}
		all = append(all, ses)
	}
	return all, nil
}

// ofUser is what a collection holds of a user, each document as shape makes it, in the
// order of their ids; empty, not nil, when there is none.
func ofUser[D, V any](ctx context.Context, c documents.Collection, user string, shape func(D) V) ([]V, error) {
	all := []V{}
	for doc, err := range c.Find(ctx, ownerField, user) {
		if err != nil {
			return nil, err
		}
		var d D
		if err := doc.Decode(&d); err != nil {
			return nil, err
		}
		all = append(all, shape(d))
	}
	return all, nil
}

// emptyOf deletes what a collection holds of a user.
func emptyOf(ctx context.Context, c documents.Collection, user string) error {
	for d, err := range c.Find(ctx, ownerField, user) {
		if err != nil {
			return err
		}
		if err := c.Delete(ctx, d.ID); err != nil {
			return err
		}
	}
	return nil
}
