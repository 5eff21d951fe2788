#include "control/server.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <array>
#include <exception>
#include <map>
#include <typeinfo>
#include <utility>
#include <variant>

#include "control/http.hpp"
#include "control/listen.hpp"
#include "control/routes.hpp"

namespace sallyport::control {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

using stream = beast::basic_stream<protocol>;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t input_bytes_max = head_bytes_max + (std::size_t{64} << 10);
constexpr std::chrono::milliseconds accept_pause{100};  // after a failure, such as no descriptors
constexpr std::chrono::seconds linger_timeout{2};
constexpr std::size_t linger_bytes_max = body_bytes_max + head_bytes_max;

// Nothing to answer: the peer left, or never began.
const error_code nobody_there = http::error::end_of_stream;

asio::awaitable<bool> send(stream& peer, const answer& reply, bool keep_alive)
{
    const response message = response_of(reply, keep_alive);
    peer.expires_after(write_timeout);
    const auto [error, written] = co_await http::async_write(peer, message, as_result);
    co_return !error && keep_alive;
}

// Ends with the connection. Who does not read what was sent within write_timeout is cut off.
asio::awaitable<void> send_events(stream& peer, event_source& events)
{
    std::string piece =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
        "Connection: close\r\n\r\n";
    while (!piece.empty()) {
        peer.expires_after(write_timeout);
        const auto bytes = asio::buffer(piece);
        const auto [error, written] = co_await asio::async_write(peer, bytes, as_result);
        if (error) {
            co_return;
        }
        auto coming = events.next();
        piece = co_await std::move(coming);
    }
}

// A connection closed over unread bytes is reset, and the reset may overtake the answer: so read on
// for a while what the caller still sends.
asio::awaitable<void> close_politely(stream& peer)
{
    error_code ignored;  // The peer may have closed first; that is no news.
    peer.socket().shutdown(protocol::socket::shutdown_send, ignored);
    std::array<char, 4096> waste{};
    const auto space = asio::buffer(waste);
    peer.expires_after(linger_timeout);
    for (std::size_t total = 0; total < linger_bytes_max;) {
        const auto [error, bytes] = co_await peer.async_read_some(space, as_result);
        if (error) {
            break;
        }
        total += bytes;
    }
    OPENSSL_cleanse(waste.data(), waste.size());
}

// Waits for the next request's first byte, then reads its head.
asio::awaitable<error_code> read_head(stream& peer, input_buffer& input, request_parser& parser)
{
    if (input.size() == 0) {
        peer.expires_after(idle_timeout);
        const auto space = input.prepare(head_bytes_max);
        const auto [error, bytes] = co_await peer.async_read_some(space, as_result);
        if (error) {
            co_return nobody_there;
        }
        input.commit(bytes);
    }
    peer.expires_after(head_timeout);
    const auto [error, bytes] = co_await http::async_read_header(peer, input, parser, as_result);
    // Beast has closed the connection that was too slow.
    co_return error == beast::error::timeout ? nobody_there : error;
}

asio::awaitable<error_code> read_body(stream& peer, input_buffer& input, request_parser& parser)
{
    if (parser.is_done()) {
        co_return error_code();
    }
    peer.expires_after(body_timeout);
    if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        const auto line = asio::buffer(go_on);
        const auto [error, bytes] = co_await asio::async_write(peer, line, as_result);
        if (error) {
            co_return nobody_there;
        }
    }
    const auto [error, bytes] = co_await http::async_read(peer, input, parser, as_result);
    co_return error == beast::error::timeout ? nobody_there : error;
}

asio::awaitable<answer> handle_safely(admitted& ready, std::string_view body)
{
    answer reply;
    try {
        asio::awaitable<answer> work = handle(ready, body);
        reply = co_await std::move(work);
    } catch (const std::exception& bug) {
        // what() may quote a caller's bytes, so only the type is told.
        spdlog::error("control: {} {} threw {}", ready.found->method, ready.found->path,
                      typeid(bug).name());
        reply = problem(500, "internal", "The gate failed to handle this request.");
    }
    co_return reply;
}

void log_escaped(std::exception_ptr escaped)
{
    if (!escaped) {
        return;
    }
    try {
        std::rethrow_exception(escaped);
    } catch (const std::exception& bug) {
        spdlog::error("control: a session threw {}", typeid(bug).name());
    }
}

}  // namespace

struct server::state {
    state(asio::io_context& context_, const settings& settings, services services_)
        : context(context_),
          gate(std::move(services_)),
          tokens(settings.tokens),
          address(settings.listen),
          acceptor(context_),
          room(context_, asio::steady_timer::time_point::max())
    {
    }

    static asio::awaitable<void> accept_callers(std::shared_ptr<state> shared);
    static asio::awaitable<void> run_session(std::shared_ptr<state> shared,
                                             protocol::socket socket);
    asio::awaitable<bool> serve_one(stream& peer, input_buffer& input, std::string client);
    asio::awaitable<bool> refuse(stream& peer, const answer& refusal, const request_parser& parser);
    void spawn(asio::awaitable<void> work)
    {
        asio::co_spawn(context, std::move(work), log_escaped);
    }

    asio::io_context& context;
    services gate;
    token_table tokens;
    net::listen_address address;
    acceptor_type acceptor;
    asio::steady_timer room;           // cancelled when a session ends or the server stops
    std::map<stream*, bool> sessions;  // true while a request is being answered
    bool is_open = false;
    bool stopping = false;

    // A session's place among the others, however it ends.
    class [[nodiscard]] seat {
    public:
        seat(state& in, stream& peer) : in_(in), peer_(peer)
        {
            in_.sessions.emplace(&peer_, false);
        }
        ~seat()
        {
            in_.sessions.erase(&peer_);
            in_.room.cancel();
        }
        seat(const seat&) = delete;
        seat& operator=(const seat&) = delete;

    private:
        state& in_;
        stream& peer_;
    };
};

asio::awaitable<void> server::state::accept_callers(std::shared_ptr<state> shared)
{
    while (!shared->stopping) {
        if (shared->sessions.size() >= sessions_max) {
            co_await shared->room.async_wait(as_result);
            continue;
        }
        protocol::socket socket(shared->context);
        const auto [error] = co_await shared->acceptor.async_accept(socket, as_result);
        if (shared->stopping) {
            break;
        }
        if (error) {
            asio::steady_timer pause(shared->context, accept_pause);
            co_await pause.async_wait(as_result);
            continue;
        }
        shared->spawn(run_session(shared, std::move(socket)));
    }
}

// Serves one caller until either side is done.
asio::awaitable<void> server::state::run_session(std::shared_ptr<state> shared,
                                                 protocol::socket socket)
{
    const std::string client = name_of_peer(socket);
    stream peer(std::move(socket));
    const seat place(*shared, peer);
    input_buffer input(input_bytes_max);
    bool keep_alive = true;
    while (keep_alive && !shared->stopping) {
        keep_alive = co_await shared->serve_one(peer, input, client);
        // Gives the memory back, and so wipes it: the last body passed through it.
        input.shrink_to_fit();
    }
    co_await close_politely(peer);
}

// Reads one request and answers it. True if the connection may carry another.
asio::awaitable<bool> server::state::serve_one(stream& peer, input_buffer& input,
                                               std::string client)
{
    request_parser parser;
    parser.header_limit(static_cast<std::uint32_t>(head_bytes_max));
    parser.body_limit(body_bytes_max);
    const error_code head_error = co_await read_head(peer, input, parser);
    if (head_error == nobody_there) {
        co_return false;
    }
    if (head_error) {
        const answer unreadable = problem_of_reading(head_error);
        co_return co_await send(peer, unreadable, false);
    }
    const std::optional<answer> ambiguous = refuse_head(parser.get());
    if (ambiguous) {
        co_return co_await send(peer, *ambiguous, false);
    }

    const head head{.method = parser.get().method_string(),
                    .target = parser.get().target(),
                    .authorization = parser.get()[http::field::authorization],
                    .client = client,
                    .last_event_id = parser.get()["Last-Event-ID"]};
    std::variant<answer, admitted> admission = admit(gate, tokens, head);
    if (const answer* refusal = std::get_if<answer>(&admission)) {
        co_return co_await refuse(peer, *refusal, parser);
    }

    const error_code body_error = co_await read_body(peer, input, parser);
    if (body_error == nobody_there) {
        co_return false;
    }
    if (body_error) {
        const answer unreadable = problem_of_reading(body_error);
        co_return co_await send(peer, unreadable, false);
    }
    bool& is_busy = sessions[&peer];
    is_busy = true;
    const std::string_view body = parser.get().body();
    const answer reply = co_await handle_safely(std::get<admitted>(admission), body);
    if (reply.events) {
        is_busy = false;  // It ends when the server stops, and nothing is left half done.
        auto streaming = send_events(peer, *reply.events);
        co_await std::move(streaming);
        co_return false;
    }
    const bool go_on = co_await send(peer, reply, parser.keep_alive() && !stopping);
    is_busy = false;
    co_return go_on;
}

// The body of a refused request is not read, so its connection ends, unless there is none.
asio::awaitable<bool> server::state::refuse(stream& peer, const answer& refusal,
                                            const request_parser& parser)
{
    const bool is_stranger = refusal.status == 401;
    if (is_stranger) {
        asio::steady_timer delay(context, wrong_token_delay);
        co_await delay.async_wait(as_result);
    }
    const bool keep_alive = parser.is_done() && parser.keep_alive() && !is_stranger;
    co_return co_await send(peer, refusal, keep_alive);
}

server::server(asio::io_context& context, const settings& settings, services services)
    : state_(std::make_shared<state>(context, settings, std::move(services)))
{
}

server::~server() { stop(); }

std::string server::open()
{
    const std::string where = listen_on(state_->address, state_->acceptor);
    state_->is_open = true;
    state_->spawn(state::accept_callers(state_));
    return where;
}

void server::stop()
{
    if (!state_->is_open) {
        return;
    }
    state_->is_open = false;
    state_->stopping = true;
    error_code ignored;  // It is closed whatever close() has to say.
    state_->acceptor.close(ignored);
    if (state_->address.is_unix()) {
        ::unlink(state_->address.path.c_str());
    }
    state_->room.cancel();
    for (const auto& [peer, is_busy] : state_->sessions) {
        if (!is_busy) {
            peer->close();
        }
    }
}

}  // namespace sallyport::control
