// What the tests of run tokens share: a moment, an issuer, and tokens signed over any text.
#pragma once

#include <string>
#include <string_view>

#include "base/encoding.hpp"
#include "identity/run_token.hpp"
#include "identity/signature.hpp"
#include "tests/identity/keys.hpp"

namespace sallyport::identity {

constexpr unix_micros second = 1'000'000;
constexpr unix_micros now = 1'763'640'000 * second;
constexpr std::string_view plain_header = R"({"alg":"HS256","typ":"JWT"})";

inline settings with(algorithm alg, std::string key)
{
    settings out;
    out.issuers.push_back({"sallyport", alg, std::move(key), {}});
    return out;
}

inline settings hs256() { return with(algorithm::hs256, hmac_key()); }

inline run_claims some_claims()
{
    run_claims claims;
    claims.workspace = "acme";
    claims.app = "mailer";
    claims.run = "run-7";
    claims.user = "u_42";
    claims.issued_at = now;
    claims.expires_at = now + 3600 * second;
    return claims;
}

inline std::string signed_by(const signing_key& key, std::string_view header,
                             std::string_view payload)
{
    const std::string text = to_base64url(header) + '.' + to_base64url(payload);
    return text + '.' + to_base64url(*key.sign(text));
}

inline std::string hs256_token(std::string_view header, std::string_view payload)
{
    return signed_by(*signing_key::make(algorithm::hs256, hmac_key()), header, payload);
}

// The claims every token needs, followed by what a test adds to them.
inline std::string payload_with(std::string_view more)
{
    std::string out =
        R"({"iss":"sallyport","aud":"sallyport","workspace":"acme","app":"a","run":"r","sub":"u",)"
        R"("iat":1763640000,"exp":1763643600)";
    return out.append(more).append("}");
}

inline error_code verdict(const std::string& token, unix_micros at = now)
{
    const auto result = token_verifier::make(hs256())->verify(token, at);
    return result ? error_code() : result.error();
}

inline error_code verdict_on_claims(std::string_view payload)
{
    return verdict(hs256_token(plain_header, payload));
}

}  // namespace sallyport::identity
