// Taking away what a kill or a power cut tore, without losing it: the end of a file goes into one
// beside it, FILE.torn, which is on disk before the file is cut.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sallyport::audit {

struct aside {
    std::uint64_t bytes = 0;
    bool has_lines = false;  // a line feed was among them
};

// Sets aside everything from the offset on; a file that ends there stays as it is. Nullopt if the
// disk does not let it: done again, it does the same.
std::optional<aside> set_aside(int directory, const std::string& name, std::uint64_t from);

// Whether what was set aside of the file has a line feed in it.
bool has_lines_aside(int directory, const std::string& name);

}  // namespace sallyport::audit
