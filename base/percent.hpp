// Percent-encoding (RFC 3986, 2.1): everything but unreserved characters and those of `kept` is
// escaped. For texts of ordinary and of wiped memory.
//
// Threading: any; pure.
#pragma once

#include <string_view>

namespace sallyport {

template <class Text>
void append_escaped(Text& out, std::string_view text, std::string_view kept = {})
{
    constexpr std::string_view hex = "0123456789ABCDEF";
    for (const char c : text) {
        const bool unreserved = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                                (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' ||
                                c == '~';
        if (unreserved || kept.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += '%';
            out += hex[static_cast<unsigned char>(c) >> 4];
            out += hex[static_cast<unsigned char>(c) & 15u];
        }
    }
}

}  // namespace sallyport
