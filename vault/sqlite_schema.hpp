// The embedded vault's file: how it is created, recognised and locked.
#pragma once

#include <string>

#include "vault/sqlite.hpp"

namespace sallyport::vault::sqlite {

// A database in exclusive use, with the vault's tables in it. See open_sqlite_store for how it
// fails.
database open_vault(const std::string& path);

}  // namespace sallyport::vault::sqlite
