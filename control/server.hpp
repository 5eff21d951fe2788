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
#include <utility>
#include <vector>

#include "audit/trail.hpp"
#include "config/problem.hpp"
#include "control/settings.hpp"
#include "control/tally.hpp"
#include "identity/run_token.hpp"
#include "policy/provider.hpp"
#include "vault/keeper.hpp"

namespace sallyport::net {
class http_client;
}
namespace sallyport::oauth {
class endpoint;
}

namespace sallyport::control {

constexpr std::size_t body_bytes_max = std::size_t{1} << 20;
constexpr std::size_t sessions_max = 256;

struct reload_outcome {
    bool applied = false;       // false: the old configuration stays in force
    config::problems problems;  // files left out, or why nothing was applied
};

class audit_desk;
struct answer;

// What a provider sent to the public listener, unjudged.
struct webhook {
    std::string provider;
    std::vector<std::pair<std::string, std::string>> fields;  // of the head
    std::string body;
    std::string client;  // its address
};

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

    // Connecting accounts by OAuth. Null: not to be had here (404).
    oauth::endpoint* oauth = nullptr;
    net::http_client* http = nullptr;  // for test calls
    // As they are now: a reload changes what it may.
    const control::settings* settings = nullptr;
    // Told the id of each note that asks for a revocation at a provider (held_credential.hpp).
    std::function<void(const std::string&)> after_revoke = {};
    // Empty: POST /api/connect/webhooks/{provider} answers 404.
    std::function<boost::asio::awaitable<answer>(webhook)> take_webhook = {};
    // Told what has happened to a connection: "connection.added" and so on, and how it stands now.
    std::function<void(std::string_view kind, const vault::connection& record)> announce = {};
    control::tally* tally = nullptr;  // null: nothing is counted

    void tell(std::string_view kind, const vault::connection& record) const
    {
        if (announce) {
            announce(kind, record);
        }
    }
};

class server {
public:
    server(boost::asio::io_context& context, const settings& settings, services services);
    ~server();  // stops
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    // As listener::open, stop and is_busy.
    std::string open();
    void stop();
    bool is_busy() const;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

}  // namespace sallyport::control
