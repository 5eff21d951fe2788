// The scripts of redis_key_store: see redis_scripts.hpp for the keys and for why scripts.
#pragma once

namespace sallyport::vault::redis_scripts {

// KEYS the hashes of some workspaces. Returns each as HGETALL does.
constexpr const char* keys_of = R"(
local found = {}
for i, key in ipairs(KEYS) do found[i] = redis.call('HGETALL', key) end
return found
)";

// KEYS the workspace's hash. ARGV generation, wrapped key, workspace.
constexpr const char* insert_key = R"(
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 'taken' end
redis.call('ZADD', 'sallyport:listed-keys', '0', ARGV[3])
return 'done'
)";

// KEYS the workspaces in order, then the beginning of their hashes' keys. ARGV from, count. Returns
// the name of each, then as HGETALL does.
constexpr const char* keys_in_order = R"(
local found = {}
local names = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], '+', 'LIMIT', '0', ARGV[2])
for i, name in ipairs(names) do found[i] = {name, redis.call('HGETALL', KEYS[2] .. name)} end
return found
)";

// KEYS hashes, one for each swap. ARGV generation, before, after of each. How many were swapped.
constexpr const char* swap_keys = R"(
local done = 0
for i, key in ipairs(KEYS) do
  local generation = ARGV[3 * i - 2]
  if redis.call('HGET', key, generation) == ARGV[3 * i - 1] then
    redis.call('HSET', key, generation, ARGV[3 * i])
    done = done + 1
  end
end
return done
)";

// KEYS the workspace's hash of keys, its sets of connections and of notes. ARGV the generation to
// keep, and all above it. Answers conflict while a record is sealed under a lower one, missing
// without the kept key: a replica that took over may have neither the new key nor the records
// resealed under it.
constexpr const char* drop_keys = R"(
local keep = tonumber(ARGV[1])
local kept = redis.call('HGET', KEYS[1], ARGV[1])
if not kept or kept == '' then return 'missing' end
for i, prefix in ipairs({'sallyport:connection:', 'sallyport:note:'}) do
  for _, id in ipairs(redis.call('SMEMBERS', KEYS[i + 1])) do
    local head = redis.call('HGET', prefix .. id, 'sealed')
    if head and #head >= 10 then
      local a, b, c, d = string.byte(head, 7, 10)
      if ((a * 256 + b) * 256 + c) * 256 + d < keep then return 'conflict' end
    end
  end
end
for _, generation in ipairs(redis.call('HKEYS', KEYS[1])) do
  if tonumber(generation) < keep then redis.call('HDEL', KEYS[1], generation) end
end
return 'done'
)";

// KEYS connections or notes. Returns what is sealed in each; nothing of those that are gone.
constexpr const char* sealed_of = R"(
local found = {}
for i, key in ipairs(KEYS) do found[i] = redis.call('HGET', key, 'sealed') end
return found
)";

// KEYS connections or notes. ARGV before, after of each. How many were swapped.
constexpr const char* swap_sealed = R"(
local done = 0
for i, key in ipairs(KEYS) do
  if redis.call('HGET', key, 'sealed') == ARGV[2 * i - 1] then
    redis.call('HSET', key, 'sealed', ARGV[2 * i])
    redis.call('HINCRBY', key, 'version', 1)
    done = done + 1
  end
end
return done
)";

// KEYS the workspace's hash of keys, its sets of connections and of notes. ARGV workspace, reason,
// now, fence.
// Returns how many connections were revoked, and how it was announced (redis_announce.hpp).
constexpr const char* shred = R"(
if foreign() then return 'foreign' end
local newest = 0
for _, generation in ipairs(redis.call('HKEYS', KEYS[1])) do
  newest = math.max(newest, tonumber(generation))
end
redis.call('DEL', KEYS[1])
if newest > 0 then redis.call('HSET', KEYS[1], string.format('%.0f', newest), '') end
local revoked = 0
for _, id in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  local key = 'sallyport:connection:' .. id
  local old = redis.call('HMGET', key, 'status', 'sealed')
  if old[1] and (old[1] ~= 'revoked' or old[2] ~= '') then
    redis.call('HSET', key, 'sealed', '', 'status', 'revoked', 'reason', ARGV[2],
      'updated', ARGV[3], 'name', '')
    redis.call('HINCRBY', key, 'version', 1)
    revoked = revoked + 1
  end
end
redis.call('DEL', 'sallyport:names:' .. ARGV[1])
for _, member in ipairs(redis.call('SMEMBERS', KEYS[3])) do
  local kind, id = string.match(member, '^([^:]+):(.+)$')
  redis.call('DEL', 'sallyport:note:' .. member)
  forget_note(kind, id, ARGV[1])
end
return {revoked, announce('w', ARGV[1])}
)";

}  // namespace sallyport::vault::redis_scripts
