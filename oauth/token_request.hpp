// What is posted to a token endpoint, from what the provider's file says: form or JSON, the
// standard parameters under the provider's names, its own parameters and headers, and the client's
// proof in the way the provider wants it. Pure: the clock is an argument.
//
// Requests hold secrets; their memory is wiped. Source: RFC 6749, 2.3, 4.1.3, 4.4, 6; RFC 7523.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/wiping.hpp"
#include "net/http_client.hpp"
#include "oauth/client.hpp"
#include "oauth/url.hpp"
#include "oauth/words.hpp"
#include "policy/provider.hpp"
#include "vault/connection.hpp"

namespace sallyport::oauth {

struct code_grant {
    wiped_string code;
    wiped_string verifier;     // empty: no PKCE
    std::string redirect_uri;  // exactly as in the authorization request
};

// All of them: errc::no_oauth2, not_offered, missing_value, unsendable, bad_key.
result<net::http_request> code_request(const policy::provider_facts& provider,
                                       const vault::connection& record, const client& as,
                                       const code_grant& grant, unix_micros now);

// A long-lived token for the short-lived one that a code gave, where the provider has a request
// for that (`exchange_url`).
result<net::http_request> exchange_request(const policy::provider_facts& provider,
                                           const vault::connection& record, const client& as,
                                           std::string_view access_token);

// What the provider knows of an access token (`introspect`), proven by that token.
result<net::http_request> introspection_request(const policy::provider_facts& provider,
                                                const vault::connection& record,
                                                std::string_view access_token);

// With the refresh token, or where the provider's `refresh_url` renews the access token itself,
// with that.
result<net::http_request> refresh_request(const policy::provider_facts& provider,
                                          const vault::connection& record, const client& as,
                                          const vault::credential& current, unix_micros now);

result<net::http_request> client_credentials_request(const policy::provider_facts& provider,
                                                     const vault::connection& record,
                                                     const client& as,
                                                     const std::vector<std::string>& scopes,
                                                     unix_micros now);

// Any other grant: `asked` begins with grant_type. `as` may be null for grants that prove
// themselves (RFC 7523).
result<net::http_request> token_request(const policy::provider_facts& provider,
                                        const vault::connection& record, const client* as,
                                        parameters asked, unix_micros now);

// Asked of an authorization server's other endpoints as of its token endpoint: with the file's
// headers and names, and the client's proof. `more` are parameters of the provider's own.
result<net::http_request> client_request(const policy::provider_facts& provider,
                                         const vault::connection& record, const client* as,
                                         std::string_view url, parameters asked,
                                         const policy::named_texts& more, unix_micros now);

// The client's proof, put into the head or among the parameters. errc::bad_key, missing_value.
result<void> prove_client(net::http_request& request, parameters& asked,
                          const policy::provider_facts& provider, const vault::connection& record,
                          const client& as, unix_micros now);

// What such requests are made of, for the other endpoints' sake.
net::http_request request_to(const policy::provider_facts& provider, std::string_view method);
void put_parameters(net::http_request& request, const parameters& fields, request_body::form as);
// Those that a file's words list, each with what its name says it holds: the client's id, its
// secret, or else the token.
parameters named_parameters(const std::vector<std::string>& names, const client& as,
                            std::string_view token);
// RFC 6749, 2.3.1.
wiped_string basic_of(const client& as);
// authorization_code | refresh_token | client_credentials | jwt_bearer | device_code | installation
bool offers(const policy::oauth2_facts& facts, std::string_view grant);

}  // namespace sallyport::oauth
