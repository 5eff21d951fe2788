#include "net/http_client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "net/address_guard.hpp"
#include "net/error.hpp"

namespace sallyport::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

using wiped_fields = http::basic_fields<wiping_allocator<char>>;
using wiped_body = http::basic_string_body<char, std::char_traits<char>, wiping_allocator<char>>;
using question = http::request<wiped_body, wiped_fields>;
using answer_parser = http::response_parser<wiped_body, wiping_allocator<char>>;
using input_buffer = beast::basic_flat_buffer<wiping_allocator<char>>;
using time_point = std::chrono::steady_clock::time_point;

// --- where to ------------------------------------------------------------------------------------

struct place {
    bool is_tls = true;
    std::string host;  // a name or an address without brackets
    std::uint16_t port = 443;
    std::string_view authority;  // as the Host field has it
    std::string_view target;
};

bool is_visible(std::string_view text)
{
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool read_port(std::string_view text, std::uint16_t& port)
{
    unsigned value = 0;
    if (text.empty() || text.size() > 5) {
        return false;
    }
    for (const char c : text) {
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    port = static_cast<std::uint16_t>(value);
    return value != 0 && value <= 65535;
}

// "host", "host:port", "[v6]", "[v6]:port".
bool read_authority(std::string_view authority, place& into)
{
    std::string_view host = authority;
    std::string_view rest;
    if (host.starts_with('[')) {
        const std::size_t end = host.find(']');
        if (end == host.npos) {
            return false;
        }
        rest = host.substr(end + 1);
        host = host.substr(1, end - 1);
    } else if (const std::size_t colon = host.find(':'); colon != host.npos) {
        rest = host.substr(colon);
        host = host.substr(0, colon);
    }
    if (host.empty() || (!rest.empty() && rest.front() != ':') ||
        (!rest.empty() && !read_port(rest.substr(1), into.port))) {
        return false;
    }
    into.authority = authority;
    into.host = lower(host);
    return into.host.find_first_of("%@\\\"<>{}|^`[]") == std::string::npos;
}

std::optional<place> read_url(const http_request& request)
{
    constexpr std::string_view https = "https://";
    constexpr std::string_view plain = "http://";
    std::string_view url = request.url;
    place found;
    if (url.size() > http_url_bytes_max || !is_visible(url) || url.find('#') != url.npos) {
        return std::nullopt;
    }
    if (url.starts_with(https)) {
        url.remove_prefix(https.size());
    } else if (request.plain_http && url.starts_with(plain)) {
        url.remove_prefix(plain.size());
        found.is_tls = false;
        found.port = 80;
    } else {
        return std::nullopt;
    }
    const std::size_t end = std::min(url.find_first_of("/?"), url.size());
    found.target = url.substr(end);
    if (!read_authority(url.substr(0, end), found)) {
        return std::nullopt;
    }
    return found;
}

// --- what is asked -------------------------------------------------------------------------------

bool is_field(std::string_view name, std::string_view value)
{
    return !name.empty() && std::all_of(name.begin(), name.end(), is_token_char) &&
           std::none_of(value.begin(), value.end(),
                        [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

std::optional<question> write_question(const http_request& request, const place& to)
{
    const http::verb verb = http::string_to_verb(request.method);
    if (verb == http::verb::unknown || request.body.size() > http_request_bytes_max) {
        return std::nullopt;
    }
    wiped_string target(to.target);
    if (!target.starts_with('/')) {
        target.insert(0, 1, '/');
    }
    question out(verb, std::string_view(target), 11);
    out.set(http::field::host, to.authority);
    out.set(http::field::user_agent, "sallyport");
    out.set(http::field::accept, "application/json");
    for (const auto& [name, value] : request.headers) {
        if (!is_field(name, value)) {
            return std::nullopt;
        }
        out.set(name, std::string_view(value));
    }
    out.set(http::field::accept_encoding, "identity");
    out.set(http::field::connection, "close");
    out.body() = request.body;
    out.prepare_payload();
    return out;
}

// --- the way there -------------------------------------------------------------------------------

// What Beast and OpenSSL say, as this folder says it.
error_code told(const error_code& error)
{
    if (error == beast::error::timeout) {
        return errc::timed_out;
    }
    if (error == http::error::body_limit || error == http::error::header_limit ||
        error == http::error::buffer_overflow) {
        return errc::no_room;
    }
    if (error == http::error::end_of_stream || error == asio::error::eof ||
        error == asio::error::connection_reset || error == asio::error::broken_pipe ||
        error == asio::ssl::error::stream_truncated || error == http::error::partial_message) {
        return errc::closed;
    }
    return error.category() == http::make_error_code(http::error::bad_method).category()
               ? errc::bad_answer
               : errc::closed;
}

asio::awaitable<error_code> connect(beast::tcp_stream& stream,
                                    std::vector<asio::ip::address> addresses, std::uint16_t port,
                                    bool private_addresses)
{
    error_code last = errc::address_forbidden;
    for (const asio::ip::address& address : addresses) {
        if (!private_addresses && !is_public(address)) {
            continue;
        }
        const tcp::endpoint endpoint(address, port);
        auto connecting = stream.async_connect(endpoint, as_result);
        const auto [error] = co_await std::move(connecting);
        if (!error) {
            co_return error_code();
        }
        last = error == beast::error::timeout ? errc::timed_out : errc::connect_failed;
        if (last == errc::timed_out) {
            break;
        }
        stream.close();
    }
    co_return last;
}

asio::awaitable<error_code> secure(asio::ssl::stream<beast::tcp_stream&>& stream,
                                   const std::string& host)
{
    error_code is_name;
    asio::ip::make_address(host, is_name);
    SSL* const handle = stream.native_handle();
    const bool prepared =
        is_name ? SSL_set_tlsext_host_name(handle, host.c_str()) == 1 &&
                      SSL_set1_host(handle, host.c_str()) == 1
                : X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), host.c_str()) == 1;
    if (!prepared) {
        co_return error_code(errc::tls_failed);
    }
    auto shaking = stream.async_handshake(asio::ssl::stream_base::client, as_result);
    const auto [error] = co_await std::move(shaking);
    if (!error) {
        co_return error_code();
    }
    if (error == beast::error::timeout) {
        co_return error_code(errc::timed_out);
    }
    const bool is_untrusted = SSL_get_verify_result(handle) != X509_V_OK;
    co_return error_code(is_untrusted ? errc::untrusted : errc::tls_failed);
}

// --- the exchange --------------------------------------------------------------------------------

bool is_interim(unsigned status) { return status >= 100 && status < 200 && status != 101; }

result<http_answer> take(answer_parser& parser)
{
    auto& message = parser.get();
    http_answer out;
    out.status = message.result_int();
    for (const auto& field : message) {
        out.headers.emplace_back(std::string(field.name_string()), wiped_string(field.value()));
    }
    out.body = std::move(message.body());
    const std::string_view encoding = trim(out.header("Content-Encoding"));
    if (!encoding.empty() && !equal_ignoring_case(encoding, "identity")) {
        return error_code(errc::bad_answer);
    }
    return out;
}

template <class Stream>
asio::awaitable<result<http_answer>> converse(Stream& stream, const question& asked)
{
    auto writing = http::async_write(stream, asked, as_result);
    const auto [write_error, written] = co_await std::move(writing);
    // A server that refuses early may close before it has read everything: its answer still counts.
    input_buffer buffer;
    for (std::size_t interim = 0; interim <= http_interim_answers_max; ++interim) {
        answer_parser parser;
        parser.header_limit(static_cast<std::uint32_t>(http_answer_head_bytes_max));
        parser.body_limit(http_answer_bytes_max);
        parser.skip(asked.method() == http::verb::head);
        auto reading = http::async_read(stream, buffer, parser, as_result);
        const auto [read_error, bytes] = co_await std::move(reading);
        if (read_error) {
            co_return told(write_error ? write_error : read_error);
        }
        if (!is_interim(parser.get().result_int())) {
            co_return take(parser);
        }
    }
    co_return error_code(errc::bad_answer);
}

}  // namespace

std::string_view http_answer::header(std::string_view name) const noexcept
{
    for (const auto& [have, value] : headers) {
        if (equal_ignoring_case(have, name)) {
            return value;
        }
    }
    return {};
}

http_client::http_client(asio::io_context& io) : io_(io), names_(io) {}

asio::awaitable<result<http_answer>> http_client::ask(http_request request,
                                                      std::chrono::milliseconds limit)
{
    const time_point deadline = std::chrono::steady_clock::now() + limit;
    const std::optional<place> to = read_url(request);
    const std::optional<question> asked = to ? write_question(request, *to) : std::nullopt;
    if (!asked) {
        co_return error_code(errc::bad_request);
    }
    const result<ssl_context> trusted = trust(request, to->is_tls);
    if (!trusted) {
        co_return trusted.error();
    }
    auto resolving = names_.find(to->host, deadline);
    result<lookups::addresses> addresses = co_await std::move(resolving);
    if (!addresses) {
        co_return addresses.error();
    }
    beast::tcp_stream stream(io_);
    stream.expires_at(deadline);
    auto connecting = connect(stream, std::move(*addresses), to->port, request.private_addresses);
    const error_code unconnected = co_await std::move(connecting);
    if (unconnected) {
        co_return unconnected;
    }
    if (!to->is_tls) {
        auto conversing = converse(stream, *asked);
        co_return co_await std::move(conversing);
    }
    SSL_CTX_up_ref(trusted->get());
    asio::ssl::context context(trusted->get());  // Gives that reference back.
    asio::ssl::stream<beast::tcp_stream&> secured(stream, context);
    auto securing = secure(secured, to->host);
    const error_code insecure = co_await std::move(securing);
    if (insecure) {
        co_return insecure;
    }
    auto conversing = converse(secured, *asked);
    co_return co_await std::move(conversing);
}

result<ssl_context> http_client::trust(const http_request& request, bool is_tls)
{
    if (!is_tls || request.tls != nullptr) {
        return request.tls;
    }
    if (system_roots_ == nullptr) {
        result<ssl_context> made = make_client_context({});
        if (!made) {
            return made;
        }
        system_roots_ = *made;
    }
    return system_roots_;
}

}  // namespace sallyport::net
