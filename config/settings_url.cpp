#include "config/settings_url.hpp"

#include <algorithm>
#include <charconv>

namespace sallyport::config {
namespace {

constexpr std::string_view redis_schemes[] = {"redis://", "rediss://", "redis+sentinel://",
                                              "rediss+sentinel://"};
constexpr unsigned databases_max = 65'535;

bool is_printable(std::string_view text) noexcept
{
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool is_number(std::string_view text, unsigned min, unsigned max) noexcept
{
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && value >= min && value <= max;
}

// HOST, HOST:PORT, [IPV6] or [IPV6]:PORT.
bool is_authority(std::string_view text) noexcept
{
    std::string_view host = text;
    const std::size_t bracket = text.rfind(']');
    const std::size_t colon = text.rfind(':');
    if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
        if (!is_number(text.substr(colon + 1), 1, 65'535)) {
            return false;
        }
        host = text.substr(0, colon);
    }
    if (host.starts_with('[')) {
        return host.size() > 2 && host.ends_with(']') &&
               host.find_first_not_of("0123456789abcdefABCDEF:.", 1) == host.size() - 1;
    }
    return !host.empty() && host.find_first_of("[]:@/?#,%") == std::string_view::npos;
}

bool are_authorities(std::string_view list) noexcept
{
    while (true) {
        const std::size_t comma = list.find(',');
        if (!is_authority(list.substr(0, comma))) {
            return false;
        }
        if (comma == std::string_view::npos) {
            return true;
        }
        list.remove_prefix(comma + 1);
    }
}

}  // namespace

bool is_redis_url(std::string_view url) noexcept
{
    return std::any_of(std::begin(redis_schemes), std::end(redis_schemes),
                       [&](std::string_view scheme) { return url.starts_with(scheme); });
}

std::string_view redis_url_fault(std::string_view url) noexcept
{
    constexpr std::string_view form =
        "expected redis://[user:password@]host:port[/db], "
        "redis+sentinel://[user:password@]host:port,host:port/name[/db], or the same with rediss";
    if (!is_redis_url(url) || !is_printable(url)) {
        return form;
    }
    const bool sentinel = url.substr(0, url.find("://")).ends_with("+sentinel");
    std::string_view rest = url.substr(url.find("://") + 3);
    if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
        rest.remove_prefix(at + 1);
    }
    std::size_t slash = rest.find('/');
    const std::string_view hosts = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? "" : rest.substr(slash + 1);
    if (sentinel) {
        slash = rest.find('/');
        const std::string_view name = rest.substr(0, slash);
        rest = slash == std::string_view::npos ? "" : rest.substr(slash + 1);
        if (!are_authorities(hosts) || name.empty()) {
            return form;
        }
    } else if (!is_authority(hosts)) {
        return form;
    }
    return rest.empty() || is_number(rest, 0, databases_max) ? "" : form;
}

std::string_view page_url_fault(std::string_view url) noexcept
{
    constexpr std::string_view form = "expected an http:// or https:// URL";
    if (!url.starts_with("http://") && !url.starts_with("https://")) {
        return form;
    }
    const std::string_view rest = url.substr(url.find("://") + 3);
    const bool sound = is_printable(url) && url.find('#') == std::string_view::npos &&
                       url.find('"') == std::string_view::npos &&
                       is_authority(rest.substr(0, rest.find_first_of("/?")));
    return sound ? "" : form;
}

}  // namespace sallyport::config
