// A caller's connection as the gate's own HTTP servers read and write it: TCP or unix, in the clear
// or under TLS.
//
// Every read, write and handshake ends by the deadline that expires_after() set; one that was
// overtaken by it reports beast::error::timeout, and the connection is then closed.
//
// Threading: the io_context's one. Lifetime: its session's. What passes through in the clear stays
// in the caller's buffers alone.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "control/listen.hpp"
#include "net/tls.hpp"

namespace sallyport::control {

class wire {
public:
    // A null context: in the clear.
    wire(protocol::socket socket, const net::ssl_context& tls);

    void expires_after(std::chrono::steady_clock::duration limit);
    // Nothing to do in the clear.
    boost::asio::awaitable<error_code> handshake();
    // At least one byte, or why there are none: asio::error::eof is the peer's orderly end.
    boost::asio::awaitable<result<std::size_t>> read_some(boost::asio::mutable_buffer space);
    // All of it. `bytes` live until it returns.
    boost::asio::awaitable<error_code> write(std::string_view bytes);
    // Nothing more will be written; reading goes on.
    boost::asio::awaitable<void> shut_down_output();
    void close();

private:
    boost::asio::awaitable<error_code> send(std::string_view bytes);
    boost::asio::awaitable<error_code> receive_ciphertext();

    boost::beast::basic_stream<protocol> peer_;
    std::unique_ptr<net::tls_engine> tls_;  // null in the clear
    std::string ciphertext_;                // received and not yet read
};

}  // namespace sallyport::control
