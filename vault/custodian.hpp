// What an administrator does with the vault as a whole: look after its keys, back it up and put a
// backup back.
//
// Threading: the control thread. Lifetime: a part of the keeper, whose tasks end before it does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vault/backup.hpp"
#include "vault/key_store.hpp"
#include "vault/master_key.hpp"
#include "vault/rotation.hpp"

namespace sallyport::vault {

struct core;

// One wrapped key, as far as it may be shown.
struct key_facts {
    std::string workspace;  // "": the canary
    std::uint32_t generation = 0;
    bool shredded = false;
    key_id master{};
    unix_micros created_at = 0;
};

struct workspace_keys {
    std::vector<key_facts> generations;    // ascending
    std::vector<std::uint64_t> records;    // how many are sealed under each of them
    std::uint64_t unknown_generation = 0;  // records that name none of these
};

class custodian {
public:
    explicit custodian(std::shared_ptr<core> shared);

    // The keys' ids alone; the active one first.
    std::vector<key_id> masters() const;
    // Takes the settings' master keys, where the store's canary opens under one of them. Throws
    // boost::system::system_error (a std::runtime_error) with one clear sentence where one cannot
    // be read. errc::wrong_master_key, corrupted, unavailable: nothing has changed.
    task<void> change_masters(const settings& settings);

    rotation& rotating() noexcept { return rotation_; }

    // Up to `limit` by workspace and generation. errc::invalid_id: `after` is no `next` of a page.
    task<page<key_facts>> list(std::string after, std::size_t limit);
    // Reads every record of the workspace.
    task<workspace_keys> show(std::string workspace);

    // Deletes every key of the workspace, those of its captured bodies first, and every credential
    // in it, for good, and makes it bite on all workers of this gate. How many connections were
    // revoked.
    task<std::uint64_t> shred(std::string workspace, std::string reason);

    // What captured bodies of the workspace are sealed under (sealed_body.hpp): the newest key,
    // made at first use; or the one of a generation. errc::not_found where the workspace was
    // shredded.
    task<data_key> body_key(std::string workspace);
    task<data_key> body_key(std::string workspace, std::uint32_t generation);
    // Bodies captured from now on are sealed under a new key, where there is one.
    task<void> renew_body_key(std::string workspace);

    // A page of what a backup holds: keys, connections or runs. errc::invalid_id: no such part.
    task<page<backup_item>> back_up(std::string part, std::string after);
    // Puts one item back; one that stands there already, as it is in the backup, is left alone:
    // then the answer is false. errc::already_exists where something else has its place or name,
    // wrong_master_key or corrupted for a key that does not open, version_conflict for what is not
    // sealed under the newest key (backup.hpp: order_of).
    task<bool> put_back(backup_item item);

private:
    task<bool> put_back_key(wrapped_key key);
    task<bool> put_back_connection(stored_connection stored);
    task<bool> put_back_run(run_record run);

    std::shared_ptr<core> core_;
    rotation rotation_;
};

}  // namespace sallyport::vault
