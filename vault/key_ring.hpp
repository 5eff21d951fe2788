// The workspaces' data keys: made at first use, wrapped under the master key in the store, kept in
// memory as secrets.
//
// Threading: the control thread. Lifetime: the store outlives it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "vault/envelope.hpp"
#include "vault/secret.hpp"
#include "vault/store.hpp"

namespace sallyport::vault {

struct data_key {
    std::uint32_t generation = 0;
    std::shared_ptr<const secret> key;  // Shared with the ring, which may forget it meanwhile.
};

class key_ring {
public:
    static constexpr std::size_t keys_max = 4096;  // in memory

    key_ring(secret master_key, vault::store& store, envelope& box);

    // Proves that the store was sealed under this master key, or marks a new store as such. The
    // proof is a key that wraps nothing, kept for the workspace without a name.
    // errc::wrong_master_key, corrupted, unavailable.
    task<void> check_canary();

    // The key new records of the workspace are sealed with; its first one is made here.
    task<data_key> newest(std::string workspace);
    // errc::corrupted if the store has no such key: a record named it.
    task<data_key> find(std::string workspace, std::uint32_t generation);

private:
    task<data_key> load(std::string workspace, std::uint32_t generation);
    task<data_key> make(std::string workspace, std::uint32_t generation);

    secret master_key_;
    vault::store& store_;
    envelope& box_;
    std::map<std::pair<std::string, std::uint32_t>, std::shared_ptr<const secret>> keys_;
};

}  // namespace sallyport::vault
