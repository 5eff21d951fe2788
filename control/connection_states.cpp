// What a connection may do next: revoked for good, or switched off and on again.
#include <utility>

#include "control/connection_access.hpp"
#include "control/precondition.hpp"
#include "control/revoking.hpp"
#include "control/routes.hpp"
#include "control/waiting.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

struct transition {
    vault::status from;
    vault::status to;
    std::string_view detail;  // for the trail
    std::string_view refusal;
};

constexpr transition activation{vault::status::inactive, vault::status::active, "activated",
                                "Only a connection that was switched off can be switched on."};
constexpr transition deactivation{vault::status::active, vault::status::inactive, "deactivated",
                                  "Only an active connection can be switched off."};

// Idempotent: one that stands there already is left as it is, and shown.
asio::awaitable<answer> move_connection(request& call, const transition& step)
{
    auto finding = find_connection(call, access::change);
    const auto found = co_await std::move(finding);
    if (!found.record) {
        co_return found.refusal;
    }
    const vault::connection& before = *found.record;
    const binding bound = bound_to(call, before);
    if (bound.refusal) {
        co_return *bound.refusal;
    }
    if (before.status == step.to) {
        co_return shown(before);
    }
    if (before.status == vault::status::revoked) {
        co_return revoked_already();
    }
    if (before.status != step.from) {
        co_return problem(409, "connection_status", step.refusal);
    }
    audit::entry line = line_about(audit::kind::connection_updated, before);
    line.detail = step.detail;
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    bool overtaken = false;
    const std::function<void(vault::connection&)> change = [&](vault::connection& record) {
        overtaken =
            !bound.holds(record) || (record.status != step.from && record.status != step.to);
        if (!overtaken) {
            record.status = step.to;
            record.status_reason.clear();
        }
    };
    auto updating = call.gate.vault.update(before.id, change, std::nullopt);
    const auto updated = co_await std::move(updating);
    co_return changed(call, line, updated, overtaken, bound);
}

}  // namespace

asio::awaitable<answer> activate_connection(request& call)
{
    auto moving = move_connection(call, activation);
    co_return co_await std::move(moving);
}

asio::awaitable<answer> deactivate_connection(request& call)
{
    auto moving = move_connection(call, deactivation);
    co_return co_await std::move(moving);
}

asio::awaitable<answer> revoke_connection(request& call)
{
    if (std::optional<answer> refusal = refuse_wait(call)) {
        co_return std::move(*refusal);
    }
    auto finding = find_connection(call, access::change);
    const auto found = co_await std::move(finding);
    if (!found.record) {
        co_return found.refusal;
    }
    const binding bound = bound_to(call, *found.record);
    if (bound.refusal) {
        co_return *bound.refusal;
    }
    const audit::entry line = line_about(audit::kind::connection_revoked, *found.record);
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    auto revoking =
        revoke_with_note(call, *found.record, "revoked through the control API", bound.version);
    const auto revoked = co_await std::move(revoking);
    if (!revoked) {
        co_return not_done(call, line, revoked.error());
    }
    auto settling = settle_if_asked(call);
    std::optional<answer> unsettled = co_await std::move(settling);
    if (unsettled) {
        co_return std::move(*unsettled);
    }
    co_return shown(*revoked);
}

}  // namespace sallyport::control
