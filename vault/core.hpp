// What the keeper and its resolvers share: the store, the keys, the epochs, the lease.
//
// Threading: the control thread, but for the epochs and the lease (atomic) and what is const after
//            construction.
// Lifetime:  shared by the keeper, its resolvers, what they handed out and the questions under way
//            on the control thread, so that none of them cares in which order the others end.
// Limits:    a question that finds no lease waits for one, but no longer than lease_patience after
//            the last one ended.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "vault/envelope.hpp"
#include "vault/key_ring.hpp"
#include "vault/lease.hpp"
#include "vault/memory_guard.hpp"
#include "vault/refresh.hpp"
#include "vault/resolver.hpp"
#include "vault/store.hpp"
#include "vault/use_book.hpp"

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
    bool refreshable = false;
    unix_micros attention_at = resolved::never;
    std::shared_ptr<use_mark> mark;
};

constexpr std::chrono::milliseconds lease_patience{1000};

struct core final : lease_holder, std::enable_shared_from_this<core> {
    core(boost::asio::any_io_executor executor, std::unique_ptr<vault::store> opened,
         master_keys masters, std::chrono::milliseconds lease_length,
         const refresh_settings& refreshing);

    void changed(const fleet_change& change) override;
    void everything_changed() override;
    void lease_until(std::int64_t end) override;
    task<void> begin_anew() override;

    const boost::asio::any_io_executor control;
    const std::unique_ptr<vault::store> store;
    envelope box;
    key_ring keys;
    memory_guard guard;
    epoch_table connections;
    epoch_table runs;
    vault::lease lease;
    refresher refreshes;
    use_book uses;
    std::list<boost::asio::steady_timer*> waiting;  // for a lease
};

std::shared_ptr<core> make_core(boost::asio::any_io_executor control,
                                std::unique_ptr<vault::store> opened, master_keys masters,
                                std::chrono::milliseconds lease_length,
                                const refresh_settings& refreshing = {});

// The name of a run in caches and epochs. Neither part can hold a slash.
std::string run_name(std::string_view workspace, std::string_view run);

// The record and its credential in the clear, whatever its status; without fields where it has
// none.
task<opened_connection> open_connection(std::shared_ptr<core> shared, std::string id);

// The questions resolvers ask, to be spawned on the control thread.
task<answered_connection> answer_connection(std::shared_ptr<core> shared, std::string id);
task<bool> answer_run_live(std::shared_ptr<core> shared, std::string workspace, std::string run);

sealed_kind kind_of(const connection& record) noexcept;

// Under the workspace's newest key, for the record's credential_version.
task<std::string> seal_credential(std::shared_ptr<core> shared, connection record, secret packed);

std::unique_ptr<resolver> make_worker_resolver(std::shared_ptr<core> shared,
                                               boost::asio::io_context& worker);

}  // namespace sallyport::vault
