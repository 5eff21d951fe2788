// What the internet may reach: the redirect target of OAuth and the providers' webhooks, nothing
// else (CONTRACT.md 3 `public`).
//
// Listeners of their own (listener.hpp), with or without TLS, without tokens, with small limits:
// a flood here takes no seat from the control listener, one client (client_group.hpp) has but a
// share of the seats, and a webhook's body alone may be large (webhook_inbox.hpp). Beyond
// callbacks_per_second_max of them, or a client's share, a callback is refused (429) before
// anything is looked up.
//
// Threading and lifetime: as control::server.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "control/server.hpp"

namespace sallyport::control {

constexpr std::size_t public_sessions_max = 128;  // of each listener
constexpr std::size_t public_sessions_of_client_max = 32;
constexpr std::size_t public_body_bytes_max = std::size_t{16} << 10;
constexpr std::chrono::seconds public_idle_timeout{5};
constexpr unsigned callbacks_per_second_max = 200;
constexpr unsigned callbacks_of_client_per_second_max = 50;

class public_server {
public:
    public_server(boost::asio::io_context& context, const settings& settings, services services);
    ~public_server();  // stops
    public_server(const public_server&) = delete;
    public_server& operator=(const public_server&) = delete;

    // Binds and starts accepting. Returns what to print after "listening public ", one per
    // listener. Throws std::runtime_error with one clear sentence.
    std::vector<std::string> open();
    void stop();
    bool is_busy() const;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

}  // namespace sallyport::control
