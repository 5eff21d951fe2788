// Hexadecimal and base 64 (RFC 4648). Decoders are strict: one text for one value, anything else
// is nullopt.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sallyport {

std::string to_hex(std::string_view bytes);  // lower case
std::optional<std::string> from_hex(std::string_view text);

std::string to_base64(std::string_view bytes);     // with padding
std::string to_base64url(std::string_view bytes);  // without padding, as JWTs have it

std::optional<std::string> from_base64(std::string_view text);
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace sallyport
