#include "proxy/worker.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <ctime>

namespace sallyport::proxy {

namespace asio = net::asio;

namespace {

constexpr auto as_result = asio::as_tuple(asio::deferred);
constexpr std::chrono::seconds tick_interval{1};
constexpr std::chrono::milliseconds grant_interval{50};  // how soon a revoked call is cut
constexpr std::chrono::milliseconds accept_pause{100};   // when descriptors have run out
// Of a head, beside what its caller sent: a few of the largest credentials.
constexpr std::size_t injected_bytes_room = 256 * 1024;

// IMF-fixdate (RFC 9110, 5.6.7).
std::string http_date(std::time_t now)
{
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[40];
    const std::size_t size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return std::string(text, size);
}

void log_escaped(const std::exception_ptr& escaped)
{
    try {
        std::rethrow_exception(escaped);
    } catch (const std::exception& bug) {
        spdlog::error("a session ended with an exception: {}", bug.what());
    }
}

std::string address_of(const asio::ip::tcp::endpoint& peer)
{
    const std::string host = peer.address().to_string();
    return (peer.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(peer.port());
}

std::string address_of(const asio::local::stream_protocol::endpoint&) { return "unix"; }

void set_options(asio::basic_stream_socket<asio::ip::tcp, net::executor>& socket)
{
    error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
}

void set_options(asio::basic_stream_socket<asio::local::stream_protocol, net::executor>&) {}

}  // namespace

worker::worker(parts given, const make_resolver& make)
    : work_(io_.get_executor()),
      parts_(std::move(given)),
      runtime_(io_),
      book_(runtime_),
      resolver_(make(io_)),
      trail_(runtime_, std::move(parts_.trail), metrics_.own),
      runs_(*parts_.verifier),
      context_{.settings = parts_.settings,
               .runtime = runtime_,
               .book = book_,
               .pool = pool_,
               .vault = *resolver_,
               .trail = trail_,
               .bodies = parts_.bodies,
               .runs = runs_,
               .metrics = metrics_,
               .meters = *parts_.meters,
               .snapshot = parts_.snapshot,
               .call_ids = {},
               .date = http_date(std::time(nullptr)),
               .scratch = {},
               .request_head = {}},
      tick_timer_(io_.get_executor()),
      grant_timer_(io_.get_executor())
{
    metrics_.prepare(context_.snapshot->numbers());
    context_.request_head.reserve(parts_.settings.limits.header_bytes + injected_bytes_room);
}

worker::~worker() { join(); }

void worker::listen(listener socket)
{
    auto next = socket.unix_socket ? std::make_unique<open_listener>(open_listener{
                                         unix_acceptor(io_.get_executor()), std::move(socket.tls)})
                                   : std::make_unique<open_listener>(open_listener{
                                         tcp_acceptor(io_.get_executor()), std::move(socket.tls)});
    if (socket.unix_socket) {
        std::get<unix_acceptor>(next->acceptor)
            .assign(asio::local::stream_protocol(), socket.descriptor);
    } else {
        std::get<tcp_acceptor>(next->acceptor)
            .assign(socket.v6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), socket.descriptor);
    }
    listeners_.push_back(std::move(next));
}

void worker::start()
{
    const auto ended = [](std::exception_ptr failure) {
        if (failure) {
            std::rethrow_exception(failure);
        }
    };
    for (const auto& open : listeners_) {
        std::visit([&](auto& acceptor) { asio::co_spawn(io_, accept(acceptor, open->tls), ended); },
                   open->acceptor);
    }
    asio::co_spawn(io_, tick(), ended);
    asio::co_spawn(io_, watch_grants(), ended);
    thread_ = std::thread([this] {
        io_.run();
        finished_.store(true, std::memory_order_release);
    });
}

template <class Acceptor>
net::task<> worker::accept(Acceptor& acceptor, net::ssl_context tls)
{
    while (acceptor.is_open()) {
        typename Acceptor::endpoint_type peer;
        auto accepting = acceptor.async_accept(peer, as_result);
        auto [error, socket] = co_await std::move(accepting);
        // Draining may have begun between the accept and this line: nothing is served then.
        if (error == asio::error::operation_aborted || context_.draining) {
            co_return;
        }
        if (error) {
            // Out of descriptors or memory: the listener must outlive that.
            asio::basic_waitable_timer<std::chrono::steady_clock,
                                       asio::wait_traits<std::chrono::steady_clock>, net::executor>
                pause(io_.get_executor(), accept_pause);
            auto pausing = pause.async_wait(as_result);
            co_await std::move(pausing);
            continue;
        }
        set_options(socket);
        session::origin from{address_of(peer), tls == nullptr ? "http" : "https", tls};
        const net::stream::pointer client(
            new net::stream(runtime_, net::stream::socket_type(std::move(socket))));
        if (parts_.callers->fetch_add(1) >= parts_.settings.limits.connections) {
            parts_.callers->fetch_sub(1);
            metrics_.own.callers_refused.add();
            const refusal full{
                code::overloaded, "The gate serves as many callers as it may.", {}, {}};
            const refusal_context context{.call_id = {}, .close = true};
            if (tls == nullptr) {
                const std::string rendered = render(full, context);
                client->put({rendered});
            }
            client->close();
            continue;
        }
        begin(client, std::move(from));
    }
}

void worker::begin(net::stream::pointer client, session::origin from)
{
    session* const fresh = new session(context_, std::move(client), std::move(from));
    sessions_.push_back(*fresh);
    asio::co_spawn(io_, fresh->run(), [this, fresh](std::exception_ptr failure) {
        if (!failure) {
            end(*fresh);
            return;
        }
        log_escaped(failure);
        asio::co_spawn(io_, fresh->settle(), [this, fresh](std::exception_ptr) { end(*fresh); });
    });
}

void worker::end(session& ended)
{
    sessions_.erase(sessions_.iterator_to(ended));
    delete &ended;
    parts_.callers->fetch_sub(1);
    finish_if_empty();
}

// Once a second: the Date field, and the line for refusals that were folded.
net::task<> worker::tick()
{
    while (!context_.draining) {
        tick_timer_.expires_after(tick_interval);
        auto waiting = tick_timer_.async_wait(as_result);
        co_await std::move(waiting);
        context_.date = http_date(std::time(nullptr));
        metrics_.own.connections_idle.set(pool_.idle());
        if (context_.unidentified_folded != 0) {
            audit::entry folded;
            folded.kind = audit::kind::call_refused;
            folded.decision = "deny";
            folded.code = "folded";
            folded.count = context_.unidentified_folded;
            context_.trail.append(folded);
        }
        context_.unidentified_lines = context_.unidentified_folded = 0;
    }
}

// Looks after the calls under way that are to be cut when what they rest on is revoked.
net::task<> worker::watch_grants()
{
    while (!context_.draining) {
        grant_timer_.expires_after(grant_interval);
        auto waiting = grant_timer_.async_wait(as_result);
        co_await std::move(waiting);
        for (session& next : sessions_) {
            if (next.wants_recheck()) {
                next.recheck();
            }
        }
    }
}

void worker::replace(std::shared_ptr<const proxy::snapshot> snapshot, proxy::settings settings)
{
    metrics_.prepare(snapshot->numbers());
    asio::post(io_, [this, snapshot = std::move(snapshot), settings = std::move(settings)] {
        context_.snapshot = snapshot;
        parts_.settings = settings;
    });
}

void worker::drain()
{
    asio::post(io_, [this] {
        context_.draining = true;
        for (const auto& open : listeners_) {
            std::visit(
                [](auto& acceptor) {
                    error_code ignored;
                    acceptor.close(ignored);
                },
                open->acceptor);
        }
        tick_timer_.cancel();
        grant_timer_.cancel();
        // drain() may end a session on this stack and so take it off the list.
        for (auto at = sessions_.begin(); at != sessions_.end();) {
            session& next = *at++;
            next.drain();
        }
        finish_if_empty();
    });
}

void worker::cut()
{
    asio::post(io_, [this] {
        for (auto at = sessions_.begin(); at != sessions_.end();) {
            session& next = *at++;
            next.cut();
        }
    });
}

void worker::finish_if_empty()
{
    if (!context_.draining || !sessions_.empty()) {
        return;
    }
    trail_.flush();
    pool_.close_all();
    runtime_.stop();
    work_.reset();
}

void worker::join()
{
    if (thread_.joinable()) {
        thread_.join();
    }
}

}  // namespace sallyport::proxy
