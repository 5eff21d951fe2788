#include "oauth/assertion.hpp"

#include <openssl/crypto.h>

#include <boost/json/object.hpp>
#include <optional>

#include "base/encoding.hpp"
#include "base/ulid.hpp"
#include "identity/signature.hpp"
#include "oauth/error.hpp"
#include "oauth/json_text.hpp"

namespace sallyport::oauth {

namespace {

namespace json = boost::json;

std::int64_t seconds_of(unix_micros time)
{
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::microseconds(time))
        .count();
}

wiped_string with_line_breaks(std::string_view pem)
{
    wiped_string out;
    for (std::size_t at = 0; at < pem.size(); ++at) {
        const bool is_break = pem.substr(at).starts_with("\\n");
        out += is_break ? '\n' : pem[at];
        at += is_break ? 1 : 0;
    }
    return out;
}

std::optional<identity::signing_key> read_key(std::string_view pem)
{
    const wiped_string text = with_line_breaks(pem);
    for (const identity::algorithm alg : {identity::algorithm::rs256, identity::algorithm::es256}) {
        auto key = identity::signing_key::make(alg, text);
        if (key && key->can_sign()) {
            return std::move(*key);
        }
    }
    return std::nullopt;
}

result<wiped_string> sign(const json::object& claims, std::string_view pem)
{
    const std::optional<identity::signing_key> key = read_key(pem);
    if (!key) {
        return error_code(errc::bad_key);
    }
    json::object header;
    header["alg"] = identity::to_string(key->alg());
    header["typ"] = "JWT";
    wiped_string token(to_base64url(json_text(header)));
    token += '.';
    token += to_base64url(json_text(claims));
    const std::optional<std::string> signature = key->sign(token);
    if (!signature) {
        return error_code(errc::bad_key);
    }
    token += '.';
    token += to_base64url(*signature);
    return token;
}

}  // namespace

result<wiped_string> client_assertion(const client& as, std::string_view token_url, unix_micros now)
{
    json::object claims;
    claims["iss"] = as.id;
    claims["sub"] = as.id;
    claims["aud"] = token_url;
    claims["jti"] = make_ulid().text();
    claims["iat"] = seconds_of(now);
    claims["exp"] = seconds_of(now) + assertion_lifetime.count();
    return sign(claims, as.private_key.reveal());
}

result<wiped_string> grant_assertion(const vault::credential& fields, std::string_view scopes,
                                     std::string_view token_url, unix_micros now)
{
    const std::string_view issuer = find_field(fields, "client_email");
    if (issuer.empty()) {
        return error_code(errc::unsendable);
    }
    json::object claims;
    claims["iss"] = issuer;
    if (const std::string_view subject = find_field(fields, "subject"); !subject.empty()) {
        claims["sub"] = subject;
    }
    if (!scopes.empty()) {
        claims["scope"] = scopes;
    }
    claims["aud"] = token_url;
    claims["iat"] = seconds_of(now);
    claims["exp"] = seconds_of(now) + grant_lifetime.count();
    return sign(claims, find_field(fields, "private_key"));
}

result<wiped_string> app_assertion(const vault::credential& fields, unix_micros now)
{
    const std::string_view app = find_field(fields, "app_id");
    if (app.empty()) {
        return error_code(errc::unsendable);
    }
    json::object claims;
    claims["iss"] = app;
    claims["iat"] = seconds_of(now) - clock_leeway.count();
    claims["exp"] = seconds_of(now) + app_lifetime.count() - clock_leeway.count();
    return sign(claims, find_field(fields, "private_key"));
}

}  // namespace sallyport::oauth
