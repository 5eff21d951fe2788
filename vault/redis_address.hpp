// Where a Redis store is:
//
//   redis://[user:password@]host[:port][/db]                        plain text
//   redis+sentinel://[user:password@]host[:port],.../name[/db]      the master that sentinels name
//   rediss://, rediss+sentinel://                                   the same over TLS, sentinels
//   too
//
// User and password are the master's; a sentinel is shown them only if it asks for some.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vault/secret.hpp"

namespace sallyport::vault {

struct redis_endpoint {
    std::string host;
    std::uint16_t port = 0;
};

// host:port, as sentences name it.
std::string to_string(const redis_endpoint& endpoint);

struct redis_address {
    static constexpr std::size_t sentinels_max = 16;

    std::vector<redis_endpoint> endpoints;  // One server; or the sentinels, if `master` is set.
    std::string master;                     // What the sentinels call it; "": no sentinels.
    bool tls = false;
    std::string user;                        // "": Redis's default user
    std::shared_ptr<const secret> password;  // Shared by the copies of an address; null: none.
    std::uint32_t database = 0;
};

// User and password may be percent-encoded. Throws boost::system::system_error with
// errc::misconfigured and a sentence that repeats nothing of the URL.
redis_address parse_redis_url(std::string_view url);

// A name or an IP address, and nothing that could be mistaken for more.
bool is_host(std::string_view text) noexcept;

}  // namespace sallyport::vault
