// Refreshing credentials: when the time has come, once, however many ask (SECURITY.md F3 and cases
// 26 to 30).
//
// In a process all who ask for one connection wait for one flight. In a fleet a flight begins with
// a claim; whoever has it reads the record anew and does nothing where another has been faster. The
// fresh tokens are in the store before anybody gets them, by a compare-and-set: a rename under way
// is merged with, a revocation wins, and so does another credential. A store that is away after the
// provider has answered is asked again for a while, because the old refresh token may be worth
// nothing by then.
//
// Before the provider is asked a note says so (refresh_begun), so that after a crash, or an answer
// that got lost, the next attempt can say why it was refused. It is made once; what is rejected
// makes the connection reauth_required and is not tried again for a minute. What fails is tried
// again later and later; a note (refresh_pause) tells the fleet, and so a gate that starts anew.
//
// Threading: the control thread. Lifetime: a part of core; flights share core and end by
//            themselves.
// Limits:    flights_max at once; each waiter waits no longer than wait_limit(); refresh_flight.hpp
//            has those of a flight.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "vault/key_store.hpp"
#include "vault/lifecycle.hpp"
#include "vault/refresh_plan.hpp"
#include "vault/token_source.hpp"

namespace sallyport::vault {

struct core;

class refresh_flight;

// How it went, for a worker.
struct refresh_word {
    error_code error;
    std::chrono::seconds retry_after{0};
};

class refresher {
public:
    static constexpr std::size_t flights_max = 4096;
    static constexpr std::size_t pauses_max = 65536;  // remembered
    // How long a waiter waits beyond the provider's time.
    static constexpr std::chrono::milliseconds wait_slack{5'000};

    explicit refresher(const refresh_settings& settings) : settings_(settings) {}

    void use(std::shared_ptr<token_source> source, lifecycle_listener told,
             refresh_recorder recorder);

    // keeper::refresh
    static task<connection> refresh(std::shared_ptr<core> shared, std::string id,
                                    std::uint64_t stale_credential_version);

    static boost::asio::awaitable<refresh_word> word_of(std::shared_ptr<core> shared,
                                                        std::string id,
                                                        std::uint64_t stale_credential_version);

    // Whether, as far as the record tells, there is something to refresh with.
    bool can_refresh(const connection& record) const;
    unix_micros attention_of(const connection& record) const;
    // How long nothing will be tried; at least a second.
    std::chrono::seconds pause_left(std::string_view id) const;
    std::chrono::milliseconds wait_limit() const { return settings_.timeout + wait_slack; }
    bool is_busy() const noexcept { return !flights_.empty(); }

    // For flights.
    const refresh_settings& settings() const noexcept { return settings_; }
    const std::shared_ptr<token_source>& source() const noexcept { return source_; }
    std::optional<refresh_pause> pause_of(std::string_view id) const;
    void keep_pause(const std::string& id, const refresh_pause& pause);
    double chance() { return std::uniform_real_distribution<double>()(chance_); }  // [0, 1)
    void tell(const lifecycle_event& event) const;
    bool record(const connection& about) const;  // that it is about to be refreshed

private:
    std::shared_ptr<refresh_flight> board(const std::shared_ptr<core>& shared,
                                          const std::string& id, std::uint64_t stale);

    const refresh_settings settings_;
    std::shared_ptr<token_source> source_;
    lifecycle_listener told_;
    refresh_recorder recorder_;
    std::map<std::string, std::weak_ptr<refresh_flight>> flights_;  // They hold core.
    std::map<std::string, refresh_pause, std::less<>> pauses_;
    std::minstd_rand chance_{std::random_device{}()};
};

}  // namespace sallyport::vault
