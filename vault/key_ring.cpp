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

key_ring::key_ring(secret master_key, vault::store& store, envelope& box)
    : master_key_(std::move(master_key)), store_(store), box_(box)
{
}

task<void> key_ring::check_canary()
{
    std::string nobody;
    auto loading = load(nobody, first_generation);
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

task<data_key> key_ring::newest(std::string workspace)
{
    auto asking = store_.latest_generation(workspace);
    const result<std::uint32_t> generation = co_await std::move(asking);
    if (!generation) {
        co_return generation.error();
    }
    if (*generation == 0) {
        auto making = make(workspace, first_generation);
        result<data_key> made = co_await std::move(making);
        co_return made;
    }
    auto finding = find(workspace, *generation);
    result<data_key> found = co_await std::move(finding);
    co_return found;
}

task<data_key> key_ring::find(std::string workspace, std::uint32_t generation)
{
    const auto known = keys_.find({workspace, generation});
    if (known != keys_.end()) {
        const data_key kept{generation, known->second};
        co_return kept;
    }
    auto loading = load(workspace, generation);
    result<data_key> loaded = co_await std::move(loading);
    if (!loaded && loaded.error() == errc::not_found) {
        co_return errc::corrupted;
    }
    co_return loaded;
}

task<data_key> key_ring::load(std::string workspace, std::uint32_t generation)
{
    auto asking = store_.load_key(workspace, generation);
    const result<std::string> wrapped = co_await std::move(asking);
    if (!wrapped) {
        co_return wrapped.error();
    }
    result<secret> opened =
        box_.unwrap(master_key_, {workspace, generation}, keys_key(workspace), *wrapped);
    if (!opened) {
        co_return opened.error();
    }
    if (keys_.size() >= keys_max) {
        keys_.erase(keys_.begin());
    }
    auto key = std::make_shared<const secret>(std::move(*opened));
    keys_.insert_or_assign({workspace, generation}, key);
    const data_key fresh{generation, std::move(key)};
    co_return fresh;
}

task<data_key> key_ring::make(std::string workspace, std::uint32_t generation)
{
    const wrap_label what{workspace, generation, now_micros()};
    std::string wrapped = box_.wrap(master_key_, what, keys_key(workspace), random_key());
    auto inserting = store_.insert_key(workspace, generation, std::move(wrapped));
    const result<void> inserted = co_await std::move(inserting);
    // Where another gate was faster its key is the one that counts, so what is used is always what
    // the store gives back.
    if (!inserted && inserted.error() != errc::already_exists) {
        co_return inserted.error();
    }
    auto loading = load(workspace, generation);
    result<data_key> loaded = co_await std::move(loading);
    co_return loaded;
}

}  // namespace sallyport::vault
