// Package rpc is the plumbing that all corridors share: a door's method called in
// another process over HTTP, with everything that a call in this process has.
//
// The wire: POST /internal/rpc/<module>/<method>, JSON in and out with Go's field
// names, and these headers:
//
//	Authorization       Bearer service token whose aud is the module
//	X-Request-ID        the id of the viewer's request
//	traceparent         W3C trace context
//	X-AniHub-Timeout    milliseconds that are left of the caller's deadline
//	X-AniHub-Principal  who asks, base64 of JSON; trusted because of the token
//
// Success is 200 with the value and X-AniHub-Door, the module that answers: without it
// any JSON of whatever listens there would be a value. Failure is the fault's status with
// {"Kind","Code","Message","Details","RetryAfterMS"}; since faults match by code,
// errors.Is holds on the caller's side. A failure that is not a fault arrives as
// INTERNAL without its text.
//
// A stream answers 200 and then one JSON line per item ({"Item":…}), an empty line
// as heartbeat, and {"Error":{…}} or {"End":true} as last line.
package rpc
