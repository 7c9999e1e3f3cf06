// Package eventlog is one ordered, positioned log that every process of a fleet
// appends to and reads: the bell of the caches and the news of the viewers. A
// reader that was away replays exactly what it missed, or is told that it cannot.
//
// Two implementations pass one contract (eventlogtest): memory, for a single
// process, and Redis Stream, for a fleet.
package eventlog

import (
	"context"
	"crypto/rand"
	"strconv"
	"strings"
	"time"

	"anihub/platform/fault"
)

// What a log can answer besides success.
var (
	// ErrGap: the position is of another epoch, was trimmed away, or lies in the
	// future of this log. What was between is lost to this reader, which must
	// revalidate what it knows and go on from Tail.
	ErrGap         = fault.New(fault.Conflict, "LOG_GAP", "The log no longer holds what follows that position.")
	ErrPosition    = fault.New(fault.Invalid, "BAD_POSITION", "A position looks like epoch:offset.")
	ErrUnavailable = fault.New(fault.Unavailable, "LOG_UNAVAILABLE", "The event log is not available right now; try again later.")
	ErrEntry       = fault.New(fault.Invalid, "BAD_ENTRY", "An entry needs an id of 1 to 256 bytes and a topic of 1 to 32 small letters, digits or _.")
	ErrTooLarge    = fault.New(fault.TooLarge, "ENTRY_TOO_LARGE", "The data of an entry is over its limit.")
	ErrLimit       = fault.New(fault.Invalid, "BAD_LIMIT", "A limit of records must be 1 or more.")
)

// Position is a place in the log: after the record with this offset. Offsets
// count 1, 2, 3… without holes within an epoch; another epoch is another log.
type Position struct {
	Epoch  string
	Offset uint64
}

// String is epoch:offset, as clients see it.
func (p Position) String() string {
	return p.Epoch + ":" + strconv.FormatUint(p.Offset, 10)
}

// ParsePosition reads what String wrote. ErrPosition.
func ParsePosition(s string) (Position, error) {
	epoch, offset, ok := strings.Cut(s, ":")
	n, err := strconv.ParseUint(offset, 10, 64)
	if !ok || err != nil || !validEpoch(epoch) || strconv.FormatUint(n, 10) != offset {
		return Position{}, ErrPosition.Detail("position", clip(s))
	}
	return Position{Epoch: epoch, Offset: n}, nil
}

// Entry is what is appended.
type Entry struct {
	ID    string // identity: the same id within the retention is appended once
	Topic string // who it is for: "cache", "event"
	Data  []byte // ≤ MaxData bytes, opaque
}

// Limits of an entry and of an answer.
const (
	MaxData  = 256 << 10 // bytes of Data
	MaxID    = 256       // bytes of ID
	MaxTopic = 32        // bytes of Topic
	MaxRead  = 1000      // records in one answer, whatever limit says
)

// Validate tells whether an entry may be appended. ErrEntry, ErrTooLarge.
func (e Entry) Validate() error {
	if e.ID == "" || len(e.ID) > MaxID || !validTopic(e.Topic) {
		return ErrEntry.Detail("id", clip(e.ID)).Detail("topic", clip(e.Topic))
	}
	if len(e.Data) > MaxData {
		return ErrTooLarge.Detail("bytes", len(e.Data)).Detail("max", MaxData)
	}
	return nil
}

// Record is an entry in its place.
type Record struct {
	Position Position
	Time     time.Time // when it was appended, by the log's clock, milliseconds
	Entry
}

// Log is the log. All methods are safe for concurrent use. Every method may
// return ErrUnavailable or a context error.
type Log interface {
	// Append adds the entry and returns its position. An id that was appended before
	// (and is not yet forgotten) returns the first position and duplicate = true.
	// An error means: unknown whether it was appended; appending again is safe. An id
	// known from a lost epoch (see Redis) is a duplicate at offset 0. ErrEntry, ErrTooLarge.
	Append(ctx context.Context, e Entry) (at Position, duplicate bool, err error)
	// Tail is the position of the newest record (offset 0 of an empty log).
	Tail(ctx context.Context) (Position, error)
	// Read returns up to limit records after a position, oldest first, nothing when
	// there is nothing newer. An answer may be cut short by MaxRead or by its size: only
	// an empty one means that nothing is newer. ErrGap, ErrLimit.
	Read(ctx context.Context, after Position, limit int) ([]Record, error)
	// Wait returns as Read does, but blocks until there is a record or ctx ends.
	// ErrGap, also when the epoch changes while waiting. ErrLimit.
	Wait(ctx context.Context, after Position, limit int) ([]Record, error)
	// Close ends the log; waiting readers return ErrUnavailable. Idempotent.
	Close() error
}

func validTopic(s string) bool {
	if s == "" || len(s) > MaxTopic {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// newEpoch names a log that never was before: 13 letters and digits, 65 bits.
func newEpoch() string { return strings.ToLower(rand.Text()[:13]) }

func validEpoch(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// clip keeps a hostile text from filling an error message.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64]
	}
	return s
}
