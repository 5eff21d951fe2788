// The control plane's HTTP server: one listener, JSON in and out (CONTRACT.md 8).
//
// A listener (listener.hpp) on a unix socket or a TCP address; open() refuses one that asks for
// TLS.
//
// Who may call: `Authorization: Bearer` with one of the settings' tokens, each with a role and the
// workspaces it speaks for. Only /healthz and /readyz need none.
//
// The trail: every action that changes something leaves its line, on disk, BEFORE it is done. Where
// that line cannot be written the action is not done and the answer is 503 `audit_unavailable`.
// Where the action then fails, a second line of the same kind says so with its `code`. So the trail
// may show an attempt that came to nothing, never hide one that did not.
//
// Credentials go in and never come out.
//
// What succeeds answers 200 with the object asked for; adding a connection or a run 201; DELETE 204
// without a body. Revoke, activate and deactivate answer with the connection as it then stands.
//
// Threading: everything runs on the one thread of the io_context given. Lifetime: the services
// outlive the io_context's last handler; the server may go earlier.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "audit/trail.hpp"
#include "config/problem.hpp"
#include "control/settings.hpp"
#include "control/tally.hpp"
#include "identity/run_token.hpp"
#include "policy/provider.hpp"
#include "vault/keeper.hpp"

namespace sallyport::control {

constexpr std::size_t body_bytes_max = std::size_t{1} << 20;
constexpr std::size_t sessions_max = 256;

struct reload_outcome {
    bool applied = false;       // false: the old configuration stays in force
    config::problems problems;  // files left out, or why nothing was applied
};

class audit_desk;

struct services {  // borrowed; outlive the server
    vault::keeper& vault;
    audit::writer& trail;  // of the control thread alone
    identity::token_minter& minter;
    std::function<std::shared_ptr<const policy::catalogue>()> catalogue;
    std::chrono::milliseconds max_ttl{std::chrono::hours(24)};  // run_tokens.max_ttl
    // Empty: POST /api/reload answers 404.
    std::function<boost::asio::awaitable<reload_outcome>()> reload;
    std::function<std::vector<std::string>()>
        not_ready;                         // reasons; none: ready. Empty: always ready
    std::function<std::string()> metrics;  // Prometheus text; empty: /metrics answers 404
    audit_desk* audit = nullptr;           // null: the trail is not to be had here (404)
    // Lines of the trail that its stream does not have yet. Empty: it has no stream.
    std::function<std::uint64_t()> audit_behind;
    control::tally* tally = nullptr;  // null: nothing is counted
};

class server {
public:
    server(boost::asio::io_context& context, const settings& settings, services services);
    ~server();  // stops
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    // As listener::open and stop.
    std::string open();
    void stop();

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

}  // namespace sallyport::control
