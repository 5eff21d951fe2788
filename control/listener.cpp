#include "control/listener.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <algorithm>
#include <array>
#include <exception>
#include <map>
#include <stdexcept>
#include <typeinfo>
#include <utility>
#include <variant>

#include "control/client_group.hpp"
#include "control/guarded.hpp"
#include "control/http.hpp"
#include "control/listen.hpp"
#include "control/reading.hpp"
#include "control/wire.hpp"

namespace sallyport::control {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds accept_pause{100};  // after a failure, such as no descriptors

asio::awaitable<bool> send(wire& peer, const answer& reply, bool keep_alive)
{
    const wiped_string message = written(response_of(reply, keep_alive));
    peer.expires_after(write_timeout);
    auto writing = peer.write(message);
    const error_code error = co_await std::move(writing);
    co_return !error && keep_alive;
}

// Ends with the connection. Who does not read what was sent within write_timeout is cut off.
asio::awaitable<void> send_events(wire& peer, event_source& events)
{
    std::string piece =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
        "Connection: close\r\n\r\n";
    while (!piece.empty()) {
        peer.expires_after(write_timeout);
        auto writing = peer.write(piece);
        const error_code error = co_await std::move(writing);
        if (error) {
            co_return;
        }
        auto coming = events.next();
        piece = co_await std::move(coming);
    }
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

}  // namespace

struct listener::state {
    state(asio::io_context& context_, net::listen_address address_, std::string key_,
          listener_limits limits_, admission admit_)
        : context(context_),
          address(std::move(address_)),
          key(std::move(key_)),
          limits(limits_),
          admit(std::move(admit_)),
          acceptor(context_),
          room(context_, asio::steady_timer::time_point::max())
    {
    }

    static asio::awaitable<void> accept_callers(std::shared_ptr<state> shared);
    static asio::awaitable<void> run_session(std::shared_ptr<state> shared,
                                             protocol::socket socket);
    asio::awaitable<bool> serve_one(wire& peer, input_buffer& input, std::string client,
                                    bool is_first);
    asio::awaitable<bool> refuse(wire& peer, const answer& refusal, const request_parser& parser);
    void spawn(asio::awaitable<void> work)
    {
        asio::co_spawn(context, std::move(work), log_escaped("a session"));
    }

    asio::io_context& context;
    net::listen_address address;
    std::string key;
    listener_limits limits;
    admission admit;
    net::ssl_context tls;  // null: in the clear
    acceptor_type acceptor;
    asio::steady_timer room;         // cancelled when a session ends or the server stops
    std::map<wire*, bool> sessions;  // true while a request is being answered
    std::map<std::string, std::size_t> sessions_of;  // by client
    bool is_open = false;
    bool stopping = false;

    // A session's place among the others, however it ends.
    class [[nodiscard]] seat {
    public:
        seat(state& in, wire& peer, std::string client)
            : in_(in), peer_(peer), client_(std::move(client))
        {
            in_.sessions.emplace(&peer_, false);
            ++in_.sessions_of[client_];
        }
        ~seat()
        {
            in_.sessions.erase(&peer_);
            if (--in_.sessions_of[client_] == 0) {
                in_.sessions_of.erase(client_);
            }
            in_.room.cancel();
        }
        seat(const seat&) = delete;
        seat& operator=(const seat&) = delete;

    private:
        state& in_;
        wire& peer_;
        std::string client_;
    };

    bool has_its_share(const protocol::socket& socket) const
    {
        const auto known = sessions_of.find(group_of(name_of_peer(socket)));
        return limits.sessions_of_client_max != 0 && known != sessions_of.end() &&
               known->second >= limits.sessions_of_client_max;
    }
    std::size_t any_body_bytes_max() const
    {
        return std::max(limits.body_bytes_max, limits.raw_body_bytes_max);
    }
};

asio::awaitable<void> listener::state::accept_callers(std::shared_ptr<state> shared)
{
    while (!shared->stopping) {
        if (shared->sessions.size() >= shared->limits.sessions_max) {
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
        if (!shared->has_its_share(socket)) {
            shared->spawn(run_session(shared, std::move(socket)));
        }
    }
}

// Serves one caller until either side is done.
asio::awaitable<void> listener::state::run_session(std::shared_ptr<state> shared,
                                                   protocol::socket socket)
{
    const std::string client = name_of_peer(socket);
    wire peer(std::move(socket), shared->tls);
    const seat place(*shared, peer, group_of(client));
    input_buffer input(reading::bytes_max);
    peer.expires_after(shared->limits.head);
    auto greeting = peer.handshake();
    const error_code stranger = co_await std::move(greeting);
    if (stranger) {
        co_return;
    }
    bool keep_alive = true;
    for (bool is_first = true; keep_alive && !shared->stopping; is_first = false) {
        keep_alive = co_await shared->serve_one(peer, input, client, is_first);
        // Gives the memory back, and so wipes it: the last body passed through it.
        input.shrink_to_fit();
    }
    auto closing = reading::close_politely(peer, shared->any_body_bytes_max() + head_bytes_max);
    co_await std::move(closing);
}

// Reads one request and answers it. True if the connection may carry another.
asio::awaitable<bool> listener::state::serve_one(wire& peer, input_buffer& input,
                                                 std::string client, bool is_first)
{
    request_parser parser;
    parser.header_limit(static_cast<std::uint32_t>(head_bytes_max));
    parser.body_limit(any_body_bytes_max());
    auto reading_head = is_first ? reading::first_head(peer, input, parser)
                                 : reading::head(peer, input, parser, limits.idle, limits.head);
    const error_code head_error = co_await std::move(reading_head);
    if (head_error == reading::nobody_there) {
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
    std::variant<answer, admitted> decided = admit(head);
    if (const answer* refusal = std::get_if<answer>(&decided)) {
        co_return co_await refuse(peer, *refusal, parser);
    }

    admitted& ready = std::get<admitted>(decided);
    if (!ready.found->raw_body && parser.content_length().value_or(0) > limits.body_bytes_max) {
        const answer too_large = problem_of_reading(http::error::body_limit);
        co_return co_await send(peer, too_large, false);
    }
    const error_code body_error = co_await reading::body(peer, input, parser);
    if (body_error == reading::nobody_there) {
        co_return false;
    }
    if (body_error) {
        const answer unreadable = problem_of_reading(body_error);
        co_return co_await send(peer, unreadable, false);
    }
    for (const auto& field : parser.get()) {
        if (ready.found->raw_body || field.name() != http::field::authorization) {
            ready.call.fields.emplace_back(field.name_string(), field.value());
        }
    }
    bool& is_busy = sessions[&peer];
    is_busy = true;
    const std::string_view body = parser.get().body();
    const answer reply = co_await handle_safely(ready, body);
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
asio::awaitable<bool> listener::state::refuse(wire& peer, const answer& refusal,
                                              const request_parser& parser)
{
    const bool is_stranger = refusal.status == 401 || refusal.status == 429;
    if (is_stranger) {
        asio::steady_timer delay(context, wrong_token_delay);
        co_await delay.async_wait(as_result);
    }
    const bool keep_alive = parser.is_done() && parser.keep_alive() && !is_stranger;
    co_return co_await send(peer, refusal, keep_alive);
}

listener::listener(asio::io_context& context, net::listen_address address, std::string key,
                   listener_limits limits, admission admit)
    : state_(std::make_shared<state>(context, std::move(address), std::move(key), limits,
                                     std::move(admit)))
{
}

listener::~listener() { stop(); }

std::string listener::open()
{
    const net::listen_address& address = state_->address;
    if (address.is_tls()) {
        auto made = net::make_server_context(address.tls_certificate, address.tls_key,
                                             address.tls_client_ca);
        if (!made) {
            throw std::runtime_error(state_->key + ": " + made.error().message());
        }
        state_->tls = *made;
    }
    const std::string where = listen_on(address, state_->acceptor, state_->key);
    state_->is_open = true;
    state_->spawn(state::accept_callers(state_));
    return where;
}

void listener::stop()
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

bool listener::is_busy() const
{
    return std::any_of(state_->sessions.begin(), state_->sessions.end(),
                       [](const auto& session) { return session.second; });
}

}  // namespace sallyport::control
