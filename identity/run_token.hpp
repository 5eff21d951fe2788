// Run tokens: JWTs (RFC 7519, RFC 7515) that say which run of which App for which user calls.
//
// The algorithm is pinned per issuer by configuration and never taken from the token (RFC 8725,
// 3.1). Verification is pure: the clock is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "identity/settings.hpp"

namespace sallyport::identity {

enum class errc {
    malformed = 1,    // not a JWT as we write them, or a claim of the wrong shape
    wrong_issuer,     // no configured issuer has this `iss`, or it may not speak for the workspace
    wrong_algorithm,  // the header names another algorithm than the issuer's
    bad_signature,
    wrong_audience,
    expired,
    not_yet_valid,
    lives_too_long,  // exp - iat beyond max_ttl
    bad_key,         // the configured key cannot be used
};
const boost::system::error_category& category() noexcept;
inline error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), category()}; }

constexpr std::size_t token_bytes_max = 16 * 1024;
constexpr std::chrono::seconds leeway{30};

struct run_claims {
    std::string issuer, id;  // iss, jti
    std::string workspace, app, run, user;
    unix_micros issued_at = 0, expires_at = 0;
    std::vector<std::pair<std::string, std::string>> connections_by_provider;  // object form
    std::vector<std::string> connections;                                      // array form
    std::vector<std::pair<std::string, std::vector<std::string>>>
        scopes;                      // provider -> ids; absent: not narrowed
    std::string access;              // read | write | destructive; "write" if absent
    std::string certificate_sha256;  // cnf x5t#S256, raw 32 bytes; empty: not bound
};

class token_verifier {
public:
    // Fails with bad_key.
    static result<token_verifier> make(const settings& settings);
    ~token_verifier();
    token_verifier(token_verifier&&) noexcept;
    token_verifier& operator=(token_verifier&&) noexcept;

    // Thread-safe.
    result<run_claims> verify(std::string_view token, unix_micros now) const;

private:
    struct impl;
    explicit token_verifier(std::unique_ptr<impl> made);
    std::unique_ptr<impl> impl_;
};

class token_minter {
public:
    static result<token_minter> make(const settings& settings);  // the first issuer; bad_key
    ~token_minter();
    token_minter(token_minter&&) noexcept;
    token_minter& operator=(token_minter&&) noexcept;

    // Sets iss, aud and jti itself. Fails with lives_too_long, malformed.
    result<std::string> mint(run_claims claims) const;

private:
    struct impl;
    explicit token_minter(std::unique_ptr<impl> made);
    std::unique_ptr<impl> impl_;
};

}  // namespace sallyport::identity

template <>
struct boost::system::is_error_code_enum<sallyport::identity::errc> : std::true_type {
};
