// Whose run tokens are believed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace sallyport::identity {

enum class algorithm : std::uint8_t { hs256, es256, rs256 };

struct issuer {
    std::string name;  // the `iss` claim
    algorithm alg = algorithm::es256;
    // HS256: at least 32 bytes of key. Others: PEM, private (can mint) or public (verifies only).
    std::string key;
    std::vector<std::string>
        workspaces;  // which it may speak for; empty: every one (the first issuer only)
};

struct settings {
    std::chrono::milliseconds max_ttl = std::chrono::hours(24);
    std::vector<issuer> issuers;  // `run start` mints with the first
};

}  // namespace sallyport::identity
