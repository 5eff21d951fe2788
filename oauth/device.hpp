// The device flow: a user types a short code into a browser elsewhere. Pure.
//
// Whoever polls waits `interval` between two questions, and five seconds more from each slow_down
// on. Source: RFC 8628.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/wiping.hpp"
#include "net/http_client.hpp"
#include "oauth/client.hpp"
#include "policy/provider.hpp"
#include "vault/connection.hpp"
#include "vault/token_source.hpp"

namespace sallyport::oauth {

constexpr std::chrono::seconds device_interval_default{5};
constexpr std::chrono::seconds device_interval_max{60};
constexpr std::chrono::seconds device_slow_down{5};
constexpr std::chrono::seconds device_lifetime_max{1800};

struct device_authorization {
    wiped_string device_code;      // sealed until the flow has ended
    std::string user_code;         // for the user's eyes
    std::string verification_uri;  // https://, for the user's browser
    std::string complete_uri;      // the same with the code in it; empty: there is none
    std::chrono::seconds interval = device_interval_default;
    unix_micros expires_at = 0;
};

// The client proves itself as at the token endpoint (RFC 8628, 3.1). errc::no_oauth2, not_offered,
// missing_value, unsendable, bad_key.
result<net::http_request> device_request(const policy::provider_facts& provider,
                                         const vault::connection& record, const client& as,
                                         const std::vector<std::string>& scopes, unix_micros now);

// errc::not_offered: the provider's answer cannot be used, or it is a refusal.
result<device_authorization> read_device_answer(const net::http_answer& answer, unix_micros now);

result<net::http_request> device_poll_request(const policy::provider_facts& provider,
                                              const vault::connection& record, const client& as,
                                              std::string_view device_code, unix_micros now);

struct device_poll {
    enum class state : std::uint8_t {
        pending,
        slow_down,  // also a server that cannot answer now
        denied,
        expired,
        settled
    };
    state now = state::pending;
    vault::refresh_answer answer;  // with `settled`
};
device_poll read_poll_answer(const policy::provider_facts& provider,
                             const vault::connection& record, const net::http_answer& answer,
                             unix_micros now);

}  // namespace sallyport::oauth
