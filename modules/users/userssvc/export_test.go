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
	return guard{private}.checkURL("url", raw)
}

// Control is the check of an address that is dialled.
func Control(address string, private bool) error {
	return guard{private}.control(nil, "tcp", address, nil) //nolint:staticcheck // is not used
}

// QuietUntil is when quiet hours that t lies in are over.
func QuietUntil(h users.QuietHours, t time.Time) (time.Time, error) {
	var a account
	err := a.keepQuiet(&h)
	return a.Quiet.until(t), err
}

// Seal is the encryption of messages with what is random given.
var Seal = seal

// RetryAfter reads the header of an answer.
var RetryAfter = retryAfter

// Idle tells whether a worker that found nothing for an outlet until then leaves it
// alone at t.
func Idle(until, t time.Time) bool {
	w := newWorker()
	l := &Ledger{id: "x", version: 3, Cursor: 6}
	w.nothingFor("x", looked{3, 7, until})
	return w.idle(l, 7, t)
}
