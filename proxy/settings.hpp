// What the data plane can be told.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "net/settings.hpp"

namespace sallyport::proxy {

enum class on_revoke : std::uint8_t { finish, cut };

struct limits {
    std::size_t header_bytes = 64 * 1024;
    std::chrono::milliseconds header_timeout{10'000};  // for the whole head, from its first byte
    std::chrono::milliseconds idle_timeout{75'000};    // between calls, and between reads of a body
    std::chrono::milliseconds upstream_timeout{
        60'000};                       // for an answer's head, and between its reads
    std::size_t connections = 20'000;  // callers at once, per gate
};

struct settings {
    std::vector<net::listen_address> listen;  // config/ fills in 127.0.0.1:8080
    unsigned workers = 0;                     // 0: one per core
    proxy::on_revoke on_revoke = proxy::on_revoke::finish;
    std::chrono::milliseconds drain_timeout{30'000};
    proxy::limits limits;
    std::string connect_page;  // control.connect_page: where refusals point people
};

}  // namespace sallyport::proxy
