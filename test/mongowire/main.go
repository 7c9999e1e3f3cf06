// Mongowire is a server that speaks MongoDB's wire protocol, for AniHub's tests:
// FerretDB v1.24 over SQLite files, behind a proxy that lets one write through at
// a time, with the index that its own queries by _id miss, and with versions that are
// checked by _id. It is a child process of tests, not a database to keep anything in.
//
//	mongowire -dir DIR [-listen 127.0.0.1:0] [-until-eof]
//
// When it is ready it prints its address, mongodb://127.0.0.1:PORT/, as the only
// line on standard output; whatever else it has to say goes to standard error. It
// ends on SIGTERM or SIGINT, and with -until-eof also when its standard input ends,
// so that it does not outlive the test that started it. It may be killed at any
// moment and started again on the same directory: what it acknowledged is there.
//
// It is a module of its own so that FerretDB's requirements stay out of AniHub's.
//
// README: run `go build` in this directory; see platform/documents/mongowiretest
// for how tests start, kill, pause and restart it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	dir := flag.String("dir", "", "directory of the SQLite files; made when it is missing")
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	untilEOF := flag.Bool("until-eof", false, "end when standard input ends")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if *untilEOF {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	err := run(ctx, *dir, *listen)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mongowire:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, dir, listen string) error {
	if dir == "" {
		return errors.New("-dir is required")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	backend, wait, err := startFerret(ctx, dir)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	ix := &indexer{dir: dir}
	if err := ix.all(ctx); err != nil {
		return fmt.Errorf("indexing what is there: %w", err)
	}
	fmt.Printf("mongodb://%s/\n", l.Addr())
	p := &proxy{backend: backend, index: ix.namespace, forget: ix.forget}
	err = p.serve(ctx, l)
	return errors.Join(err, wait())
}

// startFerret starts FerretDB on a port of its own, over the files in dir, and
// gives its address and a function that waits for its end.
func startFerret(ctx context.Context, dir string) (addr string, wait func() error, err error) {
	f, err := ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Handler:  "sqlite",
		// The path must end in a slash. synchronous(normal) with the write-ahead
		// log, FerretDB's default, survives the death of the process.
		SQLiteURL: (&url.URL{Scheme: "file", Path: dir + "/", RawQuery: "_pragma=synchronous(normal)"}).String(),
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return "", nil, fmt.Errorf("FerretDB: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	u, err := url.Parse(f.MongoDBURI())
	if err != nil {
		return "", nil, fmt.Errorf("FerretDB's address: %w", err)
	}
	return u.Host, func() error { return <-done }, nil
}
