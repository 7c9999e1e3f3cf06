// Command mutants tests the tests: it puts one deliberate defect after another into the
// product, each of them a slip that a tired programmer could make, and wants the tests
// that guard the broken promise to fail. A defect that they do not notice is a hole in
// the suite. No file is changed: the compiler reads the spoilt one from a temporary folder
// (go test -overlay).
//
//	go run ./test/mutants                 all of them, a line each
//	go run ./test/mutants -list           what there is
//	go run ./test/mutants -only lease     those whose name, promise or file matches
//
// It exits with 0 when every defect was caught, 1 when one lives, 2 when the table itself
// is wrong: a text that is not there exactly once, a defect that does not compile, a test
// that fails without it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"time"
)

const (
	exitLives = 1
	exitWrong = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout)
	stop()
	os.Exit(code)
}

// run is main without the process.
func run(ctx context.Context, args []string, out io.Writer) int {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	flags.SetOutput(out)
	list := flags.Bool("list", false, "say what there is, try nothing")
	only := flags.String("only", "", "try those whose name, promise or file matches this regular expression")
	root := flags.String("root", ".", "folder of the module")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return exitWrong
	}
	pattern, err := regexp.Compile("(?i)" + *only)
	if err != nil {
		_, _ = fmt.Fprintln(out, "-only:", err)
		return exitWrong
	}
	chosen := choose(table(), pattern)
	if len(chosen) == 0 {
		_, _ = fmt.Fprintln(out, "no defect matches", *only)
		return exitWrong
	}
	if *list {
		for _, m := range chosen {
			_, _ = fmt.Fprintf(out, "%-34s %s\n%-34s   %s  -run %s\n", m.name, m.promise, "", m.file, m.tests)
		}
		return 0
	}
	return try(ctx, chosen, *root, out)
}

func choose(all []mutant, pattern *regexp.Regexp) []mutant {
	var chosen []mutant
	for _, m := range all {
		if pattern.MatchString(m.name) || pattern.MatchString(m.promise) || pattern.MatchString(m.file) {
			chosen = append(chosen, m)
		}
	}
	return chosen
}

// try tries one defect after another and sums up.
func try(ctx context.Context, chosen []mutant, root string, out io.Writer) int {
	l, err := newLab(root)
	if err != nil {
		_, _ = fmt.Fprintln(out, err)
		return exitWrong
	}
	defer l.close()
	begin := time.Now()
	caught, lives, wrong := 0, 0, 0
	for i, m := range chosen {
		start := time.Now()
		_, _ = fmt.Fprintf(out, "%2d/%d %-34s ", i+1, len(chosen), m.name)
		by, err := l.try(ctx, m)
		took := time.Since(start).Seconds()
		switch {
		case ctx.Err() != nil:
			_, _ = fmt.Fprintln(out, "stopped")
			return exitWrong
		case errors.Is(err, errLives):
			lives++
			_, _ = fmt.Fprintf(out, "LIVES  %s (%s)\n", m.promise, m.file)
		case err != nil:
			wrong++
			_, _ = fmt.Fprintf(out, "WRONG  %v\n", err)
		default:
			caught++
			_, _ = fmt.Fprintf(out, "caught by %s, %.1f s\n", by, took)
		}
	}
	_, _ = fmt.Fprintf(out, "%d defects: %d caught, %d live, %d wrong, in %.0f s\n",
		len(chosen), caught, lives, wrong, time.Since(begin).Seconds())
	switch {
	case wrong > 0:
		return exitWrong
	case lives > 0:
		return exitLives
	}
	return 0
}
