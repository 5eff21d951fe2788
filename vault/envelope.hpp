// Sealed records: what the store holds of credentials and of keys. FORMAT.md fixes them byte for
// byte; this is the only code that reads or writes them.
//
// A record is bound to its place (the full name of the key in the store and the field in it), to
// its workspace, connection, version and kind, and commits to its key: it opens there and with that
// key, or not at all. The key and the nonce are derived from a fresh salt for every record, so no
// nonce is ever used twice.
//
// Threading: an object belongs to one thread.
// Failure:   errc::corrupted without saying which check failed; wrong_master_key where a wrapped
// key
//            names another master key.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "vault/crypto.hpp"
#include "vault/secret.hpp"

namespace sallyport::vault {

constexpr std::size_t salt_bytes = 32;
constexpr std::size_t sealed_bytes_max = std::size_t{128} << 10;

using record_salt = std::array<char, salt_bytes>;
using key_id = std::array<char, 4>;

// Where in the store a sealed record stands.
struct place {
    std::string_view key;    // "sallyport:connection:conn_01JD..."
    std::string_view field;  // "sealed"
};

enum class sealed_kind : std::uint8_t { fixed = 1, oauth = 2 };

struct label {
    std::string_view workspace;
    std::string_view connection_id;
    std::uint32_t generation = 0;  // Of the workspace's data key.
    std::uint64_t version = 0;     // connection::credential_version.
    sealed_kind kind = sealed_kind::fixed;
};

struct wrap_label {
    std::string_view workspace;
    std::uint32_t generation = 0;
    unix_micros created_at = 0;
};

// What a wrapped key says of itself, before anything is proved.
struct wrap_facts {
    key_id master{};
    std::uint32_t generation = 0;
    unix_micros created_at = 0;
};

class envelope {
public:
    // Recognises a master key without using it on anything.
    key_id identify(const secret& master_key);

    std::string seal(const secret& data_key, const label& what, const place& where,
                     std::string_view plain);
    // With a given salt: for the vectors of FORMAT.md. A salt used twice betrays the key stream.
    std::string seal(const secret& data_key, const label& what, const place& where,
                     std::string_view plain, const record_salt& chosen);
    result<secret> open(const secret& data_key, const label& expected, const place& where,
                        std::string_view sealed);
    // The same text under another data key; all of its label but the generation stays.
    result<std::string> reseal(const secret& old_key, const secret& new_key, const label& fresh,
                               const place& where, std::string_view sealed);
    // Which data key a record needs. Nullopt if it is no sealed record.
    static std::optional<std::uint32_t> generation_of(std::string_view sealed) noexcept;

    std::string wrap(const secret& master_key, const wrap_label& what, std::string_view key,
                     const secret& data_key);
    std::string wrap(const secret& master_key, const wrap_label& what, std::string_view key,
                     const secret& data_key, const record_salt& chosen);
    // `expected.created_at` is not compared: only the record knows it.
    result<secret> unwrap(const secret& master_key, const wrap_label& expected,
                          std::string_view key, std::string_view wrapped);

    // Nullopt if it is no wrapped key.
    static std::optional<wrap_facts> facts_of(std::string_view wrapped) noexcept;

private:
    struct derived;
    void write_header(const label& what, char* out);
    void write_header(const key_id& master, const wrap_label& what, char* out);
    void derive(const secret& key, std::string_view salt, std::string_view context,
                std::string_view header, derived& out);

    sha256 hash_;
    hkdf_sha256 hkdf_;
    aes_256_gcm sealer_{aes_256_gcm::direction::seal};
    aes_256_gcm opener_{aes_256_gcm::direction::open};
};

}  // namespace sallyport::vault
