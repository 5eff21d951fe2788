// What the vault can be told.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace sallyport::vault {

struct settings {
    // sqlite:PATH (absolute), redis://[user:password@]host:port[/db]. rediss:// and
    // redis+sentinel:// are understood but refused as not built yet.
    std::string store = "sqlite:vault.db";
    // file:PATH (absolute) or env:NAME: 32 bytes as 64 hexadecimal digits or base 64.
    std::string master_key = "file:master.key";
    // Further master keys, written in the same way: they open what they have wrapped, and wrap
    // nothing.
    std::vector<std::string> previous_master_keys;
    // How long a cached credential may be used without hearing from the store.
    std::chrono::milliseconds lease{1000};
};

}  // namespace sallyport::vault
