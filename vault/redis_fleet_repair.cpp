// What a gate does about a store whose history may not be the one it has seen: reads it, lets
// fleet_view judge, and puts back what was lost by the same scripts that made those changes.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/time.hpp"
#include "base/ulid.hpp"
#include "vault/error.hpp"
#include "vault/places.hpp"
#include "vault/redis_announce.hpp"
#include "vault/redis_fleet.hpp"
#include "vault/redis_fleet_scripts.hpp"
#include "vault/redis_records.hpp"
#include "vault/redis_scripts.hpp"

namespace sallyport::vault {
namespace {

constexpr std::uint64_t history_page = 512;
constexpr const char* reason = "put back: the store had lost this change";

const redis_script& position_script()
{
    static const redis_script script(redis_scripts::position);
    return script;
}

const redis_script& found_script()
{
    static const redis_script script(redis_scripts::found);
    return script;
}

const redis_script& raise_script()
{
    static const redis_script script(announcing(redis_scripts::raise).c_str());
    return script;
}

const redis_script& switch_off_script()
{
    static const redis_script script(announcing(redis_scripts::switch_off).c_str());
    return script;
}

}  // namespace

task<fleet_report> redis_fleet::report(std::shared_ptr<redis_fleet> self)
{
    auto asking = self->commands_->call(&position_script(), words(), words());
    const result<redis_reply> place = co_await std::move(asking);
    if (!place) {
        co_return place.error();
    }
    if (!all_texts(*place, 4)) {
        co_return errc::corrupted;
    }
    const std::optional<std::uint64_t> epoch = parse_epoch(place->elements[1].text);
    if (!epoch) {
        co_return errc::corrupted;
    }
    fleet_report found;
    found.position = {place->elements[0].text, *epoch, place->elements[2].text};
    found.has_connections = place->elements[3].text != "0";
    const fleet_view::range wanted = self->view_->wanted(found.position);
    for (std::uint64_t at = wanted.first; at <= wanted.last; at += history_page) {
        words command = {"HMGET", "sallyport:history"};
        for (std::uint64_t one = at; one <= std::min(wanted.last, at + history_page - 1); ++one) {
            command.push_back(std::to_string(one));
        }
        auto reading = self->commands_->ask(std::move(command));
        const result<redis_reply> page = co_await std::move(reading);
        if (!page) {
            co_return page.error();
        }
        for (const redis_reply& one : page->elements) {
            if (std::optional<fleet_change> change = parse_change(one.text)) {
                const std::uint64_t its_epoch = change->epoch;
                found.history.insert_or_assign(its_epoch, std::move(*change));
            }
        }
    }
    co_return found;
}

task<void> redis_fleet::examine(std::shared_ptr<redis_fleet> self)
{
    const std::uint64_t losses = self->losses_;
    auto reporting = report(self);
    const result<fleet_report> found = co_await std::move(reporting);
    if (!found) {
        co_return found.error();
    }
    if (losses != self->losses_ || self->stopped_) {
        co_return result<void>();  // Parts of it may come from two servers.
    }
    fleet_view::judgement judged = self->view_->judge(*found);
    auto working = carry_out(self, std::move(judged));
    const result<void> done = co_await std::move(working);
    co_return done;
}

task<void> redis_fleet::carry_out(std::shared_ptr<redis_fleet> self, fleet_view::judgement what)
{
    using kind = fleet_view::judgement::kind;
    if (what.what == kind::go_on) {
        co_return result<void>();
    }
    if (what.what == kind::seal) {
        spdlog::critical("the vault is sealed and no call is served: {}", what.why);
        co_return result<void>();
    }
    const std::uint64_t losses = self->losses_;
    if (what.what == kind::found) {
        words id(1, make_ulid().text());
        auto founding = self->commands_->change(&found_script(), words(), std::move(id));
        const result<void> founded = co_await std::move(founding);
        if (founded && losses == self->losses_) {
            self->view_->done();
        }
        co_return founded;
    }
    spdlog::critical("the store of the vault {}: putting back {} changes that take something away",
                     what.what == kind::found_again ? "was emptied" : "has gone back",
                     what.changes.size());
    const auto raise = [&self, &what] {
        words arguments(1, self->view_->vault());
        arguments.push_back(std::to_string(what.above));
        return self->commands_->change(&raise_script(), words(), std::move(arguments));
    };
    // An emptied store must be this vault again before anything is written to it; another must not
    // look whole before everything is.
    if (what.what == kind::found_again) {
        auto raising = raise();
        const result<void> raised = co_await std::move(raising);
        if (!raised) {
            co_return raised;
        }
        if (const auto holder = self->holder_.lock()) {
            auto beginning = holder->begin_anew();
            const result<void> begun = co_await std::move(beginning);
            if (!begun) {
                co_return begun;
            }
        }
    }
    for (const fleet_change& change : what.changes) {
        auto putting = put_back(self, change);
        const result<void> done = co_await std::move(putting);
        if (!done) {
            co_return done;
        }
    }
    auto raising = raise();
    const result<void> raised = co_await std::move(raising);
    if (raised && losses == self->losses_) {
        self->view_->done();
    }
    co_return raised;
}

task<void> redis_fleet::put_back(std::shared_ptr<redis_fleet> self, fleet_change change)
{
    const redis_script* script = nullptr;
    words keys;
    words arguments;
    switch (change.kind) {
        case change_kind::connection_off:
            script = &switch_off_script();
            keys.push_back(connection_key(change.what));
            arguments = {change.what, reason, std::to_string(now_micros())};
            break;
        case change_kind::connection_revoked:
            script = &change_scripts::revoke();
            keys.push_back(connection_key(change.what));
            arguments = {change.what, reason, std::to_string(now_micros()), any_version};
            break;
        case change_kind::connection_removed:
            script = &change_scripts::remove();
            keys.push_back(connection_key(change.what));
            arguments = {change.what, any_version};
            break;
        case change_kind::run_ended: {
            const std::size_t slash = change.what.find('/');
            if (slash == std::string::npos) {
                co_return errc::corrupted;
            }
            const std::string workspace = change.what.substr(0, slash);
            const std::string run = change.what.substr(slash + 1);
            script = &change_scripts::end_run();
            keys = {run_key(workspace, run), runs_key(workspace), ordered_runs_key(workspace)};
            arguments = end_run_arguments(run, change.keep_until);
            break;
        }
        case change_kind::workspace:
            script = &change_scripts::shred();
            keys = shred_keys(change.what);
            arguments = {change.what, reason, std::to_string(now_micros())};
            break;
        case change_kind::connection:
        case change_kind::healed: co_return result<void>();
    }
    arguments.emplace_back();  // Whatever store this is: it is being put right.
    arguments.emplace_back("0");
    auto calling = self->commands_->call(script, std::move(keys), std::move(arguments));
    const result<redis_reply> reply = co_await std::move(calling);
    if (!reply) {
        co_return reply.error();
    }
    co_return result<void>();
}

}  // namespace sallyport::vault
