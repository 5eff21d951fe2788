// A connection to Redis as a stream of bytes, plain or TLS: what the wire, the subscriber and the
// greeting read from and write to. It models Asio's AsyncReadStream and AsyncWriteStream, so
// asio::async_write works on it.
//
// Threading: the io_context's thread; one read and one write may be under way together.
// Lifetime:  outlives its operations. Limits: none of its own: close() ends everything at once.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <optional>
#include <utility>

#include "base/result.hpp"

namespace sallyport::vault {

class redis_stream {
public:
    using tcp = boost::asio::ip::tcp;
    using tls_stream = boost::asio::ssl::stream<tcp::socket&>;
    using executor_type = tcp::socket::executor_type;

    explicit redis_stream(boost::asio::io_context& context) : resolver(context), socket(context) {}
    redis_stream(const redis_stream&) = delete;
    redis_stream& operator=(const redis_stream&) = delete;

    executor_type get_executor() { return socket.get_executor(); }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& into, Token&& token)
    {
        return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto handler, const Buffers& buffers) {
                tls ? tls->async_read_some(buffers, std::move(handler))
                    : socket.async_read_some(buffers, std::move(handler));
            },
            token, into);
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& from, Token&& token)
    {
        return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto handler, const Buffers& buffers) {
                tls ? tls->async_write_some(buffers, std::move(handler))
                    : socket.async_write_some(buffers, std::move(handler));
            },
            token, from);
    }

    // What is under way ends with an error. Without TLS's farewell: nothing is left to be said.
    void close()
    {
        error_code ignored;  // It is of no use any more either way.
        resolver.cancel();
        socket.close(ignored);
    }

    // For whoever connects it (redis_dial.cpp).
    tcp::resolver resolver;
    tcp::socket socket;
    std::optional<tls_stream> tls;  // Set before the handshake, if there is to be one.
};

}  // namespace sallyport::vault
