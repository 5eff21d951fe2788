#include "proxy/answer.hpp"

#include <charconv>

#include "base/text.hpp"
#include "proxy/hop.hpp"
#include "proxy/reference.hpp"

namespace sallyport::proxy {

namespace {

void append_field(std::string& out, std::string_view name, std::string_view value)
{
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
}

// Fields of an answer that end at the gate.
bool ends_here(std::string_view name, const response_head& head, bool cookies) noexcept
{
    if (ends_at_gate(name, direction::to_caller) ||
        (!cookies && equal_ignoring_case(name, "set-cookie"))) {
        return true;
    }
    return connection_names(head, name);
}

enum class reference_field : std::uint8_t { none, url, link };

reference_field reference_kind(std::string_view name) noexcept
{
    if (equal_ignoring_case(name, "location") || equal_ignoring_case(name, "content-location")) {
        return reference_field::url;
    }
    return equal_ignoring_case(name, "link") ? reference_field::link : reference_field::none;
}

}  // namespace

bool impersonates_us(std::string_view proxy_status) noexcept
{
    constexpr std::string_view us = "sallyport";
    bool quoted = false;
    bool at_member = true;
    for (std::size_t i = 0; i < proxy_status.size(); ++i) {
        const char c = proxy_status[i];
        if (c == '"') {
            // A member may be named by a string as well as by a token.
            if (at_member && proxy_status.substr(i + 1).starts_with("sallyport\"")) {
                return true;
            }
            quoted = !quoted;
        } else if (quoted) {
            i += c == '\\' ? 1 : 0;
        } else if (c == ',') {
            at_member = true;
            continue;
        } else if (at_member && starts_with_ignoring_case(proxy_status.substr(i), us)) {
            const std::size_t end = i + us.size();
            if (end == proxy_status.size() || !is_token_char(proxy_status[end])) {
                return true;
            }
        }
        at_member = at_member && (c == ' ' || c == '\t');
    }
    // A string left open here ends in the next field line, whose members nobody could tell apart.
    return quoted;
}

void write_answer_head(const response_head& head, const answer_context& context, std::string& out)
{
    char digits[20];
    const auto append_number = [&](std::uint64_t value) {
        const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
        return std::string_view(digits, static_cast<std::size_t>(end - digits));
    };
    out += "HTTP/1.1 ";
    out += append_number(head.status);
    out += ' ';
    out += head.reason;
    out += "\r\n";

    const bool cookies = context.plan->provider->provider->facts().cookies;
    const field* length = nullptr;
    bool dated = false;
    for (const field& candidate : head.fields) {
        if (equal_ignoring_case(candidate.name, "content-length")) {
            length = &candidate;
        }
    }
    for (const field& candidate : head.fields) {
        if (ends_here(candidate.name, head, cookies) ||
            (equal_ignoring_case(candidate.name, "proxy-status") &&
             impersonates_us(candidate.value))) {
            continue;
        }
        dated = dated || equal_ignoring_case(candidate.name, "date");
        const reference_field kind = reference_kind(candidate.name);
        if (kind == reference_field::none) {
            append_field(out, candidate.name, candidate.value);
        } else {
            append_field(out, candidate.name,
                         kind == reference_field::url ? rewrite_reference(candidate.value, context)
                                                      : rewrite_link(candidate.value, context));
        }
    }
    if (head.status < 200) {
        out += "\r\n";
        return;
    }
    if (!dated) {
        append_field(out, "Date", context.date);
    }
    append_field(out, "Sallyport-Call-Id", context.call_id);
    if (context.chunk) {
        append_field(out, "Transfer-Encoding", "chunked");
    } else if (context.body.kind == body_kind::length) {
        append_field(out, "Content-Length", append_number(context.body.length));
    } else if (length != nullptr && head.status != 204) {
        append_field(out, "Content-Length", length->value);  // HEAD, 304, or an empty body.
    }
    if (context.close) {
        append_field(out, "Connection", "close");
    }
    out += "\r\n";
}

}  // namespace sallyport::proxy
