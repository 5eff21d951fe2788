// The configuration file (CONTRACT.md 3) as the structs of the folders that use it.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "audit/settings.hpp"
#include "config/problem.hpp"
#include "control/settings.hpp"
#include "identity/settings.hpp"
#include "proxy/settings.hpp"
#include "vault/settings.hpp"

namespace sallyport::config {

constexpr std::chrono::milliseconds lease_max{60'000};  // vault.lease

struct oauth_client {
    std::string client_id;
    std::string client_secret;       // already read, as is the next
    std::string private_key;         // PEM, for private_key_jwt
    std::vector<std::string> hosts;  // where else it may go: oauth::client::hosts
};

struct settings {
    std::string node;  // never empty once loaded: the host name by default
    proxy::settings proxy;
    control::settings control;
    vault::settings vault;
    identity::settings run_tokens;
    audit::settings audit;
    std::map<std::string, oauth_client> oauth_clients;
    std::vector<std::string> catalogue;  // directories, absolute
};

struct loaded_settings {
    config::settings settings;  // Only meaningful when there are no problems.
    config::problems problems;  // All of them at once, in file order.
};

// Reads and checks everything: unknown keys, types, units, ranges, duplicates, key files that are
// missing or readable by others. Never throws for what the file holds.
loaded_settings load_settings(const std::string& file);

}  // namespace sallyport::config
