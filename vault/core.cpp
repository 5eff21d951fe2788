#include "vault/core.hpp"

#include <limits>

#include "vault/error.hpp"
#include "vault/fields.hpp"
#include "vault/places.hpp"

namespace sallyport::vault {

core::core(boost::asio::any_io_executor executor, std::unique_ptr<vault::store> opened,
           secret master_key, std::chrono::milliseconds lease_length)
    : control(std::move(executor)),
      store(std::move(opened)),
      keys(std::move(master_key), *store, box),
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

task<answered_connection> answer_connection(std::shared_ptr<core> shared, std::string id)
{
    auto loading = shared->store->load(id);
    result<stored_connection> found = co_await std::move(loading);
    if (!found) {
        co_return found.error();
    }
    answered_connection answer;
    answer.record = std::move(found->record);
    const connection& record = answer.record;
    if (record.status != status::active || record.credential_version == 0) {
        co_return answer;
    }
    const std::optional<std::uint32_t> generation = envelope::generation_of(found->sealed);
    if (!generation) {
        co_return errc::corrupted;
    }
    auto finding = shared->keys.find(record.workspace, *generation);
    const result<data_key> key = co_await std::move(finding);
    if (!key) {
        co_return key.error();
    }
    const std::string store_key = connection_key(id);
    const label expected{record.workspace, id, *generation, record.credential_version,
                         kind_of(record)};
    const place where{store_key, sealed_field};
    const result<secret> packed = shared->box.open(*key->key, expected, where, found->sealed);
    if (!packed) {
        co_return packed.error();
    }
    const result<credential> opened = unpack(packed->reveal());
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
