package userstest

import (
	"context"
	"crypto/rand"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"anihub/modules/users"
)

// Fake is users.Service in memory, for tests of what stands on the door. It keeps
// passwords as they are and makes tokens that say nothing.
type Fake struct {
	mu       sync.Mutex
	err      error
	users    map[string]*fakeUser
	sessions map[string]*fakeSession
	access   map[string]string // token → session id
	failures map[string]int
	news     []users.Notification // oldest first
	pushes   []fakePush
}

type fakeUser struct {
	users.User
	password      string
	subscriptions []users.Subscription // newest first
	library       map[int]users.Entry
	progress      map[int]map[float64]fakeEpisode
	inbox         fakeInbox
}

type fakeSession struct {
	id, user  string
	current   string // refresh token
	rotated   []string
	client    users.Client
	created   time.Time
	rotatedAt time.Time
	expires   time.Time
}

var _ users.Service = (*Fake)(nil)

// NewFake is a module without users.
func NewFake() *Fake {
	return &Fake{
		users: map[string]*fakeUser{}, sessions: map[string]*fakeSession{},
		access: map[string]string{}, failures: map[string]int{},
	}
}

// Fail makes every method answer err from now on; nil makes it well again.
func (f *Fake) Fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// enter locks; the caller unlocks even when it fails.
func (f *Fake) enter(ctx context.Context) error {
	f.mu.Lock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return f.err
}

var (
	fakeLogin = regexp.MustCompile(`^[\pL\pN_.-]{3,32}$`)
	fakeEmail = regexp.MustCompile(`^[^@\s\pC]+@[^@\s\pC]+\.[^@\s\pC]+$`)
)

// The limits of SPEC §1.
const (
	fakeFailures      = 10
	fakeRegistrations = 10
)

// Register implements users.Accounts.
func (f *Fake) Register(ctx context.Context, r users.Registration) (users.Session, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return users.Session{}, err
	}
	if err := acceptable(r); err != nil {
		return users.Session{}, err
	}
	if f.failures["from "+r.Client.Address]++; f.failures["from "+r.Client.Address] > fakeRegistrations {
		return users.Session{}, users.ErrTooMany.After(time.Hour)
	}
	if f.find(r.Login) != nil || f.find(r.Email) != nil {
		return users.Session{}, users.ErrAccountExists
	}
	t := time.Now().UTC().Truncate(time.Millisecond)
	u := &fakeUser{password: r.Password, User: users.User{
		ID: fakeID(), Login: r.Login, Email: r.Email, Roles: []string{users.RoleUser}, CreatedAt: t, UpdatedAt: t,
	}}
	f.users[u.ID] = u
	return f.open(u, r.Client), nil
}

func acceptable(r users.Registration) error {
	n := utf8.RuneCountInString(r.Password)
	switch {
	case !fakeLogin.MatchString(r.Login):
		return users.ErrUnacceptable.Detail("field", "login")
	case !fakeEmail.MatchString(r.Email) || len(r.Email) > 254:
		return users.ErrUnacceptable.Detail("field", "email")
	case n < 8 || n > 128 || strings.ContainsRune(r.Password, utf8.RuneError):
		return users.ErrUnacceptable.Detail("field", "password")
	}
	return nil
}

func fakeID() string { return strings.ToLower(rand.Text()[:20]) }

func (f *Fake) find(who string) *fakeUser {
	for _, u := range f.users {
		if strings.EqualFold(u.Login, who) || strings.EqualFold(u.Email, who) {
			return u
		}
	}
	return nil
}

func (f *Fake) open(u *fakeUser, c users.Client) users.Session {
	s := &fakeSession{id: fakeID(), user: u.ID, created: time.Now()}
	f.sessions[s.id] = s
	f.rotate(s, c)
	return f.pair(s)
}

func (f *Fake) rotate(s *fakeSession, c users.Client) {
	if s.current != "" {
		s.rotated = append(s.rotated, s.current)
	}
	s.current, s.client, s.rotatedAt = rand.Text(), c, time.Now()
	s.expires = time.Now().UTC().Truncate(time.Millisecond).Add(users.RefreshTTL)
}

func (f *Fake) pair(s *fakeSession) users.Session {
	token := rand.Text()
	f.access[token] = s.id
	return users.Session{
		ID: s.id, User: f.copy(s.user), AccessToken: token,
		AccessExpires: time.Now().UTC().Truncate(time.Second).Add(users.AccessTTL),
		RefreshToken:  s.current, RefreshExpires: s.expires,
	}
}

func (f *Fake) copy(id string) users.User {
	u := f.users[id].User
	u.Roles = slices.Clone(u.Roles)
	if u.Quiet != nil {
		own := *u.Quiet
		u.Quiet = &own
	}
	return u
}

// Login implements users.Accounts.
func (f *Fake) Login(ctx context.Context, c users.Credentials) (users.Session, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return users.Session{}, err
	}
	key := "login " + strings.ToLower(c.Login)
	if f.failures[key] >= fakeFailures {
		return users.Session{}, users.ErrTooMany.After(time.Minute)
	}
	u := f.find(c.Login)
	switch {
	case u == nil || u.password != c.Password:
		f.failures[key]++
		return users.Session{}, users.ErrBadCredentials
	case u.Banned:
		return users.Session{}, users.ErrBanned
	}
	delete(f.failures, key)
	return f.open(u, c.Client), nil
}

// Refresh implements users.Accounts.
func (f *Fake) Refresh(ctx context.Context, r users.Refresh) (users.Session, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return users.Session{}, err
	}
	for _, s := range f.sessions {
		i := slices.Index(s.rotated, r.Token)
		switch {
		case (s.current == r.Token || i >= 0) && f.users[s.user].Banned:
			return users.Session{}, users.ErrBanned
		case s.current == r.Token:
			f.rotate(s, r.Client)
			return f.pair(s), nil
		case i >= 0 && i == len(s.rotated)-1 && s.client == r.Client && time.Since(s.rotatedAt) <= 10*time.Second:
			return f.pair(s), nil
		case i >= 0:
			delete(f.sessions, s.id)
		}
	}
	return users.Session{}, users.ErrBadToken
}

// Logout implements users.Accounts.
func (f *Fake) Logout(ctx context.Context, userID, sessionID string) error {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return err
	}
	if s := f.sessions[sessionID]; s != nil && s.user == userID {
		delete(f.sessions, sessionID)
	}
	return nil
}

// Validate implements users.Accounts.
func (f *Fake) Validate(ctx context.Context, token string) (users.Validation, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return users.Validation{}, err
	}
	id, ok := f.access[token]
	if !ok {
		return users.Validation{Reason: "malformed"}, nil
	}
	s := f.sessions[id]
	switch {
	case s == nil:
		return users.Validation{Reason: "session_ended"}, nil
	case f.users[s.user].Banned:
		return users.Validation{Reason: "banned"}, nil
	}
	return users.Validation{
		Valid: true, UserID: s.user, SessionID: s.id, Roles: f.copy(s.user).Roles,
		ExpiresAt: time.Now().UTC().Truncate(time.Second).Add(users.AccessTTL),
	}, nil
}

// User implements users.Profiles.
func (f *Fake) User(ctx context.Context, id string) (users.User, error) {
	return f.edit(ctx, id, nil)
}

// UpdateProfile implements users.Profiles.
func (f *Fake) UpdateProfile(ctx context.Context, id string, p users.Profile) (users.User, error) {
	return f.edit(ctx, id, func(u *fakeUser) error {
		if p.Name != nil && utf8.RuneCountInString(*p.Name) > 64 {
			return users.ErrUnacceptable.Detail("field", "name")
		}
		if p.Email != nil {
			if !fakeEmail.MatchString(*p.Email) || len(*p.Email) > 254 {
				return users.ErrUnacceptable.Detail("field", "email")
			}
			if other := f.find(*p.Email); other != nil && other != u {
				return users.ErrAccountExists
			}
			u.Email = *p.Email
		}
		if p.Name != nil {
			u.Name = strings.TrimSpace(*p.Name)
		}
		return u.keepQuiet(p.Quiet)
	})
}

// SetRole implements users.Profiles.
func (f *Fake) SetRole(ctx context.Context, who, role string, on bool) (users.User, error) {
	return f.edit(ctx, f.idOf(who), func(u *fakeUser) error {
		if role != users.RoleAdmin && (role != users.RoleUser || !on) {
			return users.ErrUnacceptable.Detail("field", "role")
		}
		u.Roles = slices.DeleteFunc(u.Roles, func(r string) bool { return r == role })
		if on {
			u.Roles = append(u.Roles, role)
		}
		return nil
	})
}

// SetBanned implements users.Profiles. Sessions stay, and are worth nothing.
func (f *Fake) SetBanned(ctx context.Context, who string, on bool) (users.User, error) {
	return f.edit(ctx, f.idOf(who), func(u *fakeUser) error {
		u.Banned = on
		for id, s := range f.sessions {
			if s.user == u.ID && !on {
				delete(f.sessions, id)
			}
		}
		return nil
	})
}

func (f *Fake) idOf(who string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if u := f.find(who); u != nil {
		return u.ID
	}
	return ""
}

// edit changes a user; change may be nil.
func (f *Fake) edit(ctx context.Context, id string, change func(*fakeUser) error) (users.User, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return users.User{}, err
	}
	u := f.users[id]
	if u == nil {
		return users.User{}, users.ErrNotFound
	}
	if change != nil {
		if err := change(u); err != nil {
			return users.User{}, err
		}
		u.UpdatedAt = time.Now().UTC().Truncate(time.Millisecond)
	}
	return f.copy(id), nil
}

// Subscriptions implements users.Subscriptions.
func (f *Fake) Subscriptions(ctx context.Context, userID string) ([]users.Subscription, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	u := f.users[userID]
	if u == nil {
		return []users.Subscription{}, nil
	}
	out := []users.Subscription{}
	for _, s := range u.subscriptions {
		out = append(out, copiedSubscription(s))
	}
	return out, nil
}

// Subscribe implements users.Subscriptions.
func (f *Fake) Subscribe(ctx context.Context, userID string, titleID int) (users.Subscription, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return users.Subscription{}, err
	}
	u := f.users[userID]
	if titleID < 1 {
		return users.Subscription{}, users.ErrUnacceptable.Detail("field", "title_id")
	}
	if u == nil {
		return users.Subscription{}, users.ErrNotFound
	}
	for _, s := range u.subscriptions {
		if s.TitleID == titleID {
			return copiedSubscription(s), nil
		}
	}
	if len(u.subscriptions) >= users.MaxSubscriptions {
		return users.Subscription{}, users.ErrUnacceptable.Detail("field", "title_id")
	}
	s := users.Subscription{TitleID: titleID, Since: time.Now().UTC().Truncate(time.Millisecond)}
	u.subscriptions = append([]users.Subscription{s}, u.subscriptions...)
	return s, nil
}

// Unsubscribe implements users.Subscriptions.
func (f *Fake) Unsubscribe(ctx context.Context, userID string, titleID int) error {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return err
	}
	if u := f.users[userID]; u != nil {
		u.subscriptions = slices.DeleteFunc(u.subscriptions, func(s users.Subscription) bool { return s.TitleID == titleID })
	}
	return nil
}
