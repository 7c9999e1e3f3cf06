package lease

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

var _ Keeper = (*Redis)(nil)

// One holder is one key with a time to live, token:secret; the counter beside it
// outlives it. Both are in one hash tag, for Cluster.
//
// A question that is asked again because its answer was lost finds its own secret
// and gets the same token. A holder without a time to live is not ours and would
// stay for ever: it counts as nobody. The counter starts from the clocks, of the
// server and of the asker, so that a server that lost it does not count from 1.
const acquireScript = `
local holder, counter, secret, ttl, floor = KEYS[1], KEYS[2], ARGV[1], ARGV[2], tonumber(ARGV[3])
local held = redis.call('GET', holder)
local left = held and redis.call('PTTL', holder) or 0
if held and left > 0 then
  local token, own = held:match('^(%d+):(.*)$')
  if own ~= secret then return {'', left} end
  redis.call('PEXPIRE', holder, ttl)
  return {token, 0}
end
local t = redis.call('TIME')
local last = tonumber(redis.call('GET', counter) or '') or 0
local token = string.format('%.0f', math.max(last + 1, floor, t[1] * 1000 + math.floor(t[2] / 1000)))
redis.call('SET', counter, token)
redis.call('SET', holder, token .. ':' .. secret, 'PX', ttl)
return {token, 0}
`

const renewScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`

const releaseScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`

// Redis grants leases within a fleet. It is as exclusive as one Redis is: after a
// failover that lost the key, or a jump of the server's clock, two may believe to
// hold; their tokens say who is the later one.
//
// The client must honour deadlines (ContextTimeoutEnabled) and stays its owner's.
type Redis struct {
	client  redis.UniversalClient
	prefix  string
	acquire *redis.Script
	renew   *redis.Script
	release *redis.Script

	mu      sync.Mutex
	last    map[string]int64  // the newest token by name that this process was granted
	pending map[string]string // the secret by name of a question without an answer
}

// NewRedis makes a keeper; it does not connect. prefix begins every key.
func NewRedis(client redis.UniversalClient, prefix string) *Redis {
	return &Redis{
		client:  client,
		prefix:  prefix,
		acquire: redis.NewScript(acquireScript),
		renew:   redis.NewScript(renewScript),
		release: redis.NewScript(releaseScript),
		last:    make(map[string]int64),
		pending: make(map[string]string),
	}
}

// Acquire implements Keeper.
func (r *Redis) Acquire(ctx context.Context, name string, ttl time.Duration) (Lease, error) {
	if err := check(name, ttl); err != nil {
		return nil, err
	}
	secret, least := r.prepare(name)
	tag := "{" + r.prefix + ":lease:" + name + "}"
	keys := []string{tag + ":holder", tag + ":token"}
	reply, err := r.acquire.Run(ctx, r.client, keys, secret, ttl.Milliseconds(), least).Slice()
	if err != nil {
		r.mu.Lock()
		r.pending[name] = secret
		r.mu.Unlock()
		return nil, failed(ctx, err)
	}
	token, err := granted(reply)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.last[name] = max(r.last[name], token)
	r.mu.Unlock()
	return &redisLease{keeper: r, key: keys[:1], token: token, value: strconv.FormatInt(token, 10) + ":" + secret}, nil
}

// prepare gives the secret and the least token of the next question. If an earlier
// one got no answer it may have been granted all the same: asked with its secret
// again it is found, and need not run out first. Nobody else here uses it by then.
func (r *Redis) prepare(name string) (secret string, least int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	secret, ok := r.pending[name]
	if !ok {
		secret = rand.Text()
	}
	delete(r.pending, name)
	return secret, floor(r.last[name])
}

func granted(reply []any) (int64, error) {
	if len(reply) != 2 {
		return 0, ErrUnavailable.Because("malformed answer of %d values", len(reply))
	}
	token, _ := reply[0].(string)
	left, _ := reply[1].(int64)
	if token == "" {
		return 0, ErrHeld.After(time.Duration(left) * time.Millisecond)
	}
	n, err := strconv.ParseInt(token, 10, 64)
	if err != nil {
		return 0, ErrUnavailable.Because("malformed token: %w", err)
	}
	return n, nil
}

// failed: the caller went away, or Redis did not answer in time or at all.
func failed(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return ErrUnavailable.With(err)
}

type redisLease struct {
	keeper *Redis
	key    []string
	token  int64
	value  string
}

// Token implements Lease.
func (l *redisLease) Token() int64 { return l.token }

// Renew implements Lease.
func (l *redisLease) Renew(ctx context.Context, ttl time.Duration) error {
	if err := checkTTL(ttl); err != nil {
		return err
	}
	n, err := l.keeper.renew.Run(ctx, l.keeper.client, l.key, l.value, ttl.Milliseconds()).Int()
	if err != nil {
		return failed(ctx, err)
	}
	if n != 1 {
		return ErrLost
	}
	return nil
}

// Release implements Lease.
func (l *redisLease) Release(ctx context.Context) error {
	if err := l.keeper.release.Run(ctx, l.keeper.client, l.key, l.value).Err(); err != nil {
		return failed(ctx, err)
	}
	return nil
}
