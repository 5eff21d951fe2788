// ULIDs: 48 bits of Unix milliseconds and 80 random bits, written as 26 characters of Crockford's
// base 32. They name connections, calls and lines of the trail, and sort by time.
// Source: github.com/ulid/spec.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport {

struct ulid {
    std::array<std::uint8_t, 16> bytes{};

    static constexpr std::size_t text_size = 26;

    // Writes exactly text_size characters to `out`, no terminator.
    void write(char* out) const noexcept;
    std::string text() const;

    // Upper case only: what this program writes. Anything else is nullopt.
    static std::optional<ulid> parse(std::string_view text) noexcept;

    auto operator<=>(const ulid&) const = default;
};

// Makes ULIDs. Within one millisecond the random part is increased by one, so that the ids of one
// source are strictly increasing. Not thread-safe: one per thread.
class ulid_source {
public:
    ulid next();  // From the system clock and getrandom(2).
    ulid next(std::uint64_t unix_milliseconds);

private:
    std::uint64_t last_milliseconds_ = 0;
    ulid last_;
};

// From a source of the calling thread.
ulid make_ulid();

}  // namespace sallyport
