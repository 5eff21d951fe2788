#include <algorithm>
#include <charconv>
#include <string>

#include "oauth/token_answer.hpp"

namespace sallyport::oauth {

namespace {

constexpr std::size_t date_size = 29;  // Sun, 06 Nov 1994 08:49:37 GMT
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";

// IMF-fixdate of RFC 9110, 5.6.7, by way of the form that base/time.hpp reads.
std::optional<unix_micros> read_date(std::string_view text)
{
    if (text.size() != date_size || text.substr(25) != " GMT") {
        return std::nullopt;
    }
    const std::size_t month = months.find(text.substr(8, 3));
    if (month == months.npos || month % 3 != 0) {
        return std::nullopt;
    }
    const std::string number = std::to_string(month / 3 + 1);
    std::string iso(text.substr(12, 4));
    iso += '-';
    iso += (number.size() == 1 ? "0" : "") + number;
    iso += '-';
    iso += text.substr(5, 2);
    iso += 'T';
    iso += text.substr(17, 8);
    iso += 'Z';
    return parse_rfc3339(iso);
}

}  // namespace

std::chrono::seconds read_retry_after(const net::http_answer& answer, unix_micros now)
{
    const std::string_view field = answer.header("Retry-After");
    std::int64_t seconds = 0;
    const auto [stop, error] = std::from_chars(field.data(), field.data() + field.size(), seconds);
    if (error == std::errc::result_out_of_range) {
        return retry_after_max;
    }
    if (error != std::errc() || stop != field.data() + field.size()) {
        const std::optional<unix_micros> date = read_date(field);
        if (!date) {
            return std::chrono::seconds(0);
        }
        seconds = (*date - now) / 1'000'000;
    }
    return std::clamp(std::chrono::seconds(seconds), std::chrono::seconds(0), retry_after_max);
}

}  // namespace sallyport::oauth
