#include "control/revoking.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "control/connection_access.hpp"
#include "control/held_credential.hpp"
#include "control/routes.hpp"
#include "control/waiting.hpp"
#include "oauth/endpoint.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

bool can_be_told(const services& gate, const vault::connection& record)
{
    if (gate.oauth == nullptr || record.kind != "oauth2" || record.credential_version == 0 ||
        record.status == vault::status::revoked) {
        return false;
    }
    const std::shared_ptr<const policy::catalogue> catalogue = gate.catalogue();
    const policy::provider* provider = catalogue->find(record.provider);
    // One that is missing may have had a file that is wrong for the moment.
    return provider == nullptr ||
           (provider->facts().oauth2 &&
            provider->facts().oauth2->revocation != policy::oauth2_facts::revoke_style::none);
}

// The note's id; empty: nothing is to be told.
vault::task<std::string> note_tokens(const services& gate, const vault::connection& record)
{
    if (!can_be_told(gate, record)) {
        co_return std::string();
    }
    auto opening = gate.vault.open(record.id);
    result<vault::opened_connection> opened = co_await std::move(opening);
    if (!opened) {
        co_return opened.error();
    }
    held_credential held;
    held.record = std::move(opened->record);
    held.fields = std::move(opened->fields);
    vault::note fresh = revocation_note(held, now_micros());
    std::string id = fresh.id;
    auto putting = gate.vault.notes().put(std::move(fresh));
    const result<void> put = co_await std::move(putting);
    co_return put ? result<std::string>(std::move(id)) : put.error();
}

void say_untold(const request& call, audit::entry line, const error_code& why)
{
    spdlog::warn("the provider of {} will not be told of its revocation: {}", line.connection_id,
                 why.message());
    line.code = "provider_not_told";
    line.detail = "its tokens live on at the provider until they expire";
    // The deed itself is recorded already.
    [[maybe_unused]] const result<void> recorded = record(call, line);
}

// After the deed, or after it failed. A store that is away may have done it all the same: then the
// note stays, and the revoker sees for itself.
asio::awaitable<void> settle_note(request& call, const audit::entry& line,
                                  result<std::string> noted, error_code failure)
{
    if (!noted) {
        say_untold(call, line, noted.error());
    } else if (noted->empty() || failure == vault::errc::unavailable) {
        co_return;
    } else if (!failure) {
        if (call.gate.after_revoke) {
            call.gate.after_revoke(*noted);
        }
    } else {
        auto dropping = call.gate.vault.notes().drop(std::string(revocation_kind), *noted);
        [[maybe_unused]] const result<void> dropped = co_await std::move(dropping);
    }
}

}  // namespace

vault::task<vault::connection> revoke_with_note(request& call, const vault::connection& record_now,
                                                std::string reason, vault::version_wish only)
{
    const audit::entry line = line_about(audit::kind::connection_revoked, record_now);
    auto noting = note_tokens(call.gate, record_now);
    result<std::string> noted = co_await std::move(noting);
    auto revoking = call.gate.vault.revoke(record_now.id, std::move(reason), only);
    result<vault::connection> revoked = co_await std::move(revoking);
    const error_code failure = revoked ? error_code() : revoked.error();
    auto settling = settle_note(call, line, std::move(noted), failure);
    co_await std::move(settling);
    if (revoked) {
        call.gate.tell("connection.revoked", *revoked);
    }
    co_return revoked;
}

vault::task<void> remove_with_note(request& call, const vault::connection& record_now,
                                   vault::version_wish only)
{
    const audit::entry line = line_about(audit::kind::connection_removed, record_now);
    auto noting = note_tokens(call.gate, record_now);
    result<std::string> noted = co_await std::move(noting);
    auto removing = call.gate.vault.remove(record_now.id, only);
    const result<void> removed = co_await std::move(removing);
    const error_code failure = removed ? error_code() : removed.error();
    auto settling = settle_note(call, line, std::move(noted), failure);
    co_await std::move(settling);
    co_return removed;
}

// The user's own connections at one provider. One that cannot be revoked does not keep the others.
asio::awaitable<answer> disconnect(request& call)
{
    const std::string workspace = call.query("workspace").value_or("");
    const std::string user = call.query("user").value_or("");
    if (workspace.empty() || user.empty()) {
        co_return problem(400, "bad_request", "The query must name a `workspace` and a `user`.");
    }
    if (std::optional<answer> refusal = refuse_wait(call)) {
        co_return std::move(*refusal);
    }
    if (std::optional<answer> refusal = refuse_workspace(call, workspace)) {
        co_return std::move(*refusal);
    }
    auto listing = call.gate.vault.list(workspace, user);
    const auto found = co_await std::move(listing);
    if (!found) {
        co_return problem(found.error());
    }
    std::optional<answer> trouble;
    bool is_begun = false;
    for (const vault::connection& one : *found) {
        if (one.provider != call.named.front() || one.user != user || one.shared ||
            one.status == vault::status::revoked) {
            continue;
        }
        const audit::entry line = line_about(audit::kind::connection_revoked, one);
        if (!record(call, line)) {
            co_return is_begun ? problem(503, "audit_unavailable",
                                         "The trail cannot be written: some of the connections are "
                                         "revoked, others are not.")
                               : audit_unavailable();
        }
        is_begun = true;
        auto revoking =
            revoke_with_note(call, one, "disconnected through the control API", std::nullopt);
        const result<vault::connection> revoked = co_await std::move(revoking);
        if (!revoked && revoked.error() != vault::errc::not_found) {
            trouble = failed(call, line, revoked.error());
        }
    }
    if (!trouble) {
        auto settling = settle_if_asked(call);
        trouble = co_await std::move(settling);
    }
    co_return trouble ? std::move(*trouble) : no_content();
}

}  // namespace sallyport::control
