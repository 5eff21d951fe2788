#include "control/routes.hpp"

#include <boost/url/decode_view.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <algorithm>
#include <utility>

#include "control/json.hpp"

namespace sallyport::control {

namespace json = boost::json;
namespace urls = boost::urls;

namespace {

using namespace may_call;

constexpr route routes[] = {
    {"GET", "/healthz", open, false, health},
    {"GET", "/readyz", open, false, readiness},
    {"GET", "/metrics", everyone, false, metrics},
    {"POST", "/api/reload", admin, false, reload},

    {"GET", "/api/connect/providers", people, false, list_providers},
    {"GET", "/api/connect/providers/{id}", people, false, show_provider},

    {"GET", "/api/connect/connections", people, false, list_connections},
    {"POST", "/api/connect/connections", people, true, add_connection},
    {"GET", "/api/connect/connections/{id}", people, false, show_connection},
    {"PATCH", "/api/connect/connections/{id}", people, true, update_connection},
    {"DELETE", "/api/connect/connections/{id}", people, false, remove_connection},
    {"POST", "/api/connect/connections/{id}/revoke", people, false, revoke_connection},
    {"POST", "/api/connect/connections/{id}/activate", people, false, activate_connection},
    {"POST", "/api/connect/connections/{id}/deactivate", people, false, deactivate_connection},

    {"GET", "/api/connect/status", people, false, report_one_requirement},
    {"POST", "/api/connect/status", people, true, report_requirements},

    {"GET", "/api/runs", people, false, list_runs},
    {"POST", "/api/runs", people, true, start_run},
    {"DELETE", "/api/runs/{run}", people, false, end_run},

    {"GET", "/api/audit", admin | auditor, false, search_audit},
    {"GET", "/api/audit/stream", admin | auditor, false, stream_audit},

    {"GET", "/api/keys", admin, false, list_keys},
    {"POST", "/api/keys/rotate", admin, true, rotate_keys},
    {"POST", "/api/keys/shred", admin, true, shred_workspace},
    {"GET", "/api/vault/backup", admin, false, back_up_vault},
    {"POST", "/api/vault/restore", admin, true, restore_vault},
};

struct target_parts {
    std::vector<std::string> segments;
    std::vector<std::pair<std::string, std::string>> queries;
};

// '+' stays '+': it is a letter of names (CONTRACT.md 1), and no name holds a space.
std::string decoded(urls::pct_string_view text)
{
    urls::encoding_opts options;
    options.space_as_plus = false;
    std::string plain;
    const urls::decode_view view(text, options);
    plain.assign(view.begin(), view.end());
    return plain;
}

// Nullopt for what is not the origin form of RFC 9112, or names a query parameter twice.
std::optional<target_parts> parse_target(std::string_view target)
{
    const auto url = urls::parse_origin_form(target);
    if (!url) {
        return std::nullopt;
    }
    target_parts parts;
    for (const auto segment : url->encoded_segments()) {
        parts.segments.push_back(decoded(segment));
    }
    for (const auto& parameter : url->encoded_params()) {
        std::string name = decoded(parameter.key);
        for (const auto& [known, value] : parts.queries) {
            if (known == name) {
                return std::nullopt;
            }
        }
        parts.queries.emplace_back(std::move(name), decoded(parameter.value));
    }
    return parts;
}

// True if the segments fit the route's path; `named` then holds what its {x} stood for.
bool fits(std::string_view path, const std::vector<std::string>& segments,
          std::vector<std::string>& named)
{
    named.clear();
    for (const std::string& segment : segments) {
        if (path.empty()) {
            return false;
        }
        path.remove_prefix(1);  // the slash
        const std::string_view expected = path.substr(0, path.find('/'));
        path.remove_prefix(expected.size());
        if (expected.starts_with('{')) {
            if (segment.empty()) {
                return false;
            }
            named.push_back(segment);
        } else if (segment != expected) {
            return false;
        }
    }
    return path.empty();
}

std::uint8_t bit_of(role value) noexcept
{
    switch (value) {
        case role::admin: return admin;
        case role::platform: return platform;
        case role::auditor: return auditor;
    }
    return 0;
}

struct match {
    const route* found = nullptr;
    std::vector<std::string> named;
    std::string allow;  // the methods that the path has
};

match find_route(std::string_view method, const std::vector<std::string>& segments)
{
    match result;
    std::vector<std::string> named;
    for (const route& one : routes) {
        if (!fits(one.path, segments, named)) {
            continue;
        }
        result.allow += (result.allow.empty() ? "" : ", ") + std::string(one.method);
        if (one.method == method) {
            result.found = &one;
            result.named = named;
        }
    }
    return result;
}

answer wrong_method(std::string allow)
{
    answer refusal = problem(405, "method_not_allowed", "This path does not have that method.");
    refusal.allow = std::move(allow);
    return refusal;
}

}  // namespace

std::variant<answer, admitted> admit(const services& gate, const token_table& tokens,
                                     const head& head)
{
    std::optional<target_parts> parts = parse_target(head.target);
    const match matched = parts ? find_route(head.method, parts->segments) : match{};

    const bool is_open = matched.found != nullptr && (matched.found->roles & open) != 0;
    const std::string_view bearer = bearer_of(head.authorization);
    const caller* who = bearer.empty() ? nullptr : tokens.find(bearer);
    if (!is_open && who == nullptr) {
        return bearer.empty() ? problem(401, "token_missing", "A control token is required.")
                              : problem(401, "token_invalid", "The control token is not valid.");
    }
    if (!parts) {
        return problem(400, "bad_request", "The target cannot be read.");
    }
    if (matched.allow.empty()) {
        return not_found();
    }
    if (matched.found == nullptr) {
        return wrong_method(matched.allow);
    }
    if (!is_open && (matched.found->roles & bit_of(who->role)) == 0) {
        return problem(403, "forbidden", "The token's role may not do this.");
    }
    return admitted{matched.found, request{.gate = gate,
                                           .who = who,
                                           .client = std::string(head.client),
                                           .last_event_id = std::string(head.last_event_id),
                                           .named = matched.named,
                                           .queries = std::move(parts->queries)}};
}

boost::asio::awaitable<answer> handle(admitted& ready, std::string_view body)
{
    if (ready.found->takes_body || !body.empty()) {
        result<json::value> parsed = parse_strictly(body);
        if (!parsed || !parsed->is_object()) {
            co_return problem(400, "bad_request",
                              "The body must be one JSON object without repeated members.");
        }
        if (!ready.found->takes_body && !parsed->get_object().empty()) {
            co_return problem(400, "bad_request", "This request takes no body.");
        }
        // Both live in wiped memory, so this moves and leaves no copy behind.
        ready.call.body = std::move(parsed->get_object());
    }
    boost::asio::awaitable<answer> work = ready.found->handle(ready.call);
    answer reply = co_await std::move(work);
    co_return reply;
}

}  // namespace sallyport::control
