// What the internet may reach: the redirect target of OAuth and the providers' webhooks, nothing
// else (CONTRACT.md 3 `public`).
//
// Listeners of their own (listener.hpp), with or without TLS, without tokens, with small limits:
// a flood here takes no seat from the control listener, and its bodies are as large as a webhook's
// may be. Beyond callbacks_per_second_max of them a callback is refused (429) before anything is
// looked up.
//
// Threading and lifetime: as control::server.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "control/server.hpp"

namespace sallyport::control {

constexpr std::size_t public_sessions_max = 128;  // of each listener
constexpr std::size_t public_body_bytes_max = std::size_t{256} << 10;
constexpr unsigned callbacks_per_second_max = 50;

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
