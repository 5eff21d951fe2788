// What the trail can be told.
#pragma once

#include <cstdint>
#include <string>

namespace sallyport::audit {

enum class durability : std::uint8_t {
    write,  // survives a killed process
    fsync,  // survives power loss
};

struct settings {
    std::string directory = "trail";  // absolute once loaded
    audit::durability durability = audit::durability::write;
    // A segment that has grown to this size is closed and the next one begun.
    std::uint64_t segment_bytes = 256u << 20;
    std::string stream;  // redis://...: also published to a Redis Stream; empty: not
};

}  // namespace sallyport::audit
