#include "vault/custodian.hpp"

#include <algorithm>

#include "vault/core.hpp"
#include "vault/error.hpp"
#include "vault/key_place.hpp"
#include "vault/places.hpp"
#include "vault/record_json.hpp"

namespace sallyport::vault {
namespace {

key_facts facts_of(const wrapped_key& one)
{
    key_facts facts;
    facts.workspace = one.workspace;
    facts.generation = one.generation;
    facts.shredded = one.wrapped.empty();
    if (const std::optional<wrap_facts> said = envelope::facts_of(one.wrapped)) {
        facts.master = said->master;
        facts.created_at = said->created_at;
    }
    return facts;
}

std::vector<key_id> ids_of(const master_keys& masters)
{
    std::vector<key_id> ids;
    for (const master_key& one : masters) {
        ids.push_back(one.id);
    }
    return ids;
}

}  // namespace

custodian::custodian(std::shared_ptr<core> shared)
    : core_(std::move(shared)), rotation_(core_->store->keys(), core_->keys, core_->box)
{
}

std::vector<key_id> custodian::masters() const { return ids_of(core_->keys.masters()); }

task<void> custodian::change_masters(const settings& settings)
{
    master_keys fresh = read_master_keys(settings, core_->keys.masters());
    if (ids_of(fresh) == masters()) {
        co_return result<void>();
    }
    auto replacing = core_->keys.replace_masters(std::move(fresh));
    result<void> replaced = co_await std::move(replacing);
    co_return replaced;
}

task<page<key_facts>> custodian::list(std::string after, std::size_t limit)
{
    std::optional<key_place> place = read_key_place(after);
    if (!place) {
        co_return errc::invalid_id;
    }
    auto listing = core_->store->keys().list_in_order(std::move(*place), limit + 1);
    const result<std::vector<wrapped_key>> keys = co_await std::move(listing);
    if (!keys) {
        co_return keys.error();
    }
    page<key_facts> found;
    for (std::size_t i = 0; i < std::min(limit, keys->size()); ++i) {
        found.items.push_back(facts_of((*keys)[i]));
    }
    found.next = keys->size() > limit ? to_text(place_of((*keys)[limit - 1])) : "";
    co_return found;
}

task<workspace_keys> custodian::show(std::string workspace)
{
    key_store& store = core_->store->keys();
    auto asking = store.of(workspace);
    const result<std::vector<wrapped_key>> keys = co_await std::move(asking);
    if (!keys) {
        co_return keys.error();
    }
    workspace_keys found;
    for (const wrapped_key& one : *keys) {
        found.generations.push_back(facts_of(one));
    }
    found.records.resize(keys->size());
    std::string after;
    do {
        auto listing = store.list_sealed(workspace, after);
        const result<page<sealed_record>> records = co_await std::move(listing);
        if (!records) {
            co_return records.error();
        }
        for (const sealed_record& one : records->items) {
            const auto generation = envelope::generation_of(one.sealed);
            const auto at = std::find_if(keys->begin(), keys->end(), [&](const wrapped_key& key) {
                return key.generation == generation;
            });
            ++(at == keys->end() ? found.unknown_generation
                                 : found.records[static_cast<std::size_t>(at - keys->begin())]);
        }
        after = records->next;
    } while (!after.empty());
    co_return found;
}

task<std::uint64_t> custodian::shred(std::string workspace, std::string reason)
{
    auto burying = core_->store->keys().shred(bodies_owner(workspace), reason);
    const result<std::uint64_t> buried = co_await std::move(burying);
    core_->keys.forget(bodies_owner(workspace));
    if (!buried) {
        co_return buried.error();
    }
    auto shredding = core_->store->keys().shred(workspace, std::move(reason));
    const result<std::uint64_t> revoked = co_await std::move(shredding);
    // Also where the store's answer got lost: it may have happened.
    core_->keys.forget(workspace);
    core_->connections.move_all();
    co_return revoked;
}

task<data_key> custodian::body_key(std::string workspace)
{
    // Bodies of calls that end after a shredding are not to outlive it.
    auto asking = core_->store->keys().of(workspace);
    const result<std::vector<wrapped_key>> own = co_await std::move(asking);
    if (!own) {
        co_return own.error();
    }
    if (own->empty() || own->back().wrapped.empty()) {
        co_return errc::not_found;
    }
    auto finding = core_->keys.newest(bodies_owner(workspace));
    result<data_key> found = co_await std::move(finding);
    co_return found;
}

task<data_key> custodian::body_key(std::string workspace, std::uint32_t generation)
{
    return core_->keys.find(bodies_owner(workspace), generation);
}

task<void> custodian::renew_body_key(std::string workspace)
{
    const std::string owner = bodies_owner(workspace);
    auto asking = core_->store->keys().of(owner);
    const result<std::vector<wrapped_key>> keys = co_await std::move(asking);
    if (!keys) {
        co_return keys.error();
    }
    if (keys->empty() || keys->back().wrapped.empty()) {
        co_return result<void>();
    }
    auto making = core_->keys.make(owner, keys->back().generation + 1);
    const result<data_key> made = co_await std::move(making);
    if (!made) {
        co_return made.error();
    }
    co_return result<void>();
}

namespace {

template <class T>
page<backup_item> to_items(page<T> from)
{
    page<backup_item> found;
    found.next = std::move(from.next);
    for (T& one : from.items) {
        found.items.emplace_back(std::move(one));
    }
    return found;
}

// But for when it was last used, which may have been since.
bool is_same(const stored_connection& a, stored_connection b)
{
    b.record.last_used_at = a.record.last_used_at;
    return a.sealed == b.sealed && to_json(a.record) == to_json(b.record);
}

// A result<bool> that is not const would convert its error to true on the way.
result<bool> failure(const error_code& error) { return {boost::system::in_place_error, error}; }

}  // namespace

task<page<backup_item>> custodian::back_up(std::string part, std::string after)
{
    if (part == "keys") {
        auto listing = core_->store->keys().list(std::move(after));
        result<page<wrapped_key>> keys = co_await std::move(listing);
        if (!keys) {
            co_return keys.error();
        }
        std::erase_if(keys->items, [](const wrapped_key& one) { return one.workspace.empty(); });
        co_return to_items(std::move(*keys));
    }
    if (part == "connections") {
        auto listing = core_->store->contents().list_connections(std::move(after));
        result<page<stored_connection>> connections = co_await std::move(listing);
        if (!connections) {
            co_return connections.error();
        }
        co_return to_items(std::move(*connections));
    }
    if (part == "runs") {
        auto listing = core_->store->contents().list_ended_runs(std::move(after));
        result<page<run_record>> runs = co_await std::move(listing);
        if (!runs) {
            co_return runs.error();
        }
        co_return to_items(std::move(*runs));
    }
    co_return errc::invalid_id;
}

task<bool> custodian::put_back(backup_item item)
{
    if (auto* key = std::get_if<wrapped_key>(&item)) {
        return put_back_key(std::move(*key));
    }
    if (auto* stored = std::get_if<stored_connection>(&item)) {
        return put_back_connection(std::move(*stored));
    }
    return put_back_run(std::move(std::get<run_record>(item)));
}

task<bool> custodian::put_back_key(wrapped_key key)
{
    if (!key.wrapped.empty()) {
        const result<std::string> opens = core_->keys.rewrap(key);
        if (!opens) {
            co_return failure(opens.error());
        }
    }
    key_store& store = core_->store->keys();
    auto inserting = store.insert(key);
    const result<void> inserted = co_await std::move(inserting);
    if (inserted) {
        co_return true;
    }
    if (inserted.error() != errc::already_exists) {
        co_return failure(inserted.error());
    }
    auto asking = store.of(key.workspace);
    const result<std::vector<wrapped_key>> present = co_await std::move(asking);
    if (!present) {
        co_return failure(present.error());
    }
    for (const wrapped_key& one : *present) {
        if (one.generation == key.generation && one.wrapped == key.wrapped) {
            co_return false;
        }
    }
    co_return failure(errc::already_exists);
}

task<bool> custodian::put_back_connection(stored_connection stored)
{
    auto inserting = core_->store->insert(stored);
    const result<void> inserted = co_await std::move(inserting);
    if (inserted) {
        co_return true;
    }
    // What is sealed under an older key than there is by now may have been put back before.
    if (inserted.error() != errc::already_exists && inserted.error() != errc::version_conflict) {
        co_return failure(inserted.error());
    }
    auto loading = core_->store->load(stored.record.id);
    const result<stored_connection> present = co_await std::move(loading);
    if (present && is_same(*present, stored)) {
        co_return false;
    }
    if (!present && present.error() != errc::not_found) {
        co_return failure(present.error());
    }
    co_return failure(inserted.error());
}

task<bool> custodian::put_back_run(run_record run)
{
    auto asking = core_->store->run_ended(run.workspace, run.run);
    const result<bool> ended = co_await std::move(asking);
    if (!ended || *ended) {
        co_return ended ? result<bool>(false) : failure(ended.error());
    }
    const std::string name = run_name(run.workspace, run.run);
    auto ending = core_->store->end_run(run.workspace, run.run, run.expires_at);
    const result<void> done = co_await std::move(ending);
    core_->runs.move(name);
    if (!done) {
        co_return failure(done.error());
    }
    co_return true;
}

}  // namespace sallyport::vault
