// Reading what a token endpoint answered. Pure: the clock is an argument.
//
// The server is trusted with the token and with nothing else: its answer is bounded, read one way
// or not at all, and none of its words reach a log, an error or a person, save error codes of RFC
// 6749 and the shape of what was wrong. Source: RFC 6749, 5; RFC 6750, 6.1.1.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "net/http_client.hpp"
#include "policy/provider.hpp"
#include "vault/connection.hpp"
#include "vault/token_source.hpp"

namespace sallyport::oauth {

constexpr std::size_t token_bytes_max = 16 * 1024;
constexpr std::size_t granted_scopes_max = 512;
constexpr std::chrono::seconds lifetime_max = std::chrono::hours(24 * 366 * 10);
constexpr std::chrono::seconds retry_after_max = std::chrono::hours(1);

// `fresh`: tokens.fields has access_token and, if one came, refresh_token, and nothing else: what
// to keep of an older credential is the caller's to add. `rejected` and `unavailable` as
// vault::refresh_verdict says; `impossible` where the server refuses the client or the request
// itself for a reason that trying again does not cure is told as `unavailable` with that reason,
// since whoever runs the gate can cure it.
vault::refresh_answer read_token_answer(const policy::provider_facts& provider,
                                        const vault::connection& record,
                                        const net::http_answer& answer, unix_micros now);

// Scopes as servers list them: separated by spaces, commas or both. Sorted, each once.
std::vector<std::string> split_scopes(std::string_view text);

// Seconds of a Retry-After (RFC 9110, 10.2.3), bounded; 0: none that can be read.
std::chrono::seconds read_retry_after(const net::http_answer& answer, unix_micros now);

}  // namespace sallyport::oauth
