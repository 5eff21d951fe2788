// What the embedded store holds, for a backup. The database belongs to the store beside it and
// outlives this.
#pragma once

#include <memory>

#include "vault/archive.hpp"
#include "vault/sqlite.hpp"

namespace sallyport::vault {

std::unique_ptr<archive> make_sqlite_archive(sqlite::database& database);

}  // namespace sallyport::vault
