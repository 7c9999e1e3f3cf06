package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"anihub/platform"
	"anihub/platform/documents/archive"
	"anihub/platform/eventlog"
)

const restoreHelp = `anihub restore [-config FILE] [-dry-run] [-force] [-moved] FILE

Checks all of a backup, - is standard input, then writes it into the store of the
configuration, then compares the two. Stop every server first, and start them afterwards.
A store that is not empty is refused without -force. A restore that was interrupted is
done again, with -force.
`

// restoring is the command restore with its words.
type restoring struct {
	t                    terminal
	config               string
	dry, force, sameNews bool
}

// restore is the command restore.
func restore(ctx context.Context, t terminal, args []string) error {
	r := restoring{t: t}
	fs, file := flags(t, "restore")
	fs.BoolVar(&r.dry, "dry-run", false, "only check FILE and tell what is in it; no store is opened")
	fs.BoolVar(&r.force, "force", false, "make a store that is not empty hold what is in FILE and nothing else: whatever is\nnot in FILE, or is different there, is removed for good")
	fs.BoolVar(&r.sameNews, "moved", false, "the server was stopped before FILE was made and did not run since: viewers' positions\nin the news go on. Otherwise they learn that they may have missed something")
	path, err := onePath(fs, t, restoreHelp, args)
	if err != nil {
		return err
	}
	r.config = *file
	f, err := source(ctx, path, t.in)
	if err != nil {
		return stopped(ctx, err, "nothing was written")
	}
	defer func() { _ = f.Close() }()
	if r.dry {
		return r.check(ctx, f)
	}
	return r.run(ctx, f)
}

// check only reads the backup.
func (r restoring) check(ctx context.Context, f io.Reader) error {
	m := newMeter(r.t.err)
	found, err := archive.Check(ctx, f, kept(), m.tell)
	m.end()
	if err != nil {
		return stopped(ctx, err, "nothing was written")
	}
	return contents(r.t.out, found)
}

func (r restoring) run(ctx context.Context, f io.ReadSeeker) error {
	s, err := loadValid(r.t, r.config)
	if err != nil {
		return err
	}
	// The file is judged before a store is made for it.
	if err := r.opens(ctx, f); err != nil {
		return err
	}
	stores, err := platform.OpenStores(s.Platform.Storage, true)
	if err != nil {
		return err
	}
	err = r.into(ctx, stores, f)
	return errors.Join(err, stores.Close())
}

func (r restoring) opens(ctx context.Context, f io.Reader) error {
	_, err := archive.Check(ctx, f, kept(), func(archive.Step) {})
	return stopped(ctx, err, "nothing was written")
}

func (r restoring) into(ctx context.Context, stores *platform.Stores, f io.ReadSeeker) error {
	m := newMeter(r.t.err)
	work := archive.Restoration{
		File: f, To: archived(stores), Empty: stores.Derived(), Force: r.force, Tell: m.tell,
	}
	if stores.Log == nil {
		work.Apart = names(eventlog.Collections())
	}
	found, err := work.Run(ctx)
	m.end()
	switch {
	case errors.Is(err, archive.ErrUnfinished):
		return stopped(ctx, err, "the store now holds a part of the backup: run it again with -force")
	case errors.Is(err, archive.ErrNotEmpty):
		return fmt.Errorf("%w; with -force they, and all that is not in the backup, are removed for good", err)
	case err != nil:
		return stopped(ctx, err, "nothing was written")
	}
	if stores.Log != nil && !r.sameNews {
		if err := eventlog.Renew(ctx, stores.Log); err != nil {
			return stopped(ctx, err, "all was restored but the event log; run it again with -force")
		}
	}
	if len(work.Apart) > 0 {
		_, _ = fmt.Fprintf(r.t.err, "passed over: %s; this configuration has its event log in Redis\n", strings.Join(work.Apart, ", "))
	}
	return contents(r.t.out, found)
}

// source opens the backup. Standard input is read to its end first, into a file without a
// name: all of it must be judged before any of it is used.
func source(ctx context.Context, path string, in io.Reader) (*os.File, error) {
	if path != "-" {
		return os.Open(path) //nolint:gosec // the operator names it
	}
	if in == nil {
		return nil, errors.New("there is no standard input to read")
	}
	f, err := os.CreateTemp("", "anihub-restore-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := unlessEnded(ctx, func() error { _, err := io.Copy(f, in); return err }); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	_, err = f.Seek(0, io.SeekStart)
	return f, err
}
