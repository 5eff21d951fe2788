#include "proxy/named_authority.hpp"

#include <algorithm>
#include <charconv>

namespace sallyport::proxy {

named_authority authority_in(std::string_view value) noexcept
{
    constexpr std::string_view scheme = "https://";
    value.remove_prefix(value.starts_with(scheme) ? scheme.size() : 0);
    value = value.substr(0, value.find('/'));
    named_authority out{value};
    const std::size_t bracket = value.starts_with('[') ? value.find(']') : 0;
    const std::size_t colon = value.find(':', std::min(bracket, value.size()));
    if (bracket == 0 && value.find(':') != value.rfind(':')) {
        return out;  // An IPv6 address by itself.
    }
    if (colon != value.npos) {
        const std::string_view digits = value.substr(colon + 1);
        const char* const end = digits.data() + digits.size();
        const auto [stop, error] = std::from_chars(digits.data(), end, out.port);
        const bool is_port = error == std::errc() && stop == end && out.port != 0;
        out.host = is_port ? value.substr(0, colon) : "";
    }
    if (bracket != 0) {
        out.host = bracket + 1 == out.host.size() ? out.host.substr(1, bracket - 1) : "";
    }
    return out;
}

}  // namespace sallyport::proxy
