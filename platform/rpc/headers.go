package rpc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"

	"anihub/platform/auth"
	"anihub/platform/telemetry"
)

const (
	headerRequestID = "X-Request-ID"
	headerTimeout   = "X-AniHub-Timeout"
	headerPrincipal = "X-AniHub-Principal"
	// headerDoor names the module that answers. Without it any JSON would do: null is
	// an empty catalogue.
	headerDoor = "X-AniHub-Door"
)

// trace is W3C trace context, the same in every process.
var trace propagation.TraceContext

func readTrace(ctx context.Context, h http.Header) context.Context {
	return trace.Extract(ctx, propagation.HeaderCarrier(h))
}

func bearer(h http.Header) string {
	token, ok := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return token
}

func readPrincipal(ctx context.Context, h http.Header) (context.Context, error) {
	text := h.Get(headerPrincipal)
	if text == "" {
		return ctx, nil
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return ctx, errBody.With(err)
	}
	var p auth.Principal
	if err := json.Unmarshal(raw, &p); err != nil {
		return ctx, errBody.With(err)
	}
	return auth.WithPrincipal(ctx, p), nil
}

// readTimeout is what is left of the caller's deadline, at most maxTime.
func readTimeout(h http.Header) (time.Duration, error) {
	text := h.Get(headerTimeout)
	if text == "" {
		return maxTime, nil
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ms < 1 {
		return 0, errBody.Because("timeout %.20q", text)
	}
	return min(time.Duration(min(ms, maxTime.Milliseconds()))*time.Millisecond, maxTime), nil
}

// writeContext puts what ctx knows into the headers of a call.
func writeContext(ctx context.Context, h http.Header) error {
	trace.Inject(ctx, propagation.HeaderCarrier(h))
	if id := telemetry.RequestID(ctx); id != "" {
		h.Set(headerRequestID, id)
	}
	if p := auth.From(ctx); !p.Anonymous() {
		raw, err := json.Marshal(p)
		if err != nil {
			return err
		}
		h.Set(headerPrincipal, base64.StdEncoding.EncodeToString(raw))
	}
	return nil
}

// writeTimeout sends what is left of ctx's deadline. It shrinks at each hop by
// what was spent before it.
func writeTimeout(ctx context.Context, h http.Header) {
	if deadline, ok := ctx.Deadline(); ok {
		left := max(time.Until(deadline).Milliseconds(), 1)
		h.Set(headerTimeout, strconv.FormatInt(left, 10))
	}
}
