#include "net/sigv4.hpp"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "base/encoding.hpp"
#include "base/percent.hpp"
#include "base/text.hpp"
#include "base/wiping.hpp"

namespace sallyport::net {

namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view line_end = "\r\n";

const unsigned char* bytes_of(std::string_view text)
{
    return reinterpret_cast<const unsigned char*>(text.data());
}

wiped_string hmac(std::string_view key, std::string_view message)
{
    wiped_string out(SHA256_DIGEST_LENGTH, '\0');
    unsigned size = 0;
    const auto* made =
        HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(message),
             message.size(), reinterpret_cast<unsigned char*>(out.data()), &size);
    return made != nullptr ? out : wiped_string();
}

// --- the request line ----------------------------------------------------------------------------

struct request_line {
    std::string_view method, path, query;
};

// Takes the line off `head`.
request_line take_request_line(std::string_view& head)
{
    const std::string_view line = head.substr(0, head.find(line_end));
    head.remove_prefix(std::min(line.size() + line_end.size(), head.size()));
    request_line out;
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == line.npos || last == first) {
        return out;
    }
    out.method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::size_t mark = target.find('?');
    out.path = target.substr(0, mark);
    out.query = mark == target.npos ? std::string_view() : target.substr(mark + 1);
    return out;
}

std::string decoded(std::string_view text, bool plus_is_space)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            if (const auto byte = from_hex(lower(text.substr(i + 1, 2)))) {
                out += *byte;
                i += 2;
                continue;
            }
        }
        out += text[i] == '+' && plus_is_space ? ' ' : text[i];
    }
    return out;
}

std::string canonical_path(std::string_view path, const sigv4_scope& scope)
{
    std::string out;
    if (scope.service == "s3") {
        append_escaped(out, decoded(path, false), "/");
    } else {
        append_escaped(out, path, "/");  // It is encoded already: that makes twice.
    }
    return out.empty() ? "/" : out;
}

std::string canonical_query(std::string_view query)
{
    std::vector<std::pair<std::string, std::string>> pairs;
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view one = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (one.empty()) {
            continue;
        }
        const std::size_t equals = std::min(one.find('='), one.size());
        auto& [name, value] = pairs.emplace_back();
        append_escaped(name, decoded(one.substr(0, equals), true));
        append_escaped(value, decoded(one.substr(std::min(equals + 1, one.size())), true));
    }
    std::sort(pairs.begin(), pairs.end());
    std::string out;
    for (const auto& [name, value] : pairs) {
        out.append(out.empty() ? "" : "&").append(name).append("=").append(value);
    }
    return out;
}

// --- the fields ----------------------------------------------------------------------------------

bool is_signed(std::string_view name)
{
    return name == "host" || name == "content-type" || name == "content-md5" ||
           name.starts_with("x-amz-");
}

// Without white space around it, and with single spaces in it.
void append_value(wiped_string& out, std::string_view value)
{
    value = trim(value);
    bool was_space = false;
    for (const char c : value) {
        const bool is_space = c == ' ' || c == '\t';
        if (!is_space || !was_space) {
            out += is_space ? ' ' : c;
        }
        was_space = is_space;
    }
}

// By name; values of one name are joined in the order of the head.
std::map<std::string, wiped_string> signed_fields(std::string_view head)
{
    std::map<std::string, wiped_string> out;
    while (!head.empty()) {
        const std::size_t end = std::min(head.find(line_end), head.size());
        const std::string_view line = head.substr(0, end);
        head.remove_prefix(std::min(end + line_end.size(), head.size()));
        const std::size_t colon = line.find(':');
        const std::string name = lower(line.substr(0, colon));
        if (colon == line.npos || !is_signed(name)) {
            continue;
        }
        const auto [at, is_first] = out.try_emplace(name);
        at->second += is_first ? "" : ",";
        append_value(at->second, line.substr(colon + 1));
    }
    return out;
}

std::string names_of(const std::map<std::string, wiped_string>& fields)
{
    std::string out;
    for (const auto& [name, value] : fields) {
        out.append(out.empty() ? "" : ";").append(name);
    }
    return out;
}

wiped_string signing_key(std::string_view secret, std::string_view date, const sigv4_scope& scope)
{
    wiped_string key("AWS4");
    key += secret;
    for (const std::string_view part :
         {date, scope.region, scope.service, std::string_view("aws4_request")}) {
        key = hmac(key, part);
    }
    return key;
}

}  // namespace

std::string sigv4_time(unix_micros now)
{
    const std::string text = rfc3339(now);  // 2015-08-30T12:36:00.000000Z
    std::string out;
    for (const char c : text.substr(0, text.find('.'))) {
        if (c != '-' && c != ':') {
            out += c;
        }
    }
    return out + "Z";
}

std::string sigv4_hash(std::string_view body)
{
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(bytes_of(body), body.size(), digest.data());
    return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string sigv4_canonical_request(std::string_view head, const sigv4_scope& scope,
                                    std::string_view payload_hash)
{
    const request_line line = take_request_line(head);
    const auto fields = signed_fields(head);
    std::string out;
    // Fields are copied, escapes treble at most, names stand twice: growing would leave copies
    // behind.
    out.reserve(4 * head.size() + payload_hash.size() + 256);
    out.append(line.method).append("\n");
    out.append(canonical_path(line.path, scope)).append("\n");
    out.append(canonical_query(line.query)).append("\n");
    for (const auto& [name, value] : fields) {
        out.append(name).append(":").append(value).append("\n");
    }
    out.append("\n").append(names_of(fields)).append("\n").append(payload_hash);
    return out;
}

std::string sigv4_authorization(std::string_view head, const sigv4_key& key,
                                const sigv4_scope& scope, std::string_view payload_hash,
                                std::string_view time)
{
    constexpr std::size_t date_size = 8;
    std::string canonical = sigv4_canonical_request(head, scope, payload_hash);
    const std::string hash = sigv4_hash(canonical);
    OPENSSL_cleanse(canonical.data(), canonical.size());  // A session token stands in it.
    take_request_line(head);
    const std::string names = names_of(signed_fields(head));
    if (time.size() < date_size || names.find("host") == std::string::npos) {
        return {};
    }
    std::string place(time.substr(0, date_size));
    place.append("/").append(scope.region).append("/").append(scope.service);
    place.append("/aws4_request");
    std::string message(algorithm);
    message.append("\n").append(time).append("\n").append(place).append("\n").append(hash);
    const wiped_string derived =
        signing_key(key.secret_access_key, time.substr(0, date_size), scope);
    const wiped_string signature = hmac(derived, message);
    if (derived.empty() || signature.empty()) {
        return {};
    }
    std::string out(algorithm);
    out.append(" Credential=").append(key.access_key_id).append("/").append(place);
    out.append(", SignedHeaders=").append(names);
    out.append(", Signature=").append(to_hex(signature));
    return out;
}

}  // namespace sallyport::net
