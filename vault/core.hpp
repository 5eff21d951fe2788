// What the keeper and its resolvers share: the store, the keys, the epochs.
//
// Threading: the control thread, but for the epochs (atomic) and what is const after construction.
// Lifetime:  shared by the keeper, its resolvers, what they handed out and the questions under way
// on
//            the control thread, so that none of them cares in which order the others end.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "vault/envelope.hpp"
#include "vault/key_ring.hpp"
#include "vault/memory_guard.hpp"
#include "vault/resolver.hpp"
#include "vault/store.hpp"

namespace sallyport::vault {

// A field of a cached credential, sealed for this process's memory.
struct guarded_field {
    std::string name;
    std::string label;  // What the guard binds it to.
    std::string sealed;
};

struct answered_connection {
    connection record;
    std::vector<guarded_field> fields;  // None unless the connection is active.
};

struct core {
    core(boost::asio::any_io_executor executor, std::unique_ptr<vault::store> opened,
         master_keys masters, std::chrono::milliseconds lease_length);

    // When an entry asked for at `sent` may no longer be used, whatever its epoch says.
    std::int64_t good_until(std::int64_t sent) const noexcept;

    const boost::asio::any_io_executor control;
    const std::unique_ptr<vault::store> store;
    envelope box;
    key_ring keys;
    memory_guard guard;
    epoch_table connections;
    epoch_table runs;
    const std::chrono::milliseconds lease;
};

// The name of a run in caches and epochs. Neither part can hold a slash.
std::string run_name(std::string_view workspace, std::string_view run);

// The questions resolvers ask, to be spawned on the control thread.
task<answered_connection> answer_connection(std::shared_ptr<core> shared, std::string id);
task<bool> answer_run_live(std::shared_ptr<core> shared, std::string workspace, std::string run);

sealed_kind kind_of(const connection& record) noexcept;

std::unique_ptr<resolver> make_worker_resolver(std::shared_ptr<core> shared,
                                               boost::asio::io_context& worker);

}  // namespace sallyport::vault
