// The workspaces' data keys: made at first use, wrapped under the active master key in the store,
// kept in memory as secrets. Any of the master keys opens what it wrapped.
//
// A key in memory is remembered with the wrapped text it came from. Who seals asks the store what
// the newest key is each time, and uses the memory only where the texts agree: so nothing is ever
// sealed under a key that the store has lost, whatever has happened to the store meanwhile.
//
// Threading: the control thread. Lifetime: the store outlives it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "vault/envelope.hpp"
#include "vault/key_store.hpp"
#include "vault/master_key.hpp"
#include "vault/secret.hpp"

namespace sallyport::vault {

struct data_key {
    std::uint32_t generation = 0;
    std::shared_ptr<const secret> key;  // Shared with the ring, which may forget it meanwhile.
};

class key_ring {
public:
    static constexpr std::size_t keys_max = 4096;  // in memory

    key_ring(master_keys masters, key_store& store, envelope& box);

    // Proves that the store was sealed under one of these master keys, or marks a new store as
    // such. The proof is a key that wraps nothing, kept for the workspace without a name.
    // errc::wrong_master_key, corrupted, unavailable.
    task<void> check_canary();

    const master_keys& masters() const noexcept { return masters_; }
    // Other master keys, if the store's canary opens under one of them: errors as above, and then
    // nothing has changed.
    task<void> replace_masters(master_keys fresh);

    // The key new records of the workspace are sealed with; its first one is made here.
    task<data_key> newest(std::string workspace);
    // Makes the generation, or finds that somebody else just did.
    task<data_key> make(std::string workspace, std::uint32_t generation);
    // errc::not_found if the store has no such key (any more).
    task<data_key> find(std::string workspace, std::uint32_t generation);

    // The same key wrapped under the active master key. errc::wrong_master_key if none of ours
    // opens it, corrupted.
    result<std::string> rewrap(const wrapped_key& old);
    bool is_under_active(const wrapped_key& one) const noexcept;

    // Other gates and the store itself may make keys in memory worthless.
    void forget(std::string_view workspace);
    void forget_all() noexcept { keys_.clear(); }

private:
    struct remembered {
        std::string wrapped;
        std::shared_ptr<const secret> key;
    };

    result<secret> unwrap(const master_keys& with, const wrapped_key& what);
    result<data_key> open(const wrapped_key& what);

    master_keys masters_;
    key_store& store_;
    envelope& box_;
    std::map<std::pair<std::string, std::uint32_t>, remembered> keys_;
};

}  // namespace sallyport::vault
