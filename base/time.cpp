#include "base/time.hpp"

#include <charconv>
#include <cstring>
#include <limits>

namespace sallyport {

namespace {

constexpr std::int64_t micros_per_second = 1'000'000;

void put(char* out, unsigned value, std::size_t digits) noexcept
{
    while (digits-- > 0) {
        out[digits] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

void write_second(std::int64_t seconds, char* out) noexcept
{
    using namespace std::chrono;
    const sys_seconds point{std::chrono::seconds(seconds)};
    const auto day = floor<days>(point);
    const year_month_day date{day};
    const hh_mm_ss clock{point - day};
    std::memcpy(out, "0000-00-00T00:00:00", 19);
    put(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
    put(out + 5, static_cast<unsigned>(date.month()), 2);
    put(out + 8, static_cast<unsigned>(date.day()), 2);
    put(out + 11, static_cast<unsigned>(clock.hours().count()), 2);
    put(out + 14, static_cast<unsigned>(clock.minutes().count()), 2);
    put(out + 17, static_cast<unsigned>(clock.seconds().count()), 2);
}

// Reads exactly `digits` digits at `at`.
std::optional<int> number(std::string_view text, std::size_t at, std::size_t digits) noexcept
{
    if (at + digits > text.size()) {
        return std::nullopt;
    }
    int value = 0;
    for (std::size_t i = at; i < at + digits; ++i) {
        if (text[i] < '0' || text[i] > '9') {
            return std::nullopt;
        }
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

// `Z`, `+hh:mm` or `-hh:mm` as seconds east of Greenwich.
std::optional<int> offset_seconds(std::string_view text) noexcept
{
    if (text == "Z" || text == "z") {
        return 0;
    }
    if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') {
        return std::nullopt;
    }
    const auto hours = number(text, 1, 2);
    const auto minutes = number(text, 4, 2);
    if (!hours || !minutes || *hours > 23 || *minutes > 59) {
        return std::nullopt;
    }
    const int seconds = *hours * 3600 + *minutes * 60;
    return text[0] == '+' ? seconds : -seconds;
}

struct unit {
    std::string_view name;
    std::uint64_t factor;
};

template <std::size_t N>
std::optional<std::uint64_t> scaled(std::string_view text, const unit (&units)[N]) noexcept
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    const std::string_view name(end, static_cast<std::size_t>(text.data() + text.size() - end));
    for (const unit& candidate : units) {
        if (candidate.name == name) {
            if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) /
                            candidate.factor) {
                return std::nullopt;
            }
            return value * candidate.factor;
        }
    }
    return std::nullopt;
}

}  // namespace

unix_micros now_micros() noexcept
{
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

void write_rfc3339(unix_micros time, char* out) noexcept
{
    thread_local std::int64_t kept_second = std::numeric_limits<std::int64_t>::min();
    thread_local char kept_text[20];

    std::int64_t second = time / micros_per_second;
    std::int64_t micros = time % micros_per_second;
    if (micros < 0) {
        micros += micros_per_second;
        --second;
    }
    if (second != kept_second) {
        write_second(second, kept_text);
        kept_second = second;
    }
    std::memcpy(out, kept_text, 19);
    out[19] = '.';
    put(out + 20, static_cast<unsigned>(micros), 6);
    out[26] = 'Z';
}

std::string rfc3339(unix_micros time)
{
    std::string out(rfc3339_size, '\0');
    write_rfc3339(time, out.data());
    return out;
}

std::optional<unix_micros> parse_rfc3339(std::string_view text) noexcept
{
    using namespace std::chrono;
    const auto y = number(text, 0, 4), mo = number(text, 5, 2), d = number(text, 8, 2);
    const auto h = number(text, 11, 2), mi = number(text, 14, 2), s = number(text, 17, 2);
    if (!y || !mo || !d || !h || !mi || !s || text[4] != '-' || text[7] != '-' ||
        (text[10] != 'T' && text[10] != 't' && text[10] != ' ') || text[13] != ':' ||
        text[16] != ':') {
        return std::nullopt;
    }
    const year_month_day date{year(*y), month(static_cast<unsigned>(*mo)),
                              day(static_cast<unsigned>(*d))};
    if (!date.ok() || *h > 23 || *mi > 59 || *s > 60) {
        return std::nullopt;
    }
    std::size_t at = 19;
    std::int64_t micros = 0;
    if (at < text.size() && text[at] == '.') {
        std::int64_t weight = micros_per_second / 10;
        const std::size_t first = ++at;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
            micros += (text[at] - '0') * weight;
            weight /= 10;
        }
        if (at == first) {
            return std::nullopt;
        }
    }
    const auto offset = offset_seconds(text.substr(at));
    if (!offset) {
        return std::nullopt;
    }
    const auto days_since = sys_days(date).time_since_epoch().count();
    const std::int64_t seconds =
        std::int64_t{days_since} * 86400 + *h * 3600 + *mi * 60 + *s - *offset;
    return seconds * micros_per_second + micros;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept
{
    static constexpr unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
    const auto value = scaled(text, units);
    if (!value) {
        return std::nullopt;
    }
    return std::chrono::milliseconds(static_cast<std::int64_t>(*value));
}

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept
{
    static constexpr unit units[] = {
        {"", 1}, {"B", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}};
    return scaled(text, units);
}

}  // namespace sallyport
