#include "vault/redis_store.hpp"

#include "vault/error.hpp"
#include "vault/places.hpp"
#include "vault/redis_archive.hpp"
#include "vault/redis_commands.hpp"
#include "vault/redis_fleet.hpp"
#include "vault/redis_lists.hpp"
#include "vault/redis_note_store.hpp"
#include "vault/redis_records.hpp"
#include "vault/redis_scripts.hpp"

namespace sallyport::vault {
namespace {

using kind = redis_reply::kind;

std::string to_text(version_wish only) { return only ? std::to_string(*only) : any_version; }

class redis_store final : public store {
public:
    redis_store(boost::asio::io_context& context, std::shared_ptr<redis_site> site)
        : fleet_(redis_fleet::make(context, std::move(site))), redis_(fleet_->commands())
    {
    }
    ~redis_store() override { fleet_->stop(); }

    task<stored_connection> load(std::string id) override;
    task<void> insert(stored_connection fresh) override;
    task<void> replace(stored_connection changed, std::uint64_t expected_version) override;
    task<connection> revoke(std::string id, std::string reason, version_wish only) override;
    task<void> remove(std::string id, version_wish only) override;
    task<std::vector<connection>> list(std::string workspace, std::string user, std::string after,
                                       std::size_t limit) override
    {
        return lists_.connections(std::move(workspace), std::move(user), std::move(after), limit);
    }

    task<void> save_uses(std::vector<connection_use> uses) override;

    key_store& keys() noexcept override { return fleet_->keys(); }
    note_store& notes() noexcept override { return *notes_; }
    archive& contents() noexcept override { return *contents_; }

    task<void> put_run(run_record run) override;
    task<void> end_run(std::string workspace, std::string run, unix_micros keep_until) override;
    task<bool> run_ended(std::string workspace, std::string run) override;
    task<std::vector<run_record>> list_runs(std::string workspace, std::string after,
                                            std::size_t limit) override
    {
        return lists_.runs(std::move(workspace), std::move(after), limit);
    }

    void hold_lease(std::weak_ptr<lease_holder> holder, std::chrono::milliseconds length) override
    {
        fleet_->start(std::move(holder), length);
    }
    task<void> settle() override { return redis_fleet::settle(fleet_); }

    std::string trouble() const override
    {
        const std::string own = redis_.trouble();
        return own.empty() ? fleet_->trouble() : own;
    }
    task<std::vector<std::string>> warnings() override { return redis_.warnings(); }

private:
    task<void> change(const redis_script* what, words keys, words arguments);

    const std::shared_ptr<redis_fleet> fleet_;
    redis_commands& redis_;
    const std::unique_ptr<note_store> notes_ = make_redis_note_store(redis_, *fleet_);
    const std::unique_ptr<archive> contents_ = make_redis_archive(redis_, *this);
    redis_lists lists_{redis_};
    const redis_script put_run_{redis_scripts::put_run};
};

// One word says how it went; a change that was made, also how it was announced.
task<void> redis_store::change(const redis_script* what, words keys, words arguments)
{
    fleet_->add_fence(arguments);
    auto calling = redis_.call(what, std::move(keys), std::move(arguments));
    const result<redis_reply> reply = co_await std::move(calling);
    if (!reply) {
        co_return reply.error();
    }
    if (all_texts(*reply, 2)) {
        fleet_->acknowledged(reply->elements[1].text);
        co_return result<void>();
    }
    co_return outcome_of(*reply);
}

task<stored_connection> redis_store::load(std::string id)
{
    words command = {"HMGET"};
    command.push_back(connection_key(id));
    for (const char* field :
         {"record", "sealed", "version", "status", "reason", "updated", "used"}) {
        command.emplace_back(field);
    }
    auto asking = redis_.ask(std::move(command));
    const result<redis_reply> reply = co_await std::move(asking);
    if (!reply) {
        co_return reply.error();
    }
    result<stored_connection> found = to_connection(*reply);
    if (found && found->record.id != id) {
        co_return errc::corrupted;
    }
    co_return found;
}

task<void> redis_store::insert(stored_connection fresh)
{
    words keys(1, connection_key(fresh.record.id));
    words arguments = insert_arguments(fresh);
    return change(&change_scripts::insert(), std::move(keys), std::move(arguments));
}

task<void> redis_store::replace(stored_connection changed, std::uint64_t expected_version)
{
    changed.record.version = expected_version + 1;
    words keys(1, connection_key(changed.record.id));
    words arguments = insert_arguments(changed);
    arguments.push_back(std::to_string(expected_version));
    return change(&change_scripts::replace(), std::move(keys), std::move(arguments));
}

task<connection> redis_store::revoke(std::string id, std::string reason, version_wish only)
{
    words keys(1, connection_key(id));
    words arguments(1, std::move(id));
    arguments.push_back(std::move(reason));
    arguments.push_back(std::to_string(now_micros()));
    arguments.push_back(to_text(only));
    fleet_->add_fence(arguments);
    auto calling = redis_.call(&change_scripts::revoke(), std::move(keys), std::move(arguments));
    const result<redis_reply> reply = co_await std::move(calling);
    if (!reply) {
        co_return reply.error();
    }
    if (reply->type == kind::text) {
        const result<void> refused = outcome_of(*reply);
        co_return refused ? error_code(errc::corrupted) : refused.error();
    }
    if (reply->elements.size() > revoked_fields) {
        fleet_->acknowledged(reply->elements[revoked_fields].text);
    }
    result<stored_connection> before = to_connection(*reply);
    if (!before) {
        co_return before.error();
    }
    co_return std::move(before->record);
}

task<void> redis_store::remove(std::string id, version_wish only)
{
    words keys(1, connection_key(id));
    words arguments(1, std::move(id));
    arguments.push_back(to_text(only));
    return change(&change_scripts::remove(), std::move(keys), std::move(arguments));
}

task<void> redis_store::save_uses(std::vector<connection_use> uses)
{
    words keys;
    words arguments;
    for (const connection_use& one : uses) {
        keys.push_back(connection_key(one.id));
        arguments.push_back(std::to_string(one.at));
    }
    fleet_->add_fence(arguments);
    return redis_.change(&change_scripts::save_uses(), std::move(keys), std::move(arguments));
}

task<void> redis_store::put_run(run_record run)
{
    words keys;
    keys.push_back(run_key(run.workspace, run.run));
    keys.push_back(runs_key(run.workspace));
    keys.push_back(ordered_runs_key(run.workspace));
    words arguments;
    arguments.push_back(run.run);
    arguments.push_back(run.user);
    arguments.push_back(run.app);
    arguments.push_back(std::to_string(run.started_at));
    arguments.push_back(std::to_string(run.expires_at));
    arguments.push_back(std::to_string(now_micros()));
    arguments.push_back(std::to_string((run.expires_at + ended_run_margin) / 1000));
    return redis_.change(&put_run_, std::move(keys), std::move(arguments));
}

task<void> redis_store::end_run(std::string workspace, std::string run, unix_micros keep_until)
{
    words keys;
    keys.push_back(run_key(workspace, run));
    keys.push_back(runs_key(workspace));
    keys.push_back(ordered_runs_key(workspace));
    words arguments = end_run_arguments(run, keep_until);
    return change(&change_scripts::end_run(), std::move(keys), std::move(arguments));
}

task<bool> redis_store::run_ended(std::string workspace, std::string run)
{
    words command = {"HGET"};
    command.push_back(run_key(workspace, run));
    command.emplace_back("ended_at");
    auto asking = redis_.ask(std::move(command));
    const result<redis_reply> reply = co_await std::move(asking);
    if (!reply) {
        co_return result<bool>(boost::system::in_place_error, reply.error());
    }
    co_return reply->type == kind::text && reply->text != "0";
}

}  // namespace

std::unique_ptr<store> open_redis_store(boost::asio::io_context& context,
                                        std::shared_ptr<redis_site> site)
{
    return std::make_unique<redis_store>(context, std::move(site));
}

}  // namespace sallyport::vault
