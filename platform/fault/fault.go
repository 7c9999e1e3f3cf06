// Package fault is the vocabulary of failure that every floor of AniHub shares:
// what kind of failure it is, a stable code for programs, a sentence for people
// and a private cause for logs.
//
// A fault matches by code, so errors.Is(err, catalog.ErrNotFound) holds on both
// sides of a wire: the code travels, the pointer need not.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of failure a fault is. It decides the HTTP status and
// whether trying again can help.
type Kind uint8

// The kinds, each with its one HTTP status in status.go.
const (
	Internal        Kind = iota // a defect of ours or an unclassified error
	Invalid                     // the request is malformed
	Unauthenticated             // no credentials, or bad ones
	Forbidden                   // good credentials, not enough rights
	NotFound                    // the thing does not exist
	Method                      // the path exists, the method does not
	Conflict                    // the thing changed meanwhile, or exists already
	TooLarge                    // the body or frame is over its limit
	Unsupported                 // the media type is not understood
	Unprocessable               // well formed, but its meaning is not acceptable
	TooMany                     // a rate or connection limit
	Upstream                    // a server we depend on answered nonsense
	Unavailable                 // a dependency is down; later may work
	Timeout                     // a dependency did not answer in time
	Canceled                    // the caller went away
)

// Error is a failure that is fit to be shown: Code and Message are public,
// the cause is not.
type Error struct {
	Kind       Kind
	Code       string         // stable, UPPER_SNAKE, read by programs
	Message    string         // one English sentence for people; public
	Details    map[string]any // public facts: the parameter, what is accepted
	RetryAfter time.Duration  // when trying again may help; 0 = unknown
	cause      error
}

// New declares a fault. Packages declare theirs once, as Err… variables.
func New(kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// Error is the text for logs: the public sentence and the private cause.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.Message
	}
	return e.Message + ": " + e.cause.Error()
}

// Unwrap gives the private cause.
func (e *Error) Unwrap() error { return e.cause }

// Is matches by code, so that a fault that crossed a wire is still itself.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// With returns a copy that carries a private cause.
func (e *Error) With(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Because returns a copy whose private cause is the formatted text.
func (e *Error) Because(format string, args ...any) *Error {
	return e.With(fmt.Errorf(format, args...))
}

// Saying returns a copy with another public sentence.
func (e *Error) Saying(format string, args ...any) *Error {
	c := *e
	c.Message = fmt.Sprintf(format, args...)
	return &c
}

// Detail returns a copy with one more public fact.
func (e *Error) Detail(key string, value any) *Error {
	c := *e
	c.Details = make(map[string]any, len(e.Details)+1)
	for k, v := range e.Details {
		c.Details[k] = v
	}
	c.Details[key] = value
	return &c
}

// After returns a copy that says when trying again may help.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Faults that no door owns: they can come out of any call.
var (
	ErrInternal    = New(Internal, "INTERNAL", "Something went wrong on our side.")
	ErrTimeout     = New(Timeout, "TIMEOUT", "The answer took too long.")
	ErrCanceled    = New(Canceled, "CANCELED", "The request was cancelled.")
	ErrUnavailable = New(Unavailable, "UNAVAILABLE", "The service is not available right now; try again later.")
)

// Of finds the fault in an error: the error itself, one it wraps, a context
// error in our words, or ErrInternal carrying it as private cause. Of(nil) is nil.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	var f *Error
	if errors.As(err, &f) {
		return f
	}
	return ofContext(err)
}
