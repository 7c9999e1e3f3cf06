package telemetry

import (
	"context"
	"crypto/rand"
)

type requestIDKey struct{}

// NewRequestID makes an id for a request that came without a usable one.
func NewRequestID() string { return rand.Text() }

// WithRequestID returns a context that knows the id of its request.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID is the id of the request that ctx belongs to; "" outside of one.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
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
