// Small pure functions over ASCII text. None of them allocates unless it returns a string, none
// depends on the locale.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sallyport {

constexpr char to_lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept
{
    if (a.size() != b.size()) {
        return false;
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (to_lower(a[i]) != to_lower(b[i])) {
            return false;
        }
    }
    return true;
}

constexpr bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) noexcept
{
    return text.size() >= prefix.size() &&
           equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

std::string lower(std::string_view text);

// Optional white space of RFC 9110, 5.6.3: spaces and tabs.
constexpr std::string_view trim(std::string_view text) noexcept
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
        text.remove_suffix(1);
    }
    return text;
}

// `tchar` of RFC 9110, 5.6.2.
constexpr bool is_token_char(char c) noexcept
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr std::size_t name_bytes_max = 128;

// Names of workspaces, users, apps and runs: [A-Za-z0-9._@:+-]{1,128}.
constexpr bool is_name(std::string_view text) noexcept
{
    if (text.empty() || text.size() > name_bytes_max) {
        return false;
    }
    for (const char c : text) {
        const bool allowed = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                             (c >= 'A' && c <= 'Z') ||
                             std::string_view("._@:+-").find(c) != std::string_view::npos;
        if (!allowed) {
            return false;
        }
    }
    return true;
}

// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, so that
// what is written is always valid JSON (RFC 8259, 8.1).
void append_json_string(std::string& out, std::string_view text);

}  // namespace sallyport
