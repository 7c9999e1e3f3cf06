package telemetry

import (
	"context"
	"math/rand/v2"
)

type requestKey struct{}

// request is a context that knows its id. It is its own value for requestKey, so
// that nothing is allocated but itself.
type request struct {
	context.Context
	id string
}

// Value is the request itself for its key.
func (r *request) Value(key any) any {
	if key == (requestKey{}) {
		return r
	}
	return r.Context.Value(key)
}

// NewRequestID makes an id for a request that came without a usable one: 120 random
// bits as letters. It need not be hard to guess, and is made for every request.
func NewRequestID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" // five bits each
	var id [24]byte
	first, second := rand.Uint64(), rand.Uint64()
	for i := range 12 {
		id[i] = letters[first>>(5*i)%32]
		id[12+i] = letters[second>>(5*i)%32]
	}
	return string(id[:])
}

// WithRequestID returns a context that knows the id of its request.
func WithRequestID(ctx context.Context, id string) context.Context {
	return &request{ctx, id}
}

// RequestID is the id of the request that ctx belongs to; "" outside of one.
func RequestID(ctx context.Context) string {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r.id
	}
	return ""
}

// maxRequestID keeps a caller from filling the logs with an id of their own.
const maxRequestID = 64

// ValidRequestID tells whether an id from outside may be taken over: 8 to 64
// characters of [A-Za-z0-9_-], so that it cannot break a log line or a header.
func ValidRequestID(id string) bool {
	if len(id) < 8 || len(id) > maxRequestID {
		return false
	}
	for _, c := range []byte(id) {
		letter := (c|0x20) >= 'a' && (c|0x20) <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
