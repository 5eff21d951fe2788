// A connection: everything about it but its credential (CONTRACT.md 9).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "vault/secret.hpp"

namespace sallyport::vault {

enum class status : std::uint8_t {
    draft,
    added,
    pending,
    testing,
    active,
    inactive,
    reauth_required,
    revoked,
    error
};

std::string_view to_string(status value) noexcept;
std::optional<status> parse_status(std::string_view text) noexcept;

// "conn_" and a ULID.
constexpr std::string_view connection_id_prefix = "conn_";
bool is_connection_id(std::string_view text) noexcept;

struct connection {
    std::string id;  // "conn_" + ULID
    std::string workspace;
    std::string user;
    bool shared = false;
    std::string name;  // Unique among the owner's live ones at the provider; "": none.
    std::string provider;
    std::string kind;  // oauth2 | api_key | bearer | basic | custom
    std::string variant;
    vault::status status = vault::status::added;
    std::string status_reason;
    std::vector<std::string> scopes_granted;
    std::vector<std::string> scopes_requested;
    std::map<std::string, std::string> variables;
    std::string account;
    std::string settings_json = "{}";  // {"timeout": ..., "headers": {...}, "rate_limit": {...}}
    unix_micros created_at = 0;        // 0 means never, in all of these
    unix_micros connected_at = 0;
    unix_micros expires_at = 0;
    unix_micros refreshed_at = 0;
    unix_micros last_used_at = 0;
    unix_micros updated_at = 0;
    std::uint64_t version = 0;             // Grows with every change of the record.
    std::uint64_t credential_version = 0;  // Grows with every change of the credential; 0: none.
};

// One named part of a credential: "secret"; "username" and "password"; "access_token",
// "refresh_token", "client_id", "client_secret"; or any field of a custom credential.
struct credential_field {
    std::string name;
    secret value;
};
using credential = std::vector<credential_field>;

// A connection with its credential in the clear; without fields where it has none.
struct opened_connection {
    connection record;
    credential fields;
};

// What a revocation leaves of a record.
void make_tombstone(connection& record, std::string reason, unix_micros now);

}  // namespace sallyport::vault
