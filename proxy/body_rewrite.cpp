#include "proxy/body_rewrite.hpp"

#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <algorithm>

#include "base/text.hpp"
#include "proxy/injection.hpp"
#include "proxy/outgoing.hpp"

namespace sallyport::proxy {

namespace {

namespace json = boost::json;

constexpr auto npos = std::string_view::npos;
constexpr std::string_view json_space = " \t\r\n";

// Takes note of nothing: the parser's own checks are what is wanted.
struct checking_handler {
    using error = boost::system::error_code;
    static constexpr std::size_t max_array_size = npos;
    static constexpr std::size_t max_object_size = npos;
    static constexpr std::size_t max_string_size = npos;
    static constexpr std::size_t max_key_size = npos;

    bool on_document_begin(error&) { return true; }
    bool on_document_end(error&) { return true; }
    bool on_array_begin(error&) { return true; }
    bool on_array_end(std::size_t, error&) { return true; }
    bool on_object_begin(error&) { return true; }
    bool on_object_end(std::size_t, error&) { return true; }
    bool on_string_part(json::string_view, std::size_t, error&) { return true; }
    bool on_string(json::string_view, std::size_t, error&) { return true; }
    bool on_key_part(json::string_view, std::size_t, error&) { return true; }
    bool on_key(json::string_view, std::size_t, error&) { return true; }
    bool on_number_part(json::string_view, error&) { return true; }
    bool on_int64(std::int64_t, json::string_view, error&) { return true; }
    bool on_uint64(std::uint64_t, json::string_view, error&) { return true; }
    bool on_double(double, json::string_view, error&) { return true; }
    bool on_bool(bool, error&) { return true; }
    bool on_null(error&) { return true; }
    bool on_comment_part(json::string_view, error&) { return true; }
    bool on_comment(json::string_view, error&) { return true; }
};

bool is_json(std::string_view text)
{
    json::parse_options strict;
    strict.max_depth = json_depth_max;
    json::basic_parser<checking_handler> parser(strict);
    boost::system::error_code malformed;
    const std::size_t read = parser.write_some(false, text.data(), text.size(), malformed);
    return !malformed && parser.done() && read == text.size();
}

// The quote that ends the string that begins at `at`. The text is JSON.
std::size_t string_end(std::string_view text, std::size_t at) noexcept
{
    for (++at; text[at] != '"'; ++at) {
        if (text[at] == '\\') {
            ++at;
        }
    }
    return at;
}

// `member` is what stands between two commas of an object that is JSON.
std::string member_name(std::string_view member)
{
    const std::size_t begin = member.find('"');
    const std::string_view quoted = member.substr(begin, string_end(member, begin) + 1 - begin);
    if (quoted.find('\\') == npos) {
        return std::string(quoted.substr(1, quoted.size() - 2));
    }
    const json::value decoded = json::parse(json::string_view(quoted.data(), quoted.size()));
    return std::string(decoded.as_string().begin(), decoded.as_string().end());
}

const std::string* find_ignoring_case(const std::vector<std::string>& names, std::string_view name)
{
    const auto at = std::find_if(names.begin(), names.end(), [&](const std::string& candidate) {
        return equal_ignoring_case(candidate, name);
    });
    return at == names.end() ? nullptr : &*at;
}

// The end of the member that begins at `at`: its comma, or the brace that ends the object.
std::size_t member_end(std::string_view text, std::size_t at) noexcept
{
    std::size_t depth = 0;
    for (;; ++at) {
        switch (text[at]) {
            case '"': at = string_end(text, at); break;
            case '[':
            case '{': ++depth; break;
            case ',':
                if (depth == 0) {
                    return at;
                }
                break;
            case ']':
            case '}':
                if (depth == 0) {
                    return at;
                }
                --depth;
                break;
            default: break;
        }
    }
}

body_fault strip_json(std::string_view body, const std::vector<std::string>& removed, bool receives,
                      std::string& out, std::vector<std::string_view>& stripped)
{
    if (!is_json(body)) {
        return body_fault::malformed;
    }
    std::size_t at = body.find_first_not_of(json_space);
    if (body[at] != '{') {
        out += body;
        return receives ? body_fault::no_place : body_fault::none;
    }
    out += body.substr(0, ++at);
    const bool empty = body[body.find_first_not_of(json_space, at)] == '}';
    bool first = true;
    for (bool more = !empty; more; ++at) {
        const std::size_t end = member_end(body, at);
        const std::string_view member = body.substr(at, end - at);
        if (const std::string* name = find_ignoring_case(removed, member_name(member))) {
            stripped.push_back(*name);
        } else {
            out += first ? "" : ",";
            out += member;
            first = false;
        }
        more = body[end] == ',';
        at = more ? end : end - 1;  // The brace is yet to be written.
    }
    out += body.substr(at);
    return body_fault::none;
}

bool same_letters(char a, char b) noexcept { return to_lower(a) == to_lower(b); }

std::size_t find_letters(std::string_view text, std::string_view wanted, std::size_t from)
{
    const auto at = std::search(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(),
                                wanted.begin(), wanted.end(), same_letters);
    return at == text.end() ? npos : static_cast<std::size_t>(at - text.begin());
}

// The value that begins `text`, quoted in either way or bare, as the most lenient reader has it:
// escapes undone, an open quote closed by the line's end.
std::string lenient_value(std::string_view text)
{
    constexpr std::string_view line_ends("\r\n\0", 3);
    const bool quoted = !text.empty() && (text[0] == '"' || text[0] == '\'');
    const std::string_view ends = quoted ? text.substr(0, 1) : "; \t,";
    std::string out;
    for (const char c : text.substr(quoted ? 1 : 0)) {
        if (ends.find(c) != npos || line_ends.find(c) != npos) {
            break;
        }
        if (c != '\\') {
            out += c;
        }
    }
    return decoded_name(out);
}

// Looks at every parameter `name` of one Content-Disposition field. What has more than one reading
// (RFC 5987 and RFC 2231 spellings, encoded words) is taken for the worst.
bool may_name(std::string_view field, const std::vector<std::string>& names)
{
    constexpr std::string_view parameter = "name";
    constexpr std::string_view space = " \t\r\n";
    for (std::size_t at = 0; (at = find_letters(field, parameter, at)) != npos;) {
        const bool longer = at > 0 && is_token_char(field[at - 1]);
        at += parameter.size();
        const std::size_t next = field.find_first_not_of(space, at);
        if (longer || next == npos) {
            continue;
        }
        if (field[next] == '*') {
            return true;
        }
        if (field[next] != '=') {
            continue;
        }
        const std::size_t begin = field.find_first_not_of(space, next + 1);
        const std::string value = lenient_value(begin == npos ? "" : field.substr(begin));
        if (value.find("=?") != npos || find_ignoring_case(names, trim(value)) != nullptr) {
            return true;
        }
    }
    return false;
}

// Part heads are found by their field's name alone, wherever it stands, so that no disagreement
// about boundaries can hide one. The price: a file that quotes such a head is refused too.
body_fault check_parts(std::string_view body, const std::vector<std::string>& names)
{
    constexpr std::string_view disposition = "content-disposition";
    for (std::size_t at = 0; (at = find_letters(body, disposition, at)) != npos;) {
        const std::size_t end = std::min(body.find("\r\n\r\n", at), body.size());
        if (may_name(body.substr(at + disposition.size(), end - at - disposition.size()), names)) {
            return body_fault::carrier_in_part;
        }
        at = end;
    }
    return body_fault::none;
}

// Charsets in which the names of carriers look as they do in ASCII.
bool is_plain_charset(std::string_view value) noexcept
{
    value = trim(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
        value = value.substr(1, value.size() - 2);
    }
    return equal_ignoring_case(value, "utf-8") || equal_ignoring_case(value, "utf8") ||
           equal_ignoring_case(value, "us-ascii") || equal_ignoring_case(value, "iso-8859-1");
}

bool has_plain_charset(std::string_view parameters) noexcept
{
    constexpr std::string_view charset = "charset";
    while (!parameters.empty()) {
        const std::size_t end = std::min(parameters.find(';'), parameters.size());
        const std::string_view one = trim(parameters.substr(0, end));
        const std::size_t equals = one.find('=');
        if (starts_with_ignoring_case(one, charset) &&
            (equals == npos || !is_plain_charset(one.substr(equals + 1)))) {
            return false;
        }
        parameters.remove_prefix(std::min(end + 1, parameters.size()));
    }
    return true;
}

bool is_media_type(std::string_view text, std::size_t slash) noexcept
{
    const auto is_token = [](std::string_view part) {
        return !part.empty() && std::all_of(part.begin(), part.end(), is_token_char);
    };
    return slash != npos && is_token(text.substr(0, slash)) && is_token(text.substr(slash + 1));
}

}  // namespace

std::string_view describe(body_fault fault) noexcept
{
    switch (fault) {
        case body_fault::none: break;
        case body_fault::type_missing: return "The body needs a Content-Type at this provider.";
        case body_fault::type_ambiguous: return "The body's Content-Type cannot be read one way.";
        case body_fault::encoded: return "The body must not be compressed at this provider.";
        case body_fault::malformed: return "The body is not JSON, or is nested too deeply.";
        case body_fault::carrier_in_part:
            return "A part of the body is named like the provider's credential.";
        case body_fault::no_place:
            return "The credential travels in the body, which must be a JSON object or a form.";
        case body_fault::no_body: return "The credential travels in the body and there is none.";
        case body_fault::too_large:
            return "A body that may hold a credential is at most 1 MiB at this provider.";
    }
    return "";
}

body_fault read_body_type(const request_head& head, std::string_view connection, body_type& out)
{
    out = body_type::other;
    const field* found = nullptr;
    for (const field& candidate : head.fields) {
        if (equal_ignoring_case(candidate.name, "content-type") &&
            !stays_here(candidate.name, connection)) {
            if (found != nullptr) {
                return body_fault::type_ambiguous;
            }
            found = &candidate;
        }
    }
    if (found == nullptr || found->value.empty()) {
        return body_fault::type_missing;
    }
    const std::size_t end = std::min(found->value.find(';'), found->value.size());
    const std::string_view type = trim(found->value.substr(0, end));
    const std::size_t slash = type.find('/');
    if (!is_media_type(type, slash)) {
        return body_fault::type_ambiguous;
    }
    const std::string subtype = lower(type.substr(slash + 1));
    if (equal_ignoring_case(type, "multipart/form-data")) {
        out = body_type::multipart;
    } else if (equal_ignoring_case(type, "application/x-www-form-urlencoded")) {
        out = body_type::form;
    } else if (subtype == "json" || subtype.ends_with("+json")) {
        out = body_type::json;
    }
    const bool plain = out == body_type::other || has_plain_charset(found->value.substr(end));
    return plain ? body_fault::none : body_fault::type_ambiguous;
}

body_fault check_coding(const request_head& head, std::string_view connection)
{
    for (const field& candidate : head.fields) {
        if (equal_ignoring_case(candidate.name, "content-encoding") &&
            !stays_here(candidate.name, connection) &&
            !equal_ignoring_case(candidate.value, "identity")) {
            return body_fault::encoded;
        }
    }
    return body_fault::none;
}

body_fault strip_body(body_type type, std::string_view body,
                      const std::vector<std::string>& removed, bool receives, std::string& out,
                      std::vector<std::string_view>& stripped)
{
    if (body.empty()) {
        return receives ? body_fault::no_body : body_fault::none;
    }
    switch (type) {
        case body_type::json: return strip_json(body, removed, receives, out, stripped);
        case body_type::form: append_query(out, body, removed, stripped); return body_fault::none;
        case body_type::multipart: {
            const body_fault fault = check_parts(body, removed);
            if (fault != body_fault::none) {
                return fault;
            }
            break;
        }
        case body_type::other:
        case body_type::opaque: break;
    }
    out += body;
    return receives ? body_fault::no_place : body_fault::none;
}

std::size_t room_for(const body_member& member) noexcept
{
    constexpr std::size_t escape_bytes_max = 6;  // \u0000
    constexpr std::size_t marks = 6;             // ,"":""
    return (member.name.size() + member.value.size()) * escape_bytes_max + marks;
}

void add_to_body(body_type type, const body_member& member, std::string& body)
{
    if (type == body_type::form) {
        body += body.empty() ? "" : "&";
        append_escaped(body, member.name);
        body += '=';
        append_escaped(body, member.value);
        return;
    }
    const std::string behind = body.substr(body.rfind('}'));
    body.resize(body.size() - behind.size());
    const bool first = body[body.find_last_not_of(json_space)] == '{';
    body += first ? "" : ",";
    append_json_string(body, member.name);
    body += ':';
    append_json_string(body, member.value);
    body += behind;
}

}  // namespace sallyport::proxy
