package userssvc

import (
	"context"
	"crypto/sha256"
	"net/netip"
	"time"

	"anihub/modules/users"
)

// Limit is how many events a key may have within a window.
type Limit struct {
	Events int
	Window time.Duration
}

// Limiter counts events by key. An implementation that several processes share
// limits the fleet; errors are of its store.
type Limiter interface {
	// Take counts an event of key, or refuses it and says for how long: until the
	// window has room again, and longer each time the limit is hit anew.
	Take(ctx context.Context, key string, l Limit) (wait time.Duration, err error)
	// Return takes back the newest event of key.
	Return(ctx context.Context, key string, l Limit) error
	// Clear forgets key.
	Clear(ctx context.Context, key string) error
}

// limits are the rules of this module over a Limiter.
type limits struct {
	cfg     Config
	limiter Limiter
}

// counted is one event under one rule.
type counted struct {
	key string
	Limit
}

// attempt is a sign-in that is counted as failed until it is known better. Counting
// afterwards would let any number through at once.
type attempt struct {
	limiter          Limiter
	account, address counted
}

// login counts an attempt on whatever was typed, whether or not there is such an
// account. ErrTooMany.
func (l limits) login(ctx context.Context, who, address string) (*attempt, error) {
	return l.attempt(ctx, key("login", who), address)
}

// proof counts an attempt of a signed-in user to confirm something by the password.
// ErrTooMany.
func (l limits) proof(ctx context.Context, userID, address string) (*attempt, error) {
	return l.attempt(ctx, key("proof", userID), address)
}

func (l limits) attempt(ctx context.Context, account, address string) (*attempt, error) {
	a := &attempt{
		limiter: l.limiter,
		account: counted{account, Limit{l.cfg.LoginFailures, l.cfg.LoginWindow}},
		address: counted{addressKey("login from", address), Limit{l.cfg.LoginFailuresPerAddress, l.cfg.LoginWindow}},
	}
	if err := a.address.take(ctx, a.limiter); err != nil {
		return nil, err
	}
	if err := a.account.take(ctx, a.limiter); err != nil {
		return nil, err // the address pays: it goes on trying
	}
	return a, nil
}

// succeeded forgets the failures of the account. Those of the address stay, or
// whoever has one account could try all others.
func (a *attempt) succeeded(ctx context.Context) error {
	if err := a.limiter.Clear(ctx, a.account.key); err != nil {
		return err
	}
	return a.address.takeBack(ctx, a.limiter)
}

// undecided takes the attempt back: nobody found out whether the password was right.
func (a *attempt) undecided(ctx context.Context) error {
	if err := a.account.takeBack(ctx, a.limiter); err != nil {
		return err
	}
	return a.address.takeBack(ctx, a.limiter)
}

// registration counts one of an address. ErrTooMany.
func (l limits) registration(ctx context.Context, address string) (counted, error) {
	c := counted{addressKey("register from", address), Limit{l.cfg.RegistrationsPerHour, time.Hour}}
	return c, c.take(ctx, l.limiter)
}

func (c counted) take(ctx context.Context, l Limiter) error {
	if c.Events == 0 || c.key == "" {
		return nil
	}
	wait, err := l.Take(ctx, c.key, c.Limit)
	if err != nil {
		return err
	}
	if wait > 0 {
		return users.ErrTooMany.After(wait.Truncate(time.Second) + time.Second)
	}
	return nil
}

func (c counted) takeBack(ctx context.Context, l Limiter) error {
	if c.Events == 0 || c.key == "" {
		return nil
	}
	return l.Return(ctx, c.key, c.Limit)
}

// key is of one length whatever was typed, and shows nobody's address in a store.
func key(kind, value string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + value))
	return string(sum[:16])
}

// addressKey makes one key of an IPv6 network: its owner has all its addresses
// (RFC 6177). An unknown address has none.
func addressKey(kind, address string) string {
	if address == "" {
		return ""
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return key(kind, address)
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		network, _ := ip.Prefix(64) // 64 fits
		return key(kind, network.String())
	}
	return key(kind, ip.String())
}
