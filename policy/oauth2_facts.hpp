// What a provider's file says about its OAuth 2.0 endpoints: all that an authorisation flow, a
// refresh and a revocation need to know, as plain data. Nothing here has a credential in it.
//
// URLs may hold {variables} of the connection; {client_id} and {token} in those of a revocation or
// an introspection are the client's and the token at hand. Lifetimes are hints: what the token
// response says about itself always wins.
// Source: RFC 6749, RFC 7009, RFC 7636, RFC 7662, RFC 8628; CONTRACT.md 5 `oauth2`.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sallyport::policy {

// In the order of the file, since some providers are particular about it.
using named_texts = std::vector<std::pair<std::string, std::string>>;

struct oauth2_request {
    std::string method = "POST";
    std::string url;   // Empty: there is none.
    std::string auth;  // In words: "basic", "bearer = the token to revoke".
    std::string body;  // In words; empty: a form with `token`.
    std::string note;
};

struct oauth2_facts {
    enum class pkce_support : std::uint8_t {
        unknown,
        unsupported,
        supported,
        required,
        conditional  // for some kinds of clients, see pkce_note
    };
    enum class client_auth : std::uint8_t { post, basic, private_key_jwt };
    enum class body_format : std::uint8_t { form, json };
    enum class revoke_style : std::uint8_t {
        unknown,
        none,          // there is no endpoint
        rfc7009,       // `token` in a form, 200 whatever came of it
        rfc7009_like,  // nearly so, see its note
        proprietary    // as `revoke` says
    };
    enum class rotation : std::uint8_t {
        unknown,   // store whatever comes back
        none,      // no refresh token is issued
        stable,    // the refresh token stays
        rotates,   // every refresh gives a new one, which must be stored before it is used
        by_client  // the settings of the client at the provider decide
    };
    struct refreshing {
        std::string issued;  // when a refresh token comes, in words
        oauth2_facts::rotation rotation = oauth2_facts::rotation::unknown;
        std::chrono::seconds access_ttl{0};  // 0: not fixed
        std::string access_ttl_note;
        std::string refresh_ttl;  // in words
        std::string rotation_note;
        std::string note;
    };
    // Another flavour of the same flow: Stripe's Connect beside its Apps.
    struct variant {
        std::string name;
        std::string authorize_url;
        std::string token_url;
        std::string revoke_url;
    };

    std::string authorize_url;  // Empty: no user takes part (client credentials).
    std::string token_url;
    // How the server names itself in a callback's `iss` (RFC 9207). Empty: not known.
    std::string issuer;
    std::string token_url_legacy;
    std::string device_authorization_url;
    oauth2_request exchange;         // gives a long-lived token for a short-lived one
    oauth2_request refresh_request;  // without a URL: token_url as RFC 6749, 6 has it
    oauth2_request introspect;
    revoke_style revocation = revoke_style::unknown;
    oauth2_request revoke;

    std::string scope_separator = " ";  // Empty: the provider takes no scopes.
    // Where scopes travel elsewhere than in `scope`: parameter and what it holds.
    named_texts scope_params;
    named_texts authorize_params;   // further parameters of the authorisation request
    named_texts authorize_options;  // those that a client may choose to send, explained
    named_texts token_headers;
    named_texts token_params;
    named_texts token_options;
    named_texts param_names;  // standard name -> the provider's: client_id -> client_key
    // authorization_code | refresh_token | client_credentials | jwt_bearer | device_code |
    // installation. Empty: authorization_code and refresh_token.
    std::vector<std::string> grants;
    std::string app_scope;  // what client credentials ask for, whatever the connection's scopes
    std::string installation_url;  // where a GitHub App gets an installation's token

    pkce_support pkce = pkce_support::unknown;
    std::vector<client_auth> client_auths = {client_auth::post};  // preferred first
    // Where a variable stands for the host: those, besides the default, that are the provider's own.
    // A leading dot takes in all below.
    std::vector<std::string> client_hosts;
    body_format token_body = body_format::form;

    named_texts token_paths;  // variant -> where its access token is, "authed_user.access_token"
    // Members of the token response that are kept with the connection. One that is named like a
    // variable of the provider sets it.
    std::vector<std::string> response_vars;
    refreshing refresh;
    std::vector<variant> variants;

    // Remarks for people.
    std::string authorize_note;
    std::string scope_note;
    std::string pkce_note;
    std::string client_auth_note;
    std::string token_body_note;
    std::string note;
};

}  // namespace sallyport::policy
