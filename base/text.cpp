#include "base/text.hpp"

#include <algorithm>

namespace sallyport {

namespace {

// The length of the well-formed UTF-8 sequence that starts at `at`, or 0 (Unicode 15, table 3-7).
std::size_t utf8_sequence(std::string_view text, std::size_t at) noexcept
{
    const auto byte = [&](std::size_t k) {
        return at + k < text.size() ? static_cast<unsigned char>(text[at + k]) : 0u;
    };
    const auto continues = [&](std::size_t k) { return (byte(k) & 0xc0u) == 0x80u; };
    const unsigned first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        return continues(1) ? 2 : 0;
    }
    if (first >= 0xe0 && first <= 0xef) {
        const bool overlong = first == 0xe0 && byte(1) < 0xa0;
        const bool surrogate = first == 0xed && byte(1) > 0x9f;
        return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const bool overlong = first == 0xf0 && byte(1) < 0x90;
        const bool beyond = first == 0xf4 && byte(1) > 0x8f;
        return continues(1) && continues(2) && continues(3) && !overlong && !beyond ? 4 : 0;
    }
    return 0;
}

void append_escaped(std::string& out, char c)
{
    constexpr std::string_view hex = "0123456789abcdef";
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        default:
            out += "\\u00";
            out += hex[static_cast<unsigned char>(c) >> 4];
            out += hex[static_cast<unsigned char>(c) & 15u];
    }
}

}  // namespace

std::string lower(std::string_view text)
{
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), to_lower);
    return out;
}

void append_json_string(std::string& out, std::string_view text)
{
    out += '"';
    std::size_t plain = 0;  // Start of the run that can be copied as it stands.
    for (std::size_t at = 0; at < text.size();) {
        const auto c = static_cast<unsigned char>(text[at]);
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            ++at;
            continue;
        }
        const std::size_t length = c >= 0x80 ? utf8_sequence(text, at) : 1;
        if (c >= 0x80 && length != 0) {
            at += length;
            continue;
        }
        out.append(text, plain, at - plain);
        if (c >= 0x80) {
            out += "\xef\xbf\xbd";
        } else {
            append_escaped(out, text[at]);
        }
        plain = ++at;
    }
    out.append(text, plain);
    out += '"';
}

}  // namespace sallyport
