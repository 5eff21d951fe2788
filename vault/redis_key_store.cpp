#include "vault/redis_key_store.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

#include "base/time.hpp"
#include "vault/error.hpp"
#include "vault/key_place.hpp"
#include "vault/places.hpp"
#include "vault/redis_key_scripts.hpp"
#include "vault/redis_records.hpp"
#include "vault/redis_scan.hpp"

namespace sallyport::vault {
namespace {

using kind = redis_reply::kind;

constexpr std::string_view in_notes = "notes:";
constexpr const char* ordered_keys = "sallyport:listed-keys";
constexpr const char* workspaces_at_once = "128";

std::optional<std::uint32_t> to_generation(const std::string& text)
{
    std::uint32_t value = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec != std::errc() || read.ptr != end || value == 0) {
        return std::nullopt;
    }
    return value;
}

// What HGETALL answered of one workspace; anything else in the hash is damage.
result<std::vector<wrapped_key>> to_keys(const std::string& workspace, const redis_reply& reply)
{
    std::vector<wrapped_key> found;
    if (reply.type != kind::list || reply.elements.size() % 2 != 0) {
        return errc::corrupted;
    }
    for (std::size_t i = 0; i < reply.elements.size(); i += 2) {
        const std::optional<std::uint32_t> generation = to_generation(reply.elements[i].text);
        if (!generation) {
            return errc::corrupted;
        }
        found.push_back({workspace, *generation, reply.elements[i + 1].text});
    }
    std::sort(found.begin(), found.end(), [](const wrapped_key& a, const wrapped_key& b) {
        return a.generation < b.generation;
    });
    return found;
}

class redis_key_store final : public key_store {
public:
    redis_key_store(redis_commands& redis, change_witness& witness)
        : redis_(redis), witness_(witness)
    {
    }

    task<std::string> load(std::string workspace, std::uint32_t generation) override;
    task<void> insert(wrapped_key fresh) override;
    task<std::vector<wrapped_key>> of(std::string workspace) override;
    task<page<wrapped_key>> list(std::string after) override;
    task<std::vector<wrapped_key>> list_in_order(key_place after, std::size_t limit) override;
    task<std::uint64_t> swap(std::vector<key_swap> swaps) override;
    task<void> drop_below(std::string workspace, std::uint32_t generation) override;
    task<page<sealed_record>> list_sealed(std::string workspace, std::string after) override;
    task<std::uint64_t> swap_sealed(std::vector<sealed_swap> swaps) override;
    task<std::uint64_t> shred(std::string workspace, std::string reason) override;

private:
    task<void> order();
    task<std::uint64_t> count(const redis_script* what, words keys, words arguments);

    redis_commands& redis_;
    change_witness& witness_;
    bool is_ordered_ = false;  // what was there when this object was made
    const redis_script insert_key_{redis_scripts::insert_key};
    const redis_script keys_in_order_{redis_scripts::keys_in_order};
    const redis_script keys_of_{redis_scripts::keys_of};
    const redis_script swap_keys_{redis_scripts::swap_keys};
    const redis_script drop_keys_{redis_scripts::drop_keys};
    const redis_script sealed_of_{redis_scripts::sealed_of};
    const redis_script swap_sealed_{redis_scripts::swap_sealed};
};

task<std::string> redis_key_store::load(std::string workspace, std::uint32_t generation)
{
    words command = {"HGET"};
    command.push_back(keys_key(workspace));
    command.push_back(std::to_string(generation));
    auto asking = redis_.ask(std::move(command));
    result<redis_reply> reply = co_await std::move(asking);
    if (!reply) {
        co_return reply.error();
    }
    if (reply->type == kind::nothing || reply->text.empty()) {
        co_return errc::not_found;
    }
    co_return std::move(reply->text);
}

task<void> redis_key_store::insert(wrapped_key fresh)
{
    words keys(1, keys_key(fresh.workspace));
    words arguments(1, std::to_string(fresh.generation));
    arguments.push_back(std::move(fresh.wrapped));
    arguments.push_back(std::move(fresh.workspace));
    return redis_.change(&insert_key_, std::move(keys), std::move(arguments));
}

task<std::vector<wrapped_key>> redis_key_store::of(std::string workspace)
{
    words command = {"HGETALL"};
    command.push_back(keys_key(workspace));
    auto asking = redis_.ask(std::move(command));
    const result<redis_reply> reply = co_await std::move(asking);
    if (!reply) {
        co_return reply.error();
    }
    co_return to_keys(workspace, *reply);
}

task<page<wrapped_key>> redis_key_store::list(std::string after)
{
    const std::string prefix = keys_key("");
    words command(1, "SCAN");
    auto scanning = scan(&redis_, std::move(command), std::move(after), prefix + "*");
    const result<scanned> names = co_await std::move(scanning);
    if (!names) {
        co_return names.error();
    }
    page<wrapped_key> found;
    found.next = names->next;
    if (names->names.empty()) {
        co_return found;
    }
    auto asking = redis_.call(&keys_of_, names->names, words());
    const result<redis_reply> reply = co_await std::move(asking);
    if (!reply) {
        co_return reply.error();
    }
    if (reply->elements.size() != names->names.size()) {
        co_return errc::corrupted;
    }
    for (std::size_t i = 0; i < names->names.size(); ++i) {
        const std::string workspace = names->names[i].substr(prefix.size());
        result<std::vector<wrapped_key>> keys = to_keys(workspace, reply->elements[i]);
        if (!keys) {
            co_return keys.error();
        }
        std::move(keys->begin(), keys->end(), std::back_inserter(found.items));
    }
    co_return found;
}

// What a program that kept no order has written is found by looking at everything, once.
task<void> redis_key_store::order()
{
    const std::string prefix = keys_key("");
    std::string at;
    do {
        words command(1, "SCAN");
        auto scanning = scan(&redis_, std::move(command), std::move(at), prefix + "*");
        result<scanned> some = co_await std::move(scanning);
        if (!some) {
            co_return some.error();
        }
        at = std::move(some->next);
        if (some->names.empty()) {
            continue;
        }
        words adding = {"ZADD", ordered_keys};
        for (const std::string& name : some->names) {
            adding.emplace_back("0");
            adding.push_back(name.substr(prefix.size()));
        }
        auto asking = redis_.ask(std::move(adding));
        const result<redis_reply> added = co_await std::move(asking);
        if (!added) {
            co_return added.error();
        }
    } while (!at.empty());
    is_ordered_ = true;
    co_return result<void>();
}

task<std::vector<wrapped_key>> redis_key_store::list_in_order(key_place after, std::size_t limit)
{
    if (!is_ordered_) {
        auto ordering = order();
        const result<void> done = co_await std::move(ordering);
        if (!done) {
            co_return done.error();
        }
    }
    std::vector<wrapped_key> found;
    std::string from = "[" + after.workspace;
    while (found.size() < limit) {
        words keys(1, ordered_keys);
        keys.push_back(keys_key(""));
        words arguments(1, from);
        arguments.emplace_back(workspaces_at_once);
        auto asking = redis_.call(&keys_in_order_, std::move(keys), std::move(arguments));
        const result<redis_reply> reply = co_await std::move(asking);
        if (!reply) {
            co_return reply.error();
        }
        for (const redis_reply& one : reply->elements) {
            if (one.elements.size() != 2) {
                co_return errc::corrupted;
            }
            from = "(" + one.elements[0].text;
            result<std::vector<wrapped_key>> own = to_keys(one.elements[0].text, one.elements[1]);
            if (!own) {
                co_return own.error();
            }
            std::copy_if(std::make_move_iterator(own->begin()), std::make_move_iterator(own->end()),
                         std::back_inserter(found),
                         [&](const wrapped_key& key) { return is_behind(key, after); });
        }
        if (reply->elements.empty()) {
            break;
        }
    }
    found.resize(std::min(found.size(), limit));
    co_return found;
}

task<std::uint64_t> redis_key_store::count(const redis_script* what, words keys, words arguments)
{
    auto calling = redis_.call(what, std::move(keys), std::move(arguments));
    const result<redis_reply> reply = co_await std::move(calling);
    if (!reply) {
        co_return reply.error();
    }
    if (reply->type != kind::number || reply->number < 0) {
        co_return errc::corrupted;
    }
    co_return static_cast<std::uint64_t>(reply->number);
}

task<std::uint64_t> redis_key_store::swap(std::vector<key_swap> swaps)
{
    words keys;
    words arguments;
    for (key_swap& one : swaps) {
        keys.push_back(keys_key(one.before.workspace));
        arguments.push_back(std::to_string(one.before.generation));
        arguments.push_back(std::move(one.before.wrapped));
        arguments.push_back(std::move(one.after));
    }
    return count(&swap_keys_, std::move(keys), std::move(arguments));
}

task<void> redis_key_store::drop_below(std::string workspace, std::uint32_t generation)
{
    words keys(1, keys_key(workspace));
    keys.push_back("sallyport:connections:" + workspace);
    keys.push_back(notes_of_key(workspace));
    words arguments(1, std::to_string(generation));
    return redis_.change(&drop_keys_, std::move(keys), std::move(arguments));
}

// First the connections, then the notes, whose places begin with `in_notes`.
task<page<sealed_record>> redis_key_store::list_sealed(std::string workspace, std::string after)
{
    const bool notes = after.starts_with(in_notes);
    after.erase(0, notes ? in_notes.size() : 0);
    words command(1, "SSCAN");
    command.push_back(notes ? notes_of_key(workspace) : "sallyport:connections:" + workspace);
    auto scanning = scan(&redis_, std::move(command), std::move(after), "");
    const result<scanned> names = co_await std::move(scanning);
    if (!names) {
        co_return names.error();
    }
    page<sealed_record> found;
    if (!names->next.empty()) {
        found.next = (notes ? std::string(in_notes) : "") + names->next;
    } else if (!notes) {
        found.next = in_notes;
    }
    if (names->names.empty()) {
        co_return found;
    }
    words keys;
    for (const std::string& name : names->names) {
        keys.push_back(notes ? sealed_key(std::string(note_prefix) + name) : sealed_key(name));
    }
    auto asking = redis_.call(&sealed_of_, std::move(keys), words());
    result<redis_reply> reply = co_await std::move(asking);
    if (!reply) {
        co_return reply.error();
    }
    if (reply->elements.size() != names->names.size()) {
        co_return errc::corrupted;
    }
    for (std::size_t i = 0; i < names->names.size(); ++i) {
        if (!reply->elements[i].text.empty()) {
            std::string id = (notes ? std::string(note_prefix) : "") + names->names[i];
            found.items.push_back({std::move(id), std::move(reply->elements[i].text)});
        }
    }
    co_return found;
}

task<std::uint64_t> redis_key_store::swap_sealed(std::vector<sealed_swap> swaps)
{
    words keys;
    words arguments;
    for (sealed_swap& one : swaps) {
        keys.push_back(sealed_key(one.before.id));
        arguments.push_back(std::move(one.before.sealed));
        arguments.push_back(std::move(one.after));
    }
    return count(&swap_sealed_, std::move(keys), std::move(arguments));
}

task<std::uint64_t> redis_key_store::shred(std::string workspace, std::string reason)
{
    words keys = shred_keys(workspace);
    words arguments(1, std::move(workspace));
    arguments.push_back(std::move(reason));
    arguments.push_back(std::to_string(now_micros()));
    witness_.add_fence(arguments);
    auto calling = redis_.call(&change_scripts::shred(), std::move(keys), std::move(arguments));
    const result<redis_reply> reply = co_await std::move(calling);
    if (!reply) {
        co_return reply.error();
    }
    if (reply->type != kind::list || reply->elements.size() != 2) {
        co_return errc::unavailable;  // Not the store that this gate knows.
    }
    const auto revoked = static_cast<std::uint64_t>(reply->elements[0].number);
    witness_.acknowledged(reply->elements[1].text);
    // Its append-only file still holds what was deleted until it is written anew. Where that is not
    // permitted or under way already, the operator has to see to it: cli says so in any case.
    words rewrite(1, "BGREWRITEAOF");
    auto rewriting = redis_.ask(std::move(rewrite));
    const result<redis_reply> ignored = co_await std::move(rewriting);
    static_cast<void>(ignored);
    co_return revoked;
}

}  // namespace

std::unique_ptr<key_store> make_redis_key_store(redis_commands& redis, change_witness& witness)
{
    return std::make_unique<redis_key_store>(redis, witness);
}

}  // namespace sallyport::vault
