// Ends grants at their providers after they have ended here: in the background, until the provider
// says that it is done.
//
// What is to be ended are notes of the vault (held_credential.hpp), written before the connection
// lost its tokens; so nothing is lost by a killed gate, and any gate of the fleet may do it. The
// revocation here never waits for this one. How it stands is told with the tombstone
// (awaits_revocation), by the trail (connection.revoked with a detail) and by the counts.
//
// Threading: the control thread. Lifetime: the services outlive it, and it outlives its coroutines,
// which end soon after stop().
// Limits:    revocations_listed at a time, one after the other; a note lives for
//            revocation_lifetime, and pauses double up to revocation_pause_longest.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "audit/trail.hpp"
#include "control/held_credential.hpp"
#include "oauth/endpoint.hpp"
#include "vault/keeper.hpp"

namespace sallyport::control {

constexpr std::size_t revocations_listed = 64;
constexpr std::chrono::seconds revocation_pause_longest{3600};
// Who wrote the note has this long to take the tokens from the connection.
constexpr std::chrono::minutes revocation_patience{2};

class grant_revoker {
public:
    struct counts {
        std::uint64_t done = 0, not_supported = 0, failed = 0, dropped = 0;
        std::uint64_t waiting = 0;  // as of the last look
    };

    grant_revoker(boost::asio::io_context& context, vault::keeper& vault, audit::writer& trail,
                  oauth::endpoint& provider);
    ~grant_revoker();
    grant_revoker(const grant_revoker&) = delete;
    grant_revoker& operator=(const grant_revoker&) = delete;

    void start();
    void stop();
    // There is something to do now.
    void wake();

    counts totals() const noexcept;

private:
    struct state;
    static boost::asio::awaitable<void> serve(std::shared_ptr<state> self);
    static boost::asio::awaitable<void> look(std::shared_ptr<state> self);
    static boost::asio::awaitable<void> revoke(std::shared_ptr<state> self, std::string id);
    static boost::asio::awaitable<void> settle(std::shared_ptr<state> self, std::string id,
                                               held_credential held);

    std::shared_ptr<state> state_;  // shared with its coroutines
};

// True while a grant of this connection is still to be ended at its provider.
boost::asio::awaitable<bool> awaits_revocation(vault::notebook& notes, std::string connection_id);

}  // namespace sallyport::control
