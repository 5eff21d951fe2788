// Keeps what is sealed under another generation than its workspace's newest out of the embedded
// store: key_store.hpp says why. The database belongs to the store beside it and outlives this.
#pragma once

#include <string>

#include "vault/sqlite.hpp"

namespace sallyport::vault {

class sqlite_newest_key {
public:
    explicit sqlite_newest_key(const sqlite::database& in);

    // errc::version_conflict. A text that is no sealed record names no generation, and passes.
    result<void> require(const std::string& workspace, const std::string& sealed);

private:
    sqlite::statement newest_;
};

}  // namespace sallyport::vault
