// Who may call the control API: the configured bearer tokens, with their roles and workspaces.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "control/settings.hpp"

namespace sallyport::control {

struct caller {
    control::role role = control::role::auditor;
    bool everywhere = false;              // speaks for every workspace
    std::vector<std::string> workspaces;  // otherwise: for these
    std::string actor;                    // how the trail names it: "token:admin#0"

    bool speaks_for(std::string_view workspace) const noexcept;
};

// Holds digests only. Immutable.
class token_table {
public:
    explicit token_table(const std::vector<token>& tokens);

    // Null if no token is `bearer`. Looks at every entry in constant time, so that how long it
    // takes says nothing about any token.
    const caller* find(std::string_view bearer) const;

private:
    using digest = std::array<unsigned char, 32>;
    struct entry {
        digest hash;
        caller who;
    };
    static digest digest_of(std::string_view text);

    std::vector<entry> entries_;
};

// The token of an Authorization field, or empty if it holds none.
std::string_view bearer_of(std::string_view authorization) noexcept;

}  // namespace sallyport::control
