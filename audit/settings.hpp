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
    std::string stream;  // redis://...: also published to a Redis Stream; empty: not
};

}  // namespace sallyport::audit
