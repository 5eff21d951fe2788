#include "vault/keeper.hpp"

#include <boost/asio/co_spawn.hpp>
#include <optional>
#include <utility>

#include "base/ulid.hpp"
#include "vault/core.hpp"
#include "vault/error.hpp"
#include "vault/fields.hpp"
#include "vault/master_key.hpp"
#include "vault/open_store.hpp"
#include "vault/self_test.hpp"

namespace sallyport::vault {
namespace {

namespace asio = boost::asio;

constexpr int update_attempts_max = 16;  // where others change the same record meanwhile

bool waits_for_a_credential(status value) noexcept
{
    switch (value) {
        case status::draft:
        case status::added:
        case status::pending:
        case status::testing:
        case status::reauth_required:
        case status::error: return true;
        case status::active:
        case status::inactive:
        case status::revoked: return false;
    }
    return false;
}

class vault_keeper final : public keeper {
public:
    vault_keeper(std::shared_ptr<core> shared, std::vector<std::string> warnings)
        : core_(std::move(shared)), warnings_(std::move(warnings))
    {
    }
    // Refreshes under way share core, and may find whom they would tell gone.
    ~vault_keeper() override { core_->refreshes.use(nullptr, {}, {}); }

    task<connection> add(connection fresh, std::optional<credential> secret_part) override;
    task<connection> update(std::string id, std::function<void(connection&)> change,
                            std::optional<credential> secret_part) override;
    task<connection> revoke(std::string id, std::string reason, version_wish only) override;
    task<void> remove(std::string id, version_wish only) override;
    task<connection> show(std::string id) override;

    task<std::vector<connection>> list(std::string workspace, std::string user, std::string after,
                                       std::size_t limit) override
    {
        return with_last_use(core_, core_->store->list(std::move(workspace), std::move(user),
                                                       std::move(after), limit));
    }

    task<void> start_run(run_record run) override;
    task<void> end_run(std::string workspace, std::string run, unix_micros keep_until) override;
    task<std::vector<run_record>> list_runs(std::string workspace, std::string after,
                                            std::size_t limit) override
    {
        return core_->store->list_runs(std::move(workspace), std::move(after), limit);
    }

    custodian& keys() noexcept override { return custodian_; }
    notebook& notes() noexcept override { return notebook_; }

    void use_tokens(std::shared_ptr<token_source> source, lifecycle_listener told,
                    refresh_recorder recorder) override
    {
        core_->refreshes.use(std::move(source), std::move(told), std::move(recorder));
        core_->everything_changed();
    }
    task<connection> refresh(std::string id, std::uint64_t stale_credential_version) override
    {
        return with_last_use(core_,
                             refresher::refresh(core_, std::move(id), stale_credential_version));
    }
    task<std::vector<refresh_outcome>> refreshes(std::string id) override
    {
        return read_outcomes(core_, std::move(id));
    }
    std::chrono::seconds refresh_pause(std::string_view id) const override
    {
        return core_->refreshes.pause_left(id);
    }
    bool is_refreshing() const noexcept override { return core_->refreshes.is_busy(); }
    task<opened_connection> open(std::string id) override
    {
        return open_connection(core_, std::move(id));
    }

    task<void> save_uses() override { return vault::save_uses(core_); }

    std::unique_ptr<resolver> make_resolver(asio::io_context& worker) override
    {
        return make_worker_resolver(core_, worker);
    }

    task<void> settle() override { return core_->store->settle(); }

    std::string trouble() const override { return core_->store->trouble(); }
    std::optional<std::chrono::milliseconds> lease_left() const override
    {
        return core_->lease.left(boot_millis());
    }
    std::vector<std::string> warnings() const override { return warnings_; }

private:
    task<void> try_insert(connection fresh, const secret* packed);
    task<connection> try_update(std::string id, const std::function<void(connection&)>* change,
                                const secret* packed);

    std::shared_ptr<core> core_;
    custodian custodian_{core_};
    notebook notebook_{core_};
    std::vector<std::string> warnings_;
    ulid_source ids_;
};

// Every change of the store is followed by a move of the epoch, also where the store's answer got
// lost: the change may have happened.

task<connection> vault_keeper::add(connection fresh, std::optional<credential> secret_part)
{
    if (fresh.id.empty()) {
        fresh.id = std::string(connection_id_prefix) + ids_.next().text();
    }
    if (!is_connection_id(fresh.id)) {
        co_return errc::invalid_id;
    }
    const unix_micros now = now_micros();
    fresh.created_at = fresh.created_at == 0 ? now : fresh.created_at;
    fresh.updated_at = now;
    fresh.version = 1;
    fresh.credential_version = 0;

    std::optional<secret> packed;
    if (secret_part) {
        result<secret> made = pack(*secret_part);
        if (!made) {
            co_return made.error();
        }
        packed = std::move(*made);
        // From the clock: a connection removed and added again under its id must not take a version
        // it had before, or the old credential could be put back.
        fresh.credential_version = static_cast<std::uint64_t>(now);
        fresh.status = status::active;
        fresh.connected_at = fresh.connected_at == 0 ? now : fresh.connected_at;
    }
    // Again where the workspace's key was rotated between sealing and inserting.
    result<void> inserted = errc::version_conflict;
    for (int attempt = 0; attempt < update_attempts_max; ++attempt) {
        auto trying = try_insert(fresh, packed ? &*packed : nullptr);
        inserted = co_await std::move(trying);
        if (inserted || inserted.error() != errc::version_conflict) {
            break;
        }
    }
    core_->connections.move(fresh.id);
    if (!inserted) {
        co_return inserted.error();
    }
    co_return fresh;
}

// The pointer belongs to add, which waits.
task<void> vault_keeper::try_insert(connection fresh, const secret* packed)
{
    stored_connection stored;
    if (packed != nullptr) {
        secret again(packed->reveal());
        auto sealing = seal_credential(core_, fresh, std::move(again));
        result<std::string> sealed = co_await std::move(sealing);
        if (!sealed) {
            co_return sealed.error();
        }
        stored.sealed = std::move(*sealed);
    }
    stored.record = std::move(fresh);
    auto inserting = core_->store->insert(std::move(stored));
    result<void> inserted = co_await std::move(inserting);
    co_return inserted;
}

task<connection> vault_keeper::update(std::string id, std::function<void(connection&)> change,
                                      std::optional<credential> secret_part)
{
    std::optional<secret> packed;
    if (secret_part) {
        result<secret> made = pack(*secret_part);
        if (!made) {
            co_return made.error();
        }
        packed = std::move(*made);
    }
    result<connection> done = errc::version_conflict;
    for (int attempt = 0; attempt < update_attempts_max; ++attempt) {
        auto trying = try_update(id, &change, packed ? &*packed : nullptr);
        done = co_await std::move(trying);
        if (done || done.error() != errc::version_conflict) {
            break;
        }
    }
    core_->connections.move(id);
    co_return done;
}

// The pointers belong to update, which waits.
task<connection> vault_keeper::try_update(std::string id,
                                          const std::function<void(connection&)>* change,
                                          const secret* packed)
{
    auto loading = core_->store->load(id);
    result<stored_connection> found = co_await std::move(loading);
    if (!found) {
        co_return found.error();
    }
    const connection before = found->record;
    if (before.status == status::revoked) {
        co_return errc::revoked;
    }
    connection& record = found->record;
    if (*change) {
        (*change)(record);
    }
    const unix_micros now = now_micros();
    record.id = before.id;
    record.workspace = before.workspace;
    record.user = before.user;
    record.created_at = before.created_at;
    record.updated_at = now;
    record.version = before.version;
    record.credential_version = before.credential_version;
    if (packed == nullptr && before.credential_version > 0 && kind_of(record) != kind_of(before)) {
        co_return errc::invalid_credential;
    }
    if (packed != nullptr) {
        ++record.credential_version;
        record.refreshed_at = 0;
        if (record.connected_at == before.connected_at) {
            record.connected_at = now;
        }
        if (record.status == before.status && waits_for_a_credential(before.status)) {
            record.status = status::active;
            record.status_reason.clear();
        }
        secret again(packed->reveal());
        auto sealing = seal_credential(core_, record, std::move(again));
        result<std::string> sealed = co_await std::move(sealing);
        if (!sealed) {
            co_return sealed.error();
        }
        found->sealed = std::move(*sealed);
    }
    if (record.status == status::revoked) {
        found->sealed.clear();
    }
    connection after = record;
    ++after.version;
    core_->uses.complete(after);
    auto replacing = core_->store->replace(std::move(*found), before.version);
    const result<void> replaced = co_await std::move(replacing);
    if (!replaced) {
        co_return replaced.error();
    }
    co_return after;
}

task<connection> vault_keeper::revoke(std::string id, std::string reason, version_wish only)
{
    auto revoking = core_->store->revoke(id, std::move(reason), only);
    const result<connection> before = co_await std::move(revoking);
    core_->connections.move(id);
    if (!before) {
        co_return before.error();
    }
    auto showing = show(id);
    result<connection> after = co_await std::move(showing);
    co_return after;
}

task<void> vault_keeper::remove(std::string id, version_wish only)
{
    auto removing = core_->store->remove(id, only);
    result<void> removed = co_await std::move(removing);
    core_->connections.move(id);
    if (removed) {
        core_->uses.forget(id);
        auto forgetting = forget_outcomes(core_, id);
        const result<void> ignored = co_await std::move(forgetting);  // They end by themselves.
        static_cast<void>(ignored);
    }
    co_return removed;
}

task<connection> vault_keeper::show(std::string id)
{
    auto loading = core_->store->load(std::move(id));
    result<stored_connection> found = co_await std::move(loading);
    if (!found) {
        co_return found.error();
    }
    core_->uses.complete(found->record);
    co_return std::move(found->record);
}

task<void> vault_keeper::start_run(run_record run)
{
    const std::string name = run_name(run.workspace, run.run);
    auto putting = core_->store->put_run(std::move(run));
    result<void> put = co_await std::move(putting);
    core_->runs.move(name);
    co_return put;
}

task<void> vault_keeper::end_run(std::string workspace, std::string run, unix_micros keep_until)
{
    const std::string name = run_name(workspace, run);
    auto ending = core_->store->end_run(std::move(workspace), std::move(run), keep_until);
    result<void> ended = co_await std::move(ending);
    core_->runs.move(name);
    co_return ended;
}

// Runs one task on a context of its own: at start, before anything else is there.
template <class T>
result<T> run_now(asio::io_context& context, task<T> work)
{
    std::optional<result<T>> outcome;
    std::exception_ptr bug;
    asio::co_spawn(context, std::move(work), [&](std::exception_ptr thrown, result<T> answer) {
        bug = thrown;
        outcome.emplace(std::move(answer));
    });
    context.restart();
    while (!outcome) {
        context.run_one();
    }
    if (bug) {
        std::rethrow_exception(bug);
    }
    return std::move(*outcome);
}

std::string why_not(const error_code& error, const store& asked)
{
    if (error == errc::wrong_master_key) {
        return "the vault was sealed under another master key than those in vault.master_key and "
               "vault.previous_master_keys";
    }
    if (error == errc::unavailable || error == errc::misconfigured) {
        const std::string trouble = asked.trouble();
        return trouble.empty() ? "the vault's store does not answer" : trouble;
    }
    return "the vault's canary does not open: the store is damaged or not this vault's";
}

}  // namespace

std::unique_ptr<keeper> keeper::open(asio::io_context& control, const settings& settings)
{
    require_sound_envelope();
    master_keys masters = read_master_keys(settings);
    std::unique_ptr<store> opened = open_store(control, settings.store, settings.redis);

    // Asked on a context of its own, because `control` is not ours to run. A store that talks
    // through its context is asked through a second one.
    asio::io_context start;
    const std::unique_ptr<store> second = settings.store.starts_with("sqlite:")
                                              ? nullptr
                                              : open_store(start, settings.store, settings.redis);
    store& asked = second ? *second : *opened;
    envelope box;
    key_ring keys(read_master_keys(settings, masters), asked.keys(), box);
    const result<void> checked = run_now(start, keys.check_canary());
    if (!checked) {
        throw boost::system::system_error(checked.error(), why_not(checked.error(), asked));
    }
    result<std::vector<std::string>> warnings = run_now(start, asked.warnings());
    if (!warnings) {
        throw boost::system::system_error(warnings.error(), why_not(warnings.error(), asked));
    }
    auto shared = make_core(control.get_executor(), std::move(opened), std::move(masters),
                            settings.lease, settings.refresh);
    return std::make_unique<vault_keeper>(std::move(shared), std::move(*warnings));
}

}  // namespace sallyport::vault
