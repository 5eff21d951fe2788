#include "vault/sqlite_newest_key.hpp"

#include "vault/envelope.hpp"
#include "vault/error.hpp"

namespace sallyport::vault {

sqlite_newest_key::sqlite_newest_key(const sqlite::database& in)
    : newest_(in,
              "SELECT generation, length(wrapped) FROM keys WHERE workspace = ?"
              " ORDER BY generation DESC LIMIT 1")
{
}

result<void> sqlite_newest_key::require(const std::string& workspace, const std::string& sealed)
{
    const std::optional<std::uint32_t> generation = envelope::generation_of(sealed);
    if (!generation) {
        return {};
    }
    sqlite::execution use(newest_);
    const result<bool> row = use.text(workspace).step();
    if (!row) {
        return row.error();
    }
    const bool newest = *row && use.column_number(0) == *generation && use.column_number(1) != 0;
    return newest ? result<void>() : errc::version_conflict;
}

}  // namespace sallyport::vault
