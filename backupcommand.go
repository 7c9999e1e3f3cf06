package main

import (
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"anihub/modules"
	"anihub/platform"
	"anihub/platform/audit"
	"anihub/platform/cache"
	"anihub/platform/documents"
	"anihub/platform/documents/archive"
	"anihub/platform/eventlog"
)

const backupHelp = `anihub backup [-config FILE] [-force] FILE

Writes users' and catalogue data of the store of the configuration into FILE, compressed
and with checksums; - is standard output. A server may go on serving meanwhile. FILE is
made whole or not at all, for this user only: it holds the hashes of passwords. Secrets
of the configuration and of the data directory are not in it; keep them beside it.
`

// backup is the command backup.
func backup(ctx context.Context, t terminal, args []string) error {
	fs, file := flags(t, "backup")
	force := fs.Bool("force", false, "overwrite FILE")
	path, err := onePath(fs, t, backupHelp, args)
	if err != nil {
		return err
	}
	s, err := loadValid(t, *file)
	if err != nil {
		return err
	}
	if path == "-" && isTerminal(t.out) {
		return errors.New("a backup is not for the eyes: send standard output somewhere")
	}
	stores, err := platform.OpenStores(s.Platform.Storage, false)
	if err != nil {
		return err
	}
	defer func() { _ = stores.Close() }()
	m := newMeter(t.err)
	var made archive.Summary
	write := func(w io.Writer) (err error) {
		made, err = archive.Write(ctx, w, version, archived(stores), m.tell)
		m.end()
		return err
	}
	if path == "-" {
		err := unlessEnded(ctx, func() error { return write(t.out) })
		if err != nil {
			return stopped(ctx, err, "what standard output got is no backup")
		}
		return contents(t.err, made)
	}
	if err := archive.WriteFile(path, *force, write); err != nil {
		return stopped(ctx, err, "no backup was made")
	}
	return contents(t.out, made)
}

// archived are all collections that a backup is of, in their order; see
// modules.Collections.
func archived(s *platform.Stores) []archive.Place {
	before, behind := modules.Collections()
	return slices.Concat(platform.Places(s.Main, before), s.Journal(), platform.Places(s.Main, behind), s.Trail())
}

// kept are all collections that a backup may hold.
func kept() []documents.Spec {
	before, behind := modules.Collections()
	return slices.Concat(before, eventlog.Collections(), behind, audit.Collections())
}

// leftOut are the collections that no backup holds: what is in them comes again.
func leftOut() []documents.Spec { return []documents.Spec{cache.DocumentsSpec()} }

func names(specs []documents.Spec) []string {
	var out []string
	for _, s := range specs {
		out = append(out, s.Name)
	}
	return out
}

// onePath reads flags and the one word among them.
func onePath(fs *flag.FlagSet, t terminal, help string, args []string) (path string, err error) {
	fs.Usage = func() {
		_, _ = fmt.Fprintln(t.err, help)
		fs.PrintDefaults()
	}
	var words []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return "", err
			}
			return "", exit(2) // flag has told what is wrong
		}
		if fs.NArg() == 0 {
			break
		}
		words, args = append(words, fs.Arg(0)), fs.Args()[1:]
	}
	if len(words) != 1 || words[0] == "" {
		fs.Usage()
		return "", exit(2)
	}
	return words[0], nil
}

// unlessEnded waits for f, which may hang on a pipe whose other end does nothing, or for
// the end of ctx.
func unlessEnded(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stopped adds to an error what it left behind.
func stopped(ctx context.Context, err error, left string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("stopped: %s", left)
	}
	return fmt.Errorf("%w; %s", err, left)
}

// contents tells what is in a backup.
func contents(w io.Writer, s archive.Summary) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, "COLLECTION\tDOCUMENTS\tBYTES\tSHA-256")
	for _, p := range s.Parts {
		_, _ = fmt.Fprintf(tw, "%s\t%d\t%d\t%s\n", p.Name, p.Count, p.Bytes, hex.EncodeToString(p.SHA256))
	}
	_, _ = fmt.Fprintf(tw, "all\t%d\t%d\t%s\n", s.Documents, s.Bytes, hex.EncodeToString(s.SHA256))
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "format %d, made by AniHub %s at %s\n", s.Format, s.AniHub, s.Created.UTC().Format(time.RFC3339))
	return err
}
