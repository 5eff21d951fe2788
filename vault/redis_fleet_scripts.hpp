// The scripts by which a gate keeps its lease and puts a store right again (fleet_view.hpp says
// when). redis_announce.hpp names the keys they share with the scripts that change connections.
//
// sallyport:gates      hash: gate id -> "acknowledged lease count": which change the gate's workers
//                      have all taken in, how long its lease is (ms), and a count that grows with
//                      every heartbeat, so that a gate which is gone can be told from one that is
//                      not without comparing clocks
// sallyport:gate:ID    channel: "nonce vault epoch mark", the gate's own heartbeats
#pragma once

namespace sallyport::vault::redis_scripts {

// ARGV gate, nonce, acknowledged, lease, count.
constexpr const char* heartbeat = R"(
redis.call('HSET', 'sallyport:gates', ARGV[1], ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. ARGV[5])
local vault = redis.call('HMGET', 'sallyport:vault', 'id', 'epoch', 'mark')
redis.call('PUBLISH', 'sallyport:gate:' .. ARGV[1], table.concat(
  {ARGV[2], vault[1] or '-', vault[2] or '0', vault[3] or '-'}, ' '))
return 'done'
)";

// Where the store stands: vault, epoch, mark, whether it has connections.
constexpr const char* position = R"(
local vault = redis.call('HMGET', 'sallyport:vault', 'id', 'epoch', 'mark')
return {vault[1] or '-', vault[2] or '0', vault[3] or '-',
  tostring(redis.call('EXISTS', 'sallyport:workspaces'))}
)";

// ARGV id: a store that has none takes it.
constexpr const char* found = R"(
redis.call('HSETNX', 'sallyport:vault', 'id', ARGV[1])
return 'done'
)";

// Announcing. ARGV id, epoch. A store that was emptied gets its id again; one whose epoch is below
// what gates have seen is raised to it.
constexpr const char* raise = R"(
local vault = redis.call('HMGET', 'sallyport:vault', 'id', 'epoch')
if vault[1] and vault[1] ~= ARGV[1] then return 'foreign' end
if not vault[1] and redis.call('EXISTS', 'sallyport:workspaces') == 1 then return 'foreign' end
redis.call('HSET', 'sallyport:vault', 'id', ARGV[1])
if not vault[1] or tonumber(vault[2] or '0') < tonumber(ARGV[2]) then
  if tonumber(vault[2] or '0') < tonumber(ARGV[2]) then
    redis.call('HSET', 'sallyport:vault', 'epoch', ARGV[2])
  end
  announce('h', '-')
end
return 'done'
)";

// Announcing. KEYS connection. ARGV id, reason, now.
constexpr const char* switch_off = R"(
if redis.call('HGET', KEYS[1], 'status') ~= 'active' then return 'done' end
redis.call('HSET', KEYS[1], 'status', 'inactive', 'reason', ARGV[2], 'updated', ARGV[3])
redis.call('HINCRBY', KEYS[1], 'version', 1)
announce('o', ARGV[1])
return 'done'
)";

// The epoch, then a gate and what it says, and so on.
constexpr const char* gates = R"(
local found = redis.call('HGETALL', 'sallyport:gates')
table.insert(found, 1, redis.call('HGET', 'sallyport:vault', 'epoch') or '0')
return found
)";

// ARGV gate, what it said: forgotten, unless it has spoken since.
constexpr const char* forget_gate = R"(
if redis.call('HGET', 'sallyport:gates', ARGV[1]) == ARGV[2] then
  redis.call('HDEL', 'sallyport:gates', ARGV[1])
end
return 'done'
)";

}  // namespace sallyport::vault::redis_scripts
