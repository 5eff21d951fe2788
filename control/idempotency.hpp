// Requests that are done once however often they are sent: with an Idempotency-Key, the answer to
// the first one is the answer to its repetitions for repetition_time.
//
// What is remembered stands in the vault's notebook, sealed under the workspace's key, for an
// answer may hold a run token: one of the fleet's gates does it, and all of them know. A request
// that was refused has done nothing and is not remembered. One that its gate did not live to finish
// may be repeated after unfinished_time.
//
// Keys are each control token's own, and each route's. Who repeats a key with another body is told
// (422 idempotency_key_reused), and so is who repeats it too soon (409 idempotency_key_in_use).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string_view>

#include "control/routes.hpp"

namespace sallyport::control {

constexpr std::chrono::hours repetition_time{24};
constexpr std::chrono::seconds unfinished_time{60};
constexpr std::size_t idempotency_key_bytes_max = 255;

// True for a request that bears a key, on a route that takes one.
bool bears_key(const admitted& ready);

// Runs the handler, or answers as it did before. `ready` and `body` outlive the coroutine.
boost::asio::awaitable<answer> handle_once(admitted& ready, std::string_view body);

}  // namespace sallyport::control
