package anilibria

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"

	"anihub/platform/fault"
)

// The results of an attempt, a label of upstream_requests_total.
const (
	resultOK        = "ok"
	resultNotFound  = "not_found"
	resultRefused   = "refused"
	resultThrottled = "throttled"
	resultServer    = "server_error"
	resultTransport = "transport"
	resultTimeout   = "timeout"
	resultGarbage   = "garbage"
	resultCanceled  = "canceled"
	resultFull      = "bulkhead_full"
	resultPanic     = "panic"
)

// next is what may follow a failed attempt.
type next uint8

const (
	giveUp   next = iota // the answer is final
	nextHost             // another host may do better, asking this one again will not
	tryAgain             // another host, or this one a little later
)

// verdict is the outcome of one attempt.
type verdict struct {
	result   string
	evidence evidence
	next     next
	after    time.Duration // Retry-After, capped; 0 = none
	err      error         // nil: Decode has taken the answer
}

// drainMax is how much of an unwanted body is read to keep the connection.
const drainMax = 64 << 10

// NewTransport is how hosts are reached. It keeps few idle connections (SPEC §2); their
// number in use is limited by the bulkheads, so that waiting for one is visible to us
// and not hidden in a dial.
func NewTransport(c Config) *http.Transport {
	dialer := &net.Dialer{Timeout: min(5*time.Second, c.AttemptTimeout), KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           20,
		MaxIdleConnsPerHost:    20,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    min(5*time.Second, c.AttemptTimeout),
		MaxResponseHeaderBytes: 64 << 10,
		// Without pings a connection that was black-holed is used for every next
		// question until TCP gives up on it, a quarter of an hour later.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
	}
}

// sameHostOnly follows what a host says about itself, but not out of TLS. Another host is
// either one of the list, then it is asked anyway, or the block page of a provider.
func sameHostOnly(to *http.Request, via []*http.Request) error {
	from := via[0].URL
	if len(via) > 3 || to.URL.Host != from.Host || from.Scheme == "https" && to.URL.Scheme != "https" {
		return http.ErrUseLastResponse
	}
	return nil
}

// exchange is one request and its answer. A panic of a decoder must not take the
// bulkhead's permit with it (failsafe-go leaks it), so it ends here.
func (g *Guard) exchange(ctx context.Context, h *host, r Request) (v verdict) {
	defer func() {
		if p := recover(); p != nil {
			v = verdict{result: resultPanic, err: fault.ErrInternal.Because("reading the answer to %s: panic: %v", r.Route, p)}
		}
	}()
	req, err := g.request(ctx, h, r)
	if err != nil {
		return verdict{result: resultRefused, err: fault.ErrInternal.With(err)}
	}
	res, err := g.client.Do(req)
	if err != nil {
		return unreachable(err)
	}
	defer func() {
		_, _ = io.CopyN(io.Discard, res.Body, drainMax)
		_ = res.Body.Close()
	}()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return judgeStatus(res)
	}
	return g.read(res, r)
}

func (g *Guard) request(ctx context.Context, h *host, r Request) (*http.Request, error) {
	target := h.base + "/" + r.Path
	if len(r.Query) > 0 {
		target += "?" + r.Query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return nil, err
	}
	// Without Accept, Laravel may render errors as HTML. Accept-Encoding is left to
	// the transport, which then unpacks gzip by itself.
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", g.agent)
	return req, nil
}

// read takes a successful answer: JSON, whole, at most MaxBody after unpacking.
func (g *Guard) read(res *http.Response, r Request) verdict {
	if !maybeJSON(res.Header) {
		return garbage("%s in place of JSON", res.Header.Get("Content-Type"))
	}
	body, err := readBody(res)
	switch {
	case errors.Is(err, errTooLarge):
		return garbage("the answer is over %d bytes", MaxBody)
	case err != nil:
		return unreachable(fmt.Errorf("reading the answer: %w", err))
	case !json.Valid(body):
		return garbage("no valid JSON in %d bytes", len(body))
	}
	return g.decode(body, r)
}

// decode hands a sound answer to the driver. What it cannot read is no evidence
// against the host: it speaks JSON; perhaps another one holds a better copy.
func (g *Guard) decode(body []byte, r Request) verdict {
	skips := make(map[string]skipped)
	err := r.Decode(body, func(kind string, cause error) {
		s, known := skips[kind]
		if s.count++; !known {
			s.first = cause
		}
		skips[kind] = s
	})
	var known *fault.Error
	switch {
	case err == nil:
		g.ledger.skipped(r.Route, skips)
		return verdict{result: resultOK, evidence: goodEvidence}
	case errors.As(err, &known) && known.Kind == fault.NotFound:
		return verdict{result: resultNotFound, evidence: goodEvidence, err: err}
	case errors.As(err, &known) && known.Kind == fault.Unavailable:
		return verdict{result: resultServer, evidence: badEvidence, next: tryAgain, err: err}
	case errors.Is(err, ErrRefused):
		return verdict{result: resultRefused, evidence: goodEvidence, err: err}
	default:
		return verdict{result: resultGarbage, evidence: goodEvidence, next: nextHost, err: ErrGarbage.With(err)}
	}
}

var errTooLarge = errors.New("body over MaxBody")

// readBody grows its buffer up to MaxBody and not beyond: what a hostile host makes
// us hold is one and a half of that at most.
func readBody(res *http.Response) ([]byte, error) {
	size := res.ContentLength
	if size > MaxBody {
		return nil, errTooLarge
	}
	if size < 0 {
		size = 64 << 10
	}
	body := make([]byte, 0, size+1)
	for {
		n, err := res.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, err
		case len(body) > MaxBody:
			return nil, errTooLarge
		case len(body) == cap(body):
			body = append(make([]byte, 0, min(2*cap(body), MaxBody+1)), body...)
		}
	}
}

// maybeJSON accepts what may hold JSON; the body is checked in any case. Static
// mirrors say text/plain or nothing; HTML is the edge talking, not the API.
func maybeJSON(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return h.Get("Content-Type") == ""
	}
	switch kind {
	case "application/json", "text/json", "text/plain", "application/octet-stream":
		return true
	}
	return strings.HasSuffix(kind, "+json")
}

// judgeStatus reads everything but success. HTML with a 4xx is an edge (a
// challenge, a parked domain): it neither knows what exists nor speaks for the
// host, so the next one is asked.
func judgeStatus(res *http.Response) verdict {
	status := res.StatusCode
	said := fmt.Errorf("%s answered %d", res.Request.URL.Host, status)
	after := retryAfter(res.Header, time.Now())
	edge := !maybeJSON(res.Header)
	switch {
	case status >= 500:
		return verdict{result: resultServer, evidence: badEvidence, next: tryAgain, after: after, err: ErrUnavailable.With(said).After(after)}
	case status == http.StatusTooManyRequests && after > 0:
		// It is alive and said when: waited for, not an outage beyond that.
		return verdict{result: resultThrottled, next: tryAgain, after: after, err: ErrUnavailable.With(said).After(after)}
	case status == http.StatusTooManyRequests:
		return verdict{result: resultThrottled, evidence: badEvidence, next: tryAgain, err: ErrUnavailable.With(said)}
	case status < 400:
		return garbage("answered %d to %q", status, res.Header.Get("Location"))
	case status == http.StatusNotFound && edge:
		return verdict{result: resultGarbage, next: nextHost, err: ErrGarbage.With(said)}
	case status == http.StatusNotFound:
		return verdict{result: resultNotFound, evidence: goodEvidence, err: ErrNotFound.With(said)}
	case edge:
		return verdict{result: resultRefused, next: nextHost, err: ErrRefused.With(said)}
	default:
		return verdict{result: resultRefused, evidence: goodEvidence, err: ErrRefused.With(said)}
	}
}

func garbage(format string, args ...any) verdict {
	return verdict{result: resultGarbage, evidence: badEvidence, next: nextHost, err: ErrGarbage.Because(format, args...)}
}

func unreachable(err error) verdict {
	return verdict{result: resultTransport, evidence: badEvidence, next: tryAgain, err: ErrUnavailable.With(err)}
}
