package anilibria

// NewGuardOver makes a guard over another transport, so that tests can put hosts
// in the process and time under synctest.
var NewGuardOver = newGuard

// RetryAfter and Backoff are tested by themselves: they are arithmetic.
var (
	RetryAfter = retryAfter
	Backoff    = backoff
)
