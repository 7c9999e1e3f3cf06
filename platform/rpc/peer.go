package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"anihub/platform/fault"
)

// Sign makes a service token for an audience (the module that is called).
type Sign func(audience string) (string, error)

// PeerConfig says where a module lives.
type PeerConfig struct {
	Module  string
	URL     string        // http://host:port
	Timeout time.Duration // of a call that has no deadline of its own; 0 = 10 s
}

// attempts of a safe call. The first failure may be a connection that the peer
// closed while it was restarting; the third attempt would only add load.
const attempts = 2

// The breaker of a peer: after this many failures in a row nobody waits for it.
const (
	peerFailures = 5
	peerDelay    = 5 * time.Second
)

// Peer is the calling end: one module in another process.
type Peer struct {
	cfg     PeerConfig
	base    string
	sign    Sign
	rec     *Recorder
	client  *http.Client
	breaker circuitbreaker.CircuitBreaker[any]
}

// NewPeer prepares calls to the module; it does not connect. It fails when the URL
// is not http(s)://host[:port].
func NewPeer(cfg PeerConfig, sign Sign, rec *Recorder, log *slog.Logger) (*Peer, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("modules.%s.url: must be http(s)://host[:port], is %q", cfg.Module, cfg.URL)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	breaker := circuitbreaker.NewBuilder[any]().
		WithFailureThreshold(peerFailures).
		WithDelay(peerDelay).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			log.Warn("peer breaker changed", "module", cfg.Module, "from", e.OldState, "to", e.NewState)
		}).
		Build()
	return &Peer{
		cfg: cfg, base: u.Scheme + "://" + u.Host, sign: sign, rec: rec,
		client: &http.Client{Transport: transport(), CheckRedirect: noRedirect}, breaker: breaker,
	}, nil
}

// noRedirect: a door never redirects; following one would carry the token elsewhere.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// transport speaks HTTP/1.1 for calls. Connections are kept: a call per connection
// would cost a handshake each.
func transport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: time.Second, KeepAlive: 15 * time.Second}).DialContext,
		MaxIdleConnsPerHost:   100,
		IdleConnTimeout:       30 * time.Second,
		ResponseHeaderTimeout: maxTime,
		TLSHandshakeTimeout:   2 * time.Second,
	}
}

// Close drops idle connections.
func (p *Peer) Close() { p.client.CloseIdleConnections() }

type call struct {
	path, name string
	safe       bool
	req, resp  any
}

func (p *Peer) call(ctx context.Context, c call) error {
	start := time.Now()
	err := p.tries(ctx, c)
	p.rec.record(p.cfg.Module, c.name, start, err)
	return err
}

func (p *Peer) tries(ctx context.Context, c call) error {
	body, err := json.Marshal(c.req)
	if err != nil {
		return fmt.Errorf("encode call %s: %w", c.name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout(ctx))
	defer cancel()
	for attempt := 1; ; attempt++ {
		err = p.once(ctx, c, body)
		if err == nil || !c.safe || attempt == attempts || !errors.Is(err, ErrPeer) || !pause(ctx, attempt) {
			return err
		}
	}
}

func (p *Peer) timeout(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return p.cfg.Timeout
}

// pause waits before the next attempt; false when ctx ended meanwhile.
func pause(ctx context.Context, attempt int) bool {
	t := time.NewTimer(time.Duration(attempt) * (10*time.Millisecond + rand.N(20*time.Millisecond)))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// once makes one attempt, behind the breaker.
func (p *Peer) once(ctx context.Context, c call, body []byte) error {
	if !p.breaker.TryAcquirePermit() {
		return ErrPeer.Because("%s: breaker is open", p.cfg.Module).After(p.breaker.RemainingDelay())
	}
	resp, err := p.send(ctx, c.path, body)
	if err != nil {
		return p.judge(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	return p.judge(ctx, p.readAnswer(resp, c.resp))
}

// send posts a call. Every error is the transport's.
func (p *Peer) send(ctx context.Context, path string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	token, err := p.sign(p.cfg.Module)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	if err := writeContext(ctx, r.Header); err != nil {
		return nil, err
	}
	writeTimeout(ctx, r.Header)
	return p.client.Do(r)
}

// judge tells the breaker what an attempt shows about the peer, and names the
// error. A caller who went away shows nothing; a fault of the door shows that the
// peer is well.
func (p *Peer) judge(ctx context.Context, err error) error {
	var f *fault.Error
	switch {
	case err == nil || errors.As(err, &f) && !errors.Is(f, ErrPeer):
		p.breaker.RecordSuccess()
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		p.breaker.RecordSuccess()
		return context.Cause(ctx)
	}
	p.breaker.RecordError(err)
	if ctx.Err() != nil {
		return fault.ErrTimeout.With(err)
	}
	if errors.Is(err, ErrPeer) {
		return err
	}
	return ErrPeer.With(err)
}

func (p *Peer) readAnswer(resp *http.Response, into any) error {
	body := io.LimitReader(resp.Body, maxBody+1)
	if resp.StatusCode != http.StatusOK {
		return readFault(resp.StatusCode, body)
	}
	if door := resp.Header.Get(headerDoor); door != p.cfg.Module {
		return ErrPeer.Because("an answer of %.20q, which is not the door", door)
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if len(raw) > maxBody {
		return ErrPeer.Because("answer over %d bytes", maxBody)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return ErrPeer.Because("unreadable answer: %w", err)
	}
	return nil
}

// readFault makes the peer's fault again. What is not one came from something in
// between, a proxy or another program on that port.
func readFault(status int, body io.Reader) error {
	var w wireFault
	err := json.NewDecoder(body).Decode(&w)
	if err != nil || w.Code == "" || fault.Status(w.unpack()) != status {
		return ErrPeer.Because("status %d that no door sent", status)
	}
	return w.unpack()
}
