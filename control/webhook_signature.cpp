#include "control/webhook_signature.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <array>
#include <charconv>
#include <vector>

#include "base/encoding.hpp"
#include "control/json.hpp"

namespace sallyport::control {

namespace json = boost::json;
using boost::json::serialize;
using policy::webhook_facts;
using policy::webhook_value;

namespace {

constexpr std::size_t sha256_bytes = 32;
// Beyond this a timestamp is in milliseconds: as seconds it would lie after the year 5000.
constexpr std::int64_t milliseconds_from = 100'000'000'000;

bool same(std::string_view a, std::string_view b) noexcept
{
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string hmac_sha256(std::string_view key, std::string_view text)
{
    std::string out(sha256_bytes, '\0');
    unsigned size = 0;
    const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, text.size(),
         reinterpret_cast<unsigned char*>(out.data()), &size);
    out.resize(size);
    return out;
}

std::string_view trimmed(std::string_view text) noexcept
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
        text.remove_suffix(1);
    }
    return text;
}

// "t=1,v1=ab,v1=cd" or "v1,ab v1,cd": what stands behind `member` and its '=' or ','.
std::vector<std::string_view> members_of(std::string_view list, std::string_view member)
{
    std::vector<std::string_view> found;
    while (!list.empty() && found.size() < webhook_signatures_max) {
        // One that is followed by a comma of its own ends at a space.
        const bool spaced = list.starts_with(std::string(member) + ',');
        const std::size_t end = std::min(list.find(spaced ? ' ' : ','), list.size());
        const std::string_view item = trimmed(list.substr(0, end));
        if (item.size() > member.size() && item.starts_with(member) &&
            (item[member.size()] == '=' || item[member.size()] == ',')) {
            found.push_back(item.substr(member.size() + 1));
        }
        list = trimmed(list.substr(std::min(end + 1, list.size())));
    }
    return found;
}

std::vector<std::string_view> values_of(const webhook_value& where, const header_lookup& headers)
{
    if (where.header.empty()) {
        return {};
    }
    std::string name = where.header;
    for (char& c : name) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    const std::optional<std::string_view> value = headers(name);
    if (!value) {
        return {};
    }
    return where.member.empty() ? std::vector{trimmed(*value)} : members_of(*value, where.member);
}

std::optional<std::string> from_json(const json::object* body, std::string_view path)
{
    const json::value* at = nullptr;
    for (const json::object* inside = body; inside != nullptr;) {
        const std::size_t dot = path.find('.');
        at = inside->if_contains(path.substr(0, dot));
        inside = nullptr;
        if (dot == std::string_view::npos) {
            break;
        }
        path.remove_prefix(dot + 1);
        inside = at == nullptr ? nullptr : at->if_object();
        at = nullptr;
    }
    if (at == nullptr) {
        return std::nullopt;
    }
    if (at->is_string()) {
        return std::string(at->get_string());
    }
    return at->is_number() ? std::optional(serialize(*at)) : std::nullopt;
}

// A value that headers tell; in the body it can be looked for only once the body is believed.
std::optional<std::string> told(const webhook_value& where, const header_lookup& headers,
                                const json::object* body)
{
    if (!where.header.empty()) {
        const auto found = values_of(where, headers);
        return found.size() == 1 ? std::optional(std::string(found.front())) : std::nullopt;
    }
    return from_json(body, where.json);
}

std::string filled(std::string_view text, std::string_view body, std::string_view timestamp,
                   std::string_view id)
{
    const std::pair<std::string_view, std::string_view> known[] = {
        {"{body}", body}, {"{timestamp}", timestamp}, {"{id}", id}};
    std::string out;
    while (!text.empty()) {
        std::string_view next = text.substr(0, 1);
        std::string_view value = next;
        for (const auto& [name, meant] : known) {
            if (text.starts_with(name)) {
                next = name;
                value = meant;
            }
        }
        out += value;
        text.remove_prefix(next.size());
    }
    return out;
}

std::optional<std::string> decoded(std::string_view text, const webhook_facts& facts)
{
    if (!text.starts_with(facts.signature_prefix)) {
        return std::nullopt;
    }
    text.remove_prefix(facts.signature_prefix.size());
    return facts.encoding == webhook_facts::text_encoding::hex ? from_hex(text) : from_base64(text);
}

bool is_now(std::string_view timestamp, std::chrono::seconds tolerance, unix_micros now)
{
    std::int64_t at = 0;
    const char* const end = timestamp.data() + timestamp.size();
    const auto read = std::from_chars(timestamp.data(), end, at);
    if (read.ec != std::errc() || read.ptr != end || at <= 0) {
        return false;
    }
    const std::int64_t seconds = at >= milliseconds_from ? at / 1000 : at;
    const std::int64_t away = now / 1'000'000 - seconds;
    return away <= tolerance.count() && -away <= tolerance.count();
}

bool is_plain(std::string_view text) noexcept
{
    for (const char c : text) {
        if (c <= ' ' || c == 0x7f) {
            return false;
        }
    }
    return !text.empty() && text.size() <= webhook_id_bytes_max;
}

// An id in a header that the signature does not cover could be changed to send an event again.
bool is_id_signed(const webhook_facts& facts)
{
    return !facts.id.json.empty() ||
           (!facts.id.header.empty() && facts.signed_text.find("{id}") != std::string::npos);
}

// The key behind a secret as it is configured; empty: it is not what the file says it is.
std::string key_of(const webhook_facts& facts, std::string_view secret)
{
    if (facts.secret_prefix.empty()) {
        return std::string(secret);
    }
    if (!secret.starts_with(facts.secret_prefix)) {
        return {};
    }
    return from_base64(secret.substr(facts.secret_prefix.size())).value_or("");
}

webhook_verdict prove(const webhook_facts& facts, std::string_view secret,
                      const header_lookup& headers, std::string_view body,
                      std::string_view timestamp, std::string_view id)
{
    const auto given = values_of(facts.signature, headers);
    if (given.empty()) {
        return webhook_verdict::unsigned_;
    }
    std::string key = key_of(facts, secret);
    const bool by_token = facts.proof == webhook_facts::proof_kind::shared_token;
    const std::string expected =
        by_token ? key : hmac_sha256(key, filled(facts.signed_text, body, timestamp, id));
    bool holds = false;
    for (const std::string_view one : given) {
        const std::optional<std::string> value =
            by_token ? std::optional(std::string(one)) : decoded(one, facts);
        holds = (value && same(*value, expected)) || holds;
    }
    const bool usable = !key.empty();
    OPENSSL_cleanse(key.data(), key.size());
    return holds && usable ? webhook_verdict::genuine : webhook_verdict::forged;
}

}  // namespace

webhook_event read_webhook(const webhook_facts& facts, std::string_view secret,
                           const header_lookup& headers, std::string_view body, unix_micros now)
{
    webhook_event event;
    // What stands in the body is signed with it: only headers are needed to prove it.
    const std::string timestamp = told(facts.timestamp, headers, nullptr).value_or("");
    const std::string id = told(facts.id, headers, nullptr).value_or("");
    event.verdict = prove(facts, secret, headers, body, timestamp, id);
    if (event.verdict != webhook_verdict::genuine) {
        return event;
    }
    const result<json::value> parsed = parse_strictly(body);
    const json::object* const content = parsed ? parsed->if_object() : nullptr;
    if (facts.timestamp.is_told() &&
        !is_now(told(facts.timestamp, headers, content).value_or(""), facts.tolerance, now)) {
        event.verdict = webhook_verdict::stale;
        return event;
    }
    if (facts.answers_challenge && from_json(content, "type") == "url_verification") {
        event.challenge = from_json(content, "challenge").value_or("");
    }
    event.id = is_id_signed(facts) ? told(facts.id, headers, content).value_or("")
                                   : to_hex(hmac_sha256(std::string_view(), body));
    event.kind = told(facts.event, headers, content).value_or("");
    const bool complete = !event.challenge.empty() || is_plain(event.id);
    if (!complete || (!event.kind.empty() && !is_plain(event.kind)) ||
        event.challenge.size() > webhook_id_bytes_max) {
        event.verdict = webhook_verdict::malformed;
    }
    return event;
}

std::string sign_webhook(std::string_view key, std::string_view id, std::int64_t timestamp,
                         std::string_view body)
{
    std::string text(id);
    text.append(".").append(std::to_string(timestamp)).append(".").append(body);
    return "v1," + to_base64(hmac_sha256(key, text));
}

}  // namespace sallyport::control
