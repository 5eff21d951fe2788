// The scripts of redis_note_store: see redis_scripts.hpp for why scripts. They end with a fence.
//
// sallyport:note:KIND:ID   hash: workspace, expires (microseconds), sealed; expires by itself
// sallyport:notes:KIND     sorted set of the kind's ids, all with one score: in their order
// sallyport:notes-of:W     set of KIND:ID, of the workspace W
// sallyport:note-ends      sorted set of "KIND ID W" by time of expiry (ms): what the others still
//                          name of notes that have expired is taken out with each put
// sallyport:claim:NAME     the token of whoever has it; expires by itself
// sallyport:claim-count    the last token
#pragma once

namespace sallyport::vault::redis_scripts {

constexpr const char* forget_note = R"(
local function forget_note(kind, id, workspace)
  redis.call('ZREM', 'sallyport:notes:' .. kind, id)
  redis.call('SREM', 'sallyport:notes-of:' .. workspace, kind .. ':' .. id)
  redis.call('ZREM', 'sallyport:note-ends', table.concat({kind, id, workspace}, ' '))
end
)";

// KEYS note. ARGV kind, id, workspace, sealed, expires, now, over ("1": whether or not there is
// one).
constexpr const char* put_note = R"(
if foreign() then return 'foreign' end
local kind, id, workspace, expires = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[5])
if is_stale(workspace, ARGV[4]) then return 'conflict' end
local old = redis.call('HMGET', KEYS[1], 'workspace', 'expires')
if old[1] then
  if ARGV[7] ~= '1' and tonumber(old[2]) > tonumber(ARGV[6]) then return 'taken' end
  redis.call('DEL', KEYS[1])
  forget_note(kind, id, old[1])
end
local ends = redis.call('ZRANGEBYSCORE', 'sallyport:note-ends', '-inf',
  string.format('%.0f', math.floor(tonumber(ARGV[6]) / 1000)), 'LIMIT', '0', '64')
for _, one in ipairs(ends) do
  local a, b, c = string.match(one, '^(%S+) (%S+) (%S+)$')
  if redis.call('EXISTS', 'sallyport:note:' .. a .. ':' .. b) == 0 then forget_note(a, b, c) end
end
local until_ms = string.format('%.0f', math.floor(expires / 1000))
redis.call('HSET', KEYS[1], 'workspace', workspace, 'expires', ARGV[5], 'sealed', ARGV[4])
redis.call('ZADD', 'sallyport:notes:' .. kind, '0', id)
redis.call('SADD', 'sallyport:notes-of:' .. workspace, kind .. ':' .. id)
redis.call('ZADD', 'sallyport:note-ends', until_ms, table.concat({kind, id, workspace}, ' '))
redis.call('PEXPIREAT', KEYS[1], until_ms)
return 'done'
)";

// KEYS note. ARGV kind, id. Returns workspace, expires, sealed.
constexpr const char* take_note = R"(
if foreign() then return 'foreign' end
local old = redis.call('HMGET', KEYS[1], 'workspace', 'expires', 'sealed')
if not old[1] then return 'missing' end
redis.call('DEL', KEYS[1])
forget_note(ARGV[1], ARGV[2], old[1])
return old
)";

// KEYS the kind's ids, then the beginning of a note's key. ARGV after, limit. Returns id,
// workspace, expires, sealed of each; of those that are gone only the id.
constexpr const char* list_notes = R"(
local found = {}
local from = ARGV[1] == '' and '-' or '(' .. ARGV[1]
for i, id in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], from, '+', 'LIMIT', '0', ARGV[2])) do
  local one = redis.call('HMGET', KEYS[2] .. id, 'workspace', 'expires', 'sealed')
  found[i] = one[1] and {id, one[1], one[2], one[3]} or {id}
end
return found
)";

// KEYS claim. ARGV length (ms). Returns the token.
constexpr const char* claim = R"(
if foreign() then return 'foreign' end
if redis.call('EXISTS', KEYS[1]) == 1 then return 'taken' end
local token = string.format('%.0f', redis.call('INCR', 'sallyport:claim-count'))
redis.call('SET', KEYS[1], token, 'PX', ARGV[1])
return {token}
)";

// KEYS claim. ARGV token.
constexpr const char* release = R"(
if foreign() then return 'foreign' end
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 'done'
)";

}  // namespace sallyport::vault::redis_scripts
