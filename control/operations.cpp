// How the gate itself fares: alive, ready, its metrics, and a new reading of its configuration.
#include <utility>

#include "base/time.hpp"
#include "control/routes.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace json = boost::json;
namespace asio = boost::asio;

asio::awaitable<answer> health(request&)
{
    json::object out;
    out["status"] = "ok";
    co_return ok(std::move(out));
}

asio::awaitable<answer> readiness(request& call)
{
    std::vector<std::string> reasons;
    if (call.gate.not_ready) {
        reasons = call.gate.not_ready();
    }
    json::array list(reasons.begin(), reasons.end());
    answer reply = reasons.empty() ? ok(json::object())
                                   : problem(503, "not_ready", "The gate cannot serve calls now.");
    reply.body.as_object()["ready"] = reasons.empty();
    reply.body.as_object()["reasons"] = std::move(list);
    if (call.gate.audit_behind) {
        // Told, but no reason: the files hold what the stream lacks.
        reply.body.as_object()["audit_behind"] = call.gate.audit_behind();
    }
    if (const tally* const counted = call.gate.tally; counted && counted->reloaded_at != 0) {
        json::object newest;
        newest["time"] = rfc3339(counted->reloaded_at);
        newest["applied"] = counted->reload_applied;
        reply.body.as_object()["last_reload"] = std::move(newest);
    }
    co_return reply;
}

asio::awaitable<answer> metrics(request& call)
{
    if (!call.gate.metrics) {
        co_return not_found();
    }
    answer reply;
    reply.text = call.gate.metrics();
    co_return reply;
}

// Touches every workspace at once, so it takes a token that speaks for all of them.
asio::awaitable<answer> reload(request& call)
{
    if (!call.gate.reload) {
        co_return not_found();
    }
    if (!call.who->everywhere) {
        co_return problem(403, "forbidden", "Only a token for every workspace may do this.");
    }
    audit::entry line;
    line.kind = audit::kind::config_reloaded;
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    auto reloading = call.gate.reload();
    const reload_outcome outcome = co_await std::move(reloading);
    json::array problems;
    for (const config::problem& one : outcome.problems) {
        problems.emplace_back(one.text());
    }
    answer reply = ok(json::object());
    if (!outcome.applied) {
        reply = problem(422, "invalid_configuration",
                        "The configuration was not accepted; the one before stays in force.");
        line.code = "invalid_configuration";
        line.detail = "not done";
        // The line before stands whether or not this one can be written.
        [[maybe_unused]] const result<void> recorded = record(call, line);
    }
    reply.body.as_object()["applied"] = outcome.applied;
    reply.body.as_object()["problems"] = std::move(problems);
    co_return reply;
}

}  // namespace sallyport::control
