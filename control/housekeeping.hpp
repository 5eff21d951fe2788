// What the gate looks after by itself: each minute, authorisations that nobody finished; at their
// own pace, devices that a user is to type a code into; and at any time, what the vault says has
// happened to a connection.
//
// Every gate of a fleet looks each minute; a claim sees to it that one does the work.
//
// Threading: the control thread. Lifetime: the services outlive the io_context's last handler; the
// housekeeper may go earlier.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <memory>

#include "control/device_poller.hpp"
#include "control/server.hpp"

namespace sallyport::control {

constexpr std::chrono::seconds housekeeping_interval{60};
// An authorisation is left alone this long beyond its end: a callback may be at work on it.
constexpr std::chrono::seconds abandonment_grace{60};
constexpr std::size_t abandoned_at_once = 256;  // read from the notebook by one question

class housekeeper {
public:
    housekeeper(boost::asio::io_context& context, services services);
    ~housekeeper();  // stops
    housekeeper(const housekeeper&) = delete;
    housekeeper& operator=(const housekeeper&) = delete;

    void start();
    void stop();

    // For vault::keeper::use_tokens: the trail's line, and tokens that came for a connection that
    // is no more are left to be revoked.
    void tell(const vault::lifecycle_event& event);
    // For the same: the line that a refresh leaves before it is begun. False: it is not there.
    bool record_refreshing(const vault::connection& about);

private:
    struct state;
    std::shared_ptr<state> state_;  // shared with the loop, which may end later
    device_poller devices_;
};

// Ends the authorisations whose time was up `abandonment_grace` before `now`: their connections go
// back to what they were, and tokens that nobody came for are left to be revoked.
boost::asio::awaitable<void> end_abandoned(const services& gate, unix_micros now);

}  // namespace sallyport::control
