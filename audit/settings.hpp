// What the trail can be told.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sallyport::audit {

enum class durability : std::uint8_t {
    write,  // survives a killed process
    fsync,  // survives power loss
};

// What becomes of segments that are closed.
struct keeping {
    bool compress = false;
    // Deleted when they were last written to so long ago, or when all together are larger. 0: not.
    std::chrono::milliseconds age{0};
    std::uint64_t bytes = 0;
};

struct settings {
    std::string directory = "trail";  // absolute once loaded
    audit::durability durability = audit::durability::write;
    // A segment that has grown to this size is closed and the next one begun.
    std::uint64_t segment_bytes = 256u << 20;
    // So is one that has grown as old as this, with the line after. 0: not.
    std::chrono::milliseconds segment_age{0};
    audit::keeping keeping;
    std::string stream;  // redis://...: also published to a Redis Stream; empty: not
};

}  // namespace sallyport::audit
