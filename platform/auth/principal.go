// Package auth issues and verifies AniHub's tokens and hashes passwords.
package auth

import (
	"context"
	"slices"
)

// Principal is who makes a request: a user, a service, or nobody.
type Principal struct {
	UserID      string   // set for a user
	SessionID   string   // the session a user's token belongs to
	Roles       []string // of a user: "user", "admin"
	Service     string   // set for a service
	Permissions []string // of a service: read, write, notify
}

// Anonymous tells whether nobody is known.
func (p Principal) Anonymous() bool { return p.UserID == "" && p.Service == "" }

// HasRole tells whether a user has the role.
func (p Principal) HasRole(role string) bool { return slices.Contains(p.Roles, role) }

// May tells whether a service has the permission.
func (p Principal) May(permission string) bool { return slices.Contains(p.Permissions, permission) }

type principalKey struct{}

// WithPrincipal returns a context that knows who asks.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From is who asks; the zero Principal when nobody is known.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}
