package auth

import (
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"anihub/platform/fault"
)

// What a good service token may still not be enough for.
var (
	// ErrService: the service is not on the allow-list.
	ErrService = fault.New(fault.Forbidden, "SERVICE_NOT_ALLOWED", "This service is not allowed here.")
	// ErrPermission: the token lacks the permission; its detail names it.
	ErrPermission = fault.New(fault.Forbidden, "PERMISSION_MISSING", "The token lacks a permission that this needs.")
)

// Permissions of a service.
const (
	Read    = "read"
	Write   = "write"
	Notify  = "notify"
	ReadPII = "read:pii" // e-mail addresses
)

// InternalAudience is the `aud` of admins' service tokens. Between processes the
// audience is the module that is called.
const InternalAudience = "anihub-internal"

// ServiceLife is the longest life of a service token.
const ServiceLife = 24 * time.Hour

// callLife is the life of a token made for one call between processes. It spans
// the skew of two clocks and the longest call.
const callLife = 5 * time.Minute

// Services issues and verifies service tokens.
type Services struct {
	keys    *Keys
	allowed []string
}

// NewServices signs with the keys and knows the services that are allowed.
func NewServices(keys *Keys, allowed []string) *Services {
	return &Services{keys: keys, allowed: slices.Clone(allowed)}
}

// Issue makes a token by which a service may do what the permissions say at the
// audience. It fails when the service is not allowed, a permission is unknown or
// the life is not between 1 s and ServiceLife.
func (s *Services) Issue(service string, permissions []string, audience string, ttl time.Duration) (string, error) {
	if !slices.Contains(s.allowed, service) {
		return "", ErrService.Because("%.64q is not in platform.auth.allowed_services %v", service, s.allowed)
	}
	for _, p := range permissions {
		if !slices.Contains([]string{Read, Write, Notify, ReadPII}, p) {
			return "", fmt.Errorf("unknown permission %.64q: known are read, write, notify, read:pii", p)
		}
	}
	if ttl < time.Second || ttl > ServiceLife {
		return "", fmt.Errorf("a service token lives 1s to %s, not %s", ServiceLife, ttl)
	}
	return s.keys.sign(jwt.MapClaims{
		"aud": audience, "service": service, "permissions": list(permissions),
	}, time.Now(), ttl)
}

// Signer makes a token for each call of a service to other modules (rpc.Sign).
func (s *Services) Signer(service string) func(audience string) (string, error) {
	return func(audience string) (string, error) {
		return s.Issue(service, []string{Read, Write, Notify}, audience, callLife)
	}
}

// Verify reads a service token made for the audience (rpc.Verify). ErrToken when it
// is worth nothing, ErrService when it is good but its service is not allowed.
func (s *Services) Verify(token, audience string) (Principal, error) {
	raw, err := s.keys.verify(token, audience, ServiceLife)
	if err != nil {
		return Principal{}, err
	}
	service, err := text(raw, "service")
	if err != nil {
		return Principal{}, err
	}
	permissions, err := texts(raw, "permissions")
	if err != nil {
		return Principal{}, err
	}
	if !slices.Contains(s.allowed, service) {
		return Principal{}, ErrService.Because("service %.64q", service)
	}
	return Principal{Service: service, Permissions: permissions}, nil
}

// Require is ErrPermission unless the service may.
func Require(p Principal, permission string) error {
	if !p.May(permission) {
		return ErrPermission.Detail("permission", permission)
	}
	return nil
}
