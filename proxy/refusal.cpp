#include "proxy/refusal.hpp"

#include <array>

#include "base/text.hpp"

namespace sallyport::proxy {

namespace {

struct row {
    code value;
    unsigned status;
    std::string_view name;
    std::string_view title;
    std::string_view proxy_error;  // RFC 9209, 2.3
    int retry_after;               // seconds; 0: none
};

constexpr std::array rows{
    row{code::none, 500, "none", "Internal error", "proxy_internal_error", 0},
    row{code::bad_request, 400, "bad_request", "Malformed or ambiguous request",
        "http_request_error", 0},
    row{code::run_token_missing, 401, "run_token_missing", "No run token", "http_request_denied",
        0},
    row{code::run_token_invalid, 401, "run_token_invalid", "Invalid run token",
        "http_request_denied", 0},
    row{code::run_token_expired, 401, "run_token_expired", "Expired run token",
        "http_request_denied", 0},
    row{code::run_ended, 401, "run_ended", "The run has ended", "http_request_denied", 0},
    row{code::connection_forbidden, 403, "connection_forbidden", "No connection this run may use",
        "http_request_denied", 0},
    row{code::connection_revoked, 403, "connection_revoked", "The connection was revoked",
        "http_request_denied", 0},
    row{code::reauth_required, 403, "reauth_required", "The connection must be authorised again",
        "http_request_denied", 0},
    row{code::connection_inactive, 403, "connection_inactive", "The connection is not active",
        "http_request_denied", 0},
    row{code::scope_missing, 403, "scope_missing", "A scope is missing", "http_request_denied", 0},
    row{code::operation_denied, 403, "operation_denied", "The operation is not allowed",
        "http_request_denied", 0},
    row{code::unknown_provider, 404, "unknown_provider", "Unknown provider",
        "destination_not_found", 0},
    row{code::method_not_allowed, 405, "method_not_allowed", "Method not allowed",
        "http_request_denied", 0},
    row{code::request_timeout, 408, "request_timeout", "The request took too long",
        "http_request_error", 0},
    row{code::connection_ambiguous, 409, "connection_ambiguous", "More than one connection fits",
        "http_request_denied", 0},
    row{code::body_too_large, 413, "body_too_large", "The body is too large", "http_request_error",
        0},
    row{code::target_too_long, 414, "target_too_long", "The target is too long",
        "http_request_error", 0},
    row{code::headers_too_large, 431, "headers_too_large", "The header section is too large",
        "http_request_error", 0},
    row{code::rate_limited, 429, "rate_limited", "Too many calls", "http_request_denied", 1},
    row{code::upstream_unreachable, 502, "upstream_unreachable",
        "The provider could not be reached", "destination_unavailable", 0},
    row{code::upstream_tls_failed, 502, "upstream_tls_failed",
        "The provider's identity could not be verified", "tls_protocol_error", 0},
    row{code::upstream_protocol_error, 502, "upstream_protocol_error",
        "The provider's answer could not be read", "http_protocol_error", 0},
    row{code::upstream_timeout, 504, "upstream_timeout", "The provider did not answer in time",
        "http_response_timeout", 0},
    row{code::vault_unavailable, 503, "vault_unavailable", "The vault is unavailable",
        "proxy_internal_response", 1},
    row{code::audit_unavailable, 503, "audit_unavailable", "The trail cannot be written",
        "proxy_internal_response", 1},
    row{code::refresh_failed, 503, "refresh_failed", "The credential could not be refreshed",
        "proxy_internal_response", 1},
    row{code::overloaded, 503, "overloaded", "The gate is at its limit", "proxy_internal_response",
        1},
};

const row& row_of(code value) noexcept { return rows[static_cast<std::size_t>(value)]; }

constexpr bool in_order()
{
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (static_cast<std::size_t>(rows[i].value) != i) {
            return false;
        }
    }
    return true;
}
static_assert(in_order(), "rows are indexed by code");

std::string body_of(const refusal& refusal, const row& row, unsigned status,
                    std::string_view call_id)
{
    std::string out = R"({"type":"urn:sallyport:problem:)";
    out += row.name;
    out += R"(","title":)";
    append_json_string(out, row.title);
    out += R"(,"status":)";
    out += std::to_string(status);
    out += R"(,"detail":)";
    append_json_string(out, refusal.detail.empty() ? row.title : refusal.detail);
    out += R"(,"code":)";
    append_json_string(out, row.name);
    out += R"(,"call_id":)";
    append_json_string(out, call_id);
    for (const auto& [name, value] : refusal.members) {
        out += ',';
        append_json_string(out, name);
        out += ':';
        out += value;
    }
    out += "}\n";
    return out;
}

std::string_view reason_phrase(unsigned status) noexcept
{
    switch (status) {
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 407: return "Proxy Authentication Required";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        default: return "Error";
    }
}

}  // namespace

std::string_view to_string(code value) noexcept { return row_of(value).name; }
unsigned status_of(code value) noexcept { return row_of(value).status; }

std::string render(const refusal& refusal, const refusal_context& context)
{
    const row& row = row_of(refusal.code);
    const unsigned status = row.status == 401 && context.forward ? 407 : row.status;
    const std::string body = body_of(refusal, row, status, context.call_id);

    std::string out = "HTTP/1.1 " + std::to_string(status) + " ";
    out += reason_phrase(status);
    out += "\r\nContent-Type: application/problem+json\r\nProxy-Status: sallyport; error=";
    out += refusal.proxy_error.empty() ? row.proxy_error : refusal.proxy_error;
    out += "\r\nCache-Control: no-store\r\n";
    if (row.status == 401) {
        const std::string_view name =
            context.forward ? "Proxy-Authenticate: " : "WWW-Authenticate: ";
        out += name;
        out += "Bearer\r\n";
        if (context.basic_place || context.forward) {
            out += name;
            out += "Basic realm=\"sallyport\"\r\n";
        }
    }
    if (refusal.code == code::method_not_allowed) {
        out += "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n";
    }
    if (row.retry_after != 0) {
        const auto wished = refusal.retry_after.count();
        out += "Retry-After: " + std::to_string(wished > 0 ? wished : row.retry_after) + "\r\n";
    }
    if (!context.call_id.empty()) {
        out += "Sallyport-Call-Id: ";
        out += context.call_id;
        out += "\r\n";
    }
    if (context.close) {
        out += "Connection: close\r\n";
    }
    out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    if (!context.head_only) {
        out += body;
    }
    return out;
}

std::string json_array(const std::vector<std::string>& items)
{
    std::string out = "[";
    for (const std::string& item : items) {
        if (out.size() > 1) {
            out += ',';
        }
        append_json_string(out, item);
    }
    return out + "]";
}

}  // namespace sallyport::proxy
