package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"time"

	"anihub/platform/auth"
	"anihub/platform/config"
	"anihub/platform/telemetry"
)

func printVersion(_ context.Context, t terminal, _ []string) error {
	_, err := fmt.Fprintf(t.out, "anihub %s (%s, %s)\n", version, commit, runtime.Version())
	return err
}

// configure is the command config.
func configure(_ context.Context, t terminal, args []string) error {
	if len(args) == 0 || (args[0] != "check" && args[0] != "print") {
		return errors.New("say config check or config print")
	}
	fs, file := flags(t, "config "+args[0])
	if err := parse(fs, args[1:]); err != nil {
		return err
	}
	s, err := loadValid(t, *file)
	if err != nil {
		return err
	}
	if args[0] == "print" {
		return config.Print(t.out, &s)
	}
	_, err = fmt.Fprintln(t.out, "the configuration is valid")
	return err
}

// token is the command: it prints nothing but the token.
func token(_ context.Context, t terminal, args []string) error {
	fs, file := flags(t, "token")
	service := fs.String("service", "", "`name` of the service, one of platform.auth.allowed_services")
	permissions := fs.String("permissions", "read", "comma-separated: read, write, notify, read:pii (e-mail addresses of users)")
	ttl := fs.Duration("ttl", 5*time.Minute, "life of the token, at most 24h")
	if err := parse(fs, args); err != nil {
		return err
	}
	if *service == "" {
		fs.Usage()
		return errors.New("-service is needed")
	}
	s, err := loadValid(t, *file)
	if err != nil {
		return err
	}
	a, err := auth.Open(s.Platform.Auth, s.Platform.Storage.DataDir)
	if err != nil {
		return err
	}
	made, err := a.Services.Issue(*service, strings.Split(*permissions, ","), auth.InternalAudience, *ttl)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.out, made)
	return err
}

// healthcheck is the command; its exit code is its answer.
func healthcheck(ctx context.Context, t terminal, args []string) error {
	fs, file := flags(t, "healthcheck")
	url := fs.String("url", "", "readiness `URL` (default: the internal listener of the configuration)")
	if err := parse(fs, args); err != nil {
		return err
	}
	if *url == "" {
		s, err := load(t, *file)
		if err != nil {
			return err
		}
		*url = "http://" + dialable(s.Modules.Addr) + "/health/ready"
	}
	state, err := askHealth(ctx, *url)
	if err != nil {
		_, _ = fmt.Fprintln(t.err, "anihub healthcheck:", err)
		return exit(2)
	}
	_, _ = fmt.Fprintln(t.out, state)
	switch state {
	case telemetry.Ready:
		return nil
	case telemetry.Degraded:
		return exit(1)
	}
	return exit(2)
}

// dialable is where a listener on all addresses is found from this machine.
func dialable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err == nil && (host == "" || host == "0.0.0.0" || host == "::") {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}

func askHealth(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var body struct{ Status string }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&body); err != nil {
		return "", fmt.Errorf("%s answers something that is no readiness: %w", url, err)
	}
	return body.Status, nil
}

func help(_ context.Context, t terminal, _ []string) error {
	usage(t.out)
	return nil
}

func usage(w io.Writer) {
	_, _ = fmt.Fprintln(w, "AniHub serves an anime site: page, API, catalogue and news in one binary.\n\nUsage: anihub [command] [flags]")
	for _, c := range commands() {
		_, _ = fmt.Fprintf(w, "\n  %s\n      %s\n", strings.TrimSpace(c.name+" "+c.usage), c.does)
	}
	_, _ = fmt.Fprintln(w, "\nEvery command takes -config FILE (default: config.yaml, when it is there), and every\nkey of it has a name in the environment: platform.cache.l1.ttl is ANIHUB_PLATFORM_CACHE_L1_TTL.")
}
