// Points in time as people give them to a search.
//
// Threading: none. Pure but for the present time, which is given.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace sallyport::audit {

// `90m`, `24h`, `7d`: so long ago. `2026-11-20`: midnight UTC. Else RFC 3339. Nullopt for anything
// else.
std::optional<unix_micros> parse_moment(std::string_view text, unix_micros now);

constexpr std::string_view moments =
    "a time (2026-11-20, 2026-11-20T10:00:00Z) or how long ago (90m, 24h, 7d)";

}  // namespace sallyport::audit
