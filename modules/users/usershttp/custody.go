package usershttp

import (
	"context"

	"anihub/modules/users"
	"anihub/platform/rpc"
)

type (
	endRequest   struct{ UserID, Keep string }
	resetRequest struct{ Who, Password string }
)

// Changing a password or deleting an account twice is not safe: the second time the
// password that confirms it is wrong, or the account is gone.
var (
	sessions       = rpc.Method[string, []users.SessionInfo]{Module: module, Name: "sessions", Safe: true}
	endSessions    = rpc.Method[endRequest, rpc.None]{Module: module, Name: "end_sessions", Safe: true}
	changePassword = rpc.Method[users.PasswordChange, rpc.None]{Module: module, Name: "change_password"}
	deleteAccount  = rpc.Method[users.Deletion, rpc.None]{Module: module, Name: "delete_account"}
	resetPassword  = rpc.Method[resetRequest, users.User]{Module: module, Name: "reset_password", Safe: true}
	userPage       = rpc.Method[users.UserPage, []users.User]{Module: module, Name: "users", Safe: true}
)

func mountCustody(s *rpc.Server, door users.Custody) {
	sessions.Handle(s, door.Sessions)
	userPage.Handle(s, door.Users)
	endSessions.Handle(s, func(ctx context.Context, r endRequest) (rpc.None, error) {
		return rpc.None{}, door.EndSessions(ctx, r.UserID, r.Keep)
	})
	changePassword.Handle(s, func(ctx context.Context, c users.PasswordChange) (rpc.None, error) {
		return rpc.None{}, door.ChangePassword(ctx, c)
	})
	deleteAccount.Handle(s, func(ctx context.Context, d users.Deletion) (rpc.None, error) {
		return rpc.None{}, door.DeleteAccount(ctx, d)
	})
	resetPassword.Handle(s, func(ctx context.Context, r resetRequest) (users.User, error) {
		return door.ResetPassword(ctx, r.Who, r.Password)
	})
}

// Sessions implements users.Custody.
func (c *Client) Sessions(ctx context.Context, userID string) ([]users.SessionInfo, error) {
	return call(ctx, c, sessions, userID)
}

// EndSessions implements users.Custody.
func (c *Client) EndSessions(ctx context.Context, userID, keep string) error {
	_, err := call(ctx, c, endSessions, endRequest{userID, keep})
	return err
}

// ChangePassword implements users.Custody.
func (c *Client) ChangePassword(ctx context.Context, p users.PasswordChange) error {
	_, err := call(ctx, c, changePassword, p)
	return err
}

// DeleteAccount implements users.Custody.
func (c *Client) DeleteAccount(ctx context.Context, d users.Deletion) error {
	_, err := call(ctx, c, deleteAccount, d)
	return err
}

// ResetPassword implements users.Custody.
func (c *Client) ResetPassword(ctx context.Context, who, password string) (users.User, error) {
	return call(ctx, c, resetPassword, resetRequest{who, password})
}

// Users implements users.Custody.
func (c *Client) Users(ctx context.Context, p users.UserPage) ([]users.User, error) {
	return call(ctx, c, userPage, p)
}

// Sessions implements users.Custody.
func (l local) Sessions(ctx context.Context, userID string) ([]users.SessionInfo, error) {
	return sessions.Here(l.rec, func() ([]users.SessionInfo, error) { return l.door.Sessions(ctx, userID) })
}

// EndSessions implements users.Custody.
func (l local) EndSessions(ctx context.Context, userID, keep string) error {
	_, err := endSessions.Here(l.rec, func() (rpc.None, error) {
		return rpc.None{}, l.door.EndSessions(ctx, userID, keep)
	})
	return err
}

// ChangePassword implements users.Custody.
func (l local) ChangePassword(ctx context.Context, p users.PasswordChange) error {
	_, err := changePassword.Here(l.rec, func() (rpc.None, error) { return rpc.None{}, l.door.ChangePassword(ctx, p) })
	return err
}

// DeleteAccount implements users.Custody.
func (l local) DeleteAccount(ctx context.Context, d users.Deletion) error {
	_, err := deleteAccount.Here(l.rec, func() (rpc.None, error) { return rpc.None{}, l.door.DeleteAccount(ctx, d) })
	return err
}

// ResetPassword implements users.Custody.
func (l local) ResetPassword(ctx context.Context, who, password string) (users.User, error) {
	return resetPassword.Here(l.rec, func() (users.User, error) { return l.door.ResetPassword(ctx, who, password) })
}

// Users implements users.Custody.
func (l local) Users(ctx context.Context, p users.UserPage) ([]users.User, error) {
	return userPage.Here(l.rec, func() ([]users.User, error) { return l.door.Users(ctx, p) })
}
