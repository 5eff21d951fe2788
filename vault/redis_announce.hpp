// How a script tells the fleet of a change: what stands before every script that makes one.
//
// announce(kind, what) counts the change, notes it in the history and publishes it, in one step
// with the change itself: so whoever hears of an epoch has heard of all before it, and whoever does
// not can see that the count has moved. It returns the message, which the script returns last.
//
// sallyport:vault    hash: id (random, made with the store), epoch (of the last change), mark
// sallyport:history  hash: epoch -> message, of the last history_max changes
// sallyport:changes  channel of the messages: "epoch before mark kind what"; `before` is the mark
//                    of the change before. A mark is a digest over it, the time and the change: two
//                    stores that have parted ways have different marks at the same epoch.
//
// Kinds: c ID      a connection is new or was changed; o ID  it was changed and may not be used;
//        x ID      it was revoked;                     d ID  it was removed;
//        r W/R T   the run R of workspace W has ended, to be kept until T (microseconds);
//        w W       anything in the workspace W;        h -   what a store had lost was put back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sallyport::vault {

// How many changes the store remembers, as announce() has it.
constexpr std::uint64_t history_max = 16384;

constexpr const char* announce_script = R"(
local function announce(kind, what)
  local vault = redis.call('HMGET', 'sallyport:vault', 'epoch', 'mark')
  local epoch, before = tonumber(vault[1] or '0') + 1, vault[2] or '-'
  local text, time = string.format('%.0f', epoch), redis.call('TIME')
  local mark = string.sub(
    redis.sha1hex(table.concat({before, time[1], time[2], kind, what}, ' ')), 1, 16)
  redis.call('HSET', 'sallyport:vault', 'epoch', text, 'mark', mark)
  local message = table.concat({text, before, mark, kind, what}, ' ')
  redis.call('HSET', 'sallyport:history', text, message)
  redis.call('HDEL', 'sallyport:history', string.format('%.0f', epoch - 16384))
  redis.call('PUBLISH', 'sallyport:changes', message)
  return message
end
)";

// A script that announces.
inline std::string announcing(const char* script) { return std::string(announce_script) + script; }

// Who sees to it that this gate's own changes are made to the store it knows, and remembers them:
// the fleet (redis_fleet.hpp).
class change_witness {
public:
    // What every change is made under: no store but the one this gate knows, and no older state of
    // it. Two words, the last arguments of its script.
    virtual void add_fence(std::vector<std::string>& arguments) const = 0;
    // The message of a change of our own that the store has carried out.
    virtual void acknowledged(const std::string& message) = 0;

protected:
    ~change_witness() = default;
};

}  // namespace sallyport::vault
