#include "identity/claims.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <optional>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace sallyport::identity {

namespace {

namespace json = boost::json;

constexpr std::int64_t micros_per_second = 1'000'000;
constexpr double numeric_date_max = 253'402'300'799.0;  // the end of the year 9999
constexpr std::size_t thumbprint_bytes = 32;

std::string_view view(const json::string& text) noexcept { return {text.data(), text.size()}; }

// Claims are copied into the trail, header fields and keys of stores: none may hold a control.
bool is_text(std::string_view text) noexcept
{
    if (text.empty() || text.size() > claim_text_bytes_max) {
        return false;
    }
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            return false;
        }
    }
    return true;
}

bool read_text(const json::object& from, std::string_view name, bool required, std::string& out)
{
    const json::value* const value = from.if_contains(name);
    if (value == nullptr) {
        return !required;
    }
    if (!value->is_string() || !is_text(view(value->get_string()))) {
        return false;
    }
    out = view(value->get_string());
    return true;
}

bool read_name(const json::object& from, std::string_view name, std::string& out)
{
    return read_text(from, name, true, out) && is_name(out);
}

// NumericDate of RFC 7519, section 2: seconds, whole or not.
bool read_date(const json::object& from, std::string_view name, bool required, unix_micros& out)
{
    const json::value* const value = from.if_contains(name);
    if (value == nullptr) {
        return !required;
    }
    double seconds = -1;
    if (value->is_int64()) {
        seconds = static_cast<double>(value->get_int64());
    } else if (value->is_uint64()) {
        seconds = static_cast<double>(value->get_uint64());
    } else if (value->is_double()) {
        seconds = value->get_double();
    }
    if (!(seconds > 0 && seconds <= numeric_date_max)) {
        return false;
    }
    out = value->is_int64() ? value->get_int64() * micros_per_second
                            : std::llround(seconds * static_cast<double>(micros_per_second));
    return true;
}

bool names_us(const json::value* claim)
{
    if (claim == nullptr) {
        return false;
    }
    if (claim->is_string()) {
        return view(claim->get_string()) == audience;
    }
    if (!claim->is_array()) {
        return false;
    }
    for (const json::value& one : claim->get_array()) {
        if (one.is_string() && view(one.get_string()) == audience) {
            return true;
        }
    }
    return false;
}

bool read_connections(const json::object& from, run_claims& out)
{
    const json::value* const value = from.if_contains("connections");
    if (value == nullptr) {
        return true;
    }
    if (value->is_array() && value->get_array().size() <= claim_connections_max) {
        for (const json::value& one : value->get_array()) {
            if (!one.is_string() || !is_name(view(one.get_string()))) {
                return false;
            }
            out.connections.emplace_back(view(one.get_string()));
        }
        return true;
    }
    if (!value->is_object() || value->get_object().size() > claim_connections_max) {
        return false;
    }
    for (const json::key_value_pair& one : value->get_object()) {
        const std::string_view provider(one.key().data(), one.key().size());
        if (!is_name(provider) || !one.value().is_string() ||
            !is_name(view(one.value().get_string()))) {
            return false;
        }
        out.connections_by_provider.emplace_back(provider, view(one.value().get_string()));
    }
    return true;
}

bool read_scopes(const json::object& from, run_claims& out)
{
    const json::value* const value = from.if_contains("scopes");
    if (value == nullptr) {
        return true;
    }
    if (!value->is_object() || value->get_object().size() > claim_scope_providers_max) {
        return false;
    }
    for (const json::key_value_pair& one : value->get_object()) {
        const std::string_view provider(one.key().data(), one.key().size());
        if (!is_name(provider) || !one.value().is_array() ||
            one.value().get_array().size() > claim_scopes_max) {
            return false;
        }
        std::vector<std::string> ids;
        for (const json::value& id : one.value().get_array()) {
            if (!id.is_string() || !is_text(view(id.get_string()))) {
                return false;
            }
            ids.emplace_back(view(id.get_string()));
        }
        out.scopes.emplace_back(provider, std::move(ids));
    }
    return true;
}

bool read_access(const json::object& from, run_claims& out)
{
    out.access = "write";
    return read_text(from, "access", false, out.access) &&
           (out.access == "read" || out.access == "write" || out.access == "destructive");
}

// RFC 7800 and RFC 8705, 3.1. A confirmation that we do not understand must not be ignored.
bool read_confirmation(const json::object& from, run_claims& out)
{
    const json::value* const value = from.if_contains("cnf");
    if (value == nullptr) {
        return true;
    }
    std::string thumbprint;
    if (!value->is_object() || value->get_object().size() != 1 ||
        !read_text(value->get_object(), "x5t#S256", true, thumbprint)) {
        return false;
    }
    std::optional<std::string> bytes = from_base64url(thumbprint);
    if (!bytes || bytes->size() != thumbprint_bytes) {
        return false;
    }
    out.certificate_sha256 = std::move(*bytes);
    return true;
}

}  // namespace

result<timed_claims> read_claims(const json::object& from)
{
    timed_claims out;
    run_claims& claims = out.claims;
    if (!names_us(from.if_contains("aud"))) {
        return make_error_code(errc::wrong_audience);
    }
    const bool shaped =
        read_text(from, "iss", true, claims.issuer) && read_text(from, "jti", false, claims.id) &&
        read_name(from, "workspace", claims.workspace) && read_name(from, "app", claims.app) &&
        read_name(from, "run", claims.run) && read_name(from, "sub", claims.user) &&
        read_date(from, "iat", false, claims.issued_at) &&
        read_date(from, "nbf", false, out.not_before) &&
        read_date(from, "exp", true, claims.expires_at) && read_connections(from, claims) &&
        read_scopes(from, claims) && read_access(from, claims) && read_confirmation(from, claims);
    if (!shaped) {
        return make_error_code(errc::malformed);
    }
    return out;
}

json::object write_claims(const run_claims& claims)
{
    json::object out;
    out["iss"] = claims.issuer;
    out["aud"] = audience;
    out["iat"] = claims.issued_at / micros_per_second;
    out["exp"] = claims.expires_at / micros_per_second;
    out["jti"] = claims.id;
    out["workspace"] = claims.workspace;
    out["app"] = claims.app;
    out["run"] = claims.run;
    out["sub"] = claims.user;
    if (!claims.connections_by_provider.empty()) {
        json::object& pairs = out["connections"].emplace_object();
        for (const auto& [provider, connection] : claims.connections_by_provider) {
            pairs[provider] = connection;
        }
    } else if (!claims.connections.empty()) {
        json::array& list = out["connections"].emplace_array();
        for (const std::string& connection : claims.connections) {
            list.emplace_back(connection);
        }
    }
    if (!claims.scopes.empty()) {
        json::object& by_provider = out["scopes"].emplace_object();
        for (const auto& [provider, ids] : claims.scopes) {
            json::array& list = by_provider[provider].emplace_array();
            for (const std::string& id : ids) {
                list.emplace_back(id);
            }
        }
    }
    if (!claims.access.empty()) {
        out["access"] = claims.access;
    }
    if (!claims.certificate_sha256.empty()) {
        out["cnf"] = json::object{{"x5t#S256", to_base64url(claims.certificate_sha256)}};
    }
    return out;
}

}  // namespace sallyport::identity
