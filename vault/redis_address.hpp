// redis://[user:password@]host[:port][/db]: where a Redis store is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "vault/secret.hpp"

namespace sallyport::vault {

struct redis_address {
    std::string host;
    std::uint16_t port = 6379;
    std::string user;                        // "": Redis's default user
    std::shared_ptr<const secret> password;  // Shared by the copies of an address; null: none.
    std::uint32_t database = 0;
};

// User and password may be percent-encoded. Throws boost::system::system_error with
// errc::misconfigured and a sentence that repeats nothing of the URL.
redis_address parse_redis_url(std::string_view url);

}  // namespace sallyport::vault
