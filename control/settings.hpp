// What the control plane can be told.
#pragma once

#include <cstdint>
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

struct settings {
    net::listen_address listen;
    std::vector<token> tokens;
    std::string connect_page;
    std::vector<net::listen_address> public_listen;
    std::string public_url;
};

}  // namespace sallyport::control
