#include "audit/moment.hpp"

#include <charconv>
#include <chrono>
#include <string>

namespace sallyport::audit {

std::optional<unix_micros> parse_moment(std::string_view text, unix_micros now)
{
    constexpr unix_micros day = 86'400'000'000, days_max = 36500;
    if (const auto ago = parse_duration(text)) {
        return now - std::chrono::microseconds(*ago).count();
    }
    if (text.ends_with('d')) {
        unix_micros days = 0;
        const char* const end = text.data() + text.size() - 1;
        if (const auto read = std::from_chars(text.data(), end, days);
            read.ec == std::errc() && read.ptr == end && days >= 0 && days < days_max) {
            return now - days * day;
        }
    }
    constexpr std::size_t date_size = 10;
    return parse_rfc3339(text.size() == date_size ? std::string(text) + "T00:00:00Z"
                                                  : std::string(text));
}

}  // namespace sallyport::audit
