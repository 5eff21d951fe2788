#include "oauth/endpoint.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "oauth/app_grants.hpp"
#include "oauth/error.hpp"

namespace sallyport::oauth {

namespace asio = boost::asio;

using vault::refresh_answer;
using vault::refresh_verdict;

namespace {

const policy::provider* find_provider(const policy::catalogue* from, const std::string& id)
{
    const policy::provider* const found = from != nullptr ? from->find(id) : nullptr;
    return found != nullptr && found->facts().oauth2 ? found : nullptr;
}

refresh_answer impossible(const error_code& why)
{
    refresh_answer out;
    out.verdict = refresh_verdict::impossible;
    out.reason = why.message();
    return out;
}

refresh_answer unreachable(const error_code& why)
{
    refresh_answer out;
    out.reason = "the provider could not be asked: " + why.message();
    return out;
}

// What the new token is stored with: all of the old credential that it does not replace.
void keep_the_rest(refresh_answer& answer, vault::credential old)
{
    vault::credential& fields = answer.tokens.fields;
    for (vault::credential_field& field : old) {
        if (find_field(fields, field.name).empty()) {
            fields.push_back(std::move(field));
        }
    }
}

// The request that renews this credential, by what it says it is.
result<net::http_request> renewal(const policy::provider_facts& facts,
                                  const vault::connection& record, const vault::credential& current,
                                  const client* configured, unix_micros now)
{
    const std::string_view grant = find_field(current, "grant");
    if (grant == "jwt_bearer") {
        return jwt_bearer_request(facts, record, current, now);
    }
    if (grant == "installation") {
        return installation_request(facts, record, current, now);
    }
    const bool renews_itself = !facts.oauth2->refresh_request.url.empty();
    const bool has_token = !find_field(current, "refresh_token").empty();
    if (grant.empty() && !has_token && !renews_itself) {
        return error_code(errc::not_offered);
    }
    const result<client> as = choose_client(facts, record, configured, current);
    if (!as && !(renews_itself && grant.empty())) {
        return as.error();
    }
    if (grant == "client_credentials") {
        return client_credentials_request(facts, record, *as, scopes_to_ask(record), now);
    }
    const client nobody;
    return refresh_request(facts, record, as ? *as : nobody, current, now);
}

}  // namespace

endpoint::endpoint(net::http_client& http, catalogue_source catalogue,
                   std::shared_ptr<const clients> configured)
    : http_(http), catalogue_(std::move(catalogue)), clients_(std::move(configured))
{
}

void endpoint::use_clients(std::shared_ptr<const clients> configured)
{
    clients_ = std::move(configured);
    trusted_.clear();  // A reload may have come for the sake of a new CA file.
}

asio::awaitable<result<net::http_answer>> endpoint::send(net::http_request request,
                                                         std::string tls_ca)
{
    if (!tls_ca.empty()) {
        net::ssl_context& context = trusted_[tls_ca];
        if (context == nullptr) {
            const result<net::ssl_context> made = net::make_client_context(tls_ca);
            if (!made) {
                co_return made.error();
            }
            context = *made;
        }
        request.tls = context;
    }
    auto asking = http_.ask(std::move(request), exchange_limit);
    co_return co_await std::move(asking);
}

// --- connecting ----------------------------------------------------------------------------------

bool endpoint::has_client(const std::string& provider) const
{
    return clients_->find(provider) != nullptr;
}

bool endpoint::wants_pkce(const std::string& provider) const
{
    const auto catalogue = catalogue_();
    const policy::provider* const found = find_provider(catalogue.get(), provider);
    return found != nullptr && oauth::wants_pkce(*found->facts().oauth2);
}

result<std::string> endpoint::authorize_url(const vault::connection& record,
                                            authorization_request request) const
{
    const auto catalogue = catalogue_();
    const policy::provider* const found = find_provider(catalogue.get(), record.provider);
    if (found == nullptr) {
        return error_code(errc::no_oauth2);
    }
    const result<client> as =
        choose_client(found->facts(), record, clients_->find(record.provider), {});
    if (!as) {
        return as.error();
    }
    request.client_id = as->id;
    return oauth::authorize_url(found->facts(), record, request);
}

result<void> endpoint::check_callback(const vault::connection& record, const callback& got) const
{
    const auto catalogue = catalogue_();
    const policy::provider* const found = find_provider(catalogue.get(), record.provider);
    const client* const as = clients_->find(record.provider);
    if (found == nullptr || as == nullptr) {
        return error_code(found == nullptr ? errc::no_oauth2 : errc::no_client);
    }
    const result<void> named = check_issuer(found->facts(), record, got);
    return named ? check_proof(found->facts(), record, as->secret, got) : named;
}

asio::awaitable<bool> endpoint::ask_for_scopes(const policy::provider_facts& facts,
                                               const vault::connection& record,
                                               refresh_answer& answer)
{
    const policy::oauth2_request& how = facts.oauth2->introspect;
    if (how.url.empty() || how.auth != "bearer" || answer.tokens.scopes) {
        co_return true;
    }
    result<net::http_request> request =
        introspection_request(facts, record, find_field(answer.tokens.fields, "access_token"));
    if (!request) {
        co_return false;
    }
    auto sending = send(std::move(*request), facts.tls_ca);
    const result<net::http_answer> got = co_await std::move(sending);
    if (got) {
        answer.tokens.scopes = read_granted_scopes(*got);
    }
    co_return answer.tokens.scopes.has_value();
}

asio::awaitable<refresh_answer> endpoint::exchange_code(vault::connection record, code_grant grant)
{
    const auto catalogue = catalogue_();
    const policy::provider* const found = find_provider(catalogue.get(), record.provider);
    if (found == nullptr) {
        co_return impossible(errc::no_oauth2);
    }
    const policy::provider_facts& facts = found->facts();
    const result<client> as = choose_client(facts, record, clients_->find(record.provider), {});
    if (!as) {
        co_return impossible(as.error());
    }
    result<net::http_request> request = code_request(facts, record, *as, grant, now_micros());
    if (!request) {
        co_return impossible(request.error());
    }
    auto sending = send(std::move(*request), facts.tls_ca);
    const result<net::http_answer> got = co_await std::move(sending);
    if (!got) {
        co_return unreachable(got.error());
    }
    refresh_answer answer = read_token_answer(facts, record, *got, now_micros());
    if (answer.verdict != refresh_verdict::fresh) {
        co_return answer;
    }
    auto lengthening = lengthen(facts, record, *as, answer);
    co_await std::move(lengthening);
    auto asking = ask_for_scopes(facts, record, answer);
    const bool is_told = co_await std::move(asking);
    if (!is_told) {
        // What was asked for is not what was granted: without knowing, nothing is.
        auto revoking = revoke(record, std::move(answer.tokens.fields));
        [[maybe_unused]] const revocation_answer revoked = co_await std::move(revoking);
        answer = refresh_answer();
        answer.reason = "the provider did not say which scopes were granted";
    }
    co_return answer;
}

asio::awaitable<void> endpoint::lengthen(const policy::provider_facts& facts,
                                         const vault::connection& record, const client& as,
                                         refresh_answer& answer)
{
    if (facts.oauth2->exchange.url.empty()) {
        co_return;
    }
    const std::string_view short_lived = find_field(answer.tokens.fields, "access_token");
    result<net::http_request> request = exchange_request(facts, record, as, short_lived);
    if (!request) {
        co_return;
    }
    auto exchanging = send(std::move(*request), facts.tls_ca);
    const result<net::http_answer> longer = co_await std::move(exchanging);
    if (!longer) {
        co_return;
    }
    refresh_answer lasting = read_token_answer(facts, record, *longer, now_micros());
    if (lasting.verdict == refresh_verdict::fresh) {
        // The code is used up: what the first answer gave would be kept if this one failed.
        answer.tokens.fields = std::move(lasting.tokens.fields);
        answer.tokens.expires_at = lasting.tokens.expires_at;
    }
}

// --- renewing ------------------------------------------------------------------------------------

bool endpoint::can_refresh(const vault::connection& record) const
{
    const auto catalogue = catalogue_();
    const policy::provider* const found = find_provider(catalogue.get(), record.provider);
    if (found == nullptr || record.kind != "oauth2") {
        return false;
    }
    const policy::oauth2_facts& facts = *found->facts().oauth2;
    return !facts.refresh_request.url.empty() || !facts.installation_url.empty() ||
           offers(facts, "refresh_token") || offers(facts, "client_credentials") ||
           offers(facts, "jwt_bearer");
}

bool endpoint::can_refresh(const vault::connection& record, const vault::credential& current) const
{
    const auto catalogue = catalogue_();
    const policy::provider* const found = find_provider(catalogue.get(), record.provider);
    return found != nullptr && can_refresh(record) &&
           (!find_field(current, "refresh_token").empty() ||
            !find_field(current, "grant").empty() ||
            !found->facts().oauth2->refresh_request.url.empty());
}

asio::awaitable<refresh_answer> endpoint::refresh(vault::connection record,
                                                  vault::credential current)
{
    const auto catalogue = catalogue_();
    const policy::provider* const found = find_provider(catalogue.get(), record.provider);
    if (found == nullptr || record.kind != "oauth2") {
        co_return impossible(errc::no_oauth2);
    }
    const policy::provider_facts& facts = found->facts();
    const client* const configured = clients_->find(record.provider);
    result<net::http_request> request = renewal(facts, record, current, configured, now_micros());
    if (!request) {
        co_return impossible(request.error());
    }
    auto sending = send(std::move(*request), facts.tls_ca);
    const result<net::http_answer> got = co_await std::move(sending);
    if (!got) {
        co_return unreachable(got.error());
    }
    const bool is_installation = find_field(current, "grant") == "installation";
    const unix_micros now = now_micros();
    refresh_answer answer = is_installation ? read_installation_answer(facts, record, *got, now)
                                            : read_token_answer(facts, record, *got, now);
    if (answer.verdict == refresh_verdict::fresh) {
        keep_the_rest(answer, std::move(current));
    }
    co_return answer;
}

// --- ending --------------------------------------------------------------------------------------

asio::awaitable<revocation_answer> endpoint::revoke(vault::connection record,
                                                    vault::credential current)
{
    revocation_answer answer;
    const auto catalogue = catalogue_();
    const policy::provider* const found = find_provider(catalogue.get(), record.provider);
    if (found == nullptr) {
        // Its file may be wrong for the moment.
        answer.reason = error_code(errc::no_oauth2).message();
        co_return answer;
    }
    answer.outcome = revocation_answer::verdict::not_supported;
    const policy::provider_facts& facts = found->facts();
    result<client> as = choose_client(facts, record, clients_->find(record.provider), current);
    // Some providers ask for nothing but the token.
    const client nobody;
    result<std::vector<net::http_request>> requests =
        revocation_requests(facts, record, as ? *as : nobody, current, now_micros());
    if (!requests) {
        answer.reason = requests.error().message();
        co_return answer;
    }
    bool is_first = true;
    for (net::http_request& request : *requests) {
        auto sending = send(std::move(request), facts.tls_ca);
        const result<net::http_answer> got = co_await std::move(sending);
        if (!got) {
            answer = revocation_answer();
            answer.reason = "the provider could not be asked: " + got.error().message();
            co_return answer;
        }
        // The refresh token is dead: a server that will not hear of the access token as well lets
        // that run out.
        const bool is_declined = got->status >= 400 && got->status < 500 && got->status != 429;
        if (is_first || !is_declined) {
            answer = read_revocation(facts, *got, now_micros());
        }
        if (answer.outcome != revocation_answer::verdict::done) {
            co_return answer;
        }
        is_first = false;
    }
    co_return answer;
}

// --- devices -------------------------------------------------------------------------------------

asio::awaitable<result<device_authorization>> endpoint::begin_device(
    vault::connection record, std::vector<std::string> scopes)
{
    const auto catalogue = catalogue_();
    const policy::provider* const found = find_provider(catalogue.get(), record.provider);
    if (found == nullptr) {
        co_return error_code(errc::no_oauth2);
    }
    const result<client> as =
        choose_client(found->facts(), record, clients_->find(record.provider), {});
    if (!as) {
        co_return as.error();
    }
    result<net::http_request> request =
        device_request(found->facts(), record, *as, scopes, now_micros());
    if (!request) {
        co_return request.error();
    }
    auto sending = send(std::move(*request), found->facts().tls_ca);
    const result<net::http_answer> got = co_await std::move(sending);
    if (!got) {
        co_return got.error();
    }
    co_return read_device_answer(*got, now_micros());
}

asio::awaitable<device_poll> endpoint::poll_device(vault::connection record,
                                                   wiped_string device_code)
{
    device_poll out;
    out.now = device_poll::state::settled;
    const auto catalogue = catalogue_();
    const policy::provider* const found = find_provider(catalogue.get(), record.provider);
    if (found == nullptr) {
        out.answer = impossible(errc::no_oauth2);
        co_return out;
    }
    const policy::provider_facts& facts = found->facts();
    const result<client> as = choose_client(facts, record, clients_->find(record.provider), {});
    if (!as) {
        out.answer = impossible(as.error());
        co_return out;
    }
    result<net::http_request> request =
        device_poll_request(facts, record, *as, device_code, now_micros());
    if (!request) {
        out.answer = impossible(request.error());
        co_return out;
    }
    auto sending = send(std::move(*request), facts.tls_ca);
    const result<net::http_answer> got = co_await std::move(sending);
    if (!got) {
        out.now = device_poll::state::slow_down;
        co_return out;
    }
    co_return read_poll_answer(facts, record, *got, now_micros());
}

}  // namespace sallyport::oauth
