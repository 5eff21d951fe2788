#include "control/client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <utility>
#include <vector>

#include "control/http.hpp"

namespace sallyport::control {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

using protocol = asio::generic::stream_protocol;
using question = http::request<wiped_body, wiped_fields>;  // It holds the token.

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t unix_path_bytes_max = 107;

struct place {
    std::vector<protocol::endpoint> endpoints;
    std::string host;  // for the Host field
};

bool is_sendable(std::string_view text)
{
    for (const char c : text) {
        if (c <= ' ' || c > '~') {
            return false;
        }
    }
    return true;
}

result<place> find_unix(std::string_view path)
{
    if (path.empty() || path.size() > unix_path_bytes_max) {
        return error_code(asio::error::invalid_argument);
    }
    place found;
    found.endpoints.emplace_back(asio::local::stream_protocol::endpoint(path));
    found.host = "localhost";
    return found;
}

result<place> find_place(asio::io_context& context, std::string_view address)
{
    constexpr std::string_view unix_scheme = "unix:";
    constexpr std::string_view http_scheme = "http://";
    if (address.starts_with(unix_scheme)) {
        return find_unix(address.substr(unix_scheme.size()));
    }
    if (address.starts_with(http_scheme)) {
        address.remove_prefix(http_scheme.size());
    }
    if (address.ends_with('/')) {
        address.remove_suffix(1);
    }
    const std::size_t colon = address.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || !is_sendable(address) ||
        address.find('/') != std::string_view::npos) {
        return error_code(asio::error::invalid_argument);
    }
    std::string_view host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }

    asio::ip::tcp::resolver resolver(context);
    error_code error;
    const auto resolved = resolver.resolve(host, address.substr(colon + 1),
                                           asio::ip::tcp::resolver::numeric_service, error);
    if (error) {
        return error;
    }
    place found;
    found.host = address;
    for (const auto& entry : resolved) {
        found.endpoints.emplace_back(entry.endpoint());
    }
    return found;
}

asio::awaitable<result<client_response>> converse(const place& where, const question& asked)
{
    protocol::socket socket(co_await asio::this_coro::executor);
    error_code error = asio::error::host_not_found;
    for (const protocol::endpoint& endpoint : where.endpoints) {
        socket = protocol::socket(socket.get_executor());
        const auto [connect_error] = co_await socket.async_connect(endpoint, as_result);
        error = connect_error;
        if (!error) {
            break;
        }
    }
    if (error) {
        co_return error;
    }

    const auto [write_error, written] = co_await http::async_write(socket, asked, as_result);
    // A gate that refuses early may close before it has read everything: its answer still counts.
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(client_head_bytes_max));
    parser.body_limit(client_body_bytes_max);
    const auto [read_error, bytes] = co_await http::async_read(socket, buffer, parser, as_result);
    if (read_error) {
        co_return write_error ? write_error : read_error;
    }
    client_response answer;
    answer.status = parser.get().result_int();
    answer.body = std::move(parser.get().body());
    co_return answer;
}

}  // namespace

result<client_response> call(const client_options& options, std::string_view method,
                             std::string_view target, std::string_view body)
{
    const http::verb verb = http::string_to_verb(method);
    if (verb == http::verb::unknown || !target.starts_with('/') || !is_sendable(target) ||
        !is_sendable(options.token)) {
        return error_code(asio::error::invalid_argument);
    }
    asio::io_context probe(1);
    const result<place> where = find_place(probe, options.address);
    if (!where) {
        return where.error();
    }

    question asked(verb, target, 11);
    asked.set(http::field::host, where->host);
    asked.set(http::field::connection, "close");
    asked.set(http::field::accept, "application/json, application/problem+json");
    if (!options.token.empty()) {
        wiped_string bearer("Bearer ");
        bearer += options.token;
        asked.set(http::field::authorization, std::string_view(bearer));
    }
    if (!body.empty()) {
        asked.set(http::field::content_type, "application/json");
        asked.body() = body;
    }
    asked.prepare_payload();

    result<client_response> answer = error_code(asio::error::timed_out);
    std::exception_ptr bug;
    // The loop stands last: what it still holds after a time-out refers to everything above.
    asio::io_context context(1);
    asio::co_spawn(context, converse(*where, asked),
                   [&](std::exception_ptr thrown, result<client_response> got) {
                       bug = thrown;
                       answer = std::move(got);
                   });
    context.run_for(options.timeout);
    if (bug) {
        std::rethrow_exception(bug);
    }
    return answer;
}

}  // namespace sallyport::control
