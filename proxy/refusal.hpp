// The gate's own answers: every row of the table in CONTRACT.md 4, as RFC 9457 problems with an
// RFC 9209 Proxy-Status. Texts are constants; nothing a caller, a provider or a store said is
// repeated but names the caller already knows.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::proxy {

enum class code : std::uint8_t {
    none,
    bad_request,
    run_token_missing,
    run_token_invalid,
    run_token_expired,
    run_ended,
    connection_forbidden,
    connection_revoked,
    reauth_required,
    connection_inactive,
    scope_missing,
    operation_denied,
    unknown_provider,
    method_not_allowed,
    request_timeout,
    connection_ambiguous,
    body_too_large,
    target_too_long,
    headers_too_large,
    rate_limited,
    upstream_unreachable,
    upstream_tls_failed,
    upstream_protocol_error,
    upstream_timeout,
    vault_unavailable,
    audit_unavailable,
    refresh_failed,
    overloaded,
};

std::string_view to_string(code value) noexcept;
unsigned status_of(code value) noexcept;

struct refusal {
    proxy::code code = code::none;
    std::string_view detail;       // A constant.
    std::string_view proxy_error;  // RFC 9209 error type; empty: the code's usual one.
    // Members of the problem, already JSON: {"name", value}.
    std::vector<std::pair<std::string_view, std::string>> members;
    std::chrono::seconds retry_after{0};  // 0: the code's usual one

    explicit operator bool() const noexcept { return code != proxy::code::none; }
};

struct refusal_context {
    std::string_view call_id;
    bool forward = false;      // 407 and Proxy-Authenticate instead of 401
    bool basic_place = false;  // offer Basic too
    bool close = false;        // Connection: close
    bool head_only = false;    // answering HEAD
};

// The whole answer, head and body.
std::string render(const refusal& refusal, const refusal_context& context);

// A JSON array of strings.
std::string json_array(const std::vector<std::string>& items);

}  // namespace sallyport::proxy
