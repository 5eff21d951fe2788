// Asks providers, for connections that wait for a user to type a code in elsewhere, whether that
// has happened (RFC 8628): again and again, until it is decided (device_flow.hpp).
//
// What is waited for are notes of the vault, so it outlives a killed gate. Every gate of the fleet
// comes by when a note says that it is time; whoever is first asks.
//
// Threading: the control thread. Lifetime: the services outlive the io_context's last handler; the
// poller may go earlier.
// Limits:    device_polls_max questions at once, each as long as oauth::exchange_limit; beyond
//            them devices wait their turn. An attempt ends when the provider's code does.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <memory>

#include "control/server.hpp"

namespace sallyport::control {

constexpr std::size_t device_polls_max = 32;
constexpr std::size_t devices_listed = 256;  // by one question
// How often a gate looks for new ones. No provider is asked within its first seconds.
constexpr std::chrono::seconds device_look_interval{5};

class device_poller {
public:
    device_poller(boost::asio::io_context& context, services gate);
    ~device_poller();  // stops
    device_poller(const device_poller&) = delete;
    device_poller& operator=(const device_poller&) = delete;

    void start();
    void stop();

private:
    struct state;
    std::shared_ptr<state> state_;  // shared with its coroutines
};

}  // namespace sallyport::control
