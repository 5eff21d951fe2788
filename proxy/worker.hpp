// One event loop of the data plane, on its own thread, with everything a call needs: its own
// acceptors, pool, credential cache, run cache and trail writer. Workers share nothing mutable but
// the gate's count of callers and what the vault keeps in atomics.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <variant>

#include "proxy/session.hpp"

namespace sallyport::proxy {

class worker {
public:
    struct parts {
        proxy::settings settings;
        std::unique_ptr<audit::writer> trail;
        const identity::token_verifier* verifier = nullptr;
        std::shared_ptr<const proxy::snapshot> snapshot;
        std::atomic<std::size_t>* callers = nullptr;  // of the whole gate
        audit::body_journal* bodies = nullptr;        // outlives the worker
        call_meters* meters = nullptr;                // of the whole gate
    };
    using make_resolver = std::function<std::unique_ptr<vault::resolver>(net::asio::io_context&)>;

    worker(parts parts, const make_resolver& make);
    ~worker();

    // Before start(): a listening socket of this worker's own (or a duplicate of a shared one).
    struct listener {
        int descriptor = -1;
        bool unix_socket = false;
        bool v6 = false;
        net::ssl_context tls;
    };
    void listen(listener socket);
    void start();

    // From any thread.
    const worker_metrics& metrics() const noexcept { return metrics_; }
    void replace(std::shared_ptr<const proxy::snapshot> snapshot, proxy::settings settings);
    void drain();                   // stop accepting, end what is idle, let calls finish
    void cut();                     // end what is left
    void abandon() { io_.stop(); }  // end the loop whatever is left: the last resort
    bool finished() const noexcept { return finished_.load(std::memory_order_acquire); }
    void join();

private:
    using tcp_acceptor = net::asio::basic_socket_acceptor<net::asio::ip::tcp, net::executor>;
    using unix_acceptor =
        net::asio::basic_socket_acceptor<net::asio::local::stream_protocol, net::executor>;
    struct open_listener {
        std::variant<tcp_acceptor, unix_acceptor> acceptor;
        net::ssl_context tls;
    };

    template <class Acceptor>
    net::task<> accept(Acceptor& acceptor, net::ssl_context tls);
    void begin(net::stream::pointer client, session::origin from);
    void end(session& ended);
    net::task<> tick();
    net::task<> watch_grants();
    void finish_if_empty();

    net::asio::io_context io_{1};
    net::asio::executor_work_guard<net::executor> work_;
    parts parts_;
    worker_metrics metrics_;
    net::runtime runtime_;
    net::address_book book_;
    net::pool pool_;
    std::unique_ptr<vault::resolver> resolver_;
    trail_gate trail_;
    run_cache runs_;
    worker_context context_;
    net::asio::basic_waitable_timer<
        std::chrono::steady_clock, net::asio::wait_traits<std::chrono::steady_clock>, net::executor>
        tick_timer_, grant_timer_;
    std::vector<std::unique_ptr<open_listener>> listeners_;
    boost::intrusive::list<session> sessions_;
    std::atomic<bool> finished_{false};
    std::thread thread_;
};

}  // namespace sallyport::proxy
