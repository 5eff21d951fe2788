#include "oauth/device.hpp"

#include <algorithm>

#include "oauth/error.hpp"
#include "oauth/scopes.hpp"
#include "oauth/token_answer.hpp"
#include "oauth/token_request.hpp"

namespace sallyport::oauth {

namespace {

namespace json = boost::json;

constexpr std::size_t user_text_bytes_max = 1024;

std::string_view text_at(const json::object& object, std::string_view name)
{
    const json::value* const value = object.if_contains(name);
    const json::string* const text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? std::string_view(*text) : std::string_view();
}

bool is_showable(std::string_view text)
{
    return !text.empty() && text.size() <= user_text_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::chrono::seconds seconds_at(const json::object& object, std::string_view name,
                                std::chrono::seconds unsaid, std::chrono::seconds most)
{
    const json::value* const value = object.if_contains(name);
    boost::system::error_code inexact;
    const auto seconds = value != nullptr ? value->to_number<std::int64_t>(inexact) : 0;
    return inexact || seconds <= 0 ? unsaid : std::min(std::chrono::seconds(seconds), most);
}

}  // namespace

result<net::http_request> device_request(const policy::provider_facts& provider,
                                         const vault::connection& record, const client& as,
                                         const std::vector<std::string>& scopes, unix_micros now)
{
    if (!provider.oauth2) {
        return error_code(errc::no_oauth2);
    }
    const policy::oauth2_facts& facts = *provider.oauth2;
    if (facts.device_authorization_url.empty()) {
        return error_code(errc::not_offered);
    }
    const result<wiped_string> joined = join_scopes(facts, scopes);
    if (!joined) {
        return joined.error();
    }
    parameters asked;
    if (!joined->empty()) {
        asked.emplace_back("scope", *joined);
    }
    return client_request(provider, record, &as, facts.device_authorization_url, std::move(asked),
                          {}, now);
}

result<device_authorization> read_device_answer(const net::http_answer& answer, unix_micros now)
{
    const auto body = read_object(answer);
    if (answer.status != 200 || !body) {
        return error_code(errc::not_offered);
    }
    device_authorization out;
    out.device_code = text_at(*body, "device_code");
    out.user_code = text_at(*body, "user_code");
    out.verification_uri = text_at(*body, "verification_uri");
    if (out.verification_uri.empty()) {
        out.verification_uri = text_at(*body, "verification_url");  // Google, before the RFC
    }
    out.complete_uri = text_at(*body, "verification_uri_complete");
    if (!is_showable(out.complete_uri) || !out.complete_uri.starts_with("https://")) {
        out.complete_uri.clear();
    }
    out.interval = seconds_at(*body, "interval", device_interval_default, device_interval_max);
    const std::chrono::seconds lifetime =
        seconds_at(*body, "expires_in", device_lifetime_max, device_lifetime_max);
    out.expires_at = now + std::chrono::microseconds(lifetime).count();
    if (!is_showable(out.device_code) || !is_showable(out.user_code) ||
        !is_showable(out.verification_uri) || !out.verification_uri.starts_with("https://")) {
        return error_code(errc::not_offered);
    }
    return out;
}

result<net::http_request> device_poll_request(const policy::provider_facts& provider,
                                              const vault::connection& record, const client& as,
                                              std::string_view device_code, unix_micros now)
{
    parameters asked;
    asked.emplace_back("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
    asked.emplace_back("device_code", wiped_string(device_code));
    return token_request(provider, record, &as, std::move(asked), now);
}

device_poll read_poll_answer(const policy::provider_facts& provider,
                             const vault::connection& record, const net::http_answer& answer,
                             unix_micros now)
{
    device_poll out;
    const auto body = read_object(answer);
    const std::string_view error = body ? text_at(*body, "error") : std::string_view();
    if (error == "authorization_pending") {
        return out;
    }
    if (error == "slow_down") {
        out.now = device_poll::state::slow_down;
        return out;
    }
    out.answer = read_token_answer(provider, record, answer, now);
    // What a busy server says is no answer yet (RFC 8628, 3.5).
    const bool is_answer =
        out.answer.verdict != vault::refresh_verdict::unavailable || !error.empty();
    out.now = error == "access_denied"   ? device_poll::state::denied
              : error == "expired_token" ? device_poll::state::expired
              : is_answer                ? device_poll::state::settled
                                         : device_poll::state::slow_down;
    return out;
}

}  // namespace sallyport::oauth
