package usershttp

import (
	"context"

	"anihub/modules/users"
	"anihub/platform/rpc"
)

// Mount serves the door to other processes.
func Mount(s *rpc.Server, door users.Service) {
	mountInbox(s, door)
	mountPush(s, door)
	register.Handle(s, door.Register)
	login.Handle(s, door.Login)
	refresh.Handle(s, door.Refresh)
	validate.Handle(s, door.Validate)
	user.Handle(s, door.User)
	subscriptions.Handle(s, door.Subscriptions)
	mountCustody(s, door)
	logout.Handle(s, func(ctx context.Context, r logoutRequest) (rpc.None, error) {
		return rpc.None{}, door.Logout(ctx, r.UserID, r.SessionID)
	})
	updateProfile.Handle(s, func(ctx context.Context, r profileRequest) (users.User, error) {
		return door.UpdateProfile(ctx, r.ID, r.Profile)
	})
	setRole.Handle(s, func(ctx context.Context, r roleRequest) (users.User, error) {
		return door.SetRole(ctx, r.Who, r.Role, r.On)
	})
	setBanned.Handle(s, func(ctx context.Context, r banRequest) (users.User, error) {
		return door.SetBanned(ctx, r.Who, r.On)
	})
	subscribe.Handle(s, func(ctx context.Context, r titleRequest) (users.Subscription, error) {
		return door.Subscribe(ctx, r.UserID, r.TitleID)
	})
	unsubscribe.Handle(s, func(ctx context.Context, r titleRequest) (rpc.None, error) {
		return rpc.None{}, door.Unsubscribe(ctx, r.UserID, r.TitleID)
	})
	mountLibrary(s, door)
	mountProgress(s, door)
}
