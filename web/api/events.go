package api

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"anihub/modules/realtime"
	"anihub/platform/fault"
)

// Why a request does not become a WebSocket.
var (
	errUpgrade = fault.New(fault.Invalid, "UPGRADE_REQUIRED", "This address speaks WebSocket; connect with a WebSocket client.")
	errOrigin  = fault.New(fault.Forbidden, "ORIGIN_NOT_ALLOWED", "Pages of this origin may not connect.")
)

// subprotocol is offered to clients who ask for one.
const subprotocol = "anihub.v1"

// EventsConfig is how the sockets behave. Zero times take the defaults of SPEC §5.
type EventsConfig struct {
	AllowedOrigins []string      // besides the page's own: https://example.com, https://*.example.com
	PingEvery      time.Duration // 25 s
	PongWithin     time.Duration // 10 s; without a pong by then the socket is cut
	WriteTimeout   time.Duration // 5 s for what is handed to the socket at once
	CloseTimeout   time.Duration // 5 s for the close handshake, then the socket is cut
	DrainSpread    time.Duration // 10 s over which Drain asks clients to come back
}

func (c *EventsConfig) fill() {
	for _, t := range []struct {
		is    *time.Duration
		usual time.Duration
	}{
		{&c.PingEvery, 25 * time.Second},
		{&c.PongWithin, 10 * time.Second},
		{&c.WriteTimeout, 5 * time.Second},
		{&c.CloseTimeout, 5 * time.Second},
		{&c.DrainSpread, 10 * time.Second},
	} {
		if *t.is == 0 {
			*t.is = t.usual
		}
	}
}

// checkOrigins names the first origin that is not one.
func checkOrigins(origins []string) error {
	for _, o := range origins {
		scheme, host, ok := strings.Cut(o, "://")
		_, err := path.Match(o, "")
		if !ok || scheme != "https" && scheme != "http" || host == "" || host == "*" || strings.ContainsAny(host, "/ ") || err != nil {
			return fmt.Errorf("allowed_origins: must be like https://example.com or https://*.example.com, is %q", o)
		}
	}
	return nil
}

// Events serves the conversations of realtime over WebSocket, Server-Sent Events and
// Socket.IO.
// It knows its connections, because http.Server.Shutdown knows nothing of the former
// and would wait for the latter.
type Events struct {
	cfg     EventsConfig
	rt      realtime.Service
	log     *slog.Logger
	metrics *eventsMetrics
	packets *packets

	mu       sync.Mutex
	open     map[*line]struct{}
	sessions map[string]*sioSession // of Socket.IO, by their ids
	draining bool
	idle     chan struct{} // closed when draining and nothing is open
}

// NewEvents fails when an origin is not one or the metrics are registered already.
func NewEvents(cfg EventsConfig, rt realtime.Service, log *slog.Logger, reg prometheus.Registerer) (*Events, error) {
	if err := checkOrigins(cfg.AllowedOrigins); err != nil {
		return nil, err
	}
	cfg.fill()
	m, err := newEventsMetrics(reg)
	if err != nil {
		return nil, err
	}
	return &Events{
		cfg: cfg, rt: rt, log: log.With("component", "events"), metrics: m, packets: newPackets(),
		open: make(map[*line]struct{}), sessions: make(map[string]*sioSession), idle: make(chan struct{}),
	}, nil
}

// Socket is GET …/ws. What comes before the upgrade is answered as any request;
// afterwards the conversation is docs/realtime.md's. It reads nothing of the URL.
func (e *Events) Socket(c echo.Context) error {
	r := c.Request()
	if err := checkUpgrade(r); err != nil {
		c.Response().Header().Set("Upgrade", "websocket")
		c.Response().Header().Set("Sec-WebSocket-Version", "13")
		return err
	}
	if !e.allowed(r) {
		return errOrigin
	}
	l := e.newLine()
	if !e.enter(l, e.metrics.sockets) {
		return errDraining()
	}
	conv, err := e.rt.Open(r.Context(), realtime.Client{Address: c.RealIP(), UserAgent: r.UserAgent(), Transport: "websocket"})
	if err != nil {
		e.leave(l, e.metrics.sockets)
		return err
	}
	if w := e.accept(c, subprotocol); w != nil {
		go (&socket{line: l, wire: w, conv: conv}).run()
		return nil
	}
	conv.Close()
	e.leave(l, e.metrics.sockets)
	return nil
}

func errDraining() error { return realtime.ErrUnavailable.Because("shutting down").After(time.Second) }

// Drain asks all clients to come back, each at another time, and waits until the
// sockets are closed. Those that are left when ctx ends are cut; the error is
// then that of ctx. Afterwards nobody is let in.
func (e *Events) Drain(ctx context.Context) error {
	all := e.close()
	for i, s := range all {
		s.drain(250*time.Millisecond + e.cfg.DrainSpread*time.Duration(i)/time.Duration(len(all)))
	}
	select {
	case <-e.idle:
		return nil
	case <-ctx.Done():
	}
	for _, s := range all {
		s.cut()
	}
	select {
	case <-e.idle:
	case <-time.After(time.Second):
	}
	return context.Cause(ctx)
}

// Open is how many connections there are.
func (e *Events) Open() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.open)
}

func (e *Events) enter(l *line, gauge prometheus.Gauge) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.draining {
		return false
	}
	e.open[l] = struct{}{}
	gauge.Inc()
	return true
}

func (e *Events) leave(l *line, gauge prometheus.Gauge) {
	l.cut()
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.open, l)
	gauge.Dec()
	if e.draining && len(e.open) == 0 {
		close(e.idle)
	}
}

// close lets nobody in any more and returns who is in.
func (e *Events) close() []*line {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.draining && len(e.open) == 0 {
		close(e.idle)
	}
	e.draining = true
	all := make([]*line, 0, len(e.open))
	for l := range e.open {
		all = append(all, l)
	}
	return all
}

// allowed tells whether the page that connects is ours or on the list. A client
// that is no browser sends no Origin; what it may do, its token says.
func (e *Events) allowed(r *http.Request) bool {
	values := r.Header.Values("Origin")
	if len(values) == 0 {
		return true
	}
	u, err := url.Parse(values[0])
	if err != nil || len(values) > 1 || u.Host == "" {
		return false
	}
	if strings.EqualFold(u.Host, r.Host) {
		return true
	}
	origin := strings.ToLower(u.Scheme + "://" + u.Host)
	for _, pattern := range e.cfg.AllowedOrigins {
		if ok, err := path.Match(strings.ToLower(pattern), origin); ok && err == nil {
			return true
		}
	}
	return false
}

// checkUpgrade finds what RFC 6455 §4.2.1 wants and the request lacks.
func checkUpgrade(r *http.Request) error {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.Header.Get("Sec-WebSocket-Key")))
	switch {
	case r.Method != http.MethodGet || !r.ProtoAtLeast(1, 1) || r.ProtoMajor > 1:
		return errUpgrade.Detail("accepted", "GET over HTTP/1.1")
	case !hasToken(r.Header, "Connection", "upgrade"), !hasToken(r.Header, "Upgrade", "websocket"):
		return errUpgrade
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		return errUpgrade.Detail("header", "Sec-WebSocket-Version").Detail("accepted", "13")
	case err != nil || len(key) != 16 || len(r.Header.Values("Sec-WebSocket-Key")) != 1:
		return errUpgrade.Detail("header", "Sec-WebSocket-Key")
	}
	return nil
}

func hasToken(h http.Header, name, token string) bool {
	for _, line := range h.Values(name) {
		for t := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// eventsMetrics counts connections; what is said over them, the realtime module counts.
type eventsMetrics struct {
	sockets, streams, clients prometheus.Gauge
	closes                    *prometheus.CounterVec
}

func newEventsMetrics(reg prometheus.Registerer) (*eventsMetrics, error) {
	m := &eventsMetrics{
		sockets: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "websocket_open", Help: "WebSockets that are open in this process.",
		}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "eventstream_open", Help: "Streams of Server-Sent Events that are open in this process.",
		}),
		clients: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "socketio_open", Help: "Socket.IO clients that are connected to this process.",
		}),
		closes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "websocket_closes_total", Help: "WebSockets that ended, streams and Socket.IO clients, by the code we closed them with, gone (a write failed) or dead (no pong).",
		}, []string{"code"}),
	}
	return m, errors.Join(reg.Register(m.sockets), reg.Register(m.streams), reg.Register(m.clients), reg.Register(m.closes))
}
