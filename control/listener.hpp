// One HTTP/1.1 listener of the control plane and its sessions; what is served is decided elsewhere,
// by a function that sees each request's head (server.hpp, public_server.hpp).
//
// Keep-alive, in the clear or under TLS, on TCP or an owner-only unix socket. Chunked requests are
// refused (411), so that a body's length is known before its first byte is read. The memory that
// requests pass through is wiped when it is given back (wiping.hpp).
//
// Threading: everything runs on the one thread of the io_context given. Lifetime: the listener may
// go before its sessions; what its admission borrows may not.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "control/routes.hpp"
#include "net/settings.hpp"

namespace sallyport::control {

constexpr std::size_t head_bytes_max = std::size_t{16} << 10;
// For a request's head, from its first byte on; a connection's first has as long from the
// connection's beginning on, the TLS handshake included.
constexpr std::chrono::seconds head_timeout{10};
constexpr std::chrono::seconds body_timeout{30};
constexpr std::chrono::seconds idle_timeout{75};  // between two requests of one connection
constexpr std::chrono::seconds write_timeout{30};
// A wrong token is answered this late and its connection closed: with the sessions' number it
// bounds how many can be tried.
constexpr std::chrono::milliseconds wrong_token_delay{100};

struct listener_limits {
    std::size_t sessions_max;  // callers at once; further ones wait in the backlog
    // Of one client (client_group.hpp): further ones are closed. 0: all of them.
    std::size_t sessions_of_client_max = 0;
    std::size_t body_bytes_max;
    std::size_t raw_body_bytes_max = 0;  // on routes that take their body raw
    std::chrono::milliseconds head = head_timeout;
    std::chrono::milliseconds idle = idle_timeout;
};

using admission = std::function<std::variant<answer, admitted>(const head&)>;

class listener {
public:
    // `key` is the configuration's name of the listener, for what open() may have to say. The
    // sessions keep `admit`, and what it owns, as long as they last.
    listener(boost::asio::io_context& context, net::listen_address address, std::string key,
             listener_limits limits, admission admit);
    ~listener();  // stops
    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;

    // Binds and starts accepting. Returns unix:PATH, http://127.0.0.1:PORT or https://... Throws
    // std::runtime_error with one clear sentence. A socket file left behind by a dead gate is
    // replaced; one that somebody listens on is not.
    std::string open();

    // Accepts no more, closes what is idle, and lets a request that is being answered finish its
    // deed (its caller may not hear of it). Idempotent.
    void stop();
    // Whether a request is being answered.
    bool is_busy() const;

private:
    struct state;
    std::shared_ptr<state> state_;  // shared with the sessions: they may end after the listener
};

}  // namespace sallyport::control
