package v3

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"anihub/platform/anilibria"
)

// Times of a connection. The server pings every 30 s (FACTS §2), so one that has not
// been heard for more than two of them is gone, whatever TCP says.
const (
	dialTime    = 10 * time.Second // handshake
	readyTime   = 10 * time.Second // greeting and answers to subscriptions
	writeTime   = 5 * time.Second
	silenceTime = 75 * time.Second
	settledTime = time.Minute // a connection that lasted is no failure
	backoffMin  = time.Second
	backoffMax  = time.Minute
)

// frameMax is several times the longest title; a longer frame ends the connection.
const frameMax = 4 << 20

// subscriptions are the trees of what is listened to: all that is a hint. Encoding's
// progress, most of the traffic, is not.
func subscriptions() []string {
	return []string{
		`{"subscribe":{"type":"` + framePlaylist + `"}}`,
		`{"subscribe":{"type":"` + frameTitle + `"}}`,
		`{"subscribe":{"type":"` + frameTorrent + `"}}`,
		`{"subscribe":{"type":"` + frameFinish + `"}}`,
	}
}

var (
	errSilent   = errors.New("nothing was heard for too long")
	errNotReady = errors.New("no handshake, no greeting or no answer to a subscription in time")
)

// Socket is the WebSocket of v3 as an event source. It reconnects for ever, with
// backoff and full jitter, to its addresses in turn; frames that cannot be read are
// counted and skipped. Every connect asks to catch up, once everything that happens
// from then on is sure to be told.
type Socket struct {
	urls    []string
	agent   string
	client  *http.Client
	log     *slog.Logger
	metrics *metrics
	inbox   *inbox

	// Of Run alone.
	refused bool // a subscription was refused or not answered: listen to everything
	down    bool // the loss has been logged
}

var _ anilibria.EventSource = (*Socket)(nil)

// NewSocket prepares the socket; nothing is dialled before Run.
func NewSocket(c anilibria.Config, log *slog.Logger, registry prometheus.Registerer) (*Socket, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return newSocket(c, log, registry, anilibria.NewTransport(c))
}

func newSocket(c anilibria.Config, log *slog.Logger, registry prometheus.Registerer, transport http.RoundTripper) (*Socket, error) {
	m, err := newMetrics(registry)
	if err != nil {
		return nil, err
	}
	return &Socket{
		urls: c.WebSocketURLs(), agent: c.Agent(), client: &http.Client{Transport: transport},
		log: log.With("component", "anilibria"), metrics: m, inbox: newInbox(),
	}, nil
}

// Next implements anilibria.EventSource.
func (s *Socket) Next(ctx context.Context) (anilibria.Event, error) { return s.inbox.next(ctx) }

// Run implements anilibria.EventSource.
func (s *Socket) Run(ctx context.Context) error {
	defer s.client.CloseIdleConnections()
	for failures := 0; ; failures++ {
		address := s.urls[failures%len(s.urls)]
		began := time.Now()
		err := s.listen(ctx, address)
		if ctx.Err() != nil {
			return nil
		}
		s.lost(ctx, address, err)
		if time.Since(began) >= settledTime {
			failures = -1 // the first address again, and soon
		}
		if !sleep(ctx, backoff(failures+1)) {
			return nil
		}
	}
}

// lost logs the first of a row of failures; the metrics count them all.
func (s *Socket) lost(ctx context.Context, address string, err error) {
	if !s.down {
		s.log.WarnContext(ctx, "upstream socket is lost; connecting again", "url", address, "err", err)
	}
	s.down = true
}

// backoff is a random wait below a bound that doubles: those who lost the server
// together do not come back together.
func backoff(failures int) time.Duration {
	return rand.N(min(backoffMax, backoffMin<<min(failures, 10)))
}

// listen is one connection, from the dial to its end.
func (s *Socket) listen(ctx context.Context, address string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := &connection{socket: s}
	c.pulse = time.AfterFunc(dialTime, func() { cancel(c.silence()) })
	defer c.pulse.Stop()
	conn, err := s.dial(ctx, address, c.heard)
	if err != nil {
		return cause(ctx, err)
	}
	defer func() { _ = conn.CloseNow() }()
	defer s.metrics.connected.Set(0)
	c.conn = conn
	c.pulse.Reset(readyTime)
	return cause(ctx, c.read(ctx))
}

func (s *Socket) dial(ctx context.Context, address string, pinged func()) (*websocket.Conn, error) {
	conn, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{ //nolint:bodyclose // Dial says that it need not be
		HTTPClient: s.client,
		HTTPHeader: http.Header{"User-Agent": {s.agent}},
		OnPingReceived: func(context.Context, []byte) bool {
			pinged()
			return true
		},
	})
	if err != nil {
		s.metrics.connections.WithLabelValues("failed").Inc()
		return nil, err
	}
	s.metrics.connections.WithLabelValues("ok").Inc()
	conn.SetReadLimit(frameMax)
	return conn, nil
}

// cause prefers the reason why we gave a connection up to what that looks like.
func cause(ctx context.Context, err error) error {
	if because := context.Cause(ctx); because != nil && !errors.Is(because, context.Canceled) {
		return because
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
