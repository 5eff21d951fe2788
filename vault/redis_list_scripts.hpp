// The scripts of redis_lists: see redis_scripts.hpp for why scripts.
//
// Beside the sets that say what there is stand sorted sets that say it in order, all members with
// one score, so that a page costs no more than what is on it:
//
// sallyport:listed:W        "*/ID" and "USER/ID" of each of the workspace's connections
// sallyport:listed:         the same of all workspaces
// sallyport:listed-runs:W   the live runs of the workspace
// sallyport:listed-keys     the workspaces that have keys
//
// They follow from the others and are made good from them where a store was written by a program
// that did not know of them: whoever begins a list compares how many there are.
#pragma once

namespace sallyport::vault::redis_scripts {

// Stands before every script that adds or removes connections.
constexpr const char* indexing = R"(
local function owner_of(record)
  local ok, read = pcall(cjson.decode, record)
  return ok and read.user or ''
end
local function index(command, id, workspace, user)
  for _, key in ipairs({'sallyport:listed:' .. workspace, 'sallyport:listed:'}) do
    for _, member in ipairs({'*/' .. id, user .. '/' .. id}) do
      if command == 'ZADD' then redis.call('ZADD', key, '0', member)
      else redis.call('ZREM', key, member) end
    end
  end
end
)";

// ARGV workspace, or "" for all. The workspaces whose connections are not all in order.
constexpr const char* unordered = R"(
local found = {}
local names = ARGV[1] ~= '' and {ARGV[1]} or redis.call('SMEMBERS', 'sallyport:workspaces')
for _, name in ipairs(names) do
  if 2 * redis.call('SCARD', 'sallyport:connections:' .. name) ~=
      redis.call('ZCARD', 'sallyport:listed:' .. name) then
    found[#found + 1] = name
  end
end
return found
)";

// ARGV workspace, then ids of its set. What has no record is no connection.
constexpr const char* put_in_order = R"(
for i = 2, #ARGV do
  local record = redis.call('HGET', 'sallyport:connection:' .. ARGV[i], 'record')
  if record then index('ZADD', ARGV[i], ARGV[1], owner_of(record))
  else redis.call('SREM', 'sallyport:connections:' .. ARGV[1], ARGV[i]) end
end
return 'done'
)";

// ARGV workspace, then members and their scores. Takes out what is no connection any more.
constexpr const char* tidy = R"(
for i = 2, #ARGV, 2 do
  local id = string.match(ARGV[i], '[^/]*$')
  if redis.call('EXISTS', 'sallyport:connection:' .. id) == 0 then
    redis.call('ZREM', 'sallyport:listed:' .. ARGV[1], ARGV[i])
    redis.call('ZREM', 'sallyport:listed:', ARGV[i])
  end
end
return 'done'
)";

// KEYS ordered. ARGV from, to, count. Returns the fields of each, less what is sealed, and its id.
constexpr const char* list = R"(
local found = {}
local members = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', '0', ARGV[3])
for i, member in ipairs(members) do
  local id = string.match(member, '[^/]*$')
  found[i] = redis.call('HMGET', 'sallyport:connection:' .. id,
    'record', 'none', 'version', 'status', 'reason', 'updated', 'used')
  found[i][8] = id
end
return found
)";

// KEYS runs, ordered. Makes the second of the first where one has more.
constexpr const char* put_runs_in_order = R"(
if redis.call('ZCARD', KEYS[1]) ~= redis.call('ZCARD', KEYS[2]) then
  redis.call('ZUNIONSTORE', KEYS[2], '1', KEYS[1], 'WEIGHTS', '0')
end
return 'done'
)";

// KEYS ordered, then the beginning of a run's key. ARGV from, count, now. Returns name, user, app,
// started, expires of each; of those that are not live only the name.
constexpr const char* list_runs = R"(
local found = {}
local names = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], '+', 'LIMIT', '0', ARGV[2])
for i, name in ipairs(names) do
  local run = redis.call('HMGET', KEYS[2] .. name,
    'user', 'app', 'started_at', 'expires_at', 'ended_at')
  local live = run[4] and run[5] == '0' and tonumber(run[4]) > tonumber(ARGV[3])
  found[i] = live and {name, run[1], run[2], run[3], run[4]} or {name}
end
return found
)";

}  // namespace sallyport::vault::redis_scripts
