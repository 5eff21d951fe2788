// The fields that belong to one connection or to the gate itself, and are not sent on (RFC 9110,
// 7.6.1). Those that a Connection field names come on top.
#pragma once

#include <cstdint>
#include <string_view>

namespace sallyport::proxy {

enum class direction : std::uint8_t { to_provider = 1, to_caller = 2 };

bool ends_at_gate(std::string_view name, direction going) noexcept;

}  // namespace sallyport::proxy
