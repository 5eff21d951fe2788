#include "vault/connection.hpp"

#include <array>

#include "base/ulid.hpp"

namespace sallyport::vault {
namespace {

constexpr std::array<std::string_view, 9> status_names = {"draft",           "added",   "pending",
                                                          "testing",         "active",  "inactive",
                                                          "reauth_required", "revoked", "error"};

}  // namespace

std::string_view to_string(status value) noexcept
{
    return status_names[static_cast<std::size_t>(value)];
}

std::optional<status> parse_status(std::string_view text) noexcept
{
    for (std::size_t i = 0; i < status_names.size(); ++i) {
        if (status_names[i] == text) {
            return static_cast<status>(i);
        }
    }
    return std::nullopt;
}

bool is_connection_id(std::string_view text) noexcept
{
    return text.starts_with(connection_id_prefix) &&
           ulid::parse(text.substr(connection_id_prefix.size())).has_value();
}

void make_tombstone(connection& record, std::string reason, unix_micros now)
{
    record.status = status::revoked;
    record.status_reason = std::move(reason);
    record.updated_at = now;
    ++record.version;
}

}  // namespace sallyport::vault
