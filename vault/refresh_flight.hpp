// One attempt to refresh one connection's credential, from the first look at its record to its
// outcome. refresh.hpp says what it promises.
//
// Threading: the control thread. Lifetime: shared by the refresher, whoever waits and its own
// coroutine.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "vault/core.hpp"
#include "vault/note_store.hpp"
#include "vault/notebook.hpp"
#include "vault/refresh.hpp"

namespace sallyport::vault {

class refresh_flight {
public:
    // How long a claim holds beyond the provider's time, and how much of that may have passed
    // before the provider is asked.
    static constexpr std::chrono::milliseconds claim_slack{3'000};
    static constexpr std::chrono::milliseconds late_to_ask{2'000};
    // How long after its time limit a question may take to end.
    static constexpr std::chrono::milliseconds cancel_patience{1'000};
    // How long an answer's tokens are kept in memory for a store that is away.
    static constexpr std::chrono::seconds store_patience{60};
    static constexpr int changes_max = 64;  // of the record, by others, while one is stored

    refresh_flight(std::shared_ptr<core> shared, std::string id, std::uint64_t stale);

    std::uint64_t stale() const noexcept { return stale_; }
    // The flight is kept by whoever awaits this.
    task<connection> fly();

    std::optional<result<connection>> outcome;
    boost::asio::steady_timer ended;  // Cancelled when there is an outcome.

private:
    using answer_or_go_on = std::optional<connection>;

    task<answer_or_go_on> look();
    task<answer_or_go_on> get_claim();
    task<answer_or_go_on> prepare();
    task<void> read_pause();
    task<void> write_begun();
    task<void> release();
    task<connection> ask_and_settle();
    task<void> unwrite_begun();
    boost::asio::awaitable<refresh_answer> ask(opened_connection current);

    // refresh_settle.cpp: what follows from the answer.
    task<connection> settle(connection before, refresh_answer answer);
    task<connection> store_tokens(connection before, fresh_tokens tokens);
    task<connection> try_store(const fresh_tokens* tokens);
    task<connection> keep_stored(connection before, connection after);
    task<connection> orphan(connection before, fresh_tokens tokens);
    task<connection> require_reauth(std::string reason);
    task<connection> fail(connection before, refresh_answer answer);
    task<void> share_pause(std::string workspace, refresh_pause pause);
    task<void> forget_notes();
    // Notes how it went and tells of it.
    boost::asio::awaitable<void> conclude(lifecycle_event event);

    refresher& all() noexcept { return core_->refreshes; }

    const std::shared_ptr<core> core_;
    const std::string id_;
    const std::uint64_t stale_;
    std::uint64_t claim_ = 0;
    std::chrono::steady_clock::time_point claimed_at_;
    bool interrupted_ = false;  // an earlier attempt never heard the answer
    bool superseded_ = false;   // another credential came first
    std::string sent_;          // the sealed text last sent to the store
};

}  // namespace sallyport::vault
