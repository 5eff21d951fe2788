// The three signatures a run token may bear: HS256, ES256 and RS256 (RFC 7518, 3.2 to 3.4).
//
// A key knows its algorithm and does nothing else with its bytes. It is immutable once made and
// may be used by several threads at once. Error text of OpenSSL never leaves this file, and its
// error queue is left as it was found: TLS on the same thread reads it too.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "identity/settings.hpp"

namespace sallyport::identity {

constexpr std::size_t hs256_key_bytes_min = 32;  // RFC 7518, 3.2
constexpr int rsa_bits_min = 2048;               // RFC 7518, 3.3
constexpr int rsa_bits_max = 8192;               // more would make a token a means to burn time
constexpr std::size_t key_bytes_max = 64 * 1024;

std::string_view to_string(algorithm value) noexcept;  // "HS256", ...

class signing_key {
public:
    // Fails with bad_key: too short, garbage, encrypted, another curve, a weak modulus.
    static result<signing_key> make(algorithm alg, std::string_view key);
    ~signing_key();
    signing_key(signing_key&&) noexcept;
    signing_key& operator=(signing_key&&) noexcept;

    algorithm alg() const noexcept;
    bool can_sign() const noexcept;

    // `signature` as JOSE has it; for ES256 that is r and s, 32 bytes each.
    bool verify(std::string_view message, std::string_view signature) const;

    // Nullopt where the key is a public one.
    std::optional<std::string> sign(std::string_view message) const;

private:
    struct impl;
    explicit signing_key(std::unique_ptr<impl> made);
    std::unique_ptr<impl> impl_;
};

}  // namespace sallyport::identity
