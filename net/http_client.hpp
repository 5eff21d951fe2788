// One HTTP/1.1 request to somebody else's server, and its answer: token endpoints, revocations,
// webhooks. Not for calls, which stream (proxy/).
//
// The way there is the calls' way: every resolved address is checked before one of exactly those is
// connected to, TLS is verified, and a redirect is an answer, never followed. One connection serves
// one request. Requests and answers hold secrets: their memory is wiped when it is given back.
//
// Threading: the thread that runs the io_context, which outlives the client; the client outlives
// its coroutines. Limits: below; `limit` covers the whole exchange, looking up the name included.
// Source: RFC 9110, RFC 9112.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/wiping.hpp"
#include "net/lookups.hpp"
#include "net/tls.hpp"

namespace sallyport::net {

constexpr std::size_t http_answer_bytes_max = std::size_t{1} << 20;
constexpr std::size_t http_answer_head_bytes_max = std::size_t{32} << 10;
constexpr std::size_t http_interim_answers_max = 8;  // 1xx before the answer
constexpr std::size_t http_url_bytes_max = 16 * 1024;
constexpr std::size_t http_request_bytes_max = std::size_t{1} << 20;

using http_fields = std::vector<std::pair<std::string, wiped_string>>;

struct http_request {
    std::string method = "POST";
    wiped_string url;  // https://host[:port]/path[?query], everything encoded; no user, no fragment
    http_fields headers;
    wiped_string body;
    bool private_addresses = false;  // permits what is_public() refuses
    bool plain_http = false;         // permits http://
    ssl_context tls;                 // null: the system's roots
};

struct http_answer {
    unsigned status = 0;
    http_fields headers;
    wiped_string body;

    // The first field of that name, whatever its case; empty: none.
    std::string_view header(std::string_view name) const noexcept;
};

class http_client {
public:
    explicit http_client(boost::asio::io_context& io);

    // errc::bad_request (a URL, method or field that cannot be sent), resolve_failed,
    // address_forbidden, connect_failed, tls_failed, untrusted, timed_out, closed, no_room (the
    // answer is larger than the limits), bad_answer (not HTTP/1.1, or encoded although we asked
    // for it not to be).
    boost::asio::awaitable<result<http_answer>> ask(http_request request,
                                                    std::chrono::milliseconds limit);

private:
    result<ssl_context> trust(const http_request& request, bool is_tls);

    boost::asio::io_context& io_;
    lookups names_;
    ssl_context system_roots_;
};

}  // namespace sallyport::net
