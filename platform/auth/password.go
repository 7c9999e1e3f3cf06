package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"anihub/platform/fault"
)

// What hashing can answer besides success and a context error.
var (
	// ErrBusy: as many passwords as the memory allows are being hashed, and the queue
	// is full.
	ErrBusy = fault.New(fault.Unavailable, "BUSY", "Too many sign-ins at once; try again in a moment.")
	// ErrPassword: the password is too long to be hashed, or not text.
	ErrPassword = fault.New(fault.Unprocessable, "UNACCEPTABLE", "The password is too long or not text.")
)

// The longest password that is taken. It is taken whole.
const (
	MaxPasswordRunes = 128
	MaxPasswordBytes = 512
)

// PasswordConfig is the cost of a password: argon2id (RFC 9106) with the least
// cost that the OWASP password storage sheet names.
type PasswordConfig struct {
	MemoryKiB   int `yaml:"memory_kib"`
	Iterations  int `yaml:"iterations"`
	Parallelism int `yaml:"parallelism"`
	AtOnce      int `yaml:"at_once"` // how many are hashed at the same time
	Queue       int `yaml:"queue"`   // how many wait for that; more are told ErrBusy
}

// Passwords hashes and verifies passwords within a bounded amount of memory.
type Passwords struct {
	cfg   PasswordConfig
	room  chan struct{} // those who wait and those who work
	work  chan struct{}
	decoy string
	made  atomic.Int64
}

// NewPasswords hashes at the cost of cfg. Older hashes are verified at the cost
// that is written in them.
func NewPasswords(cfg PasswordConfig) *Passwords {
	p := &Passwords{
		cfg:  cfg,
		room: make(chan struct{}, cfg.AtOnce+cfg.Queue),
		work: make(chan struct{}, cfg.AtOnce),
	}
	p.decoy = p.cost().phc(make([]byte, saltBytes), make([]byte, keyBytes))
	return p
}

func (p *Passwords) cost() cost {
	return cost{uint32(p.cfg.MemoryKiB), uint32(p.cfg.Iterations), uint8(p.cfg.Parallelism)}
}

// Hash makes the text that is stored. ErrPassword, ErrBusy.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if !hashable(password) {
		return "", ErrPassword
	}
	leave, err := p.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	c := p.cost()
	return c.phc(salt, p.derive(c, password, salt, keyBytes)), nil
}

// Verify tells whether the password is the one that was hashed, and whether the
// hash was made at another cost than today's and should be made anew. It fails
// with ErrBusy, or when the stored text is no hash.
func (p *Passwords) Verify(ctx context.Context, stored, password string) (ok, rehash bool, err error) {
	c, salt, key, err := parsePHC(stored)
	if err != nil {
		return false, false, err
	}
	if !hashable(password) {
		return false, false, nil
	}
	leave, err := p.enter(ctx)
	if err != nil {
		return false, false, err
	}
	defer leave()
	got := p.derive(c, password, salt, uint32(len(key)))
	ok = subtle.ConstantTimeCompare(got, key) == 1
	return ok, ok && (c != p.cost() || len(key) != keyBytes), nil
}

// Decoy does the work of Verify for an account that does not exist, so that the
// time of an answer does not tell one from the other. ErrBusy.
func (p *Passwords) Decoy(ctx context.Context, password string) error {
	_, _, err := p.Verify(ctx, p.decoy, password)
	return err
}

// enter waits for a place to work. Whoever finds the queue full is turned away at
// once: a sign-in that waits for seconds is tried again and makes it worse.
func (p *Passwords) enter(ctx context.Context) (leave func(), err error) {
	select {
	case p.room <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	select {
	case p.work <- struct{}{}:
		return func() { <-p.work; <-p.room }, nil
	case <-ctx.Done():
		<-p.room
		return nil, context.Cause(ctx)
	}
}

func hashable(password string) bool {
	return len(password) <= MaxPasswordBytes && utf8.ValidString(password) &&
		utf8.RuneCountInString(password) <= MaxPasswordRunes
}

// Computed is how many hashes were computed so far: the work by which an unknown
// account must not differ from a known one.
func (p *Passwords) Computed() int64 { return p.made.Load() }

func (p *Passwords) derive(c cost, password string, salt []byte, size uint32) []byte {
	p.made.Add(1)
	return c.derive(password, salt, size)
}

// derive is the hash. The same letters typed on two systems may come composed or
// decomposed (й is one or two code points), hence NFC (RFC 8265 §4.2).
func (c cost) derive(password string, salt []byte, size uint32) []byte {
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, c.iterations, c.memory, c.parallelism, size)
}

var errPHC = errors.New("auth: stored text is no argon2id hash of bearable cost")
