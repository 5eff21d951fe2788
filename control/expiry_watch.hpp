// Tells of connections that are about to end and cannot renew themselves: once each, a while
// before, in the trail (connection.expiring) and to the receivers of events.
//
// Threading: the control thread. Lifetime: the services outlive it, and it outlives its coroutines,
// which end soon after stop(). Limits: one look an hour, one gate of the fleet after the other,
// over connections_listed at a time, and one at each connection that comes or changes; expiring_max
// are counted.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "audit/trail.hpp"
#include "vault/keeper.hpp"

namespace sallyport::control {

constexpr std::size_t connections_listed = 256;
constexpr std::size_t expiring_max = std::size_t{1} << 16;

class expiry_watch {
public:
    using listener = std::function<void(std::string_view kind, const vault::connection& record)>;

    expiry_watch(boost::asio::io_context& context, vault::keeper& vault, audit::writer& trail,
                 std::chrono::milliseconds ahead, listener told);
    ~expiry_watch();
    expiry_watch(const expiry_watch&) = delete;
    expiry_watch& operator=(const expiry_watch&) = delete;

    void start();
    void stop();

    // The time of warning is another from now on; 0: nobody is warned.
    void use(std::chrono::milliseconds ahead);
    // A connection that may have come or changed; and one that is no more.
    void look_at(const vault::connection& record);
    void forget(const vault::connection& record);

    // Connections that will end within the time of warning, as far as this gate has looked.
    std::uint64_t expiring() const noexcept;

private:
    struct state;
    static boost::asio::awaitable<void> serve(std::shared_ptr<state> self);
    static boost::asio::awaitable<void> look(std::shared_ptr<state> self);
    static boost::asio::awaitable<void> look_at_one(std::shared_ptr<state> self,
                                                    vault::connection record);
    static boost::asio::awaitable<bool> judge(std::shared_ptr<state> self,
                                              vault::connection record);
    static boost::asio::awaitable<bool> ends(std::shared_ptr<state> self, vault::connection record);
    static boost::asio::awaitable<void> warn(std::shared_ptr<state> self, vault::connection record);

    std::shared_ptr<state> state_;  // shared with its coroutines
};

}  // namespace sallyport::control
