#include "oauth/token_answer.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/encoding.hpp"
#include "base/strict_json.hpp"
#include "base/text.hpp"
#include "base/wiping.hpp"
#include "oauth/scopes.hpp"
#include "oauth/url.hpp"
#include "policy/variables.hpp"

namespace sallyport::oauth {

namespace {

namespace json = boost::json;
using vault::refresh_answer;
using vault::refresh_verdict;

constexpr std::size_t account_bytes_max = 256;

refresh_answer unusable(std::string_view why)
{
    refresh_answer out;
    out.reason = "the provider's token answer cannot be used: " + std::string(why);
    return out;
}

std::string_view media_type_of(const net::http_answer& answer)
{
    const std::string_view field = answer.header("Content-Type");
    return trim(field.substr(0, field.find(';')));
}

// The object that holds the last part of "authed_user.access_token", or null.
const json::object* parent_of(const json::object& root, std::string_view path)
{
    const json::object* at = &root;
    for (std::size_t dot = path.find('.'); dot != path.npos; dot = path.find('.')) {
        const json::value* const next = at->if_contains(path.substr(0, dot));
        at = next != nullptr ? next->if_object() : nullptr;
        if (at == nullptr) {
            return nullptr;
        }
        path.remove_prefix(dot + 1);
    }
    return at;
}

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('.') + 1); }

std::string_view text_at(const json::object& object, std::string_view name)
{
    const json::value* const value = object.if_contains(name);
    const json::string* const text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? std::string_view(*text) : std::string_view();
}

// Where this answer has its token.
struct token_place {
    const json::object* object = nullptr;
    std::string_view member = "access_token";
};

token_place find_token(const policy::oauth2_facts& facts, std::string_view variant,
                       const json::object& root, std::string_view path)
{
    for (const auto& [name, stands] : facts.token_paths) {
        if (name == variant) {
            path = stands;
        }
    }
    token_place place{parent_of(root, path), last_part(path)};
    const bool is_there = place.object != nullptr && place.object->contains(place.member);
    // A refreshed token of that kind stands at the top, and says of which kind it is.
    if (!is_there && !variant.empty() && text_at(root, "token_type") == variant) {
        place = {&root, "access_token"};
    }
    return place;
}

// RFC 6749, A.12: VSCHAR.
bool is_token(std::string_view text)
{
    return !text.empty() && text.size() <= token_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// Bearer, not said, or named as the provider's kinds of tokens are (Slack: bot, user).
bool is_known_type(const policy::oauth2_facts& facts, std::string_view type)
{
    return type.empty() || equal_ignoring_case(type, "bearer") ||
           std::any_of(facts.token_paths.begin(), facts.token_paths.end(),
                       [&](const auto& one) { return one.first == type; });
}

// A whole number, also as text; nullopt if it is there and is neither.
std::optional<std::int64_t> number_of(const json::value& value)
{
    if (const json::string* text = value.if_string()) {
        std::int64_t out = 0;
        const char* const end = text->data() + text->size();
        const auto [stop, error] = std::from_chars(text->data(), end, out);
        return error == std::errc() && stop == end ? std::optional(out) : std::nullopt;
    }
    boost::system::error_code inexact;
    const auto out = value.to_number<std::int64_t>(inexact);
    return inexact ? std::nullopt : std::optional(out);
}

unix_micros after(unix_micros now, std::chrono::seconds lifetime)
{
    return now + std::chrono::microseconds(std::min(lifetime, lifetime_max)).count();
}

// When the token ends; 0: not said. Nullopt: said, and nonsense.
std::optional<unix_micros> expiry_of(const json::object& object, unix_micros now)
{
    if (const json::value* in = object.if_contains("expires_in"); in && !in->is_null()) {
        const auto seconds = number_of(*in);
        if (!seconds || *seconds < 0) {
            return std::nullopt;
        }
        return *seconds == 0 ? 0 : after(now, std::chrono::seconds(*seconds));
    }
    const json::value* const at = object.if_contains("expires_at");
    if (at == nullptr || at->is_null()) {
        return 0;
    }
    std::optional<unix_micros> time = parse_rfc3339(text_at(object, "expires_at"));
    if (!time) {
        const auto seconds = number_of(*at);
        constexpr std::int64_t seconds_max = 1LL << 40;
        time = seconds && *seconds > 0 && *seconds < seconds_max
                   ? std::optional(*seconds * 1'000'000)
                   : std::nullopt;
    }
    return time ? std::optional(std::min(*time, after(now, lifetime_max))) : std::nullopt;
}

std::optional<std::vector<std::string>> scopes_of(const json::object& object)
{
    for (const std::string_view name : {"scope", "scopes", "permissions"}) {
        const json::value* const value = object.if_contains(name);
        if (value == nullptr || value->is_null()) {
            continue;
        }
        if (const json::string* text = value->if_string()) {
            return split_scopes(std::string_view(*text));
        }
        std::string listed;
        if (const json::array* list = value->if_array()) {
            for (const json::value& one : *list) {
                if (const json::string* text = one.if_string()) {
                    listed.append(std::string_view(*text)).append(" ");
                }
            }
        } else if (const json::object* levels = value->if_object()) {
            for (const auto& [key, level] : *levels) {  // GitHub: {"contents": "read"}
                if (const json::string* text = level.if_string()) {
                    listed.append(key).append(":").append(std::string_view(*text)).append(" ");
                }
            }
        }
        return split_scopes(listed);
    }
    return std::nullopt;
}

bool is_printable(std::string_view text)
{
    return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
}

// Whose account it is, by an id_token's claims. It came over TLS from the server itself, so its
// signature adds nothing (OpenID Connect Core, 3.1.3.7).
std::string account_of(const json::object& root)
{
    const std::string_view token = text_at(root, "id_token");
    const std::size_t first = token.find('.');
    const std::size_t second = first == token.npos ? first : token.find('.', first + 1);
    if (second == token.npos) {
        return {};
    }
    const auto payload = from_base64url(token.substr(first + 1, second - first - 1));
    const auto claims = payload ? parse_strictly(*payload) : result<json::value>(error_code());
    const json::object* const object = payload && claims ? claims->if_object() : nullptr;
    if (object == nullptr) {
        return {};
    }
    for (const std::string_view name : {"email", "preferred_username", "sub"}) {
        const std::string_view value = text_at(*object, name);
        if (is_printable(value) && value.size() <= account_bytes_max) {
            return std::string(value);
        }
    }
    return {};
}

// False if a variable of the provider came with a value that it may not have.
bool read_variables(const policy::provider_facts& provider, const json::object& root,
                    std::map<std::string, std::string>& into)
{
    for (const std::string& path : provider.oauth2->response_vars) {
        const json::object* const object = parent_of(root, path);
        const json::value* const value = object ? object->if_contains(last_part(path)) : nullptr;
        if (value == nullptr) {
            continue;
        }
        std::string text;
        if (const json::string* string = value->if_string()) {
            text = std::string_view(*string);
        } else if (const auto number = value->is_int64() ? number_of(*value) : std::nullopt) {
            text = std::to_string(*number);
        }
        const policy::variable* const declared = policy::find_variable(provider, path);
        if (policy::is_acceptable(declared, text)) {
            into[path] = std::move(text);
        } else if (declared != nullptr) {
            return false;
        }
    }
    return true;
}

// A server that answers 200 and means no: {"error": ...} (GitHub), {"ok": false} (Slack).
bool is_refusal(unsigned status, const json::object& body)
{
    const json::value* const ok = body.if_contains("ok");
    const json::value* const error = body.if_contains("error");
    const bool has_error = error != nullptr && !error->is_null() &&
                           !(error->is_string() && error->get_string().empty());
    return status < 200 || status > 299 || has_error ||
           (ok != nullptr && ok->is_bool() && !ok->get_bool());
}

}  // namespace

std::optional<json::object> read_object(const net::http_answer& answer)
{
    if (equal_ignoring_case(media_type_of(answer), "application/x-www-form-urlencoded")) {
        const result<parameters> fields = read_form(answer.body);
        if (!fields) {
            return std::nullopt;
        }
        json::object out(wiping_storage());
        for (const auto& [name, value] : *fields) {
            out.insert_or_assign(name, std::string_view(value));
        }
        return out;
    }
    result<json::value> parsed = parse_strictly(answer.body);
    if (!parsed || !parsed->is_object()) {
        return std::nullopt;
    }
    return std::move(parsed->get_object());
}

std::optional<std::vector<std::string>> read_granted_scopes(const net::http_answer& answer)
{
    const std::optional<json::object> body = read_object(answer);
    const json::value* const data = body ? body->if_contains("data") : nullptr;
    const json::array* const list = data != nullptr ? data->if_array() : nullptr;
    if (list == nullptr || is_refusal(answer.status, *body)) {
        return std::nullopt;
    }
    const json::value* const paging = body->if_contains("paging");
    if (paging != nullptr && paging->is_object() && paging->get_object().contains("next")) {
        return std::nullopt;
    }
    std::string listed;
    for (const json::value& one : *list) {
        const json::object* const said = one.if_object();
        if (said == nullptr) {
            return std::nullopt;
        }
        if (text_at(*said, "status") == "granted") {
            listed.append(text_at(*said, "permission")).append(" ");
        }
    }
    return split_scopes(listed);
}

refresh_answer read_token_answer(const policy::provider_facts& provider,
                                 const vault::connection& record, const net::http_answer& answer,
                                 unix_micros now, std::string_view token_member)
{
    const policy::oauth2_facts& facts = *provider.oauth2;
    const std::optional<json::object> body = read_object(answer);
    if (!body || is_refusal(answer.status, *body)) {
        return read_refusal(answer, body ? &*body : nullptr, now);
    }
    const token_place place = find_token(facts, record.variant, *body, token_member);
    if (place.object == nullptr || !is_token(text_at(*place.object, place.member))) {
        return unusable("there is no access token in it");
    }
    if (!is_known_type(facts, text_at(*place.object, "token_type"))) {
        return unusable("its token is of an unknown type");
    }
    refresh_answer out;
    const std::string_view refresh_token = text_at(*place.object, "refresh_token");
    if (!refresh_token.empty() && !is_token(refresh_token)) {
        return unusable("its refresh token cannot be sent");
    }
    const std::optional<unix_micros> expiry = expiry_of(*place.object, now);
    if (!expiry) {
        return unusable("its lifetime makes no sense");
    }
    if (!read_variables(provider, *body, out.tokens.variables)) {
        return unusable("it names a place that is not the provider's");
    }
    out.verdict = refresh_verdict::fresh;
    out.tokens.fields.push_back(
        {"access_token", vault::secret(text_at(*place.object, place.member))});
    if (!refresh_token.empty()) {
        out.tokens.fields.push_back({"refresh_token", vault::secret(refresh_token)});
    }
    out.tokens.expires_at = *expiry;
    // What is renewed has an end even where the answer is silent (RFC 6749, 5.1).
    if (*expiry == 0 && !refresh_token.empty() && facts.refresh.access_ttl.count() != 0) {
        out.tokens.expires_at = after(now, facts.refresh.access_ttl);
    }
    out.tokens.scopes = scopes_of(*place.object);
    out.tokens.account = account_of(*body);
    return out;
}

}  // namespace sallyport::oauth
