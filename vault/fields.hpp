// A credential as the bytes that are sealed: one field after the other,
//
//     name length (2, big-endian) | name | value length (4, big-endian) | value
//
// Values are checked when they are packed and again when they are unpacked, because a value that
// holds CR, LF or NUL would let whoever wrote it forge parts of the message it is injected into.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.hpp"
#include "vault/connection.hpp"

namespace sallyport::vault {

constexpr std::size_t fields_max = 64;
constexpr std::size_t value_bytes_max = std::size_t{32} << 10;
constexpr std::size_t credential_bytes_max = std::size_t{64} << 10;  // packed

// Not empty, no control characters, no longer than value_bytes_max.
bool is_sendable(std::string_view value) noexcept;

// errc::invalid_credential: no field at all, a field without a proper name or twice, a value that
// is not sendable, or too much of it.
result<secret> pack(const credential& fields);

// errc::corrupted for anything pack would not have made.
result<credential> unpack(std::string_view packed);

}  // namespace sallyport::vault
