package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"

	"anihub/modules"
	"anihub/platform"
	"anihub/platform/config"
	"anihub/web"
)

// settings is config.yaml: its tree is the tree of folders.
type settings struct {
	Platform platform.Config `yaml:"platform"`
	Modules  modules.Config  `yaml:"modules"`
	Web      web.Config      `yaml:"web"`
}

func defaults() settings {
	return settings{platform.DefaultConfig(), modules.DefaultConfig(), web.DefaultConfig()}
}

// aliases are names that operators expect to work as they do elsewhere.
func aliases() map[string]string {
	return map[string]string{
		"MONGODB_URI":         "platform.storage.mongo.uri",
		"REDIS_URL":           "platform.storage.redis.url",
		"JWT_SECRET":          "platform.auth.jwt_secret",
		"INTERNAL_JWT_SECRET": "platform.auth.internal_jwt_secret",
	}
}

// validate is everything that must hold before anything is opened.
func (s settings) validate() error {
	bad := []error{
		config.Under("platform", s.Platform.Validate()),
		config.Under("modules", s.Modules.Validate()),
		config.Under("web", s.Web.Validate()),
		s.Modules.Needs(s.Web.Addr != ""),
	}
	if !s.Modules.Whole() && s.Platform.Storage.Redis.URL == "" {
		bad = append(bad, errors.New("platform.storage.redis.url: is needed when modules live in several processes: it carries what they tell each other"))
	}
	return errors.Join(bad...)
}

// flags is a flag set of a command; every one knows -config.
func flags(t terminal, name string) (*flag.FlagSet, *string) {
	fs := flag.NewFlagSet("anihub "+name, flag.ContinueOnError)
	fs.SetOutput(t.err)
	return fs, fs.String("config", "", "YAML configuration `file` (default config.yaml, when it is there)")
}

// parse reads flags and refuses words that are left over.
func parse(fs *flag.FlagSet, args []string) error {
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return exit(2) // flag has told what is wrong
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("do not know what to do with %q", fs.Arg(0))
	}
	return nil
}

// load reads the configuration without judging whether it can serve.
func load(t terminal, file string) (settings, error) {
	s := defaults()
	src := config.Sources{File: file, Environ: withPort(t.environ), Aliases: aliases()}
	if file == "" {
		src.File, src.Optional = "config.yaml", true
	}
	return s, config.Load(&s, src)
}

// loadValid reads the configuration and names everything that is wrong with it.
func loadValid(t terminal, file string) (settings, error) {
	s, err := load(t, file)
	if err == nil {
		err = s.validate()
	}
	if err != nil {
		return s, fmt.Errorf("the configuration is not valid:\n  %s", strings.ReplaceAll(err.Error(), "\n", "\n  "))
	}
	return s, nil
}

// withPort turns the PORT of hosting platforms into web.addr, unless that is set.
func withPort(environ []string) []string {
	port, set := "", false
	for _, pair := range environ {
		if value, ok := strings.CutPrefix(pair, "PORT="); ok {
			port = value
		}
		set = set || strings.HasPrefix(pair, config.EnvName("web.addr")+"=")
	}
	if port == "" || set {
		return environ
	}
	return append(environ[:len(environ):len(environ)], config.EnvName("web.addr")+"=:"+port)
}
