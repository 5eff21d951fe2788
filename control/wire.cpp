#include "control/wire.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <algorithm>
#include <span>
#include <utility>

#include "net/error.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t piece_bytes = std::size_t{16} << 10;  // of TLS, at once

}  // namespace

wire::wire(protocol::socket socket, const net::ssl_context& tls)
    : peer_(std::move(socket)), tls_(tls ? net::tls_engine::server(tls) : nullptr)
{
}

void wire::expires_after(std::chrono::steady_clock::duration limit) { peer_.expires_after(limit); }

asio::awaitable<error_code> wire::send(std::string_view bytes)
{
    const auto buffer = asio::buffer(bytes);
    const auto [error, written] = co_await asio::async_write(peer_, buffer, as_result);
    co_return error;
}

asio::awaitable<error_code> wire::receive_ciphertext()
{
    const std::size_t before = ciphertext_.size();
    ciphertext_.resize(before + piece_bytes);
    const auto space = asio::buffer(ciphertext_.data() + before, piece_bytes);
    const auto [error, bytes] = co_await peer_.async_read_some(space, as_result);
    ciphertext_.resize(before + bytes);
    co_return error;
}

asio::awaitable<error_code> wire::handshake()
{
    error_code failure;
    bool is_done = tls_ == nullptr;
    while (!is_done && !failure) {
        std::string_view input = ciphertext_;
        std::string output;
        const net::tls_engine::status step = tls_->handshake(input, output);
        ciphertext_.erase(0, ciphertext_.size() - input.size());
        if (!output.empty()) {
            auto sending = send(output);
            failure = co_await std::move(sending);
        }
        if (step == net::tls_engine::status::want_input && !failure) {
            auto receiving = receive_ciphertext();
            failure = co_await std::move(receiving);
        } else if (step != net::tls_engine::status::done && !failure) {
            failure = net::errc::tls_failed;
        }
        is_done = step == net::tls_engine::status::done;
    }
    co_return failure;
}

asio::awaitable<result<std::size_t>> wire::read_some(asio::mutable_buffer space)
{
    if (tls_ == nullptr) {
        const auto [error, bytes] = co_await peer_.async_read_some(space, as_result);
        co_return error ? result<std::size_t>(error) : result<std::size_t>(bytes);
    }
    const std::span<char> plain(static_cast<char*>(space.data()), space.size());
    for (;;) {
        std::string_view input = ciphertext_;
        std::string output;
        std::size_t bytes = 0;
        const net::tls_engine::status step = tls_->read(input, output, plain, bytes);
        ciphertext_.erase(0, ciphertext_.size() - input.size());
        error_code failure;
        if (!output.empty()) {
            auto sending = send(output);
            failure = co_await std::move(sending);
        }
        if (bytes != 0) {
            co_return bytes;
        }
        if (step == net::tls_engine::status::ended) {
            failure = asio::error::eof;
        } else if (step == net::tls_engine::status::failed) {
            failure = net::errc::tls_failed;
        } else if (!failure) {
            auto receiving = receive_ciphertext();
            failure = co_await std::move(receiving);
        }
        if (failure) {
            co_return failure;
        }
    }
}

asio::awaitable<error_code> wire::write(std::string_view bytes)
{
    if (tls_ == nullptr) {
        auto sending = send(bytes);
        co_return co_await std::move(sending);
    }
    error_code failure;
    while (!bytes.empty() && !failure) {
        const std::string_view piece = bytes.substr(0, std::min(bytes.size(), piece_bytes));
        bytes.remove_prefix(piece.size());
        std::string output;
        if (!tls_->write(piece, output)) {
            co_return net::errc::tls_failed;
        }
        auto sending = send(output);
        failure = co_await std::move(sending);
    }
    co_return failure;
}

asio::awaitable<void> wire::shut_down_output()
{
    if (tls_ != nullptr) {
        std::string output;
        tls_->shut_down(output);
        auto sending = send(output);
        co_await std::move(sending);
    }
    error_code ignored;  // The peer may have closed first; that is no news.
    peer_.socket().shutdown(protocol::socket::shutdown_send, ignored);
}

void wire::close() { peer_.close(); }

}  // namespace sallyport::control
