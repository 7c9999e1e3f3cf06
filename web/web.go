// Package web is the top floor: the public listener with the API and the page. It
// sees doors, never rooms.
package web

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"anihub/web/api"
)

//go:embed all:app/dist
var dist embed.FS

// Config is web.*.
type Config struct {
	Addr           string   `yaml:"addr"` // "" = no public listener
	AllowedOrigins []string `yaml:"allowed_origins"`
	RateLimit      int      `yaml:"rate_limit"` // requests a minute per address; 0 = no limit
	TrustedProxies []string `yaml:"trusted_proxies"`
}

// DefaultConfig serves everybody on :8080 from their own origin.
func DefaultConfig() Config { return Config{Addr: ":8080", RateLimit: 600} }

// Validate names what is wrong.
func (c Config) Validate() error {
	var bad []error
	if c.Addr != "" {
		if _, _, err := net.SplitHostPort(c.Addr); err != nil {
			bad = append(bad, fmt.Errorf("addr: must be host:port or :port, is %q", c.Addr))
		}
	}
	if c.RateLimit < 0 || c.RateLimit > 1_000_000 {
		bad = append(bad, fmt.Errorf("rate_limit: must be 0 (no limit) to 1000000 a minute, is %d", c.RateLimit))
	}
	for _, o := range c.AllowedOrigins {
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.Scheme+"://"+u.Host != o {
			bad = append(bad, fmt.Errorf("allowed_origins: must be like https://example.org, is %q", o))
		}
	}
	for _, p := range c.TrustedProxies {
		if _, _, err := net.ParseCIDR(p); err != nil {
			bad = append(bad, fmt.Errorf("trusted_proxies: must be CIDRs like 10.0.0.0/8, is %q", p))
		}
	}
	return errors.Join(bad...)
}

// Web is the public listener.
type Web struct {
	api      *api.API
	server   *http.Server
	listener net.Listener
}

// Surroundings is what the listener is told by the other floors' configuration.
type Surroundings struct {
	Media       []string      // origins of posters and video besides https:
	Ping, Pong  time.Duration // heartbeat of the sockets
	DrainSpread time.Duration // over which sockets are asked to come back
}

// Open binds the address, so that :0 works, and serves nothing yet.
func Open(cfg Config, s Surroundings, deps api.Deps) (*Web, error) {
	surface, err := api.New(api.Config{
		AllowedOrigins: cfg.AllowedOrigins, TrustedProxies: cfg.TrustedProxies, RateLimit: cfg.RateLimit,
		MediaOrigins: s.Media, Ping: s.Ping, Pong: s.Pong, DrainSpread: s.DrainSpread,
	}, deps)
	if err != nil {
		return nil, err
	}
	built, err := fs.Sub(dist, "app/dist")
	if err != nil {
		return nil, err
	}
	pages, err := newSite(built)
	if err != nil {
		return nil, err
	}
	handler, err := surface.Handler(pages.serve)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("web.addr: %w", err)
	}
	return &Web{api: surface, server: newServer(handler), listener: api.Corked(l)}, nil
}

// newServer bounds what a client may take: one that drips its request must not hold
// a connection. Bodies are bounded in the chain of api, because ReadTimeout would cost
// every request that has none, and end streams, which live long; so does writing.
func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ConnContext:       api.ConnContext,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
}

// Handler is what it serves, for a caller with connections of its own.
func (w *Web) Handler() http.Handler { return w.server.Handler }

// Addr is where it listens.
func (w *Web) Addr() string { return w.listener.Addr().String() }

// URL is where a browser on this machine finds it.
func (w *Web) URL() string {
	host, port, _ := strings.Cut(w.Addr(), "]:")
	if host == "[::" && port != "" {
		return "http://localhost:" + port
	}
	return "http://" + w.Addr()
}

// Serve serves until Shutdown.
func (w *Web) Serve() error {
	if err := w.server.Serve(w.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Shutdown lets requests finish and sockets leave, within ctx.
func (w *Web) Shutdown(ctx context.Context) error {
	// Both at once: the server waits for streams, which end when they are drained.
	drained := make(chan error, 1)
	go func() { drained <- w.api.Drain(ctx) }()
	err := errors.Join(w.server.Shutdown(ctx), <-drained)
	w.api.Close()
	return err
}
