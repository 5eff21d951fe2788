#include "proxy/http_head.hpp"

#include <array>
#include <cstring>

#include "base/text.hpp"

namespace sallyport::proxy {

namespace {

constexpr std::size_t method_max = 32;
constexpr std::size_t version_size = 8;  // HTTP/1.1

enum : std::uint8_t { is_token = 1, is_value = 2, is_target = 4 };

constexpr std::array<std::uint8_t, 256> make_classes()
{
    std::array<std::uint8_t, 256> classes{};
    for (unsigned c = 0; c < 256; ++c) {
        std::uint8_t mask = 0;
        if (c < 0x80 && is_token_char(static_cast<char>(c))) {
            mask |= is_token;
        }
        if (c == '\t' || (c >= 0x20 && c != 0x7f)) {
            mask |= is_value;
        }
        if (c > 0x20 && c < 0x7f && c != '#') {
            mask |= is_target;
        }
        classes[c] = mask;
    }
    return classes;
}

constexpr auto classes = make_classes();

bool all_of_class(std::string_view text, std::uint8_t mask) noexcept
{
    for (const char c : text) {
        if ((classes[static_cast<unsigned char>(c)] & mask) == 0) {
            return false;
        }
    }
    return true;
}

// "HTTP/1.0" or "HTTP/1.1", or -1.
int minor_version(std::string_view text) noexcept
{
    if (text.size() != version_size || text.substr(0, 7) != "HTTP/1.") {
        return -1;
    }
    return text[7] == '1' ? 1 : text[7] == '0' ? 0 : -1;
}

bool read_request_line(std::string_view line, request_head& out)
{
    const std::size_t method_end = line.find(' ');
    const std::size_t target_end = line.rfind(' ');
    if (method_end == std::string_view::npos || method_end == target_end) {
        return false;
    }
    out.method = line.substr(0, method_end);
    out.target = line.substr(method_end + 1, target_end - method_end - 1);
    out.minor = minor_version(line.substr(target_end + 1));
    return out.minor >= 0 && !out.method.empty() && out.method.size() <= method_max &&
           !out.target.empty() && all_of_class(out.method, is_token) &&
           all_of_class(out.target, is_target);
}

bool read_status_line(std::string_view line, response_head& out)
{
    constexpr std::size_t code_at = version_size + 1;
    if (line.size() < code_at + 3 || line[version_size] != ' ') {
        return false;
    }
    out.minor = minor_version(line.substr(0, version_size));
    out.status = 0;
    for (std::size_t i = code_at; i < code_at + 3; ++i) {
        if (line[i] < '0' || line[i] > '9') {
            return false;
        }
        out.status = out.status * 10 + static_cast<unsigned>(line[i] - '0');
    }
    const std::string_view rest = line.substr(code_at + 3);
    // Some servers leave out the space before an empty reason; nothing else may follow the code.
    if (!rest.empty() && rest.front() != ' ') {
        return false;
    }
    out.reason = rest.empty() ? rest : rest.substr(1);
    return out.minor >= 0 && out.status >= 100 && out.status <= 599 &&
           all_of_class(out.reason, is_value);
}

bool read_field(std::string_view line, field& out)
{
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) {
        return false;
    }
    out.name = line.substr(0, colon);
    out.value = trim(line.substr(colon + 1));
    return all_of_class(out.name, is_token) && all_of_class(out.value, is_value);
}

// One complete line from `at`, without its CRLF; `at` moves behind it.
std::string_view next_line(std::string_view bytes, std::size_t& at)
{
    const std::size_t end = bytes.find('\n', at);
    const std::string_view line = bytes.substr(at, end - 1 - at);
    at = end + 1;
    return line;
}

// Moves `scanned` to the end of the head. Lines are only measured here; `first_max` bounds the
// first.
head_state find_end(std::string_view bytes, const head_limits& limits, std::size_t first_max,
                    std::size_t& scanned)
{
    for (;;) {
        const void* const found = std::memchr(bytes.data() + scanned, '\n', bytes.size() - scanned);
        const bool first = scanned == 0;
        if (found == nullptr) {
            if (first && bytes.size() > first_max) {
                return head_state::target_too_long;
            }
            return bytes.size() >= limits.bytes ? head_state::too_large : head_state::incomplete;
        }
        const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
        if (end == scanned || bytes[end - 1] != '\r') {
            return head_state::malformed;  // A bare LF, also an empty line of one.
        }
        if (first && end > first_max) {
            return head_state::target_too_long;
        }
        const bool empty = end - scanned == 1;
        if (first && empty) {
            return head_state::malformed;
        }
        scanned = end + 1;
        if (scanned > limits.bytes) {
            return head_state::too_large;
        }
        if (empty) {
            return head_state::complete;
        }
    }
}

head_state read_fields(std::string_view head, std::size_t at, const head_limits& limits,
                       message_head& out)
{
    out.fields.clear();
    while (head.size() - at > 2) {
        if (out.fields.size() == limits.lines) {
            return head_state::too_large;
        }
        field& next = out.fields.emplace_back();
        if (!read_field(next_line(head, at), next)) {
            return head_state::malformed;
        }
    }
    out.size = head.size();
    return head_state::complete;
}

// The start line, as soon as it is there: what cannot be HTTP is refused without waiting for more.
template <class Head, class ReadLine>
head_state read_head(std::string_view bytes, const head_limits& limits, std::size_t first_max,
                     std::size_t& scanned, Head& out, ReadLine read_line)
{
    const bool first_line_read = scanned != 0;
    const head_state state = find_end(bytes, limits, first_max, scanned);
    const bool first_line_there = scanned != 0;
    if (state == head_state::malformed || state == head_state::target_too_long) {
        return state;
    }
    if (state != head_state::complete && (first_line_read || !first_line_there)) {
        return state;
    }
    std::size_t at = 0;
    if (!read_line(next_line(bytes, at), out)) {
        return head_state::malformed;
    }
    return state == head_state::complete ? read_fields(bytes.substr(0, scanned), at, limits, out)
                                         : state;
}

}  // namespace

head_state read_request_head(std::string_view bytes, const head_limits& limits,
                             std::size_t& scanned, request_head& out)
{
    // What is not a method cannot become one: a TLS hello on a plain port is refused at once.
    if (!bytes.empty() && (classes[static_cast<unsigned char>(bytes[0])] & is_token) == 0) {
        return head_state::malformed;
    }
    const std::size_t first_max = limits.target + method_max + version_size + 4;
    const head_state state = read_head(bytes, limits, first_max, scanned, out, &read_request_line);
    if (state == head_state::complete && out.target.size() > limits.target) {
        return head_state::target_too_long;
    }
    return state;
}

head_state read_response_head(std::string_view bytes, const head_limits& limits,
                              std::size_t& scanned, response_head& out)
{
    const head_state state =
        read_head(bytes, limits, limits.bytes, scanned, out, &read_status_line);
    return state == head_state::target_too_long ? head_state::too_large : state;
}

}  // namespace sallyport::proxy
