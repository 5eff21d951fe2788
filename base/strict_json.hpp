// JSON from a foreign hand, read so that no two readers could disagree about it (RFC 8259).
//
// Refused outright: what is not JSON, is not UTF-8, nests deeper than json_depth_max or names a
// member twice. Values live in wiped memory (wiping.hpp). Recursion is bounded by the depth.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <string_view>

#include "base/result.hpp"

namespace sallyport {

constexpr std::size_t json_depth_max = 16;

result<boost::json::value> parse_strictly(std::string_view text);

}  // namespace sallyport
