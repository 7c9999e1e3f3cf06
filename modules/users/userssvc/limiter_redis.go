package userssvc

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/redis/go-redis/v9"
)

// The rule is that of MemoryLimiter. A key is a hash: the times of its events (e, in
// ms by the server's clock), until when it is refused (u), how many times in a row
// the limit was hit (l). It is kept for as long as any of them matters.
const limiterHead = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local events, window, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local f = redis.call('HMGET', KEYS[1], 'e', 'u', 'l')
local kept, closed, level = {}, tonumber(f[2] or '0') or 0, tonumber(f[3] or '0') or 0
for e in string.gmatch(f[1] or '', '%d+') do
  if now - tonumber(e) < window then kept[#kept + 1] = e end
end
local function keep()
  redis.call('HSET', KEYS[1], 'e', table.concat(kept, ' '), 'u', string.format('%.0f', closed), 'l', level)
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(window, closed - now) + window * 2 ^ most))
end
`

const takeScript = limiterHead + `
if now < closed then return closed - now end
if #kept < events then
  kept[#kept + 1] = string.format('%.0f', now)
  keep()
  return 0
end
if now - closed > window * 2 ^ most then level = 0 end
level = math.min(level + 1, most)
closed = tonumber(kept[1]) + window * 2 ^ (level - 1)
keep()
return closed - now
`

const returnScript = limiterHead + `
if #kept == 0 and closed == 0 then return 0 end
kept[#kept] = nil
if now < closed and #kept < events then
  closed, level = now, level - 1
end
keep()
return 0
`

// limiterPrefix begins the keys of the shared limiter.
const limiterPrefix = "anihub:limit:"

// RedisLimiter is a Limiter that the instances of a fleet share.
type RedisLimiter struct {
	client    redis.UniversalClient
	take, ret *redis.Script
}

var _ Limiter = (*RedisLimiter)(nil)

// NewRedisLimiter counts in Redis. It does not connect. The client must honour
// deadlines (ContextTimeoutEnabled) and stays its owner's.
func NewRedisLimiter(client redis.UniversalClient) *RedisLimiter {
	return &RedisLimiter{client: client, take: redis.NewScript(takeScript), ret: redis.NewScript(returnScript)}
}

func (r *RedisLimiter) run(ctx context.Context, s *redis.Script, key string, l Limit) (time.Duration, error) {
	ms, err := s.Run(ctx, r.client, []string{redisKey(key)}, l.Events, l.Window.Milliseconds(), maxLevel).Int64()
	return time.Duration(ms) * time.Millisecond, err
}

// redisKey is in base64: what a Limiter is given are bytes.
func redisKey(key string) string {
	return limiterPrefix + base64.RawURLEncoding.EncodeToString([]byte(key))
}

// Take implements Limiter.
func (r *RedisLimiter) Take(ctx context.Context, key string, l Limit) (time.Duration, error) {
	return r.run(ctx, r.take, key, l)
}

// Return implements Limiter.
func (r *RedisLimiter) Return(ctx context.Context, key string, l Limit) error {
	_, err := r.run(ctx, r.ret, key, l)
	return err
}

// Clear implements Limiter.
func (r *RedisLimiter) Clear(ctx context.Context, key string) error {
	return r.client.Del(ctx, redisKey(key)).Err()
}
