// The data plane as a whole: its listeners and its workers.
//
// Threading: all functions from the control thread. Lifetime: what services names outlives it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "audit/trail.hpp"
#include "identity/run_token.hpp"
#include "proxy/plan.hpp"
#include "proxy/settings.hpp"
#include "proxy/worker.hpp"

namespace sallyport::proxy {

struct services {
    worker::make_resolver make_resolver;
    audit::trail* trail = nullptr;
    const identity::token_verifier* verifier = nullptr;
    std::shared_ptr<const proxy::snapshot> snapshot;
    audit::body_journal* bodies = nullptr;  // null: no bodies are kept, whatever the catalogue says
};

class server {
public:
    server(settings settings, services services);
    ~server();

    // Binds every listener; returns them as callers write them: "http://127.0.0.1:41873",
    // "unix:/run/sallyport.sock". Throws std::runtime_error with one clear sentence.
    std::vector<std::string> open();
    void start();

    // For calls that begin from now on. Listeners and the number of workers stay as they are.
    void replace(std::shared_ptr<const proxy::snapshot> snapshot, settings settings);

    // Stops accepting, lets calls finish within drain_timeout, then cuts. Blocks until it is done.
    void stop();

    std::size_t callers() const noexcept { return callers_.load(); }
    std::size_t workers() const noexcept { return workers_.size(); }
    metrics_totals metrics() const;

private:
    std::string open_tcp(const net::listen_address& address);
    std::string open_unix(const net::listen_address& address);
    net::ssl_context tls_of(const net::listen_address& address);

    settings settings_;
    std::atomic<std::size_t> callers_{0};
    call_meters meters_;
    std::vector<std::unique_ptr<worker>> workers_;
    std::vector<std::string> socket_files_;
};

}  // namespace sallyport::proxy
