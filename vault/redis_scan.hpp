// One step of SCAN or SSCAN: some names, and where the next step begins.
#pragma once

#include <string>

#include "vault/redis_commands.hpp"

namespace sallyport::vault {

constexpr const char* scan_count = "256";  // what a step looks at, about

struct scanned {
    words names;
    std::string next;  // "": that was all
};

// `command` begins with SCAN, or with SSCAN and the set's key; `after` is what the step before
// answered, "" in the first. `pattern` may be empty.
task<scanned> scan(redis_commands* redis, words command, std::string after, std::string pattern);

}  // namespace sallyport::vault
