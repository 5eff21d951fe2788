#include "vault/core.hpp"

#include <limits>

#include "vault/error.hpp"
#include "vault/fields.hpp"
#include "vault/places.hpp"

namespace sallyport::vault {

core::core(boost::asio::any_io_executor executor, std::unique_ptr<vault::store> opened,
           master_keys masters, std::chrono::milliseconds lease_length)
    : control(std::move(executor)),
      store(std::move(opened)),
      keys(std::move(masters), store->keys(), box),
      lease(lease_length)
{
}

std::int64_t core::good_until(std::int64_t sent) const noexcept
{
    return store->exclusive() ? std::numeric_limits<std::int64_t>::max() : sent + lease.count();
}

std::string run_name(std::string_view workspace, std::string_view run)
{
    return std::string(workspace).append("/").append(run);
}

sealed_kind kind_of(const connection& record) noexcept
{
    return record.kind == "oauth2" ? sealed_kind::oauth : sealed_kind::fixed;
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

// The record, and its packed credential if it is active and has one.
struct opened_connection {
    connection record;
    std::optional<secret> packed;
};

task<opened_connection> load_opened(std::shared_ptr<core> shared, std::string id)
{
    std::string seen;
    for (int look = 0; look < looks_max; ++look) {
        auto loading = shared->store->load(id);
        result<stored_connection> found = co_await std::move(loading);
        if (!found) {
            co_return found.error();
        }
        opened_connection answer;
        answer.record = std::move(found->record);
        if (answer.record.status != status::active || answer.record.credential_version == 0) {
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

task<answered_connection> answer_connection(std::shared_ptr<core> shared, std::string id)
{
    auto loading = load_opened(shared, id);
    result<opened_connection> found = co_await std::move(loading);
    if (!found) {
        co_return found.error();
    }
    answered_connection answer;
    answer.record = std::move(found->record);
    if (!found->packed) {
        co_return answer;
    }
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
    auto asking = shared->store->run_ended(std::move(workspace), std::move(run));
    result<bool> ended = co_await std::move(asking);
    if (ended) {
        *ended = !*ended;
    }
    co_return ended;
}

}  // namespace sallyport::vault
