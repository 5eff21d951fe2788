// What servers say instead of a token, in their many spellings.
#include <algorithm>
#include <cstdint>
#include <string>

#include "base/text.hpp"
#include "oauth/token_answer.hpp"

namespace sallyport::oauth {

namespace {

namespace json = boost::json;
using vault::refresh_verdict;

struct meaning {
    std::string_view code;
    refresh_verdict verdict;
    std::string_view reason;
};

constexpr std::string_view grant_gone = "the provider no longer accepts the grant";
constexpr std::string_view client_refused =
    "the provider refuses the OAuth client: check its id, secret and redirect URI";
constexpr std::string_view request_refused =
    "the provider refuses the request: check the client's settings at the provider";
constexpr std::string_view busy = "the provider asks to be left alone for a while";

// RFC 6749, 5.2 and 4.1.2.1; RFC 8628, 3.5; OpenID Connect Core, 3.1.2.6; then providers' own.
constexpr meaning meanings[] = {
    {"invalid_grant", refresh_verdict::rejected, grant_gone},
    {"access_denied", refresh_verdict::rejected, grant_gone},
    {"expired_token", refresh_verdict::rejected, grant_gone},
    {"interaction_required", refresh_verdict::rejected, grant_gone},
    {"login_required", refresh_verdict::rejected, grant_gone},
    {"consent_required", refresh_verdict::rejected, grant_gone},
    {"invalid_token", refresh_verdict::rejected, grant_gone},
    {"bad_refresh_token", refresh_verdict::rejected, grant_gone},      // GitHub, HubSpot
    {"bad_verification_code", refresh_verdict::rejected, grant_gone},  // GitHub
    {"bad_auth_code", refresh_verdict::rejected, grant_gone},          // HubSpot
    {"invalid_refresh_token", refresh_verdict::rejected, grant_gone},  // Slack
    {"invalid_code", refresh_verdict::rejected, grant_gone},           // Slack
    {"code_already_used", refresh_verdict::rejected, grant_gone},      // Slack
    {"code_expired", refresh_verdict::rejected, grant_gone},           // Slack
    {"token_expired", refresh_verdict::rejected, grant_gone},          // Slack
    {"token_revoked", refresh_verdict::rejected, grant_gone},          // Slack
    {"account_inactive", refresh_verdict::rejected, grant_gone},       // Slack
    {"invalid_auth", refresh_verdict::rejected, grant_gone},           // Slack
    {"190", refresh_verdict::rejected, grant_gone},                    // Facebook
    {"102", refresh_verdict::rejected, grant_gone},                    // Facebook
    {"invalid_client", refresh_verdict::unavailable, client_refused},
    {"unauthorized_client", refresh_verdict::unavailable, client_refused},
    {"redirect_uri_mismatch", refresh_verdict::unavailable, client_refused},         // GitHub
    {"incorrect_client_credentials", refresh_verdict::unavailable, client_refused},  // GitHub
    {"bad_client_secret", refresh_verdict::unavailable, client_refused},  // Slack, HubSpot
    {"bad_client_id", refresh_verdict::unavailable, client_refused},      // HubSpot
    {"invalid_client_id", refresh_verdict::unavailable, client_refused},  // Slack
    {"bad_redirect_uri", refresh_verdict::unavailable, client_refused},   // Slack
    {"101", refresh_verdict::unavailable, client_refused},                // Facebook
    {"invalid_request", refresh_verdict::unavailable, request_refused},
    {"invalid_scope", refresh_verdict::unavailable, request_refused},
    {"unsupported_grant_type", refresh_verdict::unavailable, request_refused},
    {"temporarily_unavailable", refresh_verdict::unavailable, busy},
    {"slow_down", refresh_verdict::unavailable, busy},
    {"ratelimited", refresh_verdict::unavailable, busy},  // Slack
};

std::string text_of(const json::value* value)
{
    if (value == nullptr) {
        return {};
    }
    if (const json::string* text = value->if_string()) {
        return lower(std::string_view(*text));
    }
    return value->is_int64() ? std::to_string(value->get_int64()) : std::string();
}

// "error", or what Facebook ({"error": {"code": 190}}) and HubSpot ({"status": "BAD_AUTH_CODE"})
// have in its place.
std::string error_of(const json::object& body)
{
    const json::value* const error = body.if_contains("error");
    if (const json::object* object = error ? error->if_object() : nullptr) {
        return text_of(object->if_contains("code"));
    }
    std::string code = text_of(error);
    return code.empty() ? text_of(body.if_contains("status")) : code;
}

bool holds(std::string_view text, std::initializer_list<std::string_view> any)
{
    return std::any_of(any.begin(), any.end(),
                       [&](std::string_view one) { return text.find(one) != text.npos; });
}

// X and Atlassian have other codes for a refresh token that is not good any more.
bool blames_the_token(std::string_view code, const json::object& body)
{
    const std::string words = text_of(body.if_contains("error_description"));
    return (code == "invalid_request" || code == "unauthorized_client") &&
           holds(words, {"refresh token", "refresh_token", "passed for the token"}) &&
           holds(words, {"invalid", "expired", "revoked"});
}

}  // namespace

vault::refresh_answer read_refusal(const net::http_answer& answer, const json::object* body,
                                   unix_micros now)
{
    vault::refresh_answer out;
    out.retry_after = read_retry_after(answer, now);
    const std::string status = std::to_string(answer.status);
    if (answer.status == 429 || answer.status >= 500) {
        out.reason = "the provider answered " + status;
        return out;
    }
    if (body == nullptr) {
        out.reason = "the provider answered " + status + " with what is no token answer";
        return out;
    }
    const std::string code = error_of(*body);
    const auto* const found = std::find_if(std::begin(meanings), std::end(meanings),
                                           [&](const meaning& one) { return one.code == code; });
    if (found == std::end(meanings)) {
        out.reason = "the provider answered " + status + " with an error of its own";
        return out;
    }
    const bool is_gone =
        found->verdict == refresh_verdict::rejected || blames_the_token(code, *body);
    out.verdict = is_gone ? refresh_verdict::rejected : refresh_verdict::unavailable;
    out.reason =
        std::string(is_gone ? grant_gone : found->reason) + " (" + std::string(found->code) + ")";
    return out;
}

}  // namespace sallyport::oauth
