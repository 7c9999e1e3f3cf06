package realtimesvc

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"hash/maphash"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// What the instances share lies in one slot of a cluster, because a count is only worth
// something together with the lease of the instance that holds it:
//
//	nodes       instance → until when its lease lasts, ms by the server's clock
//	titles      instance → how many of its conversations are subscribed to each title
//	user:<id>   instance → how many of its conversations are this user's
//
// An instance that dies renews nothing, and its counts are worth nothing from then on.
const (
	fleetNodes  = "{anihub:realtime}:nodes"
	fleetTitles = "{anihub:realtime}:titles"
	fleetUser   = "{anihub:realtime}:user:"
)

const fleetClock = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`

// acquireScript lets an instance hold ARGV[2] conversations of a user, if they and those
// of the others that live are within ARGV[3]. It writes how many they are and not one
// more, so that asking again after a lost answer changes nothing.
const acquireScript = fleetClock + `
local me, mine, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local held, total = redis.call('HGETALL', KEYS[2]), mine
for i = 1, #held, 2 do
  if held[i] ~= me then
    local till = tonumber(redis.call('HGET', KEYS[1], held[i]) or '') or 0
    if till <= now then redis.call('HDEL', KEYS[2], held[i])
    else total = total + (tonumber(held[i + 1]) or 0) end
  end
end
if total > limit then return 0 end
redis.call('HSET', KEYS[2], me, mine)
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 1
`

// reportScript renews a lease and answers with what the instances that live report. Its
// first value tells that the lease had run out: others may have struck out the counts
// that were held under it.
const reportScript = fleetClock + `
local me = ARGV[1]
local was = tonumber(redis.call('HGET', KEYS[1], me) or '') or 0
redis.call('HSET', KEYS[1], me, string.format('%.0f', now + ARGV[2]))
redis.call('HSET', KEYS[2], me, ARGV[3])
local nodes, out = redis.call('HGETALL', KEYS[1]), {was <= now and 1 or 0}
for i = 1, #nodes, 2 do
  if (tonumber(nodes[i + 1]) or 0) <= now then
    redis.call('HDEL', KEYS[1], nodes[i])
    redis.call('HDEL', KEYS[2], nodes[i])
  elseif nodes[i] ~= me then
    out[#out + 1] = redis.call('HGET', KEYS[2], nodes[i]) or '{}'
  end
end
return out
`

// Times of the fleet. A count outlives its instance by fleetLease at most.
const (
	fleetLease    = 15 * time.Second
	fleetEvery    = 5 * time.Second
	fleetAskTime  = 250 * time.Millisecond // a viewer who signs in waits for it
	fleetWorkTime = 2 * time.Second
	fleetUserLife = 7 * 24 * time.Hour // of a key that nobody touches
)

// fleetStripes is how many users' counts may be on their way at once.
const fleetStripes = 64

// fleetTitlesMost bounds a report, which every instance reads every fleetEvery.
const fleetTitlesMost = 5000

// RedisFleet is a Fleet that shares a Redis. While Redis does not answer an instance
// counts for itself; what Redis lost or others struck out is written again.
type RedisFleet struct {
	client          redis.UniversalClient
	name            string // of this instance
	seed            maphash.Seed
	log             *slog.Logger
	acquire, report *redis.Script

	own  tally
	down atomic.Bool // Redis did not answer; it is left alone until the next report

	// writing is held, by users, while a count is on its way: an older one must not
	// arrive after a newer one.
	writing [fleetStripes]sync.Mutex

	mu    sync.Mutex
	dirty map[string]struct{} // users whose count in Redis may not be the own one
	wake  chan struct{}
}

var _ Fleet = (*RedisFleet)(nil)

// NewRedisFleet joins nobody yet. The client must honour deadlines
// (ContextTimeoutEnabled) and stays its owner's.
func NewRedisFleet(client redis.UniversalClient, log *slog.Logger) *RedisFleet {
	return &RedisFleet{
		client: client, name: rand.Text(), seed: maphash.MakeSeed(), log: log.With("component", "realtime"),
		acquire: redis.NewScript(acquireScript), report: redis.NewScript(reportScript),
		dirty: make(map[string]struct{}), wake: make(chan struct{}, 1),
	}
}

// Acquire implements Fleet.
func (f *RedisFleet) Acquire(ctx context.Context, userID string, limit int) (func(), error) {
	if !f.take(ctx, userID, limit) {
		f.drop(userID)
		return nil, tooMany(limit)
	}
	return sync.OnceFunc(func() { f.drop(userID) }), nil
}

// take counts one more, and tells whether there is room for it. In a fleet that cannot be
// asked there is if there is room here.
func (f *RedisFleet) take(ctx context.Context, userID string, limit int) bool {
	stripe := f.stripe(userID)
	stripe.Lock()
	defer stripe.Unlock()
	mine := f.own.add(userID, 1)
	free, err := f.ask(ctx, userID, mine, limit)
	if err != nil {
		f.mark(userID)
		return mine <= limit
	}
	return free
}

func (f *RedisFleet) stripe(userID string) *sync.Mutex {
	return &f.writing[maphash.String(f.seed, userID)%fleetStripes]
}

func (f *RedisFleet) drop(userID string) {
	f.own.add(userID, -1)
	f.mark(userID)
}

var errFleetDown = errors.New("redis is left alone for a moment")

// ask whether the fleet has room for mine conversations of a user here.
func (f *RedisFleet) ask(ctx context.Context, userID string, mine, limit int) (bool, error) {
	if f.down.Load() {
		return false, errFleetDown
	}
	ctx, cancel := context.WithTimeout(ctx, fleetAskTime)
	defer cancel()
	n, err := f.acquire.Run(ctx, f.client, []string{fleetNodes, fleetUser + userID},
		f.name, mine, limit, fleetUserLife.Milliseconds()).Int()
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		f.note(err)
	}
	return n == 1, err
}

// note tells of a change once, not of every question.
func (f *RedisFleet) note(err error) {
	switch was := f.down.Swap(err != nil); {
	case err != nil && !was:
		f.log.Warn("connections are counted by this process alone: redis does not answer", "err", err)
	case err == nil && was:
		f.log.Info("connections are counted by the fleet again")
	}
}

// mark remembers that a user's count has to be written.
func (f *RedisFleet) mark(users ...string) {
	f.mu.Lock()
	for _, user := range users {
		f.dirty[user] = struct{}{}
	}
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Run implements Fleet.
func (f *RedisFleet) Run(ctx context.Context, own func() map[int]int, heard func([]map[int]int, error)) {
	defer f.leave()
	tick := time.NewTicker(fleetEvery)
	defer tick.Stop()
	heard(f.tell(ctx, own()))
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			heard(f.tell(ctx, own()))
		case <-f.wake:
		}
		if !f.down.Load() {
			f.flush(ctx)
		}
	}
}

// tell renews the lease and returns the reports of the others.
func (f *RedisFleet) tell(ctx context.Context, own map[int]int) ([]map[int]int, error) {
	titles, err := json.Marshal(busiest(own, fleetTitlesMost))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, fleetWorkTime)
	defer cancel()
	reply, err := f.report.Run(ctx, f.client, []string{fleetNodes, fleetTitles},
		f.name, fleetLease.Milliseconds(), titles).Slice()
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, nil
	}
	f.note(err)
	if err != nil {
		return nil, err
	}
	return f.read(reply), nil
}

// read takes a report apart; one that is garbage is of nobody.
func (f *RedisFleet) read(reply []any) []map[int]int {
	var others []map[int]int
	for i, v := range reply {
		if lost, _ := v.(int64); i == 0 {
			if lost == 1 {
				f.mark(f.own.users()...)
			}
			continue
		}
		var titles map[int]int
		text, _ := v.(string)
		if json.Unmarshal([]byte(text), &titles) == nil {
			others = append(others, titles)
		}
	}
	return others
}

// flush writes the counts that changed. One that changes meanwhile, or that could not be
// written, is written again.
func (f *RedisFleet) flush(ctx context.Context) {
	f.mu.Lock()
	dirty := f.dirty
	f.dirty = make(map[string]struct{})
	f.mu.Unlock()
	if len(dirty) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, fleetWorkTime)
	defer cancel()
	parts := make(map[*sync.Mutex][]string)
	for user := range dirty {
		parts[f.stripe(user)] = append(parts[f.stripe(user)], user)
	}
	for stripe, users := range parts {
		if f.down.Load() {
			f.mark(users...)
			continue
		}
		stripe.Lock()
		f.writeAll(ctx, users)
		stripe.Unlock()
	}
}

func (f *RedisFleet) writeAll(ctx context.Context, users []string) {
	written := make([]int, len(users))
	_, err := f.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, user := range users {
			written[i] = f.own.of(user)
			f.write(ctx, p, user, written[i])
		}
		return nil
	})
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		f.note(err)
	}
	for i, user := range users {
		if err != nil || f.own.of(user) != written[i] {
			f.mark(user)
		}
	}
}

func (f *RedisFleet) write(ctx context.Context, p redis.Pipeliner, user string, n int) {
	if n == 0 {
		p.HDel(ctx, fleetUser+user, f.name)
		return
	}
	p.HSet(ctx, fleetUser+user, f.name, strconv.Itoa(n))
	p.PExpire(ctx, fleetUser+user, fleetUserLife)
}

// leave ends the lease, which strikes out every count under it.
func (f *RedisFleet) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), fleetWorkTime)
	defer cancel()
	_, err := f.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.HDel(ctx, fleetNodes, f.name)
		p.HDel(ctx, fleetTitles, f.name)
		return nil
	})
	if err != nil {
		f.log.Debug("the lease of this instance has to run out", "err", err)
	}
}
