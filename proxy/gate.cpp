#include "proxy/gate.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace sallyport::proxy {

namespace {

constexpr std::size_t length_digits_max = 18;

refusal bad(std::string_view detail) { return {code::bad_request, detail, {}, {}}; }

// The fields that decide about the message itself. Each may come once.
struct special {
    const field* host = nullptr;
    const field* content_length = nullptr;
    const field* transfer_encoding = nullptr;
    const field* connection = nullptr;
    const field* connection_id = nullptr;
    const field* expect = nullptr;
    const field* max_forwards = nullptr;
    bool repeated = false;          // any of them
    bool repeated_framing = false;  // Content-Length or Transfer-Encoding
};

void note(const field*& place, const field& found, bool& repeated)
{
    repeated = repeated || place != nullptr;
    place = &found;
}

special find_special(const message_head& head)
{
    special out;
    for (const field& candidate : head.fields) {
        const std::string_view name = candidate.name;
        switch (name.size()) {
            case 4:
                if (equal_ignoring_case(name, "host")) {
                    note(out.host, candidate, out.repeated);
                }
                break;
            case 6:
                if (equal_ignoring_case(name, "expect")) {
                    note(out.expect, candidate, out.repeated);
                }
                break;
            case 10:
                if (equal_ignoring_case(name, "connection")) {
                    note(out.connection, candidate, out.repeated);
                }
                break;
            case 12:
                if (equal_ignoring_case(name, "max-forwards")) {
                    note(out.max_forwards, candidate, out.repeated);
                }
                break;
            case 13:
                if (equal_ignoring_case(name, "connection-id")) {
                    note(out.connection_id, candidate, out.repeated);
                }
                break;
            case 14:
                if (equal_ignoring_case(name, "content-length")) {
                    note(out.content_length, candidate, out.repeated_framing);
                }
                break;
            case 17:
                if (equal_ignoring_case(name, "transfer-encoding")) {
                    note(out.transfer_encoding, candidate, out.repeated_framing);
                }
                break;
            default: break;
        }
    }
    return out;
}

bool read_length(std::string_view text, std::uint64_t& out) noexcept
{
    if (text.empty() || text.size() > length_digits_max) {
        return false;
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

bool is_host_char(char c) noexcept
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-' || c == '_';
}

bool is_v6_char(char c) noexcept
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
           c == '.';
}

// Options are tokens (RFC 9110, 7.6.1); empty elements are to be ignored (5.6.1).
bool is_option_list(std::string_view connection) noexcept
{
    for (std::size_t at = 0; at <= connection.size();) {
        const std::size_t comma = std::min(connection.find(',', at), connection.size());
        for (const char c : trim(connection.substr(at, comma - at))) {
            if (!is_token_char(c)) {
                return false;
            }
        }
        at = comma + 1;
    }
    return true;
}

refusal frame_request(const special& fields, int minor, framing& out)
{
    if (fields.transfer_encoding != nullptr) {
        if (fields.content_length != nullptr) {
            return bad("Transfer-Encoding and Content-Length together have two readings.");
        }
        if (minor == 0) {
            return bad("HTTP/1.0 knows no Transfer-Encoding.");
        }
        if (!equal_ignoring_case(fields.transfer_encoding->value, "chunked")) {
            return bad("The only transfer coding accepted is a single `chunked`.");
        }
        out.kind = body_kind::chunked;
    } else if (fields.content_length != nullptr) {
        if (!read_length(fields.content_length->value, out.length)) {
            return bad("Content-Length is not a plain decimal number.");
        }
        out.kind = out.length == 0 ? body_kind::none : body_kind::length;
    }
    return {};
}

// Path and query of an origin-form or of what follows the authority.
void split_path(std::string_view text, admitted& out)
{
    const std::size_t question = text.find('?');
    out.path = text.substr(0, question);
    out.has_query = question != std::string_view::npos;
    out.query = out.has_query ? text.substr(question + 1) : std::string_view{};
}

refusal read_origin_form(std::string_view target, admitted& out)
{
    out.way = way::reverse;
    split_path(target, out);
    const std::size_t slash = out.path.find('/', 1);
    const std::string_view first =
        out.path.substr(1, slash == std::string_view::npos ? std::string_view::npos : slash - 1);
    const std::size_t at = first.find('@');
    out.provider = first.substr(0, at);
    out.provider_host = at == std::string_view::npos ? std::string_view{} : first.substr(at + 1);
    out.path = slash == std::string_view::npos ? std::string_view("/") : out.path.substr(slash);
    if (at != std::string_view::npos && out.provider_host.empty()) {
        return {code::unknown_provider, "The target names no host after '@'.", {}, {}};
    }
    return {};
}

refusal read_target(const request_head& head, const field* host, admitted& out)
{
    if (head.target.front() == '/') {
        out.authority = host == nullptr ? std::string_view{} : host->value;
        return read_origin_form(head.target, out);
    }
    const bool plain = starts_with_ignoring_case(head.target, "http://");
    if (!plain && !starts_with_ignoring_case(head.target, "https://")) {
        return {code::unknown_provider, "The target names no provider.", {}, {}};
    }
    const std::string_view rest = head.target.substr(plain ? 7 : 8);
    const std::size_t end = rest.find_first_of("/?");
    out.way = way::forward;
    out.authority = rest.substr(0, end);
    split_path(end == std::string_view::npos ? std::string_view{} : rest.substr(end), out);
    if (out.path.empty()) {
        out.path = "/";
    }
    return {};
}

}  // namespace

bool split_authority(std::string_view authority, std::string_view& host, unsigned& port) noexcept
{
    port = 0;
    std::size_t host_end = 0;
    if (authority.starts_with('[')) {
        host_end = authority.find(']');
        if (host_end == std::string_view::npos || host_end == 1) {
            return false;
        }
        host = authority.substr(1, host_end - 1);
        for (const char c : host) {
            if (!is_v6_char(c)) {
                return false;
            }
        }
        ++host_end;
    } else {
        while (host_end < authority.size() && is_host_char(authority[host_end])) {
            ++host_end;
        }
        host = authority.substr(0, host_end);
    }
    if (host.empty()) {
        return false;
    }
    if (host_end == authority.size()) {
        return true;
    }
    const std::string_view digits = authority.substr(host_end + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    return authority[host_end] == ':' && error == std::errc{} &&
           end == digits.data() + digits.size() && port > 0 && port <= 65535;
}

bool lists_option(std::string_view connection, std::string_view option) noexcept
{
    while (!connection.empty()) {
        const std::size_t comma = connection.find(',');
        if (equal_ignoring_case(trim(connection.substr(0, comma)), option)) {
            return true;
        }
        if (comma == std::string_view::npos) {
            break;
        }
        connection.remove_prefix(comma + 1);
    }
    return false;
}

bool connection_names(const message_head& head, std::string_view option) noexcept
{
    for (const field& candidate : head.fields) {
        if (equal_ignoring_case(candidate.name, "connection") &&
            lists_option(candidate.value, option)) {
            return true;
        }
    }
    return false;
}

refusal admit(const request_head& head, admitted& out)
{
    out = admitted{};
    const special fields = find_special(head);
    if (fields.repeated || fields.repeated_framing) {
        return bad("A field that may come once came twice.");
    }
    if (head.method == "CONNECT" || head.method == "TRACE") {
        return {code::method_not_allowed, "This method is not forwarded.", {}, {}};
    }
    if (fields.host == nullptr && head.minor == 1) {
        return bad("The Host field is missing.");
    }
    std::string_view host;
    unsigned port = 0;
    if (fields.host != nullptr && !split_authority(fields.host->value, host, port)) {
        return bad("The Host field is not a host with an optional port.");
    }
    if (refusal refused = frame_request(fields, head.minor, out.body)) {
        return refused;
    }
    if (fields.max_forwards != nullptr && head.method == "OPTIONS") {
        std::uint64_t left = 0;
        if (!read_length(fields.max_forwards->value, left)) {
            return bad("Max-Forwards is not a plain decimal number.");
        }
        if (left == 0) {
            return {code::method_not_allowed, "Max-Forwards ended at this gate.", {}, {}};
        }
    }
    out.connection = fields.connection == nullptr ? std::string_view{} : fields.connection->value;
    if (!is_option_list(out.connection)) {
        return bad("The Connection field is not a list of options.");
    }
    out.connection_id =
        fields.connection_id == nullptr ? std::string_view{} : fields.connection_id->value;
    out.keep_alive = head.minor == 1 && !lists_option(out.connection, "close");
    if (fields.expect != nullptr && head.minor == 1) {
        if (!equal_ignoring_case(fields.expect->value, "100-continue")) {
            return bad("The only expectation understood is 100-continue.");
        }
        out.expects_continue = out.body.kind != body_kind::none;
    }
    return read_target(head, fields.host, out);
}

answer_fault frame_answer(const response_head& head, bool head_request, framing& out,
                          bool& keep_alive)
{
    out = framing{};
    const special fields = find_special(head);
    keep_alive = head.minor == 1 && !connection_names(head, "close") &&
                 (fields.connection == nullptr || is_option_list(fields.connection->value));
    if (head.status == 101) {
        return answer_fault::upgrade;
    }
    if (fields.repeated_framing) {
        return answer_fault::framing;
    }
    if (fields.transfer_encoding != nullptr) {
        const bool sound = head.minor == 1 && fields.content_length == nullptr &&
                           equal_ignoring_case(fields.transfer_encoding->value, "chunked");
        if (!sound) {
            return answer_fault::framing;
        }
        out.kind = body_kind::chunked;
    } else if (fields.content_length != nullptr) {
        if (!read_length(fields.content_length->value, out.length)) {
            return answer_fault::framing;
        }
        out.kind = out.length == 0 ? body_kind::none : body_kind::length;
    } else {
        out.kind = body_kind::until_close;
    }
    if (head_request || head.status < 200 || head.status == 204 || head.status == 304) {
        out.kind = body_kind::none;
    }
    if (out.kind == body_kind::until_close) {
        keep_alive = false;
    }
    return answer_fault::none;
}

}  // namespace sallyport::proxy
