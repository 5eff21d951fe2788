#include "oauth/token_request.hpp"

#include <openssl/crypto.h>

#include <boost/json/object.hpp>
#include <algorithm>

#include "base/encoding.hpp"
#include "oauth/assertion.hpp"
#include "oauth/error.hpp"
#include "oauth/json_text.hpp"
#include "oauth/scopes.hpp"
#include "oauth/words.hpp"
#include "vault/fields.hpp"

namespace sallyport::oauth {

namespace {

using body_format = policy::oauth2_facts::body_format;

constexpr std::string_view assertion_type =
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

const std::string& token_url_of(const policy::oauth2_facts& facts, std::string_view variant)
{
    for (const policy::oauth2_facts::variant& one : facts.variants) {
        if (one.name == variant && !one.token_url.empty()) {
            return one.token_url;
        }
    }
    return facts.token_url;
}

// Those without a value of their own stay away; the rest must be sendable.
bool are_sendable(const parameters& asked)
{
    return std::all_of(asked.begin(), asked.end(),
                       [](const auto& one) { return vault::is_sendable(one.second); });
}

wiped_string value_named(std::string_view name, const client& as, std::string_view token)
{
    if (name == "client_id" || name == "client_key") {
        return wiped_string(as.id);
    }
    return wiped_string(name == "client_secret" ? as.secret.reveal() : token);
}

// A renewal or an exchange of the file's own kind: its words say which parameters it takes.
result<net::http_request> own_request(const policy::oauth2_request& how,
                                      const policy::provider_facts& provider,
                                      const vault::connection& record, const client& as,
                                      std::string_view token, const request_body& unsaid)
{
    std::optional<request_body> body = read_body(how.body);
    if (!body) {
        return error_code(errc::not_offered);
    }
    if (body->as == request_body::form::none) {
        body = unsaid;
    }
    const parameters fields = named_parameters(body->fields, as, token);
    if (!are_sendable(fields)) {
        return error_code(errc::unsendable);
    }
    result<wiped_string> url = fill_url(how.url, provider, record);
    if (!url) {
        return url.error();
    }
    net::http_request request = request_to(provider, how.method);
    request.url = std::move(*url);
    put_parameters(request, fields, body->as);
    return request;
}

}  // namespace

parameters named_parameters(const std::vector<std::string>& names, const client& as,
                            std::string_view token)
{
    parameters out;
    for (const std::string& name : names) {
        out.emplace_back(name, value_named(name, as, token));
    }
    return out;
}

net::http_request request_to(const policy::provider_facts& provider, std::string_view method)
{
    net::http_request request;
    request.method = method;
    request.private_addresses = provider.private_addresses;
    request.plain_http = provider.plain_http;
    return request;
}

void put_parameters(net::http_request& request, const parameters& fields, request_body::form as)
{
    switch (as) {
        case request_body::form::none: return;
        case request_body::form::query: append_query(request.url, fields); return;
        case request_body::form::form:
            request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
            request.body = form_of(fields);
            return;
        case request_body::form::json: {
            boost::json::object body(wiping_storage());
            for (const auto& [name, value] : fields) {
                body.insert_or_assign(name, std::string_view(value));
            }
            request.headers.emplace_back("Content-Type", "application/json");
            request.body = json_text(std::move(body));
            return;
        }
    }
}

wiped_string basic_of(const client& as)
{
    wiped_string pair;
    append_encoded(pair, as.id);
    pair += ':';
    append_encoded(pair, as.secret.reveal());
    std::string encoded = to_base64(pair);
    wiped_string out("Basic ");
    out += encoded;
    OPENSSL_cleanse(encoded.data(), encoded.size());
    return out;
}

bool offers(const policy::oauth2_facts& facts, std::string_view grant)
{
    if (facts.grants.empty()) {
        return grant == "authorization_code" || grant == "refresh_token";
    }
    const bool is_listed =
        std::find(facts.grants.begin(), facts.grants.end(), grant) != facts.grants.end();
    // Whoever has users sign in may also have tokens refreshed.
    return is_listed || (grant == "refresh_token" && offers(facts, "authorization_code"));
}

result<net::http_request> token_request(const policy::provider_facts& provider,
                                        const vault::connection& record, const client* as,
                                        parameters asked, unix_micros now)
{
    if (!provider.oauth2) {
        return error_code(errc::no_oauth2);
    }
    const policy::oauth2_facts& facts = *provider.oauth2;
    return client_request(provider, record, as, token_url_of(facts, record.variant),
                          std::move(asked), facts.token_params, now);
}

result<void> prove_client(net::http_request& request, parameters& asked,
                          const policy::provider_facts& provider, const vault::connection& record,
                          const client& as, unix_micros now)
{
    if (as.auth == client_auth::basic && !as.secret.empty()) {
        request.headers.emplace_back("Authorization", basic_of(as));
        return {};
    }
    asked.emplace_back("client_id", wiped_string(as.id));
    if (as.auth == client_auth::private_key_jwt) {
        // RFC 7523, 3: whichever endpoint it is shown to, it is made for the token endpoint.
        const std::string& token_url = token_url_of(*provider.oauth2, record.variant);
        const result<wiped_string> audience = fill_url(token_url, provider, record);
        if (!audience) {
            return audience.error();
        }
        result<wiped_string> proof = client_assertion(as, *audience, now);
        if (!proof) {
            return proof.error();
        }
        asked.emplace_back("client_assertion_type", assertion_type);
        asked.emplace_back("client_assertion", std::move(*proof));
    } else if (!as.secret.empty()) {
        asked.emplace_back("client_secret", wiped_string(as.secret.reveal()));
    }
    return {};
}

result<net::http_request> client_request(const policy::provider_facts& provider,
                                         const vault::connection& record, const client* as,
                                         std::string_view url, parameters asked,
                                         const policy::named_texts& more, unix_micros now)
{
    const policy::oauth2_facts& facts = *provider.oauth2;
    result<wiped_string> filled = fill_url(url, provider, record);
    if (!filled) {
        return filled.error();
    }
    net::http_request request = request_to(provider, "POST");
    request.url = std::move(*filled);
    for (const auto& [name, value] : facts.token_headers) {
        request.headers.emplace_back(name, wiped_string(value));
    }
    if (as != nullptr) {
        const result<void> proven = prove_client(request, asked, provider, record, *as, now);
        if (!proven) {
            return proven.error();
        }
    }
    for (auto& [name, value] : asked) {
        for (const auto& [standard, own] : facts.param_names) {
            if (name == standard) {
                name = own;
                break;
            }
        }
    }
    for (const auto& [name, value] : more) {
        asked.emplace_back(name, wiped_string(value));
    }
    if (!are_sendable(asked)) {
        return error_code(errc::unsendable);
    }
    put_parameters(request, asked,
                   facts.token_body == body_format::json ? request_body::form::json
                                                         : request_body::form::form);
    return request;
}

result<net::http_request> code_request(const policy::provider_facts& provider,
                                       const vault::connection& record, const client& as,
                                       const code_grant& grant, unix_micros now)
{
    parameters asked;
    asked.emplace_back("grant_type", "authorization_code");
    asked.emplace_back("code", grant.code);
    asked.emplace_back("redirect_uri", wiped_string(grant.redirect_uri));
    if (!grant.verifier.empty()) {
        asked.emplace_back("code_verifier", grant.verifier);
    }
    return token_request(provider, record, &as, std::move(asked), now);
}

result<net::http_request> exchange_request(const policy::provider_facts& provider,
                                           const vault::connection& record, const client& as,
                                           std::string_view access_token)
{
    if (!provider.oauth2 || provider.oauth2->exchange.url.empty()) {
        return error_code(errc::not_offered);
    }
    return own_request(provider.oauth2->exchange, provider, record, as, access_token,
                       {request_body::form::query, {"client_secret", "access_token"}});
}

result<net::http_request> introspection_request(const policy::provider_facts& provider,
                                                const vault::connection& record,
                                                std::string_view access_token)
{
    if (!provider.oauth2 || provider.oauth2->introspect.url.empty()) {
        return error_code(errc::not_offered);
    }
    const policy::oauth2_request& how = provider.oauth2->introspect;
    result<wiped_string> url = fill_url(how.url, provider, record);
    if (!url) {
        return url.error();
    }
    net::http_request request = request_to(provider, how.method);
    request.url = std::move(*url);
    wiped_string proof("Bearer ");
    proof += access_token;
    request.headers.emplace_back("Authorization", std::move(proof));
    return request;
}

result<net::http_request> refresh_request(const policy::provider_facts& provider,
                                          const vault::connection& record, const client& as,
                                          const vault::credential& current, unix_micros now)
{
    if (!provider.oauth2) {
        return error_code(errc::no_oauth2);
    }
    const policy::oauth2_facts& facts = *provider.oauth2;
    if (!facts.refresh_request.url.empty()) {
        return own_request(facts.refresh_request, provider, record, as,
                           find_field(current, "access_token"),
                           {request_body::form::query, {"access_token"}});
    }
    const std::string_view refresh_token = find_field(current, "refresh_token");
    if (refresh_token.empty() || !offers(facts, "refresh_token")) {
        return error_code(errc::not_offered);
    }
    parameters asked;
    asked.emplace_back("grant_type", "refresh_token");
    asked.emplace_back("refresh_token", wiped_string(refresh_token));
    return token_request(provider, record, &as, std::move(asked), now);
}

result<net::http_request> client_credentials_request(const policy::provider_facts& provider,
                                                     const vault::connection& record,
                                                     const client& as,
                                                     const std::vector<std::string>& scopes,
                                                     unix_micros now)
{
    if (!provider.oauth2) {
        return error_code(errc::no_oauth2);
    }
    const policy::oauth2_facts& facts = *provider.oauth2;
    if (!offers(facts, "client_credentials")) {
        return error_code(errc::not_offered);
    }
    parameters asked;
    asked.emplace_back("grant_type", "client_credentials");
    result<wiped_string> joined = facts.app_scope.empty()
                                      ? join_scopes(facts, scopes)
                                      : result<wiped_string>(wiped_string(facts.app_scope));
    if (!joined) {
        return joined.error();
    }
    if (!joined->empty()) {
        asked.emplace_back("scope", std::move(*joined));
    }
    return token_request(provider, record, &as, std::move(asked), now);
}

}  // namespace sallyport::oauth
