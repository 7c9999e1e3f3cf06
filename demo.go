package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"anihub/platform"
	"anihub/platform/anilibria/anilibriatest"
)

// demo is the command: the whole product on an upstream of our own, for people who
// want to see it and for tests that want it real.
func demo(ctx context.Context, t terminal, args []string) error {
	fs, file := flags(t, "demo")
	addr := fs.String("addr", "", "`address` of the site (default web.addr)")
	every := fs.Duration("every", 5*time.Second, "how often an episode airs")
	titles := fs.Int("titles", 0, "generate this many more `titles`")
	if err := parse(fs, args); err != nil {
		return err
	}
	if *every < time.Second || *titles < 0 || *titles > 100_000 {
		return errors.New("-every must be at least 1s, -titles 0 to 100000")
	}
	s, err := load(t, *file)
	if err != nil {
		return err
	}
	if *addr != "" {
		s.Web.Addr = *addr
	}
	dir, err := os.MkdirTemp("", "anihub-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.demonstrate(dir, "http://"+l.Addr().String()+anilibriatest.BasePath)
	if err := s.validate(); err != nil {
		return err
	}
	a, err := open(s, t.err)
	if err != nil {
		return err
	}
	upstream := anilibriatest.New(append(anilibriatest.Catalogue(), anilibriatest.Generate(*titles, 1)...))
	_, _ = fmt.Fprintf(t.out, "AniHub demo: %s (an episode airs every %s; nothing is kept)\n", a.web.URL(), *every)

	g, inner := errgroup.WithContext(ctx)
	g.Go(func() error { return upstream.Serve(inner, l) })
	g.Go(func() error { return anilibriatest.NewDemo(upstream).Run(inner, *every) })
	g.Go(func() error { return a.run(inner) })
	return g.Wait()
}

// demonstrate points the configuration at the demo's upstream and a store that is
// thrown away.
func (s *settings) demonstrate(dir, upstream string) {
	s.Platform.Environment = platform.Development
	s.Platform.Storage.DataDir = dir
	s.Platform.Storage.Mongo.URI = ""
	s.Platform.Storage.Redis.URL = ""
	s.Platform.Anilibria.BaseURLs = []string{upstream}
	s.Platform.Anilibria.AssetsURL = ""
	s.Modules.Target = []string{"all"}
	s.Modules.Sync.PollInterval = time.Second
	if s.Web.Addr == "" {
		s.Web.Addr = ":8080"
	}
}
