// Reading what a token endpoint answered. Pure: the clock is an argument.
//
// The server is trusted with the token and with nothing else: its answer is bounded, read one way
// or not at all, and none of its words reach a log, an error or a person, save error codes of RFC
// 6749 and the shape of what was wrong. Source: RFC 6749, 5; RFC 6750, 6.1.1.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <optional>
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
constexpr std::chrono::seconds lifetime_max = std::chrono::hours(24 * 366 * 10);
constexpr std::chrono::seconds retry_after_max = std::chrono::hours(1);

// `fresh`: tokens.fields has access_token and, if one came, refresh_token, and nothing else: what
// to keep of an older credential is the caller's to add. `rejected`: the grant (code, refresh
// token, assertion) is not or no longer good. Everything else is `unavailable`, also a client that
// the server refuses: whoever runs the gate can cure that, the user cannot.
vault::refresh_answer read_token_answer(const policy::provider_facts& provider,
                                        const vault::connection& record,
                                        const net::http_answer& answer, unix_micros now,
                                        std::string_view token_member = "access_token");

// The object that the answer is, from JSON or, where the server says that it is one, from a form.
// What is neither, or can be read in two ways, is nullopt. In wiped memory.
std::optional<boost::json::object> read_object(const net::http_answer& answer);

// Meta's list of what a user was asked and has said: {"data": [{"permission": "email", "status":
// "granted"}]}. Nullopt: it cannot be read, or there is more of it.
std::optional<std::vector<std::string>> read_granted_scopes(const net::http_answer& answer);

// What an answer without a token says: 5xx, 429 and what is no answer at all are `unavailable`.
vault::refresh_answer read_refusal(const net::http_answer& answer, const boost::json::object* body,
                                   unix_micros now);

// Seconds of a Retry-After (RFC 9110, 10.2.3), bounded; 0: none that can be read.
std::chrono::seconds read_retry_after(const net::http_answer& answer, unix_micros now);

}  // namespace sallyport::oauth
