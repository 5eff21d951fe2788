// The notes of the embedded store. Claims live in memory: this process alone has the file, and what
// it had claimed is free once it is gone. The database belongs to the store beside it and outlives
// this.
#pragma once

#include <memory>

#include "vault/note_store.hpp"
#include "vault/sqlite.hpp"

namespace sallyport::vault {

std::unique_ptr<note_store> make_sqlite_note_store(sqlite::database& database);

}  // namespace sallyport::vault
