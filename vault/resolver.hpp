// From a connection id to a credential that can be used now: the cache in front of the store.
//
// One per worker, used on that worker's thread alone, and destroyed before its io_context. What a
// worker may still use is decided by two things shared with the control thread, so that `revoke`
// can return knowing that it has bitten: a table of epochs indexed by a hash of the id, and a
// lease. An entry is stamped with the epoch read before its question was sent and good while that
// stands and while the gate has its lease: one deadline for all, which moves on as long as the
// store is heard from (lease.hpp). A store that nobody else can change gives it for ever.
//
// The resolver answers for every id, whoever owns it: the caller compares workspace, user and
// provider, and asks only for ids that the run's token names. What is another's and what does not
// exist must not differ in time: what exists is cached and what does not is never remembered, so a
// caller free to ask for any id could tell the two apart by asking twice.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "vault/connection.hpp"
#include "vault/secret.hpp"

namespace sallyport::vault {

// One for connections and one for runs. Moving an id's epoch makes every cached entry under it
// stale at once, on every worker. Collisions only cost a fetch.
class epoch_table {
public:
    static constexpr std::size_t slots = 1 << 16;
    std::atomic<std::uint64_t>& slot(std::string_view id) const noexcept;
    void move(std::string_view id) noexcept { slot(id).fetch_add(1, std::memory_order_seq_cst); }
    void move_all() noexcept;

private:
    std::unique_ptr<std::atomic<std::uint64_t>[]> epochs_ =
        std::make_unique<std::atomic<std::uint64_t>[]>(slots);
};

// Milliseconds of CLOCK_BOOTTIME: keeps counting while the machine sleeps, so a lease cannot be
// slept through.
std::int64_t boot_millis() noexcept;

// When a connection was last used for a call: boot_millis(), 0 for never. Shared by the gate's
// workers, which write it, and the control thread, which sees to it that it is kept (use_book.hpp).
using use_mark = std::atomic<std::int64_t>;

// A connection with its credential, as the cache holds it. The credential is kept sealed under a
// key of this process and opened for each use.
class resolved {
public:
    virtual ~resolved() = default;
    virtual const connection& record() const noexcept = 0;
    // Writes the field's value into `out` (its old content is wiped). errc::not_found: no such
    // field.
    virtual result<void> open(std::string_view field, secret& out) const = 0;
    // True while the entry may be used: its epoch stands and the lease holds.
    virtual bool good(std::int64_t boot_millis_now) const noexcept = 0;

    // Whether there is something to refresh it with, as far as the record tells.
    virtual bool refreshable() const noexcept { return false; }

    // When the credential next needs a look: its refresh is due or, where it cannot be refreshed,
    // it expires. Whoever has seen to it moves this on. Microseconds since 1970.
    static constexpr unix_micros never = std::numeric_limits<unix_micros>::max();
    mutable unix_micros attention_at = never;

    // A call is let through with it. Writes once a millisecond at the most, however many calls.
    void used(std::int64_t boot_millis_now) const noexcept
    {
        if (mark && mark->load(std::memory_order_relaxed) < boot_millis_now) {
            mark->store(boot_millis_now, std::memory_order_relaxed);
        }
    }
    std::shared_ptr<use_mark> mark;  // null: it is not noted

    // For what a caller computes from the record once per fetch (compiled scopes): kept with it.
    mutable std::shared_ptr<const void> note;
};

// What became of a wish for a fresher credential.
struct fresher {
    // As it stands now: perhaps with the credential it had, perhaps not active any more. Null where
    // there is an error: errc::refresh_failed, cannot_refresh, and those of fetch().
    std::shared_ptr<const resolved> found;
    error_code error;
    std::chrono::seconds retry_after{0};  // refresh_failed
};

class resolver {
public:
    virtual ~resolver() = default;
    // The warm way: null when it is not cached or may no longer be used. No lock, no allocation.
    virtual std::shared_ptr<const resolved> cached(std::string_view id,
                                                   std::int64_t boot_millis_now) noexcept = 0;
    // The cold way: asks the store on the control thread, comes back on the worker's. Concurrent
    // calls for one id share one question. errc::not_found, unavailable, corrupted. A connection
    // that is not active is returned too, without a credential. Throws operation_aborted if the
    // calling coroutine is cancelled; the question goes on and its answer is cached.
    virtual boost::asio::awaitable<result<std::shared_ptr<const resolved>>> fetch(
        std::string id) = 0;
    // Waits until the credential is another than the one of that version, or surely will not be for
    // now (keeper::refresh). Calls that wait for the same share one question. Throws
    // operation_aborted as fetch() does; the refresh goes on.
    virtual boost::asio::awaitable<fresher> fetch_fresher(
        std::string id, std::uint64_t stale_credential_version) = 0;
    // The same without waiting: whoever fetches after the refresh finds its outcome.
    virtual void begin_refresh(std::string id, std::uint64_t stale_credential_version) = 0;
    // True once nothing has been heard of the store for a lease beyond the last one: what was good
    // when a call began cannot be confirmed any more.
    virtual bool out_of_reach(std::int64_t boot_millis_now) const noexcept = 0;
    // The same pair for runs. `cached_run_live`: 1 live, 0 ended, -1 not known.
    virtual int cached_run_live(std::string_view workspace, std::string_view run,
                                std::int64_t boot_millis_now) noexcept = 0;
    virtual boost::asio::awaitable<result<bool>> fetch_run_live(std::string workspace,
                                                                std::string run) = 0;
};

}  // namespace sallyport::vault
