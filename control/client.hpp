// One call to a gate's control listener: what the commands use that talk to a running gate.
//
// Synchronous: it runs its own event loop and returns within `timeout`, which covers the whole
// exchange, the connection included. Only looking up a host name is not under it; addresses in
// use are literals or `localhost`. Answers are bounded. No error names the token or the body.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sallyport::control {

constexpr std::size_t client_head_bytes_max = std::size_t{16} << 10;
constexpr std::size_t client_body_bytes_max = std::size_t{64} << 20;  // a long list of connections

struct client_options {
    std::string address;  // unix:PATH, http://host:port or host:port; IPv6 as [::1]:port
    std::string token;    // sent as a bearer token; empty: none
    std::chrono::milliseconds timeout{30'000};
};

struct client_response {
    unsigned status = 0;
    std::string body;
};

// `target` is the path with its query, already escaped. A non-empty body is sent as JSON. Fails
// with invalid_argument for an address, method, target or token that cannot be sent, timed_out, and
// whatever the system or the HTTP parser says of the connection.
result<client_response> call(const client_options& options, std::string_view method,
                             std::string_view target, std::string_view body);

}  // namespace sallyport::control
