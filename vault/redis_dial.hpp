// From a Redis address to a connection that may be used: found (through the sentinels, if there
// are any), connected, over TLS where asked for, authenticated, at its database, and by its own
// word (ROLE) a master. A replica is never used: what it says may be old.
//
// Threading: the io_context's thread. Limits: each server has redis_dial_limit, each sentinel
// redis_sentinel_limit, from resolving its name to its last answer.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "vault/redis_address.hpp"
#include "vault/redis_stream.hpp"
#include "vault/settings.hpp"

namespace sallyport::vault {

// Together less than a command waits (redis_wire::command_timeout), so that it learns the reason.
constexpr std::chrono::milliseconds redis_dial_limit{1400};
constexpr std::chrono::milliseconds redis_sentinel_limit{400};

// What dialling needs to know. Shared by the connections of one store and their dialling.
struct redis_site {
    // Throws as make_redis_tls does.
    redis_site(redis_address where, redis_settings with);

    redis_address address;
    redis_settings settings;
    std::unique_ptr<boost::asio::ssl::context> tls;  // Null: plain text.
    std::size_t first_sentinel = 0;                  // The one that answered last.
};

struct redis_dialled {
    std::unique_ptr<redis_stream> stream;  // Null: it failed,
    std::string why;                       // and this sentence says why. It holds no secret.
};

// One attempt. Throws operation_aborted when cancelled.
boost::asio::awaitable<redis_dialled> dial_redis(boost::asio::io_context& context,
                                                 std::shared_ptr<redis_site> site);

}  // namespace sallyport::vault
