// JWTs by which a client or an App proves itself without a user: RFC 7523 assertions (a Google
// service account, private_key_jwt) and GitHub's App tokens.
//
// A private key is PEM, RSA (RS256) or P-256 (ES256). Where its line breaks were lost on the way
// they stand as backslash and n, as JSON files of keys have them. Every assertion is for one use:
// it has a jti of its own and lives assertion_lifetime. Pure, but for the jti.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/wiping.hpp"
#include "oauth/client.hpp"
#include "policy/provider.hpp"
#include "vault/connection.hpp"

namespace sallyport::oauth {

constexpr std::chrono::seconds assertion_lifetime{300};
constexpr std::chrono::seconds grant_lifetime{3600};  // Google: at most an hour
constexpr std::chrono::seconds app_lifetime{540};     // GitHub: at most ten minutes
constexpr std::chrono::seconds clock_leeway{60};      // for servers whose clock is behind ours

// RFC 7523, 2.2: the client at a token endpoint. errc::bad_key.
result<wiped_string> client_assertion(const client& as, std::string_view token_url,
                                      unix_micros now);

// RFC 7523, 2.1: {client_email, private_key, subject?} asks for the scopes. errc::bad_key,
// unsendable (no client_email).
result<wiped_string> grant_assertion(const vault::credential& fields, std::string_view scopes,
                                     std::string_view token_url, unix_micros now);

// {app_id, private_key}: a GitHub App as itself. errc::bad_key, unsendable (no app_id).
result<wiped_string> app_assertion(const vault::credential& fields, unix_micros now);

}  // namespace sallyport::oauth
