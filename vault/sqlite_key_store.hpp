// The wrapped keys in the embedded store: its table `keys`. The database belongs to the store
// beside it and outlives this.
#pragma once

#include <memory>

#include "vault/key_store.hpp"
#include "vault/sqlite.hpp"

namespace sallyport::vault {

std::unique_ptr<key_store> make_sqlite_key_store(sqlite::database& database);

}  // namespace sallyport::vault
