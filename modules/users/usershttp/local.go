package usershttp

import (
	"context"

	"anihub/modules/users"
	"anihub/platform/rpc"
)

// Observe is the door with its calls recorded as those over the wire are.
func Observe(door users.Service, rec *rpc.Recorder) users.Service { return local{door, rec} }

// local records and passes on.
type local struct {
	door users.Service
	rec  *rpc.Recorder
}

// Register implements users.Accounts.
func (l local) Register(ctx context.Context, r users.Registration) (users.Session, error) {
	return register.Here(l.rec, func() (users.Session, error) { return l.door.Register(ctx, r) })
}

// Login implements users.Accounts.
func (l local) Login(ctx context.Context, c users.Credentials) (users.Session, error) {
	return login.Here(l.rec, func() (users.Session, error) { return l.door.Login(ctx, c) })
}

// Refresh implements users.Accounts.
func (l local) Refresh(ctx context.Context, r users.Refresh) (users.Session, error) {
	return refresh.Here(l.rec, func() (users.Session, error) { return l.door.Refresh(ctx, r) })
}

// Logout implements users.Accounts.
func (l local) Logout(ctx context.Context, userID, sessionID string) error {
	_, err := logout.Here(l.rec, func() (rpc.None, error) {
		return rpc.None{}, l.door.Logout(ctx, userID, sessionID)
	})
	return err
}

// Validate implements users.Accounts.
func (l local) Validate(ctx context.Context, token string) (users.Validation, error) {
	return validate.Here(l.rec, func() (users.Validation, error) { return l.door.Validate(ctx, token) })
}

// User implements users.Profiles.
func (l local) User(ctx context.Context, id string) (users.User, error) {
	return user.Here(l.rec, func() (users.User, error) { return l.door.User(ctx, id) })
}

// UpdateProfile implements users.Profiles.
func (l local) UpdateProfile(ctx context.Context, id string, p users.Profile) (users.User, error) {
	return updateProfile.Here(l.rec, func() (users.User, error) { return l.door.UpdateProfile(ctx, id, p) })
}

// SetRole implements users.Profiles.
func (l local) SetRole(ctx context.Context, who, role string, on bool) (users.User, error) {
	return setRole.Here(l.rec, func() (users.User, error) { return l.door.SetRole(ctx, who, role, on) })
}

// SetBanned implements users.Profiles.
func (l local) SetBanned(ctx context.Context, who string, on bool) (users.User, error) {
	return setBanned.Here(l.rec, func() (users.User, error) { return l.door.SetBanned(ctx, who, on) })
}

// Subscriptions implements users.Subscriptions.
func (l local) Subscriptions(ctx context.Context, userID string) ([]users.Subscription, error) {
	return subscriptions.Here(l.rec, func() ([]users.Subscription, error) { return l.door.Subscriptions(ctx, userID) })
}

// Subscribe implements users.Subscriptions.
func (l local) Subscribe(ctx context.Context, userID string, titleID int) (users.Subscription, error) {
	return subscribe.Here(l.rec, func() (users.Subscription, error) { return l.door.Subscribe(ctx, userID, titleID) })
}

// Unsubscribe implements users.Subscriptions.
func (l local) Unsubscribe(ctx context.Context, userID string, titleID int) error {
	_, err := unsubscribe.Here(l.rec, func() (rpc.None, error) {
		return rpc.None{}, l.door.Unsubscribe(ctx, userID, titleID)
	})
	return err
}
