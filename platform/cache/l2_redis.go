package cache

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis is the level that a fleet shares. Keys are "anilibria:" and the key, so
// that people and other programs find them; values are frames (l2_frame.go).
//
// Beside a key that was deleted, expired or locked stands its fence for a while, a
// number that a load from before does not know and therefore cannot store over.
// Fence and load lock (l2_lock.go) are in the key's hash slot. Another fence stands
// for all keys; in a Cluster that is in a slot of its own. Tags are sets of keys, which may name more keys than carry the tag
// but never fewer.
type Redis struct {
	client   redis.UniversalClient
	poisoned atomic.Int64
}

const (
	redisKeep  = 24 * time.Hour           // physical life of a value
	redisFence = maxTimeout + time.Minute // longer than any load may take
	redisScan  = 500                      // keys per step
)

// NewRedis makes the level. The client's timeouts bound it, and the deadline of
// each call.
func NewRedis(client redis.UniversalClient) *Redis { return &Redis{client: client} }

var (
	_ Level  = (*Redis)(nil)
	_ Fencer = (*Redis)(nil)
	_ Lister = (*Redis)(nil)
	_ Tagged = (*Redis)(nil)
	_ bulk   = (*Redis)(nil)
	_ Bulk   = (*Redis)(nil)
	_ Locker = (*Redis)(nil)
)

// setScript stores KEYS[1] = ARGV[1] for ARGV[2] ms, unless a newer generation is
// there. With ARGV[3] = "fenced" only if the fence KEYS[2] is gone or still
// ARGV[4]; otherwise ARGV[4] becomes the fence for ARGV[5] ms, and whoever loads
// the key has lost its lock KEYS[3]. With KEYS[4], the fence of all keys, fenced also means
// that this is gone or still ARGV[6]. It returns 0 when a fence refused, 2 when a newer
// generation is there.
const setScript = `
local function above(a, b)
  for i = 1, 8 do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x > y end
  end
  return false
end
local fenced = ARGV[3] == 'fenced'
local fence = redis.call('GET', KEYS[2])
if fenced and fence and fence ~= ARGV[4] then return 0 end
local all = fenced and KEYS[4] and redis.pcall('GET', KEYS[4])
if type(all) == 'string' and all ~= ARGV[6] then return 0 end
local old = redis.call('GETRANGE', KEYS[1], 0, 35)
if #old == 36 and old:byte(1) == 161 and old:byte(2) == 1
  and above(old:sub(5, 12), ARGV[1]:sub(5, 12)) then return 2 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if not fenced then
  redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5])
  redis.call('DEL', KEYS[3])
end
return 1
`

// expireScript lowers FreshUntil and CheckAt of KEYS[1] to ARGV[1] and ARGV[2] in
// place, sets the fence KEYS[2] = ARGV[3] for ARGV[4] ms and ends the lock KEYS[3].
const expireScript = `
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
redis.call('DEL', KEYS[3])
local old = redis.call('GETRANGE', KEYS[1], 0, 35)
if #old < 36 or old:byte(1) ~= 161 or old:byte(2) ~= 1 then return 0 end
for i = 1, 8 do
  local x, y = old:byte(12 + i), ARGV[1]:byte(i)
  if x < y then break end
  if x > y then redis.call('SETRANGE', KEYS[1], 12, ARGV[1]) break end
end
redis.call('SETRANGE', KEYS[1], 20, ARGV[2])
return 1
`

// trustScript raises CheckAt of KEYS[1] to ARGV[1] in place, if the fence KEYS[2] is gone or
// still ARGV[2] and the generation is still ARGV[3]. It returns 0 when it is not.
const trustScript = `
local fence = redis.call('GET', KEYS[2])
if fence and fence ~= ARGV[2] then return 0 end
if redis.call('GETRANGE', KEYS[1], 4, 11) ~= ARGV[3] then return 0 end
redis.call('SETRANGE', KEYS[1], 20, ARGV[1])
return 1
`

func redisKey(key string) string { return Prefix + key }

func fenceKey(key string) string { return "anihub:fence:{" + Prefix + key + "}" }

// allFence is the fence of all keys.
const allFence = "anihub:fence"

func tagKey(tag string) string { return "anihub:tag:" + tag }

// storable: braces would put a key and its fence into different slots. No key of
// ours has any.
func storable(key string) bool {
	return key != "" && len(key) <= maxKey && !strings.ContainsAny(key, "{}")
}

// Get is GetFenced without the fence.
func (r *Redis) Get(ctx context.Context, key string) (Entry, bool, error) {
	e, ok, _, err := r.GetFenced(ctx, key)
	return e, ok, err
}

// GetFenced asks for value and fences at once. What cannot be read is removed and
// counted, and is no entry.
func (r *Redis) GetFenced(ctx context.Context, key string) (e Entry, ok bool, fence uint64, err error) {
	got, err := r.GetAllFenced(ctx, []string{key})
	if err != nil {
		return Entry{}, false, 0, err
	}
	return got[0].Entry, got[0].OK, got[0].Fence, nil
}

// GetAllFenced is one MGET, or one of every key's slot in a Cluster.
func (r *Redis) GetAllFenced(ctx context.Context, keys []string) ([]Fetched, error) {
	got, out := make([]Fetched, len(keys)), make([]int, 0, len(keys))
	ask := make([]string, 0, 2*len(keys))
	for i, k := range keys {
		if storable(k) {
			out, ask = append(out, i), append(ask, fenceKey(k), redisKey(k))
		}
	}
	if len(ask) == 0 {
		return got, nil
	}
	all, values, err := r.mget(ctx, ask)
	if err != nil {
		return nil, err
	}
	for j, i := range out {
		if got[i], err = r.fetched(ctx, keys[i], all, values[2*j], values[2*j+1]); err != nil {
			return nil, err
		}
	}
	return got, nil
}

// mget asks for the fence of all keys and for pairs of fence and value. In each the
// fence comes first: it must not be younger than the value.
func (r *Redis) mget(ctx context.Context, pairs []string) (all any, values []any, err error) {
	if !r.cluster() {
		values, err = r.client.MGet(ctx, append([]string{allFence}, pairs...)...).Result()
		if err != nil {
			return nil, nil, err
		}
		return values[0], values[1:], nil
	}
	var fence *redis.StringCmd
	cmds := make([]*redis.SliceCmd, 0, len(pairs)/2)
	_, err = r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		fence = p.Get(ctx, allFence)
		for pair := range slices.Chunk(pairs, 2) {
			cmds = append(cmds, p.MGet(ctx, pair...))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, nil, err
	}
	for _, c := range cmds {
		values = append(values, c.Val()...)
	}
	return fence.Val(), values, nil
}

func (r *Redis) fetched(ctx context.Context, key string, all, own, frame any) (Fetched, error) {
	f := Fetched{Fence: uint64(fenceNumber(all))<<32 | uint64(fenceNumber(own))}
	text, ok := frame.(string)
	if !ok { // absent, or not a string: the next Set sees to that
		return f, nil
	}
	e, err := decodeFrame([]byte(text))
	if err != nil {
		r.poisoned.Add(1)
		return f, r.client.Unlink(ctx, redisKey(key)).Err()
	}
	f.Entry, f.OK = e, true
	return f, nil
}

// fenceNumber reads a fence: 0 for none, and for what is none of ours.
func fenceNumber(v any) uint32 {
	s, _ := v.(string)
	n, _ := strconv.ParseUint(s, 10, 32)
	return uint32(n)
}

// FenceAll moves the fence of all keys on.
func (r *Redis) FenceAll(ctx context.Context) error {
	return r.client.Set(ctx, allFence, newFence(), redisFence).Err()
}

// Set stores whatever the fence says, and moves it on: loads that are under way
// anywhere will not replace this value.
func (r *Redis) Set(ctx context.Context, key string, e Entry) error {
	_, err := r.set(ctx, key, e, "free", uint64(newFence()))
	return err
}

// SetFenced stores if neither fence has moved on.
func (r *Redis) SetFenced(ctx context.Context, key string, e Entry, fence uint64) (bool, error) {
	if r.cluster() {
		return r.setTrusted(ctx, key, e, fence)
	}
	n, err := r.set(ctx, key, e, "fenced", fence)
	return n > 0, err
}

// setTrusted is SetFenced where the fence of all keys is in another hash slot than the key.
// One cannot be looked at and the other written in one step, so the value is stored as one
// that nobody trusts first: an invalidation that begins afterwards finds it, and of one
// that began before the fence tells. Only then is it trusted.
func (r *Redis) setTrusted(ctx context.Context, key string, e Entry, fence uint64) (bool, error) {
	distrusted := e
	distrusted.CheckAt = time.Time{}
	if n, err := r.set(ctx, key, distrusted, "fenced", fence); n != stored {
		return n == newer, err
	}
	now, err := r.client.Get(ctx, allFence).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return false, err
	}
	if all := fenceNumber(now); all != 0 && all != uint32(fence>>32) {
		return false, nil
	}
	var check, generation [8]byte
	putBiased(check[:], micros(e.CheckAt))
	putBiased(generation[:], e.Generation)
	n, err := r.run(ctx, trustScript, key, check[:], tokenText(uint32(fence)), generation[:])
	return n == 1, err
}

func (r *Redis) cluster() bool {
	_, is := r.client.(*redis.ClusterClient)
	return is
}

func newFence() uint32 { return rand.Uint32() | 1 } // never 0, which means none

// What setScript answers, when no fence refused.
const (
	stored = 1
	newer  = 2 // not stored: a newer generation is there, or the key cannot be
)

func (r *Redis) set(ctx context.Context, key string, e Entry, how string, fence uint64) (int, error) {
	if !storable(key) {
		return newer, nil
	}
	keep := redisKeep
	if e.NotFound {
		keep = max(time.Second, time.Until(e.FreshUntil))
	}
	if err := r.tag(ctx, key, e.Tags); err != nil {
		return 0, err
	}
	return r.run(ctx, setScript, key, encodeFrame(e), keep.Milliseconds(), how,
		tokenText(uint32(fence)), redisFence.Milliseconds(), tokenText(uint32(fence>>32)))
}

// run runs a script on a key, its fence, its lock and, if that can be, the fence of all. A
// value of another type is poison.
func (r *Redis) run(ctx context.Context, script, key string, args ...any) (int, error) {
	keys := []string{redisKey(key), fenceKey(key), lockKey(key)}
	if !r.cluster() {
		keys = append(keys, allFence)
	}
	n, err := redis.NewScript(script).Run(ctx, r.client, keys, args...).Int()
	if err != nil && strings.HasPrefix(err.Error(), "WRONGTYPE") {
		r.poisoned.Add(1)
		if err := r.client.Unlink(ctx, keys[:3]...).Err(); err != nil {
			return 0, err
		}
		n, err = redis.NewScript(script).Run(ctx, r.client, keys, args...).Int()
	}
	return n, err
}

func (r *Redis) tag(ctx context.Context, key string, tags []string) error {
	if len(tags) == 0 {
		return nil
	}
	_, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, t := range tags {
			p.SAdd(ctx, tagKey(t), key)
			p.Expire(ctx, tagKey(t), redisKeep+time.Hour)
		}
		return nil
	})
	return err
}

// Delete removes a key and fences it.
func (r *Redis) Delete(ctx context.Context, key string) error {
	return r.DeleteAll(ctx, []string{key})
}

// DeleteAll does so for many in one exchange. A full server refuses the fences
// but not the deletions, and then refuses what the fences are against as well.
func (r *Redis) DeleteAll(ctx context.Context, keys []string) error {
	var fences, deletions []redis.Cmder
	_, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, k := range keys {
			if !storable(k) {
				continue
			}
			fences = append(fences, p.Set(ctx, fenceKey(k), newFence(), redisFence))
			deletions = append(deletions, p.Unlink(ctx, redisKey(k), lockKey(k)))
		}
		return nil
	})
	if err == nil {
		return nil
	}
	for i := range deletions {
		if err := deletions[i].Err(); err != nil {
			return err
		}
		if err := fences[i].Err(); err != nil && !strings.HasPrefix(err.Error(), "OOM") {
			return err
		}
	}
	return nil
}

// Expire keeps the value as a stale one and fences the key.
func (r *Redis) Expire(ctx context.Context, key string) error {
	if !storable(key) {
		return nil
	}
	var fresh, check [8]byte
	putBiased(fresh[:], time.Now().UnixMicro())
	putBiased(check[:], noTime)
	_, err := r.run(ctx, expireScript, key, fresh[:], check[:],
		tokenText(newFence()), redisFence.Milliseconds())
	return err
}

// Keys walks over the keys with SCAN, on every master of a Cluster, and names
// each once.
func (r *Redis) Keys(ctx context.Context, yield func(string) bool) error {
	seen := &once{seen: map[string]struct{}{}, yield: yield}
	if c, ok := r.client.(*redis.ClusterClient); ok {
		return c.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			return scan(ctx, node, seen)
		})
	}
	return scan(ctx, r.client, seen)
}

type scanner interface {
	Scan(ctx context.Context, cursor uint64, match string, count int64) *redis.ScanCmd
}

func scan(ctx context.Context, node scanner, seen *once) error {
	for cursor := uint64(0); ; {
		keys, next, err := node.Scan(ctx, cursor, Prefix+"*", redisScan).Result()
		if err != nil {
			return err
		}
		for _, k := range keys {
			if !seen.pass(CanonicalKey(k)) {
				return nil
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// once passes each key on once, from several masters at a time.
type once struct {
	mu    sync.Mutex
	seen  map[string]struct{}
	yield func(string) bool
	done  bool
}

func (o *once) pass(key string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, dup := o.seen[key]; dup || o.done {
		return !o.done
	}
	o.seen[key] = struct{}{}
	o.done = !o.yield(key)
	return !o.done
}

// KeysTagged names the keys that were stored with any of the tags.
func (r *Redis) KeysTagged(ctx context.Context, tags []string, yield func(string) bool) error {
	seen := &once{seen: map[string]struct{}{}, yield: yield}
	for _, t := range tags {
		keys, err := r.client.SMembers(ctx, tagKey(t)).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		for _, k := range keys {
			if !seen.pass(k) {
				return nil
			}
		}
	}
	return nil
}

// Poisoned is how many values could not be read since the start.
func (r *Redis) Poisoned() int64 { return r.poisoned.Load() }
