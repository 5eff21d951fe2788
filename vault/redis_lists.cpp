#include "vault/redis_lists.hpp"

#include <algorithm>
#include <utility>

#include "vault/error.hpp"
#include "vault/redis_records.hpp"
#include "vault/redis_scan.hpp"

namespace sallyport::vault {
namespace {

constexpr std::size_t page_size = 128;  // records in one answer: Redis serves others in between

std::string ordered_key(const std::string& workspace) { return "sallyport:listed:" + workspace; }

// Everybody's, or one user's: the range of "USER/ID" from behind `after`.
words range_of(const std::string& user, const std::string& after)
{
    const std::string owner = user.empty() ? "*" : user;
    words range(1, (after.empty() ? "[" : "(") + owner + "/" + after);
    range.push_back("(" + owner + "0");  // The character behind the slash.
    return range;
}

result<run_record> to_run(const std::string& workspace, const redis_reply& fields)
{
    run_record run;
    run.workspace = workspace;
    run.run = fields.elements[0].text;
    run.user = fields.elements[1].text;
    run.app = fields.elements[2].text;
    const auto started = to_number<unix_micros>(fields.elements[3].text);
    const auto expires = to_number<unix_micros>(fields.elements[4].text);
    if (!started || !expires) {
        return errc::corrupted;
    }
    run.started_at = *started;
    run.expires_at = *expires;
    return run;
}

}  // namespace

redis_lists::redis_lists(redis_commands& redis)
    : redis_(redis),
      put_in_order_((std::string(redis_scripts::indexing) + redis_scripts::put_in_order).c_str())
{
}

// One step of the script for each step of SSCAN or ZSCAN.
task<void> redis_lists::walk(const redis_script* step, words command, std::string workspace)
{
    std::string at;
    do {
        auto scanning = scan(&redis_, command, std::move(at), "");
        result<scanned> some = co_await std::move(scanning);
        if (!some) {
            co_return some.error();
        }
        at = std::move(some->next);
        words arguments(1, workspace);
        std::move(some->names.begin(), some->names.end(), std::back_inserter(arguments));
        auto stepping = redis_.change(step, words(), std::move(arguments));
        const result<void> done = co_await std::move(stepping);
        if (!done) {
            co_return done;
        }
    } while (!at.empty());
    co_return result<void>();
}

task<void> redis_lists::order_one(std::string workspace)
{
    words members = {"SSCAN"};
    members.push_back("sallyport:connections:" + workspace);
    auto adding = walk(&put_in_order_, std::move(members), workspace);
    const result<void> added = co_await std::move(adding);
    if (!added) {
        co_return added;
    }
    words listed = {"ZSCAN"};
    listed.push_back(ordered_key(workspace));
    auto tidying = walk(&tidy_, std::move(listed), workspace);
    co_return co_await std::move(tidying);
}

task<void> redis_lists::order(std::string workspace)
{
    words arguments(1, std::move(workspace));
    auto asking = redis_.call(&unordered_, words(), std::move(arguments));
    const result<redis_reply> reply = co_await std::move(asking);
    if (!reply) {
        co_return reply.error();
    }
    for (const redis_reply& name : reply->elements) {
        auto ordering = order_one(name.text);
        const result<void> done = co_await std::move(ordering);
        if (!done) {
            co_return done;
        }
    }
    co_return result<void>();
}

task<std::vector<connection>> redis_lists::connections(std::string workspace, std::string user,
                                                       std::string after, std::size_t limit)
{
    if (after.empty()) {
        auto ordering = order(workspace);
        const result<void> done = co_await std::move(ordering);
        if (!done) {
            co_return done.error();
        }
    }
    std::vector<connection> found;
    while (found.size() < limit) {
        const std::size_t wanted = std::min(page_size, limit - found.size());
        words keys(1, ordered_key(workspace));
        words arguments = range_of(user, after);
        arguments.push_back(std::to_string(wanted));
        auto calling = redis_.call(&list_, std::move(keys), std::move(arguments));
        const result<redis_reply> reply = co_await std::move(calling);
        if (!reply) {
            co_return reply.error();
        }
        for (const redis_reply& one : reply->elements) {
            result<stored_connection> entry = to_connection(one);
            if (one.elements.size() == record_fields + 1) {
                after = one.elements.back().text;
            }
            if (!entry && entry.error() == errc::not_found) {
                continue;  // Removed by a program that keeps no order.
            }
            if (!entry) {
                co_return entry.error();
            }
            found.push_back(std::move(entry->record));
        }
        if (reply->elements.size() < wanted) {
            break;
        }
    }
    co_return found;
}

task<std::vector<run_record>> redis_lists::runs(std::string workspace, std::string after,
                                                std::size_t limit)
{
    const std::string ordered = ordered_runs_key(workspace);
    if (after.empty()) {
        words keys(1, runs_key(workspace));
        keys.push_back(ordered);
        auto ordering = redis_.change(&put_runs_in_order_, std::move(keys), words());
        const result<void> done = co_await std::move(ordering);
        if (!done) {
            co_return done.error();
        }
    }
    const std::string now = std::to_string(now_micros());
    std::vector<run_record> found;
    while (found.size() < limit) {
        const std::size_t wanted = std::min(page_size, limit - found.size());
        words keys(1, ordered);
        keys.push_back(run_key(workspace, ""));
        words arguments(1, after.empty() ? "-" : "(" + after);
        arguments.push_back(std::to_string(wanted));
        arguments.push_back(now);
        auto calling = redis_.call(&list_runs_, std::move(keys), std::move(arguments));
        const result<redis_reply> reply = co_await std::move(calling);
        if (!reply) {
            co_return reply.error();
        }
        for (const redis_reply& one : reply->elements) {
            if (!all_texts(one, 1)) {
                co_return errc::corrupted;
            }
            after = one.elements[0].text;
            if (!all_texts(one, 5)) {
                continue;  // It has ended or expired.
            }
            result<run_record> run = to_run(workspace, one);
            if (!run) {
                co_return run.error();
            }
            found.push_back(std::move(*run));
        }
        if (reply->elements.size() < wanted) {
            break;
        }
    }
    co_return found;
}

}  // namespace sallyport::vault
