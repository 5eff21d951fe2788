#include "proxy/outgoing.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "net/sigv4.hpp"
#include "proxy/hop.hpp"
#include "proxy/injection.hpp"
#include "vault/error.hpp"

namespace sallyport::proxy {

namespace {

using place = policy::injection::place;

constexpr std::size_t credential_room = 64 * 1024;  // more than the vault holds of one

constexpr std::string_view via = "Via: 1.1 sallyport\r\n";

void append_field(std::string& out, std::string_view name, std::string_view value)
{
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
}

const field* find_field(const request_head& head, std::string_view name) noexcept
{
    const auto at = std::find_if(head.fields.begin(), head.fields.end(),
                                 [&](const field& f) { return equal_ignoring_case(f.name, name); });
    return at == head.fields.end() ? nullptr : &*at;
}

// What the gate found to be a decimal number above zero.
std::uint64_t number_of(std::string_view text) noexcept
{
    std::uint64_t out = 1;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

bool is_plain(std::string_view value) noexcept
{
    return !value.empty() &&
           std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// Writes one head. A class only to keep the parts of one long sentence apart.
class head_writer {
public:
    head_writer(const outgoing& call, std::string& out, std::vector<std::string_view>& stripped)
        : call_(call),
          out_(out),
          stripped_(stripped),
          provider_(*call.plan->provider),
          facts_(provider_.provider->facts())
    {
    }

    write_fault write()
    {
        if (!write_request_line()) {
            return write_fault::credential;
        }
        append_field(out_, "Host", call_.upstream->authority);
        copy_fields();
        out_ += via;
        if (call_.trace != nullptr && call_.trace->known()) {
            append_field(out_, "traceparent", call_.trace->parent());
        }
        add_static_fields();
        write_framing();
        if (!inject_fields() || !sign()) {
            return write_fault::credential;
        }
        out_ += "\r\n";
        return write_fault::none;
    }

private:
    bool write_request_line()
    {
        out_ += call_.head->method;
        out_ += ' ';
        bool queried = false;
        if (!write_path()) {
            return false;
        }
        if (call_.request->has_query) {
            out_ += '?';
            const std::size_t before = out_.size();
            append_query(out_, call_.request->query, provider_.removed_query, stripped_);
            queried = out_.size() != before;
            if (!queried && !call_.request->query.empty()) {
                out_.pop_back();  // Everything was removed, the question mark goes too.
            }
        }
        for (const injection_plan& injection : *call_.plan->injections) {
            if (injection.in != place::query) {
                continue;
            }
            out_ += queried || out_.back() == '?' ? (queried ? "&" : "") : "?";
            queried = true;
            append_escaped(out_, injection.name);
            out_ += '=';
            if (!append_value(injection, out_)) {
                return false;
            }
        }
        out_ += " HTTP/1.1\r\n";
        return true;
    }

    bool write_path()
    {
        const std::string_view path = call_.request->path;
        const injection_plan* injection = path_injection(*call_.plan->injections, path);
        const std::size_t before = injection == nullptr ? 0 : injection->name.size();
        out_ += path.substr(0, before);
        if (injection != nullptr && !append_value(*injection, out_)) {
            return false;
        }
        out_ += path.substr(before);
        return true;
    }

    bool append_value(const injection_plan& injection, std::string& out) const
    {
        return fill(injection, *call_.credential, facts_, *call_.scratch, out);
    }

    void copy_fields()
    {
        for (const field& candidate : call_.head->fields) {
            if (stays_here(candidate.name, call_.request->connection)) {
                continue;
            }
            if (belongs_to_trace(candidate.name) && !is_state_of_trace(candidate.name)) {
                continue;
            }
            if (const std::string* name = carrier(candidate.name)) {
                if (call_.token == nullptr || !equal_ignoring_case(call_.token->name, *name)) {
                    stripped_.push_back(*name);
                }
                continue;
            }
            if (equal_ignoring_case(candidate.name, "cookie")) {
                if (facts_.cookies) {
                    append_cookies(cookies_, candidate.value, provider_.removed_cookies);
                }
                continue;
            }
            if (call_.head->method == "OPTIONS" &&
                equal_ignoring_case(candidate.name, "max-forwards")) {
                append_number(candidate.name, number_of(candidate.value) - 1);
                continue;
            }
            append_field(out_, candidate.name, candidate.value);
        }
    }

    // What a caller says of its trace goes with a parent that is known, or not at all.
    bool is_state_of_trace(std::string_view name) const
    {
        return call_.trace != nullptr && call_.trace->known() &&
               equal_ignoring_case(name, "tracestate");
    }

    void append_number(std::string_view name, std::uint64_t value)
    {
        char digits[20];
        const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
        append_field(out_, name, {digits, static_cast<std::size_t>(end - digits)});
    }

    const std::string* carrier(std::string_view name) const
    {
        for (const std::string& removed : provider_.removed_headers) {
            if (equal_ignoring_case(removed, name)) {
                return &removed;
            }
        }
        return nullptr;
    }

    // The connection's own fields go before the provider's; what the caller sent goes before both.
    void add_static_fields()
    {
        const auto& own = call_.plan->headers;
        for (const auto& [name, value] : own) {
            add_static_field(name, value);
        }
        for (const auto& field : facts_.headers) {
            const bool overridden = std::any_of(own.begin(), own.end(), [&](const auto& other) {
                return equal_ignoring_case(other.first, field.first);
            });
            if (!overridden) {
                add_static_field(field.first, field.second);
            }
        }
    }

    void add_static_field(std::string_view name, std::string_view value)
    {
        if (stays_here(name, {}) || carrier(name) != nullptr) {
            return;
        }
        const bool travelled = find_field(*call_.head, name) != nullptr &&
                               !lists_option(call_.request->connection, name);
        if (!travelled) {
            append_field(out_, name, value);
        }
    }

    void write_framing()
    {
        const framing& body = call_.request->body;
        const std::string_view method = call_.head->method;
        if (body.kind == body_kind::chunked) {
            append_field(out_, "Transfer-Encoding", "chunked");
        } else if (body.kind == body_kind::length || method == "POST" || method == "PUT" ||
                   method == "PATCH") {
            append_number("Content-Length", body.length);
        }
    }

    bool inject_fields()
    {
        for (const injection_plan& injection : *call_.plan->injections) {
            if (injection.in == place::cookie) {
                cookies_.reserve(cookies_.size() + credential_room);
                cookies_ += cookies_.empty() ? "" : "; ";
                cookies_ += injection.name;
                cookies_ += '=';
                if (!append_value(injection, cookies_)) {
                    return false;
                }
            } else if (injection.in == place::header) {
                out_ += injection.name;
                out_ += ": ";
                if (!append_value(injection, out_)) {
                    return false;
                }
                out_ += "\r\n";
            }
        }
        if (!cookies_.empty()) {
            append_field(out_, "Cookie", cookies_);
            OPENSSL_cleanse(cookies_.data(), cookies_.size());
        }
        return true;
    }

    // The credential signs what has been written.
    bool sign()
    {
        const signature_plan& signature = call_.plan->signature;
        if (!signature.signs()) {
            return true;
        }
        const std::string time = net::sigv4_time(call_.now);
        append_field(out_, "X-Amz-Date", time);
        if (signature.service == "s3") {
            append_field(out_, "X-Amz-Content-Sha256", call_.payload_hash);
        }
        const auto session = call_.credential->open("session_token", *call_.scratch);
        if (session && !is_plain(call_.scratch->reveal())) {
            return false;
        }
        if (session) {
            append_field(out_, "X-Amz-Security-Token", call_.scratch->reveal());
        } else if (session.error() != vault::errc::not_found) {
            return false;
        }
        const auto id = call_.credential->open("access_key_id", *call_.scratch);
        const std::string key_id(id ? call_.scratch->reveal() : std::string_view());
        const auto secret = call_.credential->open("secret_access_key", *call_.scratch);
        if (!is_plain(key_id) || !secret || call_.scratch->empty()) {
            return false;
        }
        const std::string authorization = net::sigv4_authorization(
            std::string_view(out_).substr(begin_), {key_id, call_.scratch->reveal()},
            {signature.service, signature.region}, call_.payload_hash, time);
        append_field(out_, "Authorization", authorization);
        return !authorization.empty();
    }

    const outgoing& call_;
    std::string& out_;
    const std::size_t begin_ = out_.size();
    std::vector<std::string_view>& stripped_;
    const provider_plan& provider_;
    const policy::provider_facts& facts_;
    std::string cookies_;
};

}  // namespace

bool stays_here(std::string_view name, std::string_view connection) noexcept
{
    if (name.find('_') != std::string_view::npos) {
        // Servers that map '_' and '-' to one variable would take it for the real field.
        return true;
    }
    if (ends_at_gate(name, direction::to_provider)) {
        return true;
    }
    return !connection.empty() && lists_option(connection, name);
}

write_fault write_request_head(const outgoing& call, std::string& out,
                               std::vector<std::string_view>& stripped)
{
    return head_writer(call, out, stripped).write();
}

}  // namespace sallyport::proxy
