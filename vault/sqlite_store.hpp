// The embedded store: one SQLite file that this process alone has open.
//
// Write-ahead log, synchronous=FULL: what was acknowledged survives kill -9 and loss of power. A
// second process on the same file is refused. Statements run on the control thread and block it for
// as long as the disk takes (a write: about one fsync); nothing else runs there that could not
// wait.
#pragma once

#include <memory>
#include <string>

#include "vault/store.hpp"

namespace sallyport::vault {

// Creates the file (mode 0600) and its tables if need be. Throws boost::system::system_error with
// one clear sentence: errc::locked (another process has it), misconfigured (not a vault, or one of
// another schema), corrupted, unavailable.
std::unique_ptr<store> open_sqlite_store(const std::string& path);

}  // namespace sallyport::vault
