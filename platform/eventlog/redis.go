package eventlog

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

var _ Log = (*Redis)(nil)

// RedisConfig is how a Redis log behaves.
type RedisConfig struct {
	// Prefix of every key, 1 to 32 small letters, digits, _ or -.
	Prefix string `yaml:"prefix"`
	// Retain is how many of the newest records are kept, at least; 10 to 10,000,000.
	Retain int `yaml:"retain"`
	// Timeout bounds one question to Redis with all its retries, 10ms to 30s.
	Timeout time.Duration `yaml:"timeout"`
	// Block is how long the watcher listens in one command, 100ms to 30s. A wait
	// that is cancelled ends at once, but Close takes up to this long.
	Block time.Duration `yaml:"block"`
}

// DefaultRedisConfig keeps 100,000 records, weeks of an ordinary catalogue.
func DefaultRedisConfig() RedisConfig {
	return RedisConfig{Prefix: "anihub", Retain: 100_000, Timeout: time.Second, Block: time.Second}
}

// Validate names every key that is wrong and what is accepted.
func (c RedisConfig) Validate() error {
	var errs []error
	if !regexp.MustCompile(`^[a-z0-9_-]{1,32}$`).MatchString(c.Prefix) {
		errs = append(errs, fmt.Errorf("prefix: must be 1 to 32 small letters, digits, _ or -, is %q", clip(c.Prefix)))
	}
	if c.Retain < 10 || c.Retain > 10_000_000 {
		errs = append(errs, fmt.Errorf("retain: must be 10 to 10000000, is %d", c.Retain))
	}
	if c.Timeout < 10*time.Millisecond || c.Timeout > 30*time.Second {
		errs = append(errs, fmt.Errorf("timeout: must be 10ms to 30s, is %s", c.Timeout))
	}
	if c.Block < 100*time.Millisecond || c.Block > 30*time.Second {
		errs = append(errs, fmt.Errorf("block: must be 100ms to 30s, is %s", c.Block))
	}
	return errors.Join(errs...)
}

// maxAnswer is how many bytes of data one answer carries before it is cut short:
// what crosses a slow network within a read timeout made for a cache.
const maxAnswer = 1 << 20

// Redis is the log of a fleet. Any number of processes share it by the prefix; all
// see one order. When Redis loses everything the next question begins a new epoch.
// When it loses only the newest part (an older snapshot, a failover) the first
// process that had seen more begins a new epoch, before a position could mean two
// different records to it.
//
// The client must honour deadlines (ContextTimeoutEnabled) and stays its owner's.
// Needs Redis 5 or newer.
type Redis struct {
	client redis.UniversalClient
	cfg    RedisConfig
	keys   []string // meta, records, ids
	append *redis.Script
	tail   *redis.Script
	read   *redis.Script
	watch  watcher

	mu   sync.Mutex
	seen landmark
}

// landmark is the newest record that this process knows.
type landmark struct {
	Position
	id string
}

// NewRedis makes a log; it does not connect. cfg must be valid.
func NewRedis(client redis.UniversalClient, cfg RedisConfig) *Redis {
	tag := "{" + cfg.Prefix + ":log}"
	r := &Redis{
		client: client,
		cfg:    cfg,
		keys:   []string{tag + ":meta", tag + ":records", tag + ":ids"},
		append: redis.NewScript(appendScript),
		tail:   redis.NewScript(tailScript),
		read:   redis.NewScript(readScript),
	}
	r.watch.init(r)
	return r
}

// Append implements Log.
func (r *Redis) Append(ctx context.Context, e Entry) (Position, bool, error) {
	if err := e.Validate(); err != nil {
		return Position{}, false, err
	}
	reply, err := r.run(ctx, r.append, e.ID, e.Topic, e.Data, r.cfg.Retain)
	if err != nil {
		return Position{}, false, err
	}
	at, err := position(reply)
	if err != nil || len(reply) < 3 {
		return Position{}, false, malformed(err)
	}
	r.saw(landmark{at, e.ID})
	return at, reply[2] == int64(1), nil
}

// Tail implements Log.
func (r *Redis) Tail(ctx context.Context) (Position, error) {
	at, _, err := r.look(ctx)
	return at, err
}

// look is Tail and the stream's own name for it.
func (r *Redis) look(ctx context.Context) (Position, string, error) {
	reply, err := r.run(ctx, r.tail)
	if err != nil {
		return Position{}, "", err
	}
	at, err := position(reply)
	if err != nil || len(reply) < 4 {
		return Position{}, "", malformed(err)
	}
	if id, _ := reply[3].(string); id != "" {
		r.saw(landmark{at, id})
	}
	return at, streamID(reply[2], at.Offset), nil
}

// Read implements Log.
func (r *Redis) Read(ctx context.Context, after Position, limit int) ([]Record, error) {
	records, _, err := r.readAt(ctx, after, limit)
	return records, err
}

// readAt also returns the stream's own name of the tail it saw.
func (r *Redis) readAt(ctx context.Context, after Position, limit int) ([]Record, string, error) {
	if limit < 1 {
		return nil, "", ErrLimit
	}
	// Lua counts in float64: an offset beyond its integers is in the future anyway.
	offset := min(after.Offset, 1<<53)
	reply, err := r.run(ctx, r.read, after.Epoch, offset, min(limit, MaxRead), maxAnswer)
	if err != nil {
		return nil, "", err
	}
	tail, err := position(reply)
	if err != nil || len(reply) < 5 {
		return nil, "", malformed(err)
	}
	if reply[3] != int64(0) {
		return nil, "", ErrGap
	}
	records, err := decode(reply[4], after)
	if err != nil {
		return nil, "", err
	}
	if n := len(records); n > 0 {
		r.saw(landmark{records[n-1].Position, records[n-1].ID})
	}
	return records, streamID(reply[2], tail.Offset), nil
}

// Wait implements Log.
func (r *Redis) Wait(ctx context.Context, after Position, limit int) ([]Record, error) {
	for {
		// The bell is taken before reading: what comes in between rings it.
		bell := r.watch.enter()
		records, tail, err := r.readAt(ctx, after, limit)
		if err == nil && len(records) == 0 {
			err = r.watch.wait(ctx, bell, tail)
		}
		r.watch.leave()
		if len(records) > 0 {
			return records, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, err
		}
	}
}

// Close implements Log. The client is not closed.
func (r *Redis) Close() error {
	r.watch.close()
	return nil
}

// run asks one script. Every error is ErrUnavailable, or the context's when the
// caller went away.
func (r *Redis) run(ctx context.Context, s *redis.Script, args ...any) ([]any, error) {
	if r.watch.isClosed() {
		return nil, ErrUnavailable
	}
	r.mu.Lock()
	seen := r.seen
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	head := []any{newEpoch(), seen.Epoch, seen.Offset, seen.id}
	reply, err := s.Run(ctx, r.client, r.keys, append(head, args...)...).Slice()
	if err == nil {
		return reply, nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, ctx.Err()
	}
	return nil, ErrUnavailable.With(err)
}

// saw remembers the newest record. Of two epochs the later answer wins; should an
// answer of the old one come late, the next of the new one mends it.
func (r *Redis) saw(l landmark) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l.Offset > 0 && (l.Epoch != r.seen.Epoch || l.Offset > r.seen.Offset) {
		r.seen = l
	}
}

// position reads the first two values of every answer.
func position(reply []any) (Position, error) {
	if len(reply) < 2 {
		return Position{}, errors.New("short answer")
	}
	epoch, _ := reply[0].(string)
	offset, _ := reply[1].(string)
	return ParsePosition(epoch + ":" + offset)
}

func streamID(gen any, offset uint64) string {
	return fmt.Sprint(gen) + "-" + strconv.FormatUint(offset, 10)
}

// decode reads records and insists on order without holes.
func decode(reply any, after Position) ([]Record, error) {
	list, ok := reply.([]any)
	if !ok {
		return nil, malformed(fmt.Errorf("records are %T", reply))
	}
	records := make([]Record, 0, len(list))
	for i, item := range list {
		r, err := decodeOne(item)
		if err != nil {
			return nil, malformed(err)
		}
		if r.Position.Epoch != after.Epoch || r.Position.Offset != after.Offset+uint64(i)+1 {
			return nil, ErrGap
		}
		records = append(records, r)
	}
	return records, nil
}

func decodeOne(item any) (Record, error) {
	pair, ok := item.([]any)
	if !ok || len(pair) != 2 {
		return Record{}, errors.New("a record is no pair")
	}
	name, _ := pair[0].(string)
	fields, _ := pair[1].([]any)
	if len(fields) != 10 {
		return Record{}, fmt.Errorf("record %s has %d fields", clip(name), len(fields)/2)
	}
	var v [5]string
	for i := range v {
		key, _ := fields[2*i].(string)
		v[i], ok = fields[2*i+1].(string)
		if !ok || key != "eitmd"[i:i+1] {
			return Record{}, fmt.Errorf("record %s has a field %s", clip(name), clip(key))
		}
	}
	return makeRecord(name, v)
}

func makeRecord(name string, v [5]string) (Record, error) {
	_, offset, err := cutStreamID(name)
	if err != nil {
		return Record{}, err
	}
	ms, err := strconv.ParseInt(v[3], 10, 64)
	if err != nil {
		return Record{}, err
	}
	return Record{
		Position: Position{Epoch: v[0], Offset: offset},
		Time:     time.UnixMilli(ms).UTC(),
		Entry:    Entry{ID: v[1], Topic: v[2], Data: []byte(v[4])},
	}, nil
}

// malformed: somebody else writes to our keys. There is nothing to do but to say so.
func malformed(err error) error {
	return ErrUnavailable.Because("malformed answer: %w", err)
}
