// Where sealed connections, wrapped keys and the states of runs are kept. A store never sees a
// credential in the clear and never decides who may ask.
//
// Threading: call from the executor the store was built on (the control thread).
// Lifetime:  outlives every caller. Arguments are taken by value: the caller owes them no lifetime.
// Failure:   errc::unavailable when the backend could not be asked within its time limit; the
//            others as each function says. What was acknowledged survives kill -9 (G8).
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "vault/archive.hpp"
#include "vault/connection.hpp"
#include "vault/key_store.hpp"
#include "vault/lease_holder.hpp"
#include "vault/note_store.hpp"

namespace sallyport::vault {

struct stored_connection {
    connection record;
    std::string sealed;  // Sealed credential (envelope.hpp); empty if there is none.
};

// When a connection was last used for a call.
struct connection_use {
    std::string id;
    unix_micros at = 0;
};

struct run_record {
    std::string workspace;
    std::string run;
    std::string user;
    std::string app;
    unix_micros started_at = 0;
    unix_micros expires_at = 0;
    unix_micros ended_at = 0;  // 0: live
};

// None: whatever version it has.
using version_wish = std::optional<std::uint64_t>;

// Tokens are accepted a little beyond their end (leeway): an ended run must be known longer.
constexpr unix_micros ended_run_margin = 300'000'000;

class store {
public:
    static constexpr std::size_t everything = std::numeric_limits<std::int32_t>::max();

    virtual ~store() = default;

    // Connections. errc::not_found, errc::already_exists (id or name), errc::version_conflict: also
    // where what is to be sealed there is not sealed under the workspace's newest data key.
    virtual task<stored_connection> load(std::string id) = 0;
    virtual task<void> insert(stored_connection fresh) = 0;
    // Replaces the record read at `expected_version`; writes expected_version + 1.
    virtual task<void> replace(stored_connection changed, std::uint64_t expected_version) = 0;
    // Deletes the credential, sets `revoked`, keeps the tombstone. Idempotent. Returns the record
    // as it stood before. This and remove(): of the version given, or of any.
    virtual task<connection> revoke(std::string id, std::string reason, version_wish only) = 0;
    virtual task<void> remove(std::string id, version_wish only) = 0;
    task<connection> revoke(std::string id, std::string reason)
    {
        return revoke(std::move(id), std::move(reason), std::nullopt);
    }
    task<void> remove(std::string id) { return remove(std::move(id), std::nullopt); }
    // By id, from behind `after`. "" stands for any; with a user only those the user owns, not
    // those shared with the workspace by others.
    virtual task<std::vector<connection>> list(std::string workspace, std::string user,
                                               std::string after, std::size_t limit) = 0;
    task<std::vector<connection>> list(std::string workspace, std::string user)
    {
        return list(std::move(workspace), std::move(user), "", everything);
    }

    // Notes each use that is later than the one noted before, of connections that there are. It
    // stands beside the record: neither version nor anything cached moves by it. All or nothing.
    virtual task<void> save_uses(std::vector<connection_use> uses) = 0;

    // The wrapped data keys of the workspaces, the notes, and everything a backup holds.
    virtual key_store& keys() noexcept = 0;
    virtual note_store& notes() noexcept = 0;
    virtual archive& contents() noexcept = 0;

    // Runs. A run that was never recorded is live; an ended one stays ended until it would have
    // expired and ended_run_margin after. errc::already_exists while a live one, or one that is
    // still known as ended, has the name.
    virtual task<void> put_run(run_record run) = 0;
    virtual task<void> end_run(std::string workspace, std::string run, unix_micros keep_until) = 0;
    virtual task<bool> run_ended(std::string workspace, std::string run) = 0;
    // The live ones by name, from behind `after`.
    virtual task<std::vector<run_record>> list_runs(std::string workspace, std::string after,
                                                    std::size_t limit) = 0;
    task<std::vector<run_record>> list_runs(std::string workspace)
    {
        return list_runs(std::move(workspace), "", everything);
    }

    // From here on the holder is told what has changed, and until when it may use what it knows.
    // A lease that ends is given again as soon as one can be had; the store of one process gives it
    // for ever.
    virtual void hold_lease(std::weak_ptr<lease_holder> holder,
                            std::chrono::milliseconds length) = 0;
    // Returns once no process can use any more what was changed before the call: after it has said
    // so, or after its lease has ended. errc::unavailable.
    virtual task<void> settle() = 0;

    // Why it cannot be asked now; empty: it can, as far as the last question showed.
    virtual std::string trouble() const = 0;
    // What weakens the store's promises without stopping it, one sentence each. Asked once, at
    // start.
    virtual task<std::vector<std::string>> warnings() = 0;
};

}  // namespace sallyport::vault
