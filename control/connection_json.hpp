// A connection record and JSON: as the API shows it (CONTRACT.md 9), and what of it a caller may
// set.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "control/credential.hpp"
#include "control/json.hpp"
#include "policy/provider.hpp"
#include "vault/connection.hpp"

namespace sallyport::control {

constexpr std::size_t connection_name_bytes_max = 128;
constexpr std::size_t account_bytes_max = 256;
constexpr std::size_t scopes_max = 512;
constexpr std::size_t scope_bytes_max = 256;
constexpr std::size_t setting_headers_max = 32;
constexpr std::chrono::minutes setting_timeout_max{10};

boost::json::object to_json(const vault::connection& record);

// RFC 3339, or null for what never was.
boost::json::value time_or_null(unix_micros time);

// What may be set when a connection is added, and changed afterwards. Absent: not spoken of.
struct connection_changes {
    std::optional<std::string> name;
    std::optional<std::string> variant;
    std::optional<std::string> account;
    std::optional<std::string> settings_json;
    std::optional<std::vector<std::string>> scopes_granted;
    std::optional<std::vector<std::string>> scopes_requested;
    std::optional<variable_map> variables;  // these alone; others stay as they are
    std::optional<credential_input> credential;
};

// Reads those members and checks each by itself. `scopes` is another name of `scopes_granted`.
connection_changes read_changes(member_reader& members, const policy::provider& provider,
                                const policy::credential_kind& kind, unix_micros now,
                                complaints& wrong);

// Everything but the variables and the credential.
void apply_plain(const connection_changes& changes, vault::connection& record);

std::optional<vault::credential> take_credential(connection_changes& changes);

bool is_scope(std::string_view text) noexcept;

}  // namespace sallyport::control
