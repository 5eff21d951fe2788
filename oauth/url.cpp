#include "oauth/url.hpp"

#include <algorithm>

#include "oauth/error.hpp"
#include "policy/variables.hpp"

namespace sallyport::oauth {

namespace {

bool is_unreserved(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char low = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

bool decode(std::string_view text, wiped_string& out)
{
    for (std::size_t at = 0; at < text.size(); ++at) {
        char c = text[at];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
            const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = static_cast<char>(high * 16 + low);
            at += 2;
        }
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            return false;
        }
        out += c;
    }
    return true;
}

// The value that stands for {name}; empty: there is none.
wiped_string value_of(std::string_view name, const policy::provider_facts& provider,
                      const vault::connection& record, const parameters& more)
{
    for (const auto& [given, value] : more) {
        if (given == name) {
            return value;
        }
    }
    const policy::variable* const declared = policy::find_variable(provider, name);
    if (declared == nullptr) {
        return {};
    }
    const auto set = record.variables.find(std::string(name));
    if (set == record.variables.end()) {
        return wiped_string(declared->default_value);
    }
    return policy::is_acceptable(declared, set->second) ? wiped_string(set->second)
                                                        : wiped_string();
}

bool is_host_part(std::string_view value)
{
    return std::all_of(value.begin(), value.end(),
                       [](char c) { return is_unreserved(c) && c != '_' && c != '~'; });
}

}  // namespace

void append_encoded(wiped_string& out, std::string_view text)
{
    constexpr char digits[] = "0123456789ABCDEF";
    for (const char c : text) {
        if (is_unreserved(c)) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += digits[byte >> 4];
            out += digits[byte & 15];
        }
    }
}

wiped_string form_of(const parameters& fields)
{
    wiped_string out;
    for (const auto& [name, value] : fields) {
        if (!out.empty()) {
            out += '&';
        }
        append_encoded(out, name);
        out += '=';
        append_encoded(out, value);
    }
    return out;
}

result<parameters> read_form(std::string_view text)
{
    parameters out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('&'), text.size());
        const std::string_view one = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (one.empty()) {
            continue;
        }
        const std::size_t equals = std::min(one.find('='), one.size());
        wiped_string name;
        wiped_string value;
        if (!decode(one.substr(0, equals), name) ||
            !decode(one.substr(std::min(equals + 1, one.size())), value)) {
            return error_code(errc::bad_callback);
        }
        const bool is_twice = std::any_of(out.begin(), out.end(), [&](const auto& earlier) {
            return std::string_view(earlier.first) == std::string_view(name);
        });
        if (is_twice || out.size() >= fields_max) {
            return error_code(errc::bad_callback);
        }
        out.emplace_back(std::string(name), std::move(value));
    }
    return out;
}

result<wiped_string> fill_url(std::string_view url, const policy::provider_facts& provider,
                              const vault::connection& record, const parameters& more)
{
    wiped_string out;
    const std::size_t scheme = url.find("://");
    const std::size_t authority = scheme == url.npos ? 0 : scheme + 3;
    const std::size_t authority_end = std::min(url.find('/', authority), url.size());
    for (std::size_t at = 0; at < url.size();) {
        if (url[at] != '{') {
            out += url[at++];
            continue;
        }
        const std::size_t close = url.find('}', at);
        if (close == url.npos) {
            return error_code(errc::missing_value);
        }
        const wiped_string value =
            value_of(url.substr(at + 1, close - at - 1), provider, record, more);
        const bool is_in_authority = at < authority_end;
        if (value.empty() || (is_in_authority && !is_host_part(value))) {
            return error_code(errc::missing_value);
        }
        if (is_in_authority) {
            out += value;
        } else {
            append_encoded(out, value);
        }
        at = close + 1;
    }
    return out;
}

void append_query(wiped_string& url, const parameters& fields)
{
    if (fields.empty()) {
        return;
    }
    url += url.find('?') == url.npos ? '?' : '&';
    url += form_of(fields);
}

}  // namespace sallyport::oauth
