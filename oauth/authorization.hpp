// The part of the authorization code flow that a browser carries: the URL a user is sent to, and
// what comes back. Pure, but for make_pkce, which draws from getrandom(2).
//
// PKCE (S256) is used with every provider that does not say it cannot: a server that does not know
// it ignores the parameters (RFC 6749, 3.1), and a code that was stolen is worth nothing.
// Source: RFC 6749, 4.1; RFC 7636; RFC 9207; RFC 9700.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/wiping.hpp"
#include "oauth/url.hpp"
#include "policy/provider.hpp"
#include "vault/connection.hpp"

namespace sallyport::oauth {

constexpr std::size_t callback_bytes_max = 8 * 1024;  // the query of a callback

struct pkce {
    wiped_string verifier;  // kept, sealed, until the code comes; sent with it
    std::string challenge;  // sent with the authorization request
};
pkce make_pkce();
std::string s256_challenge(std::string_view verifier);
bool wants_pkce(const policy::oauth2_facts& facts) noexcept;

struct authorization_request {
    std::string client_id;
    std::string redirect_uri;
    std::string state;
    std::string code_challenge;  // empty: no PKCE
    std::vector<std::string> scopes;
};

// Where the user is to be sent. The record gives the variables and the variant. errc::no_oauth2,
// not_offered (the provider has no such page), missing_value, unsendable.
result<std::string> authorize_url(const policy::provider_facts& provider,
                                  const vault::connection& record,
                                  const authorization_request& request);

// What the provider sends the browser back with. `error` and its description are the provider's
// words: shown to nobody unless it is one of RFC 6749, 4.1.2.1.
struct callback {
    wiped_string code;  // empty exactly if `error` is not
    std::string state;
    std::string issuer;  // empty: not said
    std::string error;
    std::string error_description;
    parameters all;  // as they came, decoded
};

// `query` without the question mark, still encoded. errc::bad_callback: a parameter twice, neither
// or both of code and error, no state, bad encoding, control characters, too long.
result<callback> read_callback(std::string_view query);

// errc::wrong_issuer: the provider's file names its issuer, and the callback names another, or
// brings a code and names none (RFC 9207, 2.4).
result<void> check_issuer(const policy::provider_facts& provider, const vault::connection& record,
                          const callback& got);

// What else proves that the provider made a callback that brings a code, where its file says so by
// `param_names: {callback_signature: hmac}`: that parameter signs all the others with the client's
// secret (HMAC-SHA-256, in hex, of a=b&c=d sorted by name), and one that is named like a variable
// in the authorisation page's host holds that host. errc::forged_callback, missing_value.
constexpr std::string_view callback_signature = "callback_signature";
result<void> check_proof(const policy::provider_facts& provider, const vault::connection& record,
                         const vault::secret& client_secret, const callback& got);

}  // namespace sallyport::oauth
