#include "policy/variables.hpp"

#include <algorithm>
#include <regex>

#include "base/text.hpp"

namespace sallyport::policy {

namespace {

bool is_dns_label(std::string_view text)
{
    constexpr std::size_t label_bytes_max = 63;
    return !text.empty() && text.size() <= label_bytes_max && text.front() != '-' &&
           text.back() != '-' && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
                      c == '-';
           });
}

bool fits_pattern(const std::string& value, const std::string& pattern)
{
    try {
        return std::regex_match(value, std::regex(pattern, std::regex::ECMAScript));
    } catch (const std::regex_error&) {
        return false;
    }
}

bool is_plain(std::string_view value)
{
    return !value.empty() && value.size() <= variable_bytes_max &&
           std::none_of(value.begin(), value.end(), [](char c) {
               const auto byte = static_cast<unsigned char>(c);
               return byte < 0x20 || byte == 0x7f;
           });
}

}  // namespace

const variable* find_variable(const provider_facts& provider, std::string_view name) noexcept
{
    const auto found = std::find_if(provider.variables.begin(), provider.variables.end(),
                                    [&](const variable& one) { return one.name == name; });
    return found != provider.variables.end() ? &*found : nullptr;
}

bool is_acceptable(const variable* declared, const std::string& value)
{
    if (!is_plain(value)) {
        return false;
    }
    if (declared == nullptr) {
        return true;
    }
    if (!declared->pattern.empty()) {
        return fits_pattern(value, declared->pattern);
    }
    return declared->where == "host" ? is_dns_label(value)
                                     : is_name(value) && value != "." && value != "..";
}

}  // namespace sallyport::policy
