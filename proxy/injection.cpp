#include "proxy/injection.hpp"

#include <openssl/crypto.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "vault/error.hpp"

namespace sallyport::proxy {

namespace {

using place = policy::injection::place;

bool has_control(std::string_view text) noexcept
{
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

const std::string* removed_name(std::string_view pair, const std::vector<std::string>& removed)
{
    // Some servers take ';' for a separator too: each part is looked at, the whole pair goes.
    while (!pair.empty()) {
        const std::size_t end = pair.find(';');
        const std::string_view part = pair.substr(0, end);
        const std::string_view name = part.substr(0, part.find('='));
        for (const std::string& candidate : removed) {
            if (name == candidate || (name.find_first_of("%+") != std::string_view::npos &&
                                      decoded_name(name) == candidate)) {
                return &candidate;
            }
        }
        if (end == std::string_view::npos) {
            break;
        }
        pair.remove_prefix(end + 1);
    }
    return nullptr;
}

// What a path segment may hold besides unreserved characters (RFC 3986, 3.3).
constexpr std::string_view segment_marks = "!$&'()*+,;=:@";

bool open_basic(const vault::resolved& credential, vault::secret& scratch, std::string& out)
{
    // A colon in the name would move the border between the two (RFC 7617, 2).
    if (!credential.open("username", scratch) || has_control(scratch.reveal()) ||
        scratch.reveal().find(':') != std::string_view::npos) {
        return false;
    }
    std::string pair(scratch.reveal());
    pair += ':';
    if (!credential.open("password", scratch) || has_control(scratch.reveal())) {
        return false;
    }
    pair += scratch.reveal();
    std::string encoded = to_base64(pair);
    out += encoded;
    OPENSSL_cleanse(pair.data(), pair.size());
    OPENSSL_cleanse(encoded.data(), encoded.size());
    return true;
}

bool append_spelt(place in, std::string_view text, std::string& out)
{
    switch (in) {
        case place::query: append_escaped(out, text); return true;
        case place::path: append_escaped(out, text, segment_marks); return true;
        case place::cookie: out += text; return text.find(';') == std::string_view::npos;
        default: out += text; return true;
    }
}

}  // namespace

void append_query(std::string& out, std::string_view query, const std::vector<std::string>& removed,
                  std::vector<std::string_view>& stripped)
{
    if (removed.empty()) {
        out += query;
        return;
    }
    bool first = true;
    for (;;) {
        const std::size_t end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        if (const std::string* name = removed_name(pair, removed)) {
            stripped.push_back(*name);
        } else {
            out += first ? "" : "&";
            out += pair;
            first = false;
        }
        if (end == std::string_view::npos) {
            break;
        }
        query.remove_prefix(end + 1);
    }
}

void append_cookies(std::string& out, std::string_view cookies,
                    const std::vector<std::string>& removed)
{
    while (!cookies.empty()) {
        const std::size_t end = cookies.find(';');
        const std::string_view pair = trim(cookies.substr(0, end));
        const std::string_view name = trim(pair.substr(0, pair.find('=')));
        const bool ours = std::find(removed.begin(), removed.end(), name) != removed.end();
        if (!pair.empty() && !ours) {
            out += out.empty() ? "" : "; ";
            out += pair;
        }
        if (end == std::string_view::npos) {
            break;
        }
        cookies.remove_prefix(end + 1);
    }
}

bool fill(const injection_plan& injection, const vault::resolved& credential,
          const policy::provider_facts& facts, vault::secret& scratch, std::string& out)
{
    for (const template_piece& piece : injection.value) {
        if (!piece.placeholder) {
            if (injection.in == place::query) {
                append_escaped(out, piece.text);
            } else {
                out += piece.text;
            }
            continue;
        }
        if (piece.text == "basic") {
            if (!open_basic(credential, scratch, out)) {
                return false;
            }
            continue;
        }
        auto opened = credential.open(piece.text, scratch);
        if (!opened && piece.text == "secret") {
            opened = credential.open("access_token", scratch);
        }
        if (opened) {
            if (scratch.empty() || has_control(scratch.reveal()) ||
                !append_spelt(injection.in, scratch.reveal(), out)) {
                return false;
            }
            continue;
        }
        std::string expanded;
        if (opened.error() != vault::errc::not_found ||
            !expand_variables("{" + piece.text + "}", credential.record().variables, facts,
                              expanded) ||
            has_control(expanded) || !append_spelt(injection.in, expanded, out)) {
            return false;
        }
    }
    return true;
}

std::string decoded_name(std::string_view name)
{
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (name[i] == '%' && i + 2 < name.size()) {
            if (const auto byte = from_hex(lower(name.substr(i + 1, 2)))) {
                out += *byte;
                i += 2;
                continue;
            }
        }
        out += name[i] == '+' ? ' ' : name[i];
    }
    return out;
}

void append_escaped(std::string& out, std::string_view text, std::string_view kept)
{
    constexpr std::string_view hex = "0123456789ABCDEF";
    for (const char c : text) {
        const bool unreserved = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                                (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' ||
                                c == '~';
        if (unreserved || kept.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += '%';
            out += hex[static_cast<unsigned char>(c) >> 4];
            out += hex[static_cast<unsigned char>(c) & 15u];
        }
    }
}

}  // namespace sallyport::proxy
