#include "vault/key_ring.hpp"

#include <openssl/rand.h>

#include <stdexcept>

#include "vault/error.hpp"
#include "vault/places.hpp"

namespace sallyport::vault {
namespace {

constexpr std::uint32_t first_generation = 1;

secret random_key()
{
    secret fresh = secret::of_size(key_bytes);
    // The generator for private values: its state is kept apart from what goes out as salts.
    if (RAND_priv_bytes(reinterpret_cast<unsigned char*>(fresh.data()), key_bytes) != 1) {
        throw std::runtime_error("OpenSSL has no randomness");
    }
    return fresh;
}

}  // namespace

key_ring::key_ring(master_keys masters, key_store& store, envelope& box)
    : masters_(std::move(masters)), store_(store), box_(box)
{
    if (masters_.empty()) {
        throw std::logic_error("a key ring needs a master key");
    }
}

task<void> key_ring::check_canary()
{
    std::string nobody;
    auto loading = find(nobody, first_generation);
    const result<data_key> found = co_await std::move(loading);
    if (found) {
        co_return result<void>();
    }
    if (found.error() != errc::not_found) {
        co_return found.error();
    }
    auto making = make(nobody, first_generation);
    const result<data_key> made = co_await std::move(making);
    if (!made) {
        co_return made.error();
    }
    co_return result<void>();
}

task<void> key_ring::replace_masters(master_keys fresh)
{
    auto loading = store_.load("", first_generation);
    result<std::string> canary = co_await std::move(loading);
    if (!canary) {
        co_return canary.error();
    }
    const wrapped_key what{"", first_generation, std::move(*canary)};
    const result<secret> opened = unwrap(fresh, what);
    if (!opened) {
        co_return opened.error();
    }
    masters_ = std::move(fresh);
    co_return result<void>();
}

task<data_key> key_ring::newest(std::string workspace)
{
    auto asking = store_.of(workspace);
    const result<std::vector<wrapped_key>> known = co_await std::move(asking);
    if (!known) {
        co_return known.error();
    }
    if (known->empty() || known->back().wrapped.empty()) {
        const std::uint32_t fresh =
            known->empty() ? first_generation : known->back().generation + 1;
        auto making = make(workspace, fresh);
        result<data_key> made = co_await std::move(making);
        co_return made;
    }
    co_return open(known->back());
}

task<data_key> key_ring::find(std::string workspace, std::uint32_t generation)
{
    const auto known = keys_.find({workspace, generation});
    if (known != keys_.end()) {
        const data_key kept{generation, known->second.key};
        co_return kept;
    }
    auto asking = store_.load(workspace, generation);
    result<std::string> wrapped = co_await std::move(asking);
    if (!wrapped) {
        co_return wrapped.error();
    }
    const wrapped_key what{std::move(workspace), generation, std::move(*wrapped)};
    co_return open(what);
}

task<data_key> key_ring::make(std::string workspace, std::uint32_t generation)
{
    wrapped_key fresh{workspace, generation, ""};
    const wrap_label what{workspace, generation, now_micros()};
    fresh.wrapped = box_.wrap(masters_.front().key, what, keys_key(workspace), random_key());
    auto inserting = store_.insert(std::move(fresh));
    const result<void> inserted = co_await std::move(inserting);
    // Where another gate was faster its key is the one that counts, so what is used is always what
    // the store gives back.
    if (!inserted && inserted.error() != errc::already_exists) {
        co_return inserted.error();
    }
    auto asking = store_.load(workspace, generation);
    result<std::string> wrapped = co_await std::move(asking);
    if (!wrapped) {
        co_return wrapped.error();
    }
    const wrapped_key kept{std::move(workspace), generation, std::move(*wrapped)};
    co_return open(kept);
}

result<std::string> key_ring::rewrap(const wrapped_key& old)
{
    const std::optional<wrap_facts> facts = envelope::facts_of(old.wrapped);
    if (!facts) {
        return errc::corrupted;
    }
    const result<secret> key = unwrap(masters_, old);
    if (!key) {
        return key.error();
    }
    const wrap_label what{old.workspace, old.generation, facts->created_at};
    return box_.wrap(masters_.front().key, what, keys_key(old.workspace), *key);
}

bool key_ring::is_under_active(const wrapped_key& one) const noexcept
{
    const std::optional<wrap_facts> facts = envelope::facts_of(one.wrapped);
    return facts && facts->master == masters_.front().id;
}

void key_ring::forget(std::string_view workspace)
{
    std::erase_if(keys_, [&](const auto& entry) { return entry.first.first == workspace; });
}

result<secret> key_ring::unwrap(const master_keys& with, const wrapped_key& what)
{
    const std::optional<wrap_facts> facts = envelope::facts_of(what.wrapped);
    if (!facts) {
        return errc::corrupted;
    }
    for (const master_key& one : with) {
        if (one.id == facts->master) {
            return box_.unwrap(one.key, {what.workspace, what.generation}, keys_key(what.workspace),
                               what.wrapped);
        }
    }
    return errc::wrong_master_key;
}

// From memory where it came from the same text, else unwrapped and remembered.
result<data_key> key_ring::open(const wrapped_key& what)
{
    const auto known = keys_.find({what.workspace, what.generation});
    if (known != keys_.end() && known->second.wrapped == what.wrapped) {
        return data_key{what.generation, known->second.key};
    }
    result<secret> opened = unwrap(masters_, what);
    if (!opened) {
        return opened.error();
    }
    if (keys_.size() >= keys_max) {
        keys_.erase(keys_.begin());
    }
    auto key = std::make_shared<const secret>(std::move(*opened));
    keys_.insert_or_assign({what.workspace, what.generation}, remembered{what.wrapped, key});
    return data_key{what.generation, std::move(key)};
}

}  // namespace sallyport::vault
