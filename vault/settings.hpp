// What the vault can be told.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace sallyport::vault {

struct redis_settings {
    std::string ca;           // PEM file to trust instead of the system's roots (absolute)
    std::string certificate;  // PEM files (absolute) for a Redis that wants a client certificate
    std::string key;
    // Start although Redis's own settings let it forget what it has acknowledged.
    bool accept_data_loss = false;
};

// When and how long fresh tokens are asked for.
struct refresh_settings {
    // A token is refreshed this long before it expires, while calls still use it; one that lives
    // for less than twice as long, halfway through its life.
    std::chrono::milliseconds margin{120'000};
    // How long the provider may take to answer.
    std::chrono::milliseconds timeout{10'000};
};

constexpr std::size_t previous_master_keys_max = 16;

struct settings {
    // sqlite:PATH (absolute), or redis:// and its kin: see redis_address.hpp.
    std::string store = "sqlite:vault.db";
    redis_settings redis;
    // file:PATH (absolute) or env:NAME: 32 bytes as 64 hexadecimal digits or base 64.
    std::string master_key = "file:master.key";
    // Further master keys, written in the same way: they open what they have wrapped, and wrap
    // nothing.
    std::vector<std::string> previous_master_keys;
    // How long a cached credential may be used without hearing from the store.
    std::chrono::milliseconds lease{1000};
    refresh_settings refresh;
};

}  // namespace sallyport::vault
