// Package usershttp is the corridor of the users module: its door over the wire,
// both ends.
package usershttp

import (
	"anihub/modules/users"
	"anihub/platform/rpc"
)

const module = "users"

// What is sent where the door takes several values.
type (
	logoutRequest  struct{ UserID, SessionID string }
	profileRequest struct {
		ID      string
		Profile users.Profile
	}
	roleRequest struct {
		Who, Role string
		On        bool
	}
	banRequest struct {
		Who string
		On  bool
	}
	titleRequest struct {
		UserID  string
		TitleID int
	}
)

// The methods of the door. Refreshing twice is safe: the second time, the same
// client gets the same successor. Registering twice is told that the account
// exists, and signing in twice leaves a session nobody knows of.
var (
	register      = rpc.Method[users.Registration, users.Session]{Module: module, Name: "register"}
	login         = rpc.Method[users.Credentials, users.Session]{Module: module, Name: "login"}
	refresh       = rpc.Method[users.Refresh, users.Session]{Module: module, Name: "refresh", Safe: true}
	logout        = rpc.Method[logoutRequest, rpc.None]{Module: module, Name: "logout", Safe: true}
	validate      = rpc.Method[string, users.Validation]{Module: module, Name: "validate", Safe: true}
	user          = rpc.Method[string, users.User]{Module: module, Name: "user", Safe: true}
	updateProfile = rpc.Method[profileRequest, users.User]{Module: module, Name: "update_profile", Safe: true}
	setRole       = rpc.Method[roleRequest, users.User]{Module: module, Name: "set_role", Safe: true}
	setBanned     = rpc.Method[banRequest, users.User]{Module: module, Name: "set_banned", Safe: true}
	subscriptions = rpc.Method[string, []users.Subscription]{Module: module, Name: "subscriptions", Safe: true}
	subscribe     = rpc.Method[titleRequest, users.Subscription]{Module: module, Name: "subscribe", Safe: true}
	unsubscribe   = rpc.Method[titleRequest, rpc.None]{Module: module, Name: "unsubscribe", Safe: true}
)
