#include "base/ulid.hpp"

#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <system_error>

namespace sallyport {

namespace {

constexpr char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t time_bytes = 6;

int digit(char c) noexcept
{
    const char* const end = alphabet + 32;
    const char* const at = std::find(alphabet, end, c);
    return at == end ? -1 : static_cast<int>(at - alphabet);
}

std::uint64_t read_bytes(const std::uint8_t* from, std::size_t count) noexcept
{
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
        value = value << 8 | from[i];
    }
    return value;
}

void write_digits(std::uint64_t value, char* out, std::size_t count) noexcept
{
    for (std::size_t i = count; i-- > 0; value >>= 5) {
        out[i] = alphabet[value & 31];
    }
}

void fill_random(std::uint8_t* out, std::size_t size)
{
    if (getrandom(out, size, 0) != static_cast<ssize_t>(size)) {
        // Requests of up to 256 bytes are never cut short once the kernel's pool is ready.
        throw std::system_error(errno, std::system_category(), "getrandom");
    }
}

}  // namespace

void ulid::write(char* out) const noexcept
{
    // 48 bits of time are 10 digits of 5 bits (two leading zero bits), 80 random bits twice 8.
    write_digits(read_bytes(bytes.data(), 6), out, 10);
    write_digits(read_bytes(bytes.data() + 6, 5), out + 10, 8);
    write_digits(read_bytes(bytes.data() + 11, 5), out + 18, 8);
}

std::string ulid::text() const
{
    std::string out(text_size, '\0');
    write(out.data());
    return out;
}

std::optional<ulid> ulid::parse(std::string_view text) noexcept
{
    if (text.size() != text_size || digit(text[0]) > 7) {
        return std::nullopt;
    }
    ulid out;
    for (std::size_t i = 0; i < text_size; ++i) {
        const int value = digit(text[i]);
        if (value < 0) {
            return std::nullopt;
        }
        for (std::size_t k = 0; k < 5; ++k) {
            const std::size_t bit = i * 5 + k;
            if (bit >= 2 && ((value >> (4 - k)) & 1) != 0) {
                const std::size_t at = bit - 2;
                out.bytes[at / 8] =
                    static_cast<std::uint8_t>(out.bytes[at / 8] | (0x80u >> (at % 8)));
            }
        }
    }
    return out;
}

ulid ulid_source::next()
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return next(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now).count()));
}

ulid ulid_source::next(std::uint64_t unix_milliseconds)
{
    // A clock that steps back must not make ids that sort before those already given out.
    if (last_milliseconds_ != 0 && unix_milliseconds <= last_milliseconds_) {
        for (std::size_t i = 16; i-- > 0;) {
            if (++last_.bytes[i] != 0) {
                break;
            }
        }
        return last_;
    }
    last_milliseconds_ = unix_milliseconds;
    for (std::size_t i = 0; i < time_bytes; ++i) {
        last_.bytes[i] = static_cast<std::uint8_t>(unix_milliseconds >> (8 * (time_bytes - 1 - i)));
    }
    fill_random(last_.bytes.data() + time_bytes, last_.bytes.size() - time_bytes);
    last_.bytes[time_bytes] &= 0x7f;  // Room to count up within the millisecond.
    return last_;
}

ulid make_ulid()
{
    thread_local ulid_source source;
    return source.next();
}

}  // namespace sallyport
