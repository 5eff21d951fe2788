#include "control/reading.hpp"

#include <openssl/crypto.h>

#include <boost/asio/error.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <algorithm>
#include <array>
#include <utility>

#include "control/listener.hpp"

namespace sallyport::control {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

constexpr std::size_t read_bytes = std::size_t{16} << 10;  // at once
constexpr std::chrono::seconds linger_timeout{2};

// Adds to the input what has come.
asio::awaitable<error_code> read_more(wire& peer, input_buffer& input)
{
    if (input.size() >= reading::bytes_max) {
        co_return http::error::buffer_overflow;
    }
    const auto space = input.prepare(std::min(read_bytes, reading::bytes_max - input.size()));
    auto reading = peer.read_some(space);
    const result<std::size_t> bytes = co_await std::move(reading);
    if (bytes) {
        input.commit(*bytes);
    }
    co_return bytes ? error_code() : bytes.error();
}

// Feeds the parser until it has what `is_enough` asks for.
asio::awaitable<error_code> parse(wire& peer, input_buffer& input, request_parser& parser,
                                  bool (*is_enough)(const request_parser&))
{
    error_code error;
    while (!is_enough(parser)) {
        if (input.size() != 0) {
            input.consume(parser.put(input.data(), error));
            if (error && error != http::error::need_more) {
                break;
            }
            if (!error) {
                continue;
            }
        }
        auto reading = read_more(peer, input);
        error = co_await std::move(reading);
        if (error == asio::error::eof && parser.got_some()) {
            parser.put_eof(error);
            break;
        }
        if (error) {
            break;
        }
    }
    if (error && error.category() != reading::nobody_there.category()) {
        error = reading::nobody_there;  // The connection failed or was too slow.
    }
    co_return error;
}

}  // namespace

asio::awaitable<error_code> reading::first_head(wire& peer, input_buffer& input,
                                                request_parser& parser)
{
    auto parsing =
        parse(peer, input, parser, [](const request_parser& now) { return now.is_header_done(); });
    co_return co_await std::move(parsing);
}

asio::awaitable<error_code> reading::head(wire& peer, input_buffer& input, request_parser& parser,
                                          std::chrono::milliseconds idle,
                                          std::chrono::milliseconds limit)
{
    if (input.size() == 0) {
        peer.expires_after(idle);
        auto reading = read_more(peer, input);
        const error_code error = co_await std::move(reading);
        if (error) {
            co_return reading::nobody_there;
        }
    }
    peer.expires_after(limit);
    auto parsing = first_head(peer, input, parser);
    co_return co_await std::move(parsing);
}

asio::awaitable<error_code> reading::body(wire& peer, input_buffer& input, request_parser& parser)
{
    if (parser.is_done()) {
        co_return error_code();
    }
    peer.expires_after(body_timeout);
    if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        auto writing = peer.write(go_on);
        const error_code error = co_await std::move(writing);
        if (error) {
            co_return reading::nobody_there;
        }
    }
    parser.eager(true);
    auto parsing =
        parse(peer, input, parser, [](const request_parser& now) { return now.is_done(); });
    co_return co_await std::move(parsing);
}

asio::awaitable<void> reading::close_politely(wire& peer, std::size_t bytes_most)
{
    peer.expires_after(linger_timeout);
    auto ending = peer.shut_down_output();
    co_await std::move(ending);
    std::array<char, 4096> waste{};
    const auto space = asio::buffer(waste);
    for (std::size_t total = 0; total < bytes_most;) {
        auto reading = peer.read_some(space);
        const result<std::size_t> bytes = co_await std::move(reading);
        if (!bytes) {
            break;
        }
        total += *bytes;
    }
    OPENSSL_cleanse(waste.data(), waste.size());
}

}  // namespace sallyport::control
