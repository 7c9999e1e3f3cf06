package cache

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// The load lock of a key holds its holder's token, and a "w" behind it as soon as
// somebody waits.

func lockKey(key string) string { return "anihub:load:{" + Prefix + key + "}" }

// lockScript takes the lock KEYS[1] for token ARGV[1] and ARGV[2] ms and moves the
// fence KEYS[2] to the token for ARGV[3] ms. It returns whether it did, how many ms
// are left of another's lock, and what the fence was before.
const lockScript = `
local held = redis.call('GET', KEYS[1])
if held then
  if held:sub(-1) ~= 'w' then redis.call('APPEND', KEYS[1], 'w') end
  return {0, redis.call('PTTL', KEYS[1]), ''}
end
local fence = redis.call('GET', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
return {1, 0, fence or ''}
`

// renewScript lengthens the lock KEYS[1] of token ARGV[1] to ARGV[2] ms; 0 when it is
// not that token's any more.
const renewScript = `
local held = redis.call('GET', KEYS[1])
if not held or held:match('^%d+') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`

// unlockScript removes the lock KEYS[1] of token ARGV[1], moves the fence KEYS[2] on to
// ARGV[2] for ARGV[3] ms, and returns whether somebody waits for it.
const unlockScript = `
local held = redis.call('GET', KEYS[1])
if not held or held:match('^%d+') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return held:sub(-1) == 'w' and 1 or 0
`

// Lock is Locker's. The lock of a key that this level does not store is had at once.
func (r *Redis) Lock(ctx context.Context, key string, token uint32, seen uint64, ttl time.Duration) (Turn, error) {
	if !storable(key) {
		return Turn{Mine: true, Fence: seen}, nil
	}
	got, err := redis.NewScript(lockScript).Run(ctx, r.client, []string{lockKey(key), fenceKey(key)},
		tokenText(token), ttl.Milliseconds(), redisFence.Milliseconds()).Slice()
	if err != nil {
		return Turn{}, err
	}
	if len(got) != 3 {
		return Turn{}, fmt.Errorf("lock script answered %v", got)
	}
	if got[0] != int64(1) {
		left, _ := got[1].(int64)
		return Turn{Left: time.Duration(max(left, 0)) * time.Millisecond}, nil
	}
	was := uint64(fenceNumber(got[2]))
	return Turn{Mine: true, Fence: seen&^0xFFFFFFFF | uint64(token), Moved: was != seen&0xFFFFFFFF}, nil
}

// Renew is Locker's.
func (r *Redis) Renew(ctx context.Context, key string, token uint32, ttl time.Duration) (bool, error) {
	n, err := redis.NewScript(renewScript).Run(ctx, r.client, []string{lockKey(key)}, tokenText(token), ttl.Milliseconds()).Int()
	return n == 1, err
}

// Unlock is Locker's.
func (r *Redis) Unlock(ctx context.Context, key string, token uint32) (bool, error) {
	n, err := redis.NewScript(unlockScript).Run(ctx, r.client, []string{lockKey(key), fenceKey(key)},
		tokenText(token), tokenText(newFence()), redisFence.Milliseconds()).Int()
	return n == 1, err
}

func tokenText(token uint32) string { return strconv.FormatUint(uint64(token), 10) }
