package fault

import (
	"context"
	"errors"
	"net/http"
)

// statuses is the one table from kinds to HTTP (RFC 9110 §15). 499 is nginx's
// word for a caller that went away; nobody is left to read it.
var statuses = map[Kind]int{
	Internal:        http.StatusInternalServerError,
	Invalid:         http.StatusBadRequest,
	Unauthenticated: http.StatusUnauthorized,
	Forbidden:       http.StatusForbidden,
	NotFound:        http.StatusNotFound,
	Method:          http.StatusMethodNotAllowed,
	Conflict:        http.StatusConflict,
	TooLarge:        http.StatusRequestEntityTooLarge,
	Unsupported:     http.StatusUnsupportedMediaType,
	Unprocessable:   http.StatusUnprocessableEntity,
	TooMany:         http.StatusTooManyRequests,
	Upstream:        http.StatusBadGateway,
	Unavailable:     http.StatusServiceUnavailable,
	Timeout:         http.StatusGatewayTimeout,
	Canceled:        499,
}

// Status is the HTTP status of an error: 200 for nil, 500 for what is no fault.
func Status(err error) int {
	if err == nil {
		return http.StatusOK
	}
	return statuses[Of(err).Kind]
}

// KindOf is the inverse of the table, for the client end of a wire. An unknown
// status is Internal.
func KindOf(status int) Kind {
	for k, s := range statuses {
		if s == status {
			return k
		}
	}
	return Internal
}

func ofContext(err error) *Error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return ErrTimeout.With(err)
	case errors.Is(err, context.Canceled):
		return ErrCanceled.With(err)
	default:
		return ErrInternal.With(err)
	}
}
