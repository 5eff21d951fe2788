// Every change of more than one key is one of these scripts: Redis runs each without anything in
// between. Numbers that matter (versions, times) travel as decimal texts; times stay below 2^53, so
// Lua compares them exactly. Keys that depend on what a record says are built in the script: this
// needs one Redis, not a Redis Cluster.
//
// sallyport:connection:ID   hash: record, sealed, version, status, reason, updated, workspace,
//                           name; used (once it was): the last use for a call
// sallyport:connections:W   set of the workspace's ids
// sallyport:workspaces      set of the workspaces that have connections
// sallyport:names:W         hash: owner, provider and name -> id, of the live connections
// sallyport:keys:W          hash: generation -> wrapped key
// sallyport:run:W/R         hash: user, app, started_at, expires_at, ended_at; expires by itself
// sallyport:runs:W          sorted set of the live runs by expires_at
//
// redis_list_scripts.hpp names those that keep them in order, and redis_announce.hpp and
// redis_fleet_scripts.hpp name the keys by which gates hear of changes.
#pragma once

namespace sallyport::vault::redis_scripts {

// Stands before every change, whose last two arguments are the vault it is meant for and the epoch
// that this has at least: no gate changes a store that is not the one it knows, or one that has
// gone back and is to be put right first. An empty vault: any store will do.
constexpr const char* fence = R"(
local function foreign()
  local id, epoch = ARGV[#ARGV - 1], ARGV[#ARGV]
  if id == '' then return false end
  local vault = redis.call('HMGET', 'sallyport:vault', 'id', 'epoch')
  return vault[1] ~= id or tonumber(vault[2] or '0') < tonumber(epoch)
end
)";

// Stands before insert and replace. What is sealed under another generation than the workspace's
// newest is not written: key_store.hpp says why. A text that is no sealed record names none.
constexpr const char* is_stale = R"(
local function is_stale(workspace, sealed)
  if #sealed < 10 or string.sub(sealed, 1, 4) ~= 'CVR1' then return false end
  local keys, newest = 'sallyport:keys:' .. workspace, 0
  for _, one in ipairs(redis.call('HKEYS', keys)) do newest = math.max(newest, tonumber(one)) end
  return struct.unpack('>I4', string.sub(sealed, 7, 10)) ~= newest or
    redis.call('HGET', keys, string.format('%.0f', newest)) == ''
end
)";

// KEYS connection. ARGV id, workspace, name, record, sealed, version, status, reason, updated.
constexpr const char* insert = R"(
if foreign() then return 'foreign' end
local names = 'sallyport:names:' .. ARGV[2]
if redis.call('EXISTS', KEYS[1]) == 1 then return 'taken' end
if is_stale(ARGV[2], ARGV[5]) then return 'conflict' end
if ARGV[3] ~= '' and redis.call('HSETNX', names, ARGV[3], ARGV[1]) == 0 then return 'taken' end
redis.call('HSET', KEYS[1], 'workspace', ARGV[2], 'name', ARGV[3], 'record', ARGV[4],
  'sealed', ARGV[5], 'version', ARGV[6], 'status', ARGV[7], 'reason', ARGV[8], 'updated', ARGV[9])
redis.call('SADD', 'sallyport:connections:' .. ARGV[2], ARGV[1])
redis.call('SADD', 'sallyport:workspaces', ARGV[2])
index('ZADD', ARGV[1], ARGV[2], owner_of(ARGV[4]))
return {'done', announce('c', ARGV[1])}
)";

// KEYS connection. ARGV as of insert, then the version expected. The workspace never changes.
constexpr const char* replace = R"(
if foreign() then return 'foreign' end
local old = redis.call('HMGET', KEYS[1], 'version', 'name', 'workspace', 'sealed')
if not old[1] then return 'missing' end
if old[1] ~= ARGV[10] or old[3] ~= ARGV[2] then return 'conflict' end
if old[4] ~= ARGV[5] and is_stale(ARGV[2], ARGV[5]) then return 'conflict' end
local names = 'sallyport:names:' .. ARGV[2]
if old[2] ~= ARGV[3] then
  if ARGV[3] ~= '' and redis.call('HSETNX', names, ARGV[3], ARGV[1]) == 0 then return 'taken' end
  if old[2] ~= '' then redis.call('HDEL', names, old[2]) end
end
redis.call('HSET', KEYS[1], 'name', ARGV[3], 'record', ARGV[4], 'sealed', ARGV[5],
  'version', ARGV[6], 'status', ARGV[7], 'reason', ARGV[8], 'updated', ARGV[9])
local kind = ARGV[7] == 'active' and 'c' or ARGV[7] == 'revoked' and 'x' or 'o'
return {'done', announce(kind, ARGV[1])}
)";

// KEYS connection. ARGV id, reason, now, the version expected or "". Returns the fields as they
// were, then the message if something changed.
constexpr const char* revoke = R"(
if foreign() then return 'foreign' end
local old = redis.call('HMGET', KEYS[1],
  'record', 'sealed', 'version', 'status', 'reason', 'updated', 'used', 'workspace', 'name')
if not old[1] then return 'missing' end
if ARGV[4] ~= '' and ARGV[4] ~= old[3] then return 'conflict' end
if old[4] ~= 'revoked' or old[2] ~= '' then
  redis.call('HSET', KEYS[1], 'sealed', '', 'status', 'revoked', 'reason', ARGV[2],
    'updated', ARGV[3], 'name', '')
  redis.call('HINCRBY', KEYS[1], 'version', 1)
  if old[9] ~= '' then redis.call('HDEL', 'sallyport:names:' .. old[8], old[9]) end
  old[10] = announce('x', ARGV[1])
end
return old
)";

// KEYS connection. ARGV id, the version expected or "".
constexpr const char* remove = R"(
if foreign() then return 'foreign' end
local old = redis.call('HMGET', KEYS[1], 'workspace', 'name', 'version', 'record')
if not old[1] then return 'missing' end
if ARGV[2] ~= '' and ARGV[2] ~= old[3] then return 'conflict' end
local ids = 'sallyport:connections:' .. old[1]
redis.call('DEL', KEYS[1])
redis.call('SREM', ids, ARGV[1])
index('ZREM', ARGV[1], old[1], owner_of(old[4]))
if old[2] ~= '' then redis.call('HDEL', 'sallyport:names:' .. old[1], old[2]) end
if redis.call('SCARD', ids) == 0 then redis.call('SREM', 'sallyport:workspaces', old[1]) end
return {'done', announce('d', ARGV[1])}
)";

// KEYS connections. ARGV the last use of each. Tells nobody: nothing cached depends on it.
constexpr const char* save_uses = R"(
if foreign() then return 'foreign' end
for i, key in ipairs(KEYS) do
  local old = redis.call('HMGET', key, 'record', 'used')
  if old[1] and tonumber(old[2] or '0') < tonumber(ARGV[i]) then
    redis.call('HSET', key, 'used', ARGV[i])
  end
end
return 'done'
)";

// KEYS run, runs, the runs in order. ARGV run, user, app, started, expires, now, when Redis forgets
// it (ms).
constexpr const char* put_run = R"(
local old = redis.call('HMGET', KEYS[1], 'expires_at', 'ended_at')
if old[1] and (old[2] ~= '0' or tonumber(old[1]) > tonumber(ARGV[6])) then return 'taken' end
redis.call('HSET', KEYS[1], 'user', ARGV[2], 'app', ARGV[3], 'started_at', ARGV[4],
  'expires_at', ARGV[5], 'ended_at', '0')
redis.call('PEXPIREAT', KEYS[1], ARGV[7])
for _, over in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[6])) do
  redis.call('ZREM', KEYS[2], over)
  redis.call('ZREM', KEYS[3], over)
end
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[1])
redis.call('ZADD', KEYS[3], '0', ARGV[1])
return 'done'
)";

// KEYS run, runs, the runs in order. ARGV run, keep until, now, margin: both of microseconds.
constexpr const char* end_run = R"(
if foreign() then return 'foreign' end
local old = redis.call('HMGET', KEYS[1], 'expires_at', 'ended_at')
local keep = tonumber(ARGV[2])
if old[1] and tonumber(old[1]) > keep then keep = tonumber(old[1]) end
redis.call('HSETNX', KEYS[1], 'user', '')
redis.call('HSETNX', KEYS[1], 'app', '')
redis.call('HSETNX', KEYS[1], 'started_at', '0')
redis.call('HSET', KEYS[1], 'expires_at', string.format('%.0f', keep))
local live = not old[2] or old[2] == '0'
if live then redis.call('HSET', KEYS[1], 'ended_at', ARGV[3]) end
local forget = math.floor((keep + tonumber(ARGV[4])) / 1000)
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', forget))
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
if not live then return 'done' end
local name = string.sub(KEYS[1], #'sallyport:run:' + 1)
return {'done', announce('r', name .. ' ' .. string.format('%.0f', keep))}
)";

}  // namespace sallyport::vault::redis_scripts
