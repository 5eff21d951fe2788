// Reading a request from a caller's connection (RFC 9112), piece by piece as it comes, and taking
// leave. Each has its own limit of time (listener.hpp).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <chrono>
#include <cstddef>

#include "control/http.hpp"
#include "control/wire.hpp"

namespace sallyport::control::reading {

constexpr std::size_t bytes_max = std::size_t{80} << 10;  // read and not yet parsed

// What both answer where there is nothing to say any more: the peer left, was too slow, or never
// began. Any other error is one of what was sent.
inline const error_code nobody_there = boost::beast::http::error::end_of_stream;

// Waits for the next request's first byte, then reads its head.
boost::asio::awaitable<error_code> head(wire& peer, input_buffer& input, request_parser& parser,
                                        std::chrono::milliseconds idle,
                                        std::chrono::milliseconds limit);
// The same of a connection's first request, in the time that runs already.
boost::asio::awaitable<error_code> first_head(wire& peer, input_buffer& input,
                                              request_parser& parser);
boost::asio::awaitable<error_code> body(wire& peer, input_buffer& input, request_parser& parser);

// A connection closed over unread bytes is reset, and the reset may overtake the answer: so reads
// on for a while, and `bytes_most` at most, what the caller still sends.
boost::asio::awaitable<void> close_politely(wire& peer, std::size_t bytes_most);

}  // namespace sallyport::control::reading
