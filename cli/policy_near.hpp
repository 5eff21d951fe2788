// Paths that some rule names and that come close to one that none does: "did you mean".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/provider.hpp"

namespace sallyport::cli {

constexpr std::size_t paths_near_max = 3;

// Of the rules that hold for `kind` and `variant`: a version or other lead that is missing or too
// much, a slash at the end, one word spelled almost right. The closest first.
std::vector<std::string> paths_near(const policy::provider_facts& facts, std::string_view path,
                                    std::string_view kind, std::string_view variant);

}  // namespace sallyport::cli
