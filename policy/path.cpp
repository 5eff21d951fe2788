#include "policy/path.hpp"

#include "base/text.hpp"

namespace sallyport::policy {
namespace {

int hex_value(char c) noexcept
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lowered = to_lower(c);
    return lowered >= 'a' && lowered <= 'f' ? lowered - 'a' + 10 : -1;
}

// Bytes that may stand in a path as they are.
path_fault check_raw_byte(char c) noexcept
{
    if (c == '\\') {
        return path_fault::backslash;
    }
    return c <= ' ' || c >= 0x7f || c == '#' || c == '?' ? path_fault::bad_byte : path_fault::none;
}

path_fault check_decoded_byte(char c, path_allowances allowances) noexcept
{
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
        return path_fault::control_character;
    }
    if (c == '\\') {
        return path_fault::backslash;
    }
    return c == '/' && !allowances.encoded_slash ? path_fault::encoded_slash : path_fault::none;
}

// An ASCII character written as more than one byte (RFC 3629, 3): lenient decoders read
// C0 AE as '.', and longer forms likewise.
bool holds_overlong_form(std::string_view text) noexcept
{
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto first = static_cast<unsigned char>(text[i]);
        const auto second = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
        if (first == 0xc0 || first == 0xc1 || (first == 0xe0 && second >= 0x80 && second < 0xa0) ||
            (first == 0xf0 && second >= 0x80 && second < 0x90)) {
            return true;
        }
    }
    return false;
}

// A decoded '%' can only come from %25: the second decoding would make a '.', '/' or '\' of it.
bool holds_double_encoding(std::string_view text) noexcept
{
    for (std::size_t i = 0; i + 2 < text.size(); ++i) {
        if (text[i] == '%') {
            const int value = hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]);
            if (value == '.' || value == '/' || value == '\\') {
                return true;
            }
        }
    }
    return false;
}

std::string_view without_parameters(std::string_view segment) noexcept
{
    return segment.substr(0, segment.find(';'));
}

bool is_dot_segment(std::string_view segment) noexcept
{
    const std::string_view name = without_parameters(segment);
    return name == "." || name == "..";
}

// Where encoded slashes are allowed, a server that decodes them sees further segments.
bool holds_dot_segment(std::string_view segment) noexcept
{
    for (;;) {
        const std::size_t slash = segment.find('/');
        if (is_dot_segment(segment.substr(0, slash))) {
            return true;
        }
        if (slash == std::string_view::npos) {
            return false;
        }
        segment.remove_prefix(slash + 1);
    }
}

}  // namespace

path_fault request_path::parse(std::string_view raw, path_allowances allowances)
{
    raw_ = raw;
    count_ = 0;
    has_parameters_ = false;
    decoded_.clear();
    if (raw.empty() || raw.front() != '/') {
        return path_fault::not_absolute;
    }
    if (raw.find('%') != std::string_view::npos) {
        decoded_.reserve(raw.size());  // Segments point into it while it fills.
    }
    std::string_view rest = raw.substr(1);
    for (;;) {
        const std::size_t slash = rest.find('/');
        const bool last = slash == std::string_view::npos;
        const path_fault fault = add(rest.substr(0, slash), last, allowances);
        if (fault != path_fault::none) {
            count_ = 0;
            return fault;
        }
        if (last) {
            return path_fault::none;
        }
        rest.remove_prefix(slash + 1);
    }
}

path_fault request_path::add(std::string_view raw_segment, bool last, path_allowances allowances)
{
    if (count_ == path_segments_max) {
        return path_fault::too_many_segments;
    }
    bool escaped = false;
    for (const char c : raw_segment) {
        const path_fault fault = check_raw_byte(c);
        if (fault != path_fault::none) {
            return fault;
        }
        escaped |= c == '%';
    }
    std::string_view segment = raw_segment;
    if (escaped) {
        const std::size_t begin = decoded_.size();
        for (std::size_t i = 0; i < raw_segment.size(); ++i) {
            char c = raw_segment[i];
            if (c == '%') {
                const int high = i + 2 < raw_segment.size() ? hex_value(raw_segment[i + 1]) : -1;
                const int low = i + 2 < raw_segment.size() ? hex_value(raw_segment[i + 2]) : -1;
                if (high < 0 || low < 0) {
                    return path_fault::bad_escape;
                }
                c = static_cast<char>(high * 16 + low);
                i += 2;
                const path_fault fault = check_decoded_byte(c, allowances);
                if (fault != path_fault::none) {
                    return fault;
                }
            }
            decoded_.push_back(c);
        }
        segment = std::string_view(decoded_).substr(begin);
        if (holds_overlong_form(segment)) {
            return path_fault::bad_escape;
        }
        if (holds_double_encoding(segment)) {
            return path_fault::double_encoding;
        }
    }
    if (holds_dot_segment(segment)) {
        return path_fault::dot_segment;
    }
    const bool parameters = segment.find(';') != std::string_view::npos;
    if (without_parameters(segment).empty() && (!last || parameters) &&
        !allowances.empty_segments) {
        return path_fault::empty_segment;
    }
    has_parameters_ |= parameters;
    segments_[count_++] = segment;
    return path_fault::none;
}

std::string_view describe(path_fault fault) noexcept
{
    switch (fault) {
        case path_fault::none: return "The path is sound.";
        case path_fault::not_absolute: return "The path does not start with a slash.";
        case path_fault::bad_byte: return "The path holds a byte that no path may hold.";
        case path_fault::bad_escape: return "The path holds a malformed percent escape.";
        case path_fault::control_character: return "The path holds an escaped control character.";
        case path_fault::backslash: return "The path holds a backslash.";
        case path_fault::dot_segment: return "The path holds a dot segment.";
        case path_fault::double_encoding: return "The path is percent-encoded twice.";
        case path_fault::empty_segment: return "The path holds an empty segment.";
        case path_fault::encoded_slash: return "The path holds an encoded slash.";
        case path_fault::too_many_segments: return "The path has too many segments.";
    }
    return "The path cannot be read.";
}

}  // namespace sallyport::policy
