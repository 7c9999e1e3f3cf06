package userssvc

import (
	"net/netip"
	"time"

	"anihub/modules/users"
)

// For the tests of what no caller can reach directly: the guard of webhooks, to which
// no test may offer a real address, and the quiet hours of another day.
var (
	Public  = func(a netip.Addr) bool { return public(a) }
	Retries = retries
)

// CheckURL is the check of a webhook's URL.
func CheckURL(raw string, private bool) error {
	return WebhooksConfig{AllowPrivate: private}.checkURL(raw)
}

// Control is the check of an address that is dialled.
func Control(address string, private bool) error {
	return WebhooksConfig{AllowPrivate: private}.control(nil, "tcp", address, nil) //nolint:staticcheck // is not used
}

// QuietUntil is when quiet hours that t lies in are over.
func QuietUntil(h users.QuietHours, t time.Time) (time.Time, error) {
	var a account
	err := a.keepQuiet(&h)
	return a.Quiet.until(t), err
}
