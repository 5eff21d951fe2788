#include "oauth/revocation.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "oauth/error.hpp"
#include "oauth/token_answer.hpp"
#include "oauth/token_request.hpp"
#include "oauth/words.hpp"
#include "vault/fields.hpp"

namespace sallyport::oauth {

namespace {

using style = policy::oauth2_facts::revoke_style;

const std::string& revoke_url_of(const policy::oauth2_facts& facts, std::string_view variant)
{
    for (const policy::oauth2_facts::variant& one : facts.variants) {
        if (one.name == variant && !one.revoke_url.empty()) {
            return one.revoke_url;
        }
    }
    return facts.revoke.url;
}

// What the body's words name: the client's parts, what the connection remembers of the token
// answer, or a token.
result<parameters> body_fields(const std::vector<std::string>& names,
                               const vault::connection& record, const client& as,
                               const vault::credential& current)
{
    parameters out;
    for (const std::string& name : names) {
        const auto remembered = record.variables.find(name);
        if (remembered != record.variables.end()) {
            out.emplace_back(name, wiped_string(remembered->second));
            continue;
        }
        const std::string_view token =
            find_field(current, name == "refresh_token" ? "refresh_token" : "access_token");
        const bool is_token = name == "token" || name.ends_with("_token");
        const bool is_client = name.starts_with("client_");
        if (!is_token && !is_client) {
            return error_code(errc::missing_value);
        }
        out.emplace_back(name, is_client ? named_parameters({name}, as, {}).front().second
                                         : wiped_string(token));
    }
    const bool are_sendable = std::all_of(
        out.begin(), out.end(), [](const auto& one) { return vault::is_sendable(one.second); });
    if (!are_sendable) {
        return error_code(errc::unsendable);
    }
    return out;
}

// The standard's request for one token, sent as the provider's file has it.
result<net::http_request> standard_request(const policy::provider_facts& provider,
                                           const vault::connection& record, const client& as,
                                           net::http_request request, request_proof::way by,
                                           std::string_view token, std::string_view hint,
                                           unix_micros now)
{
    parameters asked;
    asked.emplace_back("token", wiped_string(token));
    asked.emplace_back("token_type_hint", wiped_string(hint));
    if (by == request_proof::way::basic) {
        request.headers.emplace_back("Authorization", basic_of(as));
    } else {
        const result<void> proven = prove_client(request, asked, provider, record, as, now);
        if (!proven) {
            return proven.error();
        }
    }
    for (auto& [name, value] : asked) {
        for (const auto& [standard, own] : provider.oauth2->param_names) {
            name = name == standard ? own : name;
        }
    }
    put_parameters(request, asked, request_body::form::form);
    return request;
}

result<std::vector<net::http_request>> standard_requests(
    const policy::provider_facts& provider, const vault::connection& record, const client& as,
    const net::http_request& blank, request_proof::way by, const vault::credential& current,
    unix_micros now)
{
    std::vector<net::http_request> out;
    for (const std::string_view which : {"refresh_token", "access_token"}) {
        const std::string_view token = find_field(current, which);
        if (token.empty()) {
            continue;
        }
        result<net::http_request> made =
            standard_request(provider, record, as, blank, by, token, which, now);
        if (!made) {
            return made.error();
        }
        out.push_back(std::move(*made));
    }
    return out;
}

// False if the proof needs what is not there.
bool put_proof(net::http_request& request, const request_proof& proof, const client& as,
               std::string_view access_token)
{
    switch (proof.by) {
        case request_proof::way::in_body: return true;
        case request_proof::way::basic:
            request.headers.emplace_back("Authorization", basic_of(as));
            return !as.secret.empty();
        case request_proof::way::client_bearer:
        case request_proof::way::bearer: {
            const std::string_view token =
                proof.by == request_proof::way::bearer ? access_token : as.secret.reveal();
            wiped_string value("Bearer ");
            value += token;
            request.headers.emplace_back("Authorization", std::move(value));
            return vault::is_sendable(token);
        }
        case request_proof::way::header:
            request.headers.emplace_back(proof.header, wiped_string(access_token));
            return vault::is_sendable(access_token);
    }
    return false;
}

}  // namespace

result<std::vector<net::http_request>> revocation_requests(const policy::provider_facts& provider,
                                                           const vault::connection& record,
                                                           const client& as,
                                                           const vault::credential& current,
                                                           unix_micros now)
{
    if (!provider.oauth2) {
        return error_code(errc::no_oauth2);
    }
    const policy::oauth2_facts& facts = *provider.oauth2;
    const std::string& address = revoke_url_of(facts, record.variant);
    const std::optional<request_proof> proof = read_proof(facts.revoke.auth);
    const std::optional<request_body> body = read_body(facts.revoke.body);
    if (address.empty() || facts.revocation == style::none || facts.revocation == style::unknown ||
        !proof || !body) {
        return error_code(errc::not_offered);
    }
    const std::string_view access_token = find_field(current, "access_token");
    parameters known;
    known.emplace_back("client_id", wiped_string(as.id));
    known.emplace_back("token", wiped_string(access_token));
    result<wiped_string> url = fill_url(address, provider, record, known);
    if (!url) {
        return url.error();
    }
    net::http_request request = request_to(provider, facts.revoke.method);
    request.url = std::move(*url);
    if (facts.revocation != style::proprietary && body->as == request_body::form::none) {
        return standard_requests(provider, record, as, request, proof->by, current, now);
    }
    const bool says_nothing =
        proof->by == request_proof::way::in_body && body->as == request_body::form::none;
    if (says_nothing || !put_proof(request, *proof, as, access_token)) {
        return error_code(says_nothing ? errc::not_offered : errc::unsendable);
    }
    const result<parameters> fields = body_fields(body->fields, record, as, current);
    if (!fields) {
        return fields.error();
    }
    put_parameters(request, *fields, body->as);
    std::vector<net::http_request> out;
    out.push_back(std::move(request));
    return out;
}

revocation_answer read_revocation(const policy::provider_facts& provider,
                                  const net::http_answer& answer, unix_micros now)
{
    using verdict = revocation_answer::verdict;
    const auto body = read_object(answer);
    const auto* const ok = body ? body->if_contains("ok") : nullptr;
    const bool is_denied = ok != nullptr && ok->is_bool() && !ok->get_bool();
    revocation_answer out;
    if (answer.status >= 200 && answer.status < 300 && !is_denied) {
        out.outcome = verdict::done;
        return out;
    }
    const vault::refresh_answer said = read_refusal(answer, body ? &*body : nullptr, now);
    out.retry_after = said.retry_after;
    out.reason = said.reason;
    const auto* const error = body ? body->if_contains("error") : nullptr;
    if (error != nullptr && error->is_string() &&
        error->get_string() == "unsupported_token_type") {  // RFC 7009, 2.2.1
        out.outcome = verdict::not_supported;
        return out;
    }
    // Where the token itself is the proof, 401 says that it is dead.
    const auto proof = read_proof(provider.oauth2->revoke.auth);
    const bool is_own_proof = proof && (proof->by == request_proof::way::bearer ||
                                        proof->by == request_proof::way::header);
    // The standard's answer to a token it does not know is 200: there 404 is a URL that has moved.
    const bool is_unknown = provider.oauth2->revocation == style::proprietary &&
                            (answer.status == 404 || answer.status == 422);
    if (said.verdict == vault::refresh_verdict::rejected || is_unknown ||
        (answer.status == 401 && is_own_proof)) {
        out.outcome = verdict::done;
    }
    return out;
}

}  // namespace sallyport::oauth
