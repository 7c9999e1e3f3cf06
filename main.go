// Command anihub is an anime site in one binary: the page, the API behind it, the
// catalogue and what keeps it current. `anihub help` tells how to start it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
)

// Set by the build; see the Makefile.
var (
	version = "dev"
	commit  = "none"
)

// terminal is where a command writes and what it reads from its surroundings.
type terminal struct {
	out, err io.Writer
	environ  []string
	in       io.Reader // nil = nothing to read
}

// command is one word after anihub.
type command struct {
	name, usage, does string
	run               func(ctx context.Context, t terminal, args []string) error
}

func commands() []command {
	return []command{
		{"serve", "[-config FILE] [-target MODULES]", "serve the site (also without any word)", serve},
		{"demo", "[-addr :8080] [-every 5s]", "serve with a built-in upstream and a throw-away store; needs no network", demo},
		{"healthcheck", "[-url URL]", "ask a running server: exit 0 ready, 1 degraded, 2 not ready", healthcheck},
		{"token", "-service NAME [-permissions read,write,notify,read:pii] [-ttl 5m]", "print a service token for /internal", token},
		{"config", "check | print", "validate the configuration, or show it with secrets masked", configure},
		{"user", "list | admin | ban | unban | reset-password", "manage accounts; anihub user -h tells more", user},
		{"backup", "[-force] FILE", "write users' and catalogue data into FILE, - is standard output; anihub backup -h tells more", backup},
		{"restore", "[-dry-run] [-force] [-moved] FILE", "read them back from FILE, - is standard input; anihub restore -h tells more", restore},
		{"version", "", "print version, commit and Go", printVersion},
		{"help", "", "show this", help},
	}
}

// exit is an exit code with nothing left to say.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// gcPercent lets the heap grow to three times what lives on it instead of twice: what
// lives is tens of megabytes, and collecting half as often gives a hot read a tenth
// more (docs/benchmarks.md). GOGC and GOMEMLIMIT have their usual say.
const gcPercent = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the second one has its default effect: it ends us at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, terminal{os.Stdout, os.Stderr, os.Environ(), os.Stdin}, os.Args[1:]))
}

// run is the program: 0 when all went well, 1 on an error, 2 on wrong words.
func run(ctx context.Context, t terminal, args []string) int {
	name, rest := split(args)
	for _, c := range commands() {
		if c.name == name {
			return code(t, c, c.run(ctx, t, rest))
		}
	}
	_, _ = fmt.Fprintf(t.err, "anihub: there is no command %q\n\n", name)
	usage(t.err)
	return 2
}

// split finds the command; flags alone are meant for serve.
func split(args []string) (string, []string) {
	if len(args) == 0 {
		return "serve", nil
	}
	switch args[0] {
	case "-h", "-help", "--help":
		return "help", nil
	case "-version", "--version":
		return "version", nil
	}
	if strings.HasPrefix(args[0], "-") {
		return "serve", args
	}
	return args[0], args[1:]
}

func code(t terminal, c command, err error) int {
	var e exit
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &e):
		return int(e)
	}
	_, _ = fmt.Fprintf(t.err, "anihub %s: %v\n", c.name, err)
	return 1
}
