#include "vault/core.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "vault/error.hpp"
#include "vault/fields.hpp"
#include "vault/places.hpp"

namespace sallyport::vault {

core::core(boost::asio::any_io_executor executor, std::unique_ptr<vault::store> opened,
           master_keys masters, std::chrono::milliseconds lease_length,
           const refresh_settings& refreshing)
    : control(std::move(executor)),
      store(std::move(opened)),
      keys(std::move(masters), store->keys(), box),
      lease(lease_length.count(), boot_millis()),
      refreshes(refreshing)
{
}

std::shared_ptr<core> make_core(boost::asio::any_io_executor control,
                                std::unique_ptr<vault::store> opened, master_keys masters,
                                std::chrono::milliseconds lease_length,
                                const refresh_settings& refreshing)
{
    auto made = std::make_shared<core>(std::move(control), std::move(opened), std::move(masters),
                                       lease_length, refreshing);
    made->store->hold_lease(made, lease_length);
    return made;
}

void core::changed(const fleet_change& change)
{
    switch (change.kind) {
        case change_kind::connection:
        case change_kind::connection_off:
        case change_kind::connection_revoked: connections.move(change.what); break;
        case change_kind::connection_removed:
            uses.forget(change.what);
            connections.move(change.what);
            break;
        case change_kind::run_ended: runs.move(change.what); break;
        case change_kind::workspace:
            keys.forget(change.what);
            everything_changed();
            break;
        case change_kind::healed: everything_changed(); break;
    }
}

void core::everything_changed()
{
    connections.move_all();
    runs.move_all();
}

void core::lease_until(std::int64_t end)
{
    lease.set(end, boot_millis());
    if (end != 0) {
        for (boost::asio::steady_timer* one : waiting) {
            one->cancel();
        }
    }
}

namespace {

task<void> make_canary_again(std::shared_ptr<core> shared)
{
    shared->keys.forget_all();
    auto checking = shared->keys.check_canary();
    result<void> checked = co_await std::move(checking);
    co_return checked;
}

// Without a lease nothing that is asked could be used.
task<void> await_lease(std::shared_ptr<core> shared)
{
    boost::asio::steady_timer timer(shared->control);
    for (;;) {
        const std::int64_t now = boot_millis();
        if (shared->lease.holds(now)) {
            co_return result<void>();
        }
        const std::int64_t left = shared->lease.last() + lease_patience.count() - now;
        if (left <= 0) {
            co_return errc::unavailable;
        }
        timer.expires_after(std::chrono::milliseconds(left));
        const auto at = shared->waiting.insert(shared->waiting.end(), &timer);
        constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);
        const auto [ignored] = co_await timer.async_wait(as_result);
        static_cast<void>(ignored);
        shared->waiting.erase(at);
    }
}

}  // namespace

task<void> core::begin_anew() { return make_canary_again(shared_from_this()); }

std::string run_name(std::string_view workspace, std::string_view run)
{
    return std::string(workspace).append("/").append(run);
}

sealed_kind kind_of(const connection& record) noexcept
{
    return record.kind == "oauth2" ? sealed_kind::oauth : sealed_kind::fixed;
}

task<std::string> seal_credential(std::shared_ptr<core> shared, connection record, secret packed)
{
    auto finding = shared->keys.newest(record.workspace);
    const result<data_key> key = co_await std::move(finding);
    if (!key) {
        co_return key.error();
    }
    const label what{record.workspace, record.id, key->generation, record.credential_version,
                     kind_of(record)};
    const std::string store_key = connection_key(record.id);
    const place where{store_key, sealed_field};
    co_return shared->box.seal(*key->key, what, where, packed.reveal());
}

namespace {

// Where the record's key has been rotated away, or the store's keys are others than they were, a
// second look finds what stands there now.
constexpr int looks_max = 4;

// errc::not_found: the store has no such key (any more).
task<secret> open_sealed(std::shared_ptr<core> shared, connection record, std::string sealed)
{
    const std::optional<std::uint32_t> generation = envelope::generation_of(sealed);
    if (!generation) {
        co_return errc::corrupted;
    }
    auto finding = shared->keys.find(record.workspace, *generation);
    const result<data_key> key = co_await std::move(finding);
    if (!key) {
        co_return key.error();
    }
    const std::string store_key = connection_key(record.id);
    const label expected{record.workspace, record.id, *generation, record.credential_version,
                         kind_of(record)};
    const place where{store_key, sealed_field};
    co_return shared->box.open(*key->key, expected, where, sealed);
}

// The record, and its packed credential if it has one and is to be opened.
struct packed_connection {
    connection record;
    std::optional<secret> packed;
};

enum class opens : std::uint8_t { active_ones, any };

task<packed_connection> load_opened(std::shared_ptr<core> shared, std::string id, opens which)
{
    std::string seen;
    for (int look = 0; look < looks_max; ++look) {
        auto loading = shared->store->load(id);
        result<stored_connection> found = co_await std::move(loading);
        if (!found) {
            co_return found.error();
        }
        packed_connection answer;
        answer.record = std::move(found->record);
        const status now = answer.record.status;
        const bool wanted = which == opens::any ? now != status::revoked : now == status::active;
        if (!wanted || answer.record.credential_version == 0) {
            co_return answer;
        }
        auto opening = open_sealed(shared, answer.record, found->sealed);
        result<secret> opened = co_await std::move(opening);
        if (opened) {
            answer.packed.emplace(std::move(*opened));
            co_return answer;
        }
        if (opened.error() != errc::not_found && opened.error() != errc::corrupted) {
            co_return opened.error();
        }
        if (seen == found->sealed) {
            break;
        }
        seen = std::move(found->sealed);
        shared->keys.forget(answer.record.workspace);
    }
    co_return errc::corrupted;
}

}  // namespace

task<opened_connection> open_connection(std::shared_ptr<core> shared, std::string id)
{
    auto loading = load_opened(shared, std::move(id), opens::any);
    result<packed_connection> found = co_await std::move(loading);
    if (!found) {
        co_return found.error();
    }
    opened_connection answer;
    answer.record = std::move(found->record);
    if (!found->packed) {
        co_return answer;
    }
    result<credential> fields = unpack(found->packed->reveal());
    if (!fields) {
        co_return fields.error();
    }
    answer.fields = std::move(*fields);
    co_return answer;
}

task<answered_connection> answer_connection(std::shared_ptr<core> shared, std::string id)
{
    auto waiting = await_lease(shared);
    const result<void> leased = co_await std::move(waiting);
    if (!leased) {
        co_return leased.error();
    }
    auto loading = load_opened(shared, id, opens::active_ones);
    result<packed_connection> found = co_await std::move(loading);
    if (!found) {
        co_return found.error();
    }
    answered_connection answer;
    answer.record = std::move(found->record);
    answer.refreshable = shared->refreshes.can_refresh(answer.record);
    answer.attention_at = shared->refreshes.attention_of(answer.record);
    if (!found->packed) {
        co_return answer;
    }
    answer.mark = shared->uses.mark_of(id);
    const result<credential> opened = unpack(found->packed->reveal());
    if (!opened) {
        co_return opened.error();
    }
    for (const credential_field& field : *opened) {
        guarded_field kept;
        kept.name = field.name;
        kept.label = id + "/" + field.name;
        kept.sealed = shared->guard.seal(kept.label, field.value.reveal());
        answer.fields.push_back(std::move(kept));
    }
    co_return answer;
}

task<bool> answer_run_live(std::shared_ptr<core> shared, std::string workspace, std::string run)
{
    auto waiting = await_lease(shared);
    const result<void> leased = co_await std::move(waiting);
    if (!leased) {
        co_return result<bool>(boost::system::in_place_error, leased.error());
    }
    auto asking = shared->store->run_ended(std::move(workspace), std::move(run));
    result<bool> ended = co_await std::move(asking);
    if (ended) {
        *ended = !*ended;
    }
    co_return ended;
}

}  // namespace sallyport::vault
