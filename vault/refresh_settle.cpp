// What follows from a provider's answer: the fresh tokens into the store, or what to do without.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <algorithm>

#include "vault/error.hpp"
#include "vault/fields.hpp"
#include "vault/refresh_flight.hpp"
#include "vault/refresh_history.hpp"

namespace sallyport::vault {
namespace {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

constexpr std::chrono::milliseconds first_pause{50};
constexpr std::chrono::milliseconds pause_max{1'000};
constexpr int mark_attempts_max = 16;
// How long a pause is remembered after its end, so that the next can be longer.
constexpr unix_micros pause_kept = 3'600'000'000;

constexpr std::string_view cut_off =
    "; an earlier refresh was cut off before its answer was stored";

void merge(connection& record, const fresh_tokens& tokens, unix_micros now)
{
    ++record.credential_version;
    record.refreshed_at = now;
    record.updated_at = now;
    record.expires_at = tokens.expires_at;
    if (tokens.scopes) {
        record.scopes_granted = *tokens.scopes;
    }
    for (const auto& [name, value] : tokens.variables) {
        record.variables.insert_or_assign(name, value);
    }
    if (!tokens.account.empty()) {
        record.account = tokens.account;
    }
    if (record.status == status::reauth_required) {
        record.status = status::active;
        record.status_reason.clear();
    }
}

}  // namespace

task<connection> refresh_flight::settle(connection before, refresh_answer answer)
{
    switch (answer.verdict) {
        case refresh_verdict::fresh:
            return store_tokens(std::move(before), std::move(answer.tokens));
        case refresh_verdict::rejected: {
            std::string reason = answer.reason.empty() ? "the provider no longer accepts the grant"
                                                       : std::move(answer.reason);
            if (interrupted_) {
                reason += cut_off;
            }
            return require_reauth(std::move(reason));
        }
        case refresh_verdict::impossible:
            if (has_expired(before, now_micros())) {
                return require_reauth("the credential has expired and cannot be refreshed");
            }
            break;
        case refresh_verdict::unavailable: break;
    }
    return fail(std::move(before), std::move(answer));
}

// Whoever revokes, removes or authorises anew meanwhile wins; every other change is merged with. A
// store that is away is waited for.
task<connection> refresh_flight::store_tokens(connection before, fresh_tokens tokens)
{
    const clock::time_point end = clock::now() + store_patience;
    std::chrono::milliseconds pause = first_pause;
    asio::steady_timer timer(core_->control);
    int changes = 0;
    for (;;) {
        auto trying = try_store(&tokens);
        result<connection> stored = co_await std::move(trying);
        core_->connections.move(id_);
        if (stored && superseded_) {
            co_return stored;
        }
        if (stored) {
            auto keeping = keep_stored(std::move(before), std::move(*stored));
            result<connection> kept = co_await std::move(keeping);
            co_return kept;
        }
        const error_code why = stored.error();
        if (why == errc::not_found || why == errc::revoked) {
            auto leaving = orphan(std::move(before), std::move(tokens));
            result<connection> left = co_await std::move(leaving);
            co_return left;
        }
        if (why == errc::version_conflict && ++changes < changes_max) {
            continue;
        }
        refresh_answer lost;
        if (why == errc::invalid_credential) {
            lost.reason = "the provider's answer holds tokens that cannot be sent";
        } else if (clock::now() >= end) {
            lost.reason = "the vault's store did not take the fresh tokens";
        }
        if (!lost.reason.empty()) {
            auto failing = fail(std::move(before), std::move(lost));
            result<connection> failed = co_await std::move(failing);
            co_return failed;
        }
        timer.expires_after(pause);
        const auto [stopped] = co_await timer.async_wait(as_result);
        static_cast<void>(stopped);
        pause = std::min(pause * 2, pause_max);
    }
}

// The record as it stands in the store afterwards: with these tokens, or with another credential
// that came first. errc::not_found, revoked; version_conflict and the store's own: to be tried
// again; invalid_credential. The pointer belongs to store_tokens, which waits.
task<connection> refresh_flight::try_store(const fresh_tokens* tokens)
{
    auto loading = core_->store->load(id_);
    result<stored_connection> found = co_await std::move(loading);
    if (!found) {
        co_return found.error();
    }
    connection record = found->record;
    if (record.status == status::revoked) {
        co_return errc::revoked;
    }
    if (record.credential_version != stale_) {
        // Unless it was stored, and only the store's word got lost.
        superseded_ = found->sealed != sent_;
        co_return record;
    }
    const std::uint64_t version = record.version;
    merge(record, *tokens, now_micros());
    result<secret> packed = pack(tokens->fields);
    if (!packed) {
        co_return packed.error();
    }
    auto sealing = seal_credential(core_, record, std::move(*packed));
    result<std::string> sealed = co_await std::move(sealing);
    if (!sealed) {
        co_return sealed.error();
    }
    sent_ = *sealed;
    found->sealed = std::move(*sealed);
    found->record = record;
    auto replacing = core_->store->replace(std::move(*found), version);
    const result<void> replaced = co_await std::move(replacing);
    if (!replaced) {
        co_return replaced.error();
    }
    record.version = version + 1;
    co_return record;
}

task<connection> refresh_flight::keep_stored(connection before, connection after)
{
    all().keep_pause(id_, after_success(all().pause_of(id_), after.credential_version,
                                        before.refreshed_at, now_micros()));
    auto forgetting = forget_notes();
    const result<void> ignored = co_await std::move(forgetting);  // They name the old credential.
    static_cast<void>(ignored);
    lifecycle_event event;
    event.what = lifecycle_kind::refreshed;
    event.record = after;
    auto concluding = conclude(std::move(event));
    co_await std::move(concluding);
    co_return after;
}

// The revocation has been carried out already; what came too late is somebody's to revoke.
task<connection> refresh_flight::orphan(connection before, fresh_tokens tokens)
{
    auto loading = core_->store->load(id_);
    result<stored_connection> found = co_await std::move(loading);
    lifecycle_event event;
    event.what = lifecycle_kind::orphaned;
    event.record = found ? found->record : before;
    event.reason = "fresh tokens came for a connection that is no more";
    event.orphan = std::make_shared<const credential>(std::move(tokens.fields));
    all().tell(event);
    auto forgetting = forget_notes();
    const result<void> ignored = co_await std::move(forgetting);
    static_cast<void>(ignored);
    if (!found) {
        co_return found.error();
    }
    co_return found->record;
}

// Only where the record still stands as it did: another gate may have been faster after all.
task<connection> refresh_flight::require_reauth(std::string reason)
{
    for (int attempt = 0; attempt < mark_attempts_max; ++attempt) {
        auto loading = core_->store->load(id_);
        result<stored_connection> found = co_await std::move(loading);
        if (!found) {
            co_return found.error();
        }
        connection& record = found->record;
        const refresh_pause pause = after_rejection(stale_, now_micros());
        if (record.credential_version == stale_) {
            all().keep_pause(id_, pause);
        }
        if (record.credential_version != stale_ || record.status != status::active) {
            core_->connections.move(id_);
            co_return std::move(record);
        }
        record.status = status::reauth_required;
        record.status_reason = reason;
        record.updated_at = now_micros();
        lifecycle_event event;
        event.what = lifecycle_kind::reauth_required;
        event.record = record;
        event.reason = reason;
        ++event.record.version;
        auto replacing = core_->store->replace(std::move(*found), event.record.version - 1);
        const result<void> replaced = co_await std::move(replacing);
        core_->connections.move(id_);
        if (replaced) {
            auto sharing = share_pause(event.record.workspace, pause);
            const result<void> ignored = co_await std::move(sharing);
            static_cast<void>(ignored);
            auto concluding = conclude(event);
            co_await std::move(concluding);
            co_return event.record;
        }
        if (replaced.error() != errc::version_conflict) {
            co_return replaced.error();
        }
    }
    co_return errc::version_conflict;
}

task<connection> refresh_flight::fail(connection before, refresh_answer answer)
{
    refresh_pause pause = after_failure(all().pause_of(id_), stale_, answer.retry_after,
                                        now_micros(), all().chance());
    if (answer.verdict == refresh_verdict::impossible && before.expires_at != 0) {
        pause.until = std::min(pause.until, before.expires_at);
    }
    all().keep_pause(id_, pause);
    auto sharing = share_pause(before.workspace, pause);
    const result<void> ignored = co_await std::move(sharing);  // The others find out themselves.
    static_cast<void>(ignored);
    lifecycle_event event;
    event.what = lifecycle_kind::refresh_failed;
    event.record = std::move(before);
    event.reason =
        answer.reason.empty() ? "the provider gave no fresh tokens" : std::move(answer.reason);
    event.retry_after = all().pause_left(id_);
    auto concluding = conclude(std::move(event));
    co_await std::move(concluding);
    co_return answer.verdict == refresh_verdict::impossible ? errc::cannot_refresh
                                                            : errc::refresh_failed;
}

// What cannot be noted is told all the same, and so is in the trail.
asio::awaitable<void> refresh_flight::conclude(lifecycle_event event)
{
    all().tell(event);
    auto adding = add_outcome(core_, id_, event.record.workspace, outcome_of(event, now_micros()));
    const result<void> ignored = co_await std::move(adding);
    static_cast<void>(ignored);
}

task<void> refresh_flight::share_pause(std::string workspace, refresh_pause pause)
{
    notebook notes(core_);
    note shared{"refresh_pause", id_, std::move(workspace), to_text(pause),
                pause.until + pause_kept};
    auto writing = notes.replace(std::move(shared));
    result<void> written = co_await std::move(writing);
    co_return written;
}

task<void> refresh_flight::forget_notes()
{
    notebook notes(core_);
    auto dropping = notes.drop("refresh_begun", id_);
    result<void> dropped = co_await std::move(dropping);
    if (!dropped) {
        co_return dropped;
    }
    auto dropping_pause = notes.drop("refresh_pause", id_);
    result<void> dropped_pause = co_await std::move(dropping_pause);
    co_return dropped_pause;
}

}  // namespace sallyport::vault
