#include "control/routes.hpp"

#include <algorithm>
#include <utility>

#include "control/idempotency.hpp"
#include "control/json.hpp"
#include "control/route_match.hpp"

namespace sallyport::control {

namespace json = boost::json;

namespace {

using namespace may_call;

std::uint8_t bit_of(role value) noexcept
{
    switch (value) {
        case role::admin: return admin;
        case role::platform: return platform;
        case role::auditor: return auditor;
    }
    return 0;
}

void count(const services& gate, const answer& reply)
{
    if (gate.tally != nullptr) {
        ++gate.tally->answers[std::min(reply.status / 100, 5u)];
    }
}

}  // namespace

const route* route_for(std::string_view method, std::string_view target)
{
    const std::optional<target_parts> parts = parse_target(target);
    return parts ? find_route(routes(), method, parts->segments, false).found : nullptr;
}

std::variant<answer, admitted> admit(const services& gate, const token_table& tokens,
                                     const head& head)
{
    std::optional<target_parts> parts = parse_target(head.target);
    const route_match matched =
        parts ? find_route(routes(), head.method, parts->segments, false) : route_match();

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

std::variant<answer, admitted> admit_outside(const services& gate, const head& head)
{
    // The query holds a code and a state: it is read where it is used, once.
    const std::string_view path = head.target.substr(0, head.target.find('?'));
    const std::string_view query =
        head.target.substr(std::min(head.target.size(), path.size() + 1));
    const std::optional<target_parts> parts = parse_target(path);
    const route_match matched =
        parts ? find_route(routes(), head.method, parts->segments, true) : route_match();
    if (matched.allow.empty()) {
        return not_found();
    }
    if (matched.found == nullptr) {
        return wrong_method(matched.allow);
    }
    return admitted{matched.found, request{.gate = gate,
                                           .client = std::string(head.client),
                                           .named = matched.named,
                                           .callback = wiped_string(query)}};
}

boost::asio::awaitable<answer> handle(admitted& ready, std::string_view body)
{
    if (ready.found->raw_body) {
        ready.call.raw_body = body;
    } else if (ready.found->takes_body() || !body.empty()) {
        result<json::value> parsed = parse_strictly(body);
        if (!parsed || !parsed->is_object()) {
            co_return problem(400, "bad_request",
                              "The body must be one JSON object without repeated members.");
        }
        if (!ready.found->takes_body() && !parsed->get_object().empty()) {
            co_return problem(400, "bad_request", "This request takes no body.");
        }
        // Both live in wiped memory, so this moves and leaves no copy behind.
        ready.call.body = std::move(parsed->get_object());
    }
    answer reply;
    if (bears_key(ready)) {
        boost::asio::awaitable<answer> work = handle_once(ready, body);
        reply = co_await std::move(work);
    } else {
        boost::asio::awaitable<answer> work = ready.found->handle(ready.call);
        reply = co_await std::move(work);
    }
    count(ready.call.gate, reply);
    co_return reply;
}

}  // namespace sallyport::control
