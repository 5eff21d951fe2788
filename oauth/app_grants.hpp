// Tokens that no user grants: a service account's (RFC 7523) and a GitHub App installation's. The
// credential holds a private key; what it buys is short-lived and bought anew. Pure, as
// assertion.hpp is.
//
// Such a credential says what it is in its field `grant`: client_credentials, jwt_bearer or
// installation. Without that field it is a user's, renewed with its refresh token.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/http_client.hpp"
#include "policy/provider.hpp"
#include "vault/connection.hpp"
#include "vault/token_source.hpp"

namespace sallyport::oauth {

// {client_email, private_key, subject?}. It goes to the provider's own token endpoint whatever
// the key file's token_uri says. Asks for the scopes requested, else for those granted. All:
// errc::no_oauth2, not_offered, missing_value, unsendable, bad_key.
result<net::http_request> jwt_bearer_request(const policy::provider_facts& provider,
                                             const vault::connection& record,
                                             const vault::credential& fields, unix_micros now);

// {app_id, installation_id, private_key}.
result<net::http_request> installation_request(const policy::provider_facts& provider,
                                               const vault::connection& record,
                                               const vault::credential& fields, unix_micros now);

// As read_token_answer, of the answer to that: the token is its `token`, and an App that is not
// installed there (any more) has no grant.
vault::refresh_answer read_installation_answer(const policy::provider_facts& provider,
                                               const vault::connection& record,
                                               const net::http_answer& answer, unix_micros now);

// What such a connection asks for.
const std::vector<std::string>& scopes_to_ask(const vault::connection& record) noexcept;

}  // namespace sallyport::oauth
