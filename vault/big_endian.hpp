// Unsigned numbers as the vault writes them into its records: most significant byte first.
#pragma once

#include <cstddef>

namespace sallyport::vault {

// Returns the place behind what it wrote.
template <class Unsigned>
constexpr char* put_big_endian(char* out, Unsigned value) noexcept
{
    for (std::size_t i = sizeof(Unsigned); i-- > 0;) {
        *out++ = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
    }
    return out;
}

// Reads sizeof(Unsigned) bytes.
template <class Unsigned>
constexpr Unsigned get_big_endian(const char* in) noexcept
{
    Unsigned value = 0;
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
        value = static_cast<Unsigned>((value << 8) | static_cast<unsigned char>(in[i]));
    }
    return value;
}

}  // namespace sallyport::vault
