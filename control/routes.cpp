#include "control/routes.hpp"

#include <utility>

#include "control/json.hpp"
#include "control/route_match.hpp"

namespace sallyport::control {

namespace json = boost::json;

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

std::uint8_t bit_of(role value) noexcept
{
    switch (value) {
        case role::admin: return admin;
        case role::platform: return platform;
        case role::auditor: return auditor;
    }
    return 0;
}

}  // namespace

std::variant<answer, admitted> admit(const services& gate, const token_table& tokens,
                                     const head& head)
{
    std::optional<target_parts> parts = parse_target(head.target);
    const route_match matched =
        parts ? find_route(routes, head.method, parts->segments) : route_match();

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
    if (ready.found->raw_body) {
        ready.call.raw_body = body;
    } else if (ready.found->takes_body || !body.empty()) {
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
