#include "oauth/app_grants.hpp"

#include <utility>

#include "oauth/assertion.hpp"
#include "oauth/error.hpp"
#include "oauth/scopes.hpp"
#include "oauth/token_answer.hpp"
#include "oauth/token_request.hpp"

namespace sallyport::oauth {

const std::vector<std::string>& scopes_to_ask(const vault::connection& record) noexcept
{
    return record.scopes_requested.empty() ? record.scopes_granted : record.scopes_requested;
}

result<net::http_request> jwt_bearer_request(const policy::provider_facts& provider,
                                             const vault::connection& record,
                                             const vault::credential& fields, unix_micros now)
{
    if (!provider.oauth2) {
        return error_code(errc::no_oauth2);
    }
    const policy::oauth2_facts& facts = *provider.oauth2;
    if (!offers(facts, "jwt_bearer")) {
        return error_code(errc::not_offered);
    }
    const result<wiped_string> scopes = join_scopes(facts, scopes_to_ask(record));
    const result<wiped_string> audience = fill_url(facts.token_url, provider, record);
    if (!scopes || !audience) {
        return scopes ? audience.error() : scopes.error();
    }
    result<wiped_string> assertion = grant_assertion(fields, *scopes, *audience, now);
    if (!assertion) {
        return assertion.error();
    }
    parameters asked;
    asked.emplace_back("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    asked.emplace_back("assertion", std::move(*assertion));
    return token_request(provider, record, nullptr, std::move(asked), now);
}

result<net::http_request> installation_request(const policy::provider_facts& provider,
                                               const vault::connection& record,
                                               const vault::credential& fields, unix_micros now)
{
    if (!provider.oauth2) {
        return error_code(errc::no_oauth2);
    }
    if (provider.oauth2->installation_url.empty()) {
        return error_code(errc::not_offered);
    }
    parameters known;
    known.emplace_back("installation_id", wiped_string(find_field(fields, "installation_id")));
    result<wiped_string> url = fill_url(provider.oauth2->installation_url, provider, record, known);
    if (!url) {
        return url.error();
    }
    const result<wiped_string> app = app_assertion(fields, now);
    if (!app) {
        return app.error();
    }
    net::http_request request = request_to(provider, "POST");
    request.url = std::move(*url);
    request.headers.emplace_back("Accept", "application/vnd.github+json");
    request.headers.emplace_back("Authorization", "Bearer " + *app);
    return request;
}

vault::refresh_answer read_installation_answer(const policy::provider_facts& provider,
                                               const vault::connection& record,
                                               const net::http_answer& answer, unix_micros now)
{
    constexpr unsigned not_found = 404;
    vault::refresh_answer read = read_token_answer(provider, record, answer, now, "token");
    if (answer.status == not_found) {
        read.verdict = vault::refresh_verdict::rejected;
        read.reason = "the App is not installed there (any more)";
    }
    return read;
}

}  // namespace sallyport::oauth
