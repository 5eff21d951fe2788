// What the control plane can be told.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "net/settings.hpp"

namespace sallyport::control {

enum class role : std::uint8_t { admin, platform, auditor };

struct token {
    control::role role = control::role::admin;
    std::string value;                    // the bearer token itself, already read from its file
    std::vector<std::string> workspaces;  // "*": every one
};

// Where the gate tells of what happens to connections.
struct webhook_target {
    std::string url;
    std::string secret;                   // the key itself, already read and decoded
    std::vector<std::string> workspaces;  // "*": every one
    std::vector<std::string> events;      // "connection.revoked", ...; empty: every one
    bool plain_http = false;
    bool private_addresses = false;
    std::string tls_ca;  // PEM file, absolute; empty: the system's roots
};

struct webhook_settings {
    std::vector<webhook_target> deliver;
    std::map<std::string, std::string> accept;  // provider id -> shared secret, already read
    std::string stream;                         // redis://...: where accepted events go
};

struct settings {
    net::listen_address listen;
    std::vector<token> tokens;
    std::string connect_page;
    // Where a browser may be sent once an authorisation is over (return_url.hpp).
    std::vector<std::string> return_urls;
    // How long a user may take to authorise a connection.
    std::chrono::milliseconds authorization_lifetime{std::chrono::minutes(10)};
    // How long before its end a connection that cannot renew itself is told of; 0: it is not.
    std::chrono::milliseconds expiry_warning{std::chrono::hours(7 * 24)};
    std::vector<net::listen_address> public_listen;
    std::string public_url;  // without a slash at its end
    webhook_settings webhooks;
};

}  // namespace sallyport::control
