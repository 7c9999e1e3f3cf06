package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal is a pseudo-terminal: what a program writes to the slave is read from
// the master.
func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	return master, slave
}

// TestOnATerminalTheFirstSyncShowsABar, and what is left on the screen is the log.
func TestOnATerminalTheFirstSyncShowsABar(t *testing.T) {
	t.Parallel()
	master, slave := openTerminal(t)
	seen := &logs{}
	go func() { _, _ = io.Copy(seen, master) }()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	env := []string{
		"ANIHUB_WEB_ADDR=127.0.0.1:0", "ANIHUB_MODULES_ADDR=127.0.0.1:0", "ANIHUB_PLATFORM_LOG_LEVEL=info", "PATH=/none",
	}
	go func() { ended <- run(ctx, terminal{io.Discard, slave, env}, []string{"demo", "-titles", "1200"}) }()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(seen.String(), "full sync ended"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the first sync does not end: %q", seen)
		}
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exit %d", code)
	}
	text := seen.String()
	if !strings.Contains(text, "first full sync [=") {
		t.Errorf("no bar: %q", text)
	}
	for line := range strings.Lines(screen(text)) {
		if line != "\n" && !strings.HasPrefix(line, "time=") {
			t.Errorf("this stays on the screen: %q", line)
		}
	}
}

// TestWithoutATerminalThereIsNoBar: a pipe or a file gets lines.
func TestWithoutATerminalThereIsNoBar(t *testing.T) {
	t.Parallel()
	_, slave := openTerminal(t)
	file, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = r.Close(), w.Close() }()
	for name, tt := range map[string]struct {
		w    io.Writer
		want bool
	}{"terminal": {slave, true}, "file": {file, false}, "pipe": {w, false}, "memory": {&logs{}, false}} {
		if got := isTerminal(tt.w); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
