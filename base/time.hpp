// Wall-clock time as the product writes it: RFC 3339 in UTC with microseconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport {

// Microseconds since 1970-01-01T00:00:00Z. 0 stands for "never" in records.
using unix_micros = std::int64_t;

unix_micros now_micros() noexcept;

constexpr std::size_t rfc3339_size = 27;  // 2026-11-20T10:08:35.000000Z

// Writes exactly rfc3339_size characters. Remembers the second it formatted last, per thread,
// because lines of the trail come in bursts.
void write_rfc3339(unix_micros time, char* out) noexcept;
std::string rfc3339(unix_micros time);

// Any RFC 3339 date-time, offsets included. Nullopt for anything else.
std::optional<unix_micros> parse_rfc3339(std::string_view text) noexcept;

// `250ms`, `10s`, `5m`, `24h`; whole numbers only. Nullopt for anything else or an overflow.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;

// `512`, `64KiB`, `10MiB`, `5GiB`.
std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;

}  // namespace sallyport
