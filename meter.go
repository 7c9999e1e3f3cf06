package main

import (
	"fmt"
	"io"
	"time"

	"anihub/platform/documents/archive"
)

// meter tells how far it is: as a line that moves on a terminal, else as a line for each
// collection that is done.
type meter struct {
	out  io.Writer
	bar  *bar // nil: not a terminal
	last archive.Step
	next time.Time // of the next drawing
}

func newMeter(out io.Writer) *meter {
	m := &meter{out: out}
	if isTerminal(out) {
		m.bar = &bar{out: out}
	}
	return m
}

func (m *meter) tell(s archive.Step) {
	if s.Doing != m.last.Doing || s.Collection != m.last.Collection {
		m.end()
	}
	m.last = s
	if m.bar == nil || time.Now().Before(m.next) {
		return
	}
	m.next = time.Now().Add(redraw)
	m.bar.show(stepLine(s))
}

func stepLine(s archive.Step) string {
	if s.Of > 0 {
		return barOf(s.Doing+" "+s.Collection, s.Done, s.Of)
	}
	return fmt.Sprintf("%s %s: %d documents", s.Doing, s.Collection, s.Done)
}

// end says what was done last.
func (m *meter) end() {
	if m.bar != nil {
		m.bar.show("")
	}
	if m.bar == nil && m.last.Done > 0 {
		_, _ = fmt.Fprintf(m.out, "%s %s: %d documents\n", m.last.Doing, m.last.Collection, m.last.Done)
	}
	m.last = archive.Step{}
}
