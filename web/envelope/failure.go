// Package envelope is how AniHub speaks JSON over HTTP, on the public and on the
// internal listener alike: the envelope of answers and failures, bodies and query
// strings read strictly, errors rendered in one place.
package envelope

import (
	"errors"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"anihub/platform/fault"
	"anihub/platform/telemetry"
)

// Faults of the HTTP surfaces themselves.
var (
	ErrNoRoute     = fault.New(fault.NotFound, "NOT_FOUND", "There is no such route.")
	ErrMethod      = fault.New(fault.Method, "METHOD_NOT_ALLOWED", "This route does not know this method.")
	ErrParameter   = fault.New(fault.Invalid, "BAD_PARAMETER", "A parameter is not acceptable.")
	ErrRange       = fault.New(fault.Unprocessable, "BAD_PARAMETER", "A parameter is out of its range.")
	ErrBody        = fault.New(fault.Invalid, "BAD_BODY", "The body is not what this route takes.")
	ErrMediaType   = fault.New(fault.Unsupported, "UNSUPPORTED_MEDIA_TYPE", "The body must be application/json.")
	ErrTooLarge    = fault.New(fault.TooLarge, "BODY_TOO_LARGE", "The body is too large.")
	ErrSignIn      = fault.New(fault.Unauthenticated, "UNAUTHENTICATED", "Sign in first.")
	ErrForbidden   = fault.New(fault.Forbidden, "FORBIDDEN", "You may not do this.")
	ErrCrossSite   = fault.New(fault.Forbidden, "CROSS_SITE", "Requests from other sites are not accepted here.")
	ErrRateLimited = fault.New(fault.TooMany, "RATE_LIMITED", "Too many requests; try again later.")
)

// Render makes the handler of errors: the one place where an error becomes an
// answer. What is our own defect or a dead dependency is logged here, once; its
// text stays in the log.
func Render(log *slog.Logger) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		if c.Response().Committed {
			return
		}
		f := asFault(err)
		status := fault.Status(f)
		if status >= http.StatusInternalServerError {
			log.ErrorContext(c.Request().Context(), "request failed",
				"route", c.Path(), "status", status, "code", f.Code, "err", err)
		}
		failureHeaders(c.Response().Header(), f, status)
		if err := Write(c, status, failureOf(c, f)); err != nil {
			log.ErrorContext(c.Request().Context(), "failure not rendered", "err", err)
		}
	}
}

func failureHeaders(h http.Header, f *fault.Error, status int) {
	h.Set(echo.HeaderCacheControl, "no-store")
	if f.RetryAfter > 0 {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	} else if status == http.StatusServiceUnavailable {
		h.Set(echo.HeaderRetryAfter, "5")
	}
	if status == http.StatusUnauthorized {
		h.Set(echo.HeaderWWWAuthenticate, `Bearer realm="anihub"`)
	}
}

type failure struct {
	Success   bool      `json:"success"`
	Error     errorBody `json:"error"`
	Timestamp string    `json:"timestamp"`
	RequestID string    `json:"request_id"`
}

type errorBody struct {
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Details map[string]any `json:"details"`
}

func failureOf(c echo.Context, f *fault.Error) failure {
	details := f.Details
	if details == nil {
		details = map[string]any{}
	}
	return failure{
		Error:     errorBody{f.Code, message(f, c.Request().Header.Get("Accept-Language")), details},
		Timestamp: time.Now().UTC().Format(time.RFC3339),
		RequestID: telemetry.RequestID(c.Request().Context()),
	}
}

// Caught runs a handler and turns its panic into an error with its stack.
func Caught(next echo.HandlerFunc, c echo.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.ErrInternal.Because("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return next(c)
}

// asFault puts echo's own errors into our words.
func asFault(err error) *fault.Error {
	var h *echo.HTTPError
	if !errors.As(err, &h) {
		return fault.Of(err)
	}
	switch h.Code {
	case http.StatusNotFound:
		return ErrNoRoute
	case http.StatusMethodNotAllowed:
		return ErrMethod
	case http.StatusRequestEntityTooLarge:
		return ErrTooLarge
	}
	return fault.New(fault.KindOf(h.Code), "REQUEST_REFUSED", http.StatusText(h.Code)).With(err)
}

// message is the sentence in the reader's language: Russian unless they prefer
// English. A sentence that was made for one case (it differs from the fault's own)
// exists in English only.
func message(f *fault.Error, accept string) string {
	if ru, ok := russian[f.Code]; ok && !PrefersEnglish(accept) {
		return ru
	}
	return f.Message
}

// PrefersEnglish reads Accept-Language (RFC 9110 §12.5.4) as far as two languages
// need: the one with the higher quality wins, the earlier one among equals.
func PrefersEnglish(accept string) bool {
	best, english := 0.0, false
	for part := range strings.SplitSeq(Clip(accept, 256), ",") {
		tag, q := quality(part)
		if q <= best {
			continue
		}
		switch primary, _, _ := strings.Cut(tag, "-"); primary {
		case "en":
			best, english = q, true
		case "ru":
			best, english = q, false
		}
	}
	return english
}

// quality splits "en-US;q=0.8" (RFC 9110 §12.4.2). A weight that is none makes the
// part say nothing.
func quality(part string) (string, float64) {
	tag, params, weighed := strings.Cut(part, ";")
	tag = strings.ToLower(strings.TrimSpace(tag))
	if !weighed {
		return tag, 1
	}
	value, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(params)), "q=")
	if !ok {
		return tag, 1
	}
	q, err := strconv.ParseFloat(value, 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return "", 0
	}
	return tag, q
}

// Clip cuts a text that somebody else chose to at most n bytes.
func Clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
