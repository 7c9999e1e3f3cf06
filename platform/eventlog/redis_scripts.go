package eventlog

// Everything that changes the log is one Lua script, because an offset is only
// dense, an id only unique and an epoch only changed once when nobody can come in
// between. The three keys share a hash tag, so a Cluster keeps them in one slot:
//
//	records  Stream, ids gen-offset: e epoch, i id, t topic, m milliseconds, d data
//	meta     Hash: epoch, gen, offset of the tail, floor
//	ids      Sorted set: id of an entry → its offset, for those above floor
//
// gen is a number that grows with every epoch. With it in front of the offset,
// a reader blocked on the old epoch wakes at the first record of the new one.
// Ids up to floor are forgotten. It is stored rather than computed, so that
// processes with different settings of Retain agree on what must still be there.
//
// Every call says what its process has seen last: an epoch, an offset and the id
// there. A server that was restored from an older state, or a replica that was
// promoted before it had everything, has the epoch but not that record. Going on
// would give the same position to different records, so a new epoch begins.
// Ids survive it at offset 0: what this server knows was appended stays so.
const scriptHead = `
local meta, records, ids = KEYS[1], KEYS[2], KEYS[3]
local fresh, seenEpoch, seenOffset, seenID = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

local function int(n) return string.format('%.0f', n) end
local function at(gen, n) return int(gen) .. '-' .. int(n) end
local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function rewound(floor)
  if seenOffset <= floor then return false end
  return tonumber(redis.call('ZSCORE', ids, seenID) or -1) ~= seenOffset
end

local function current()
  local m = redis.call('HMGET', meta, 'epoch', 'gen', 'offset', 'floor')
  local epoch, gen, offset, floor = m[1], tonumber(m[2] or ''), tonumber(m[3] or ''), tonumber(m[4] or '')
  if epoch and gen and offset and floor and not (epoch == seenEpoch and rewound(floor)) then
    return epoch, gen, offset, floor
  end
  gen = math.max(clock(), (gen or 0) + 1)
  redis.call('HSET', meta, 'epoch', fresh, 'gen', int(gen), 'offset', 0, 'floor', 0)
  redis.call('DEL', records)
  if redis.call('EXISTS', ids) == 1 then
    redis.call('ZUNIONSTORE', ids, 1, ids, 'WEIGHTS', 0)
  end
  return fresh, gen, 0, 0
end
`

// ARGV 5… id, topic, data, retain → epoch, offset, duplicate.
const appendScript = scriptHead + `
local id, topic, data, retain = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
local epoch, gen, offset, floor = current()
local known = redis.call('ZSCORE', ids, id)
if known then return {epoch, int(tonumber(known)), 1} end
offset = offset + 1
floor = math.max(floor, offset - retain)
-- First what needs the least memory: a server that refuses it is left unchanged.
redis.call('HSET', meta, 'offset', int(offset), 'floor', int(floor))
redis.call('XADD', records, 'MAXLEN', '~', int(retain), at(gen, offset),
  'e', epoch, 'i', id, 't', topic, 'm', int(clock()), 'd', data)
redis.call('ZADD', ids, int(offset), id)
if floor > 0 then redis.call('ZREMRANGEBYSCORE', ids, '-inf', int(floor)) end
return {epoch, int(offset), 0}
`

// → epoch, offset, gen, id at the tail.
const tailScript = scriptHead + `
local epoch, gen, offset = current()
local newest = redis.call('ZREVRANGE', ids, 0, 0)
return {epoch, int(offset), int(gen), newest[1] or ''}
`

// ARGV 5… epoch, offset, limit, bytes → epoch, offset of the tail, gen, gap,
// records. It reads in small steps and stops after so many bytes of data, because
// a thousand of the largest records would be 250 MB.
const readScript = scriptHead + `
local afterEpoch, after, limit, bytes = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local epoch, gen, offset = current()
if afterEpoch ~= epoch or after > offset then return {epoch, int(offset), int(gen), 1, {}} end
local found, next, last = {}, after + 1, at(gen, offset)
while next <= offset and #found < limit and bytes > 0 do
  local step = redis.call('XRANGE', records, at(gen, next), last, 'COUNT', math.min(16, limit - #found))
  if #step == 0 or (step[1][1] ~= at(gen, next)) then break end
  for _, r in ipairs(step) do
    if bytes <= 0 then break end
    found[#found + 1] = r
    bytes = bytes - #r[2][#r[2]]
  end
  next = after + 1 + #found
end
local gap = 0
if #found == 0 and after < offset then gap = 1 end
return {epoch, int(offset), int(gen), gap, found}
`
