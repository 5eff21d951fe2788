// One JSON object from a foreign hand, read so that no two readers could disagree about it
// (RFC 8259, section 4; RFC 7515, section 4): a member named twice, at whatever depth, is refused
// instead of letting the last one win.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string_view>

namespace sallyport::identity {

constexpr std::size_t json_depth_max = 8;
constexpr std::size_t json_members_max = 256;    // of one object
constexpr std::size_t json_elements_max = 1024;  // of one array

std::optional<boost::json::object> parse_object(std::string_view text);

}  // namespace sallyport::identity
