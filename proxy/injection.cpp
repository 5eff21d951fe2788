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

// The most lenient reading of a name: what stands before it as a space or behind it as a NUL is
// passed over, '.' and ' ' are taken for '_' (so PHP, and Rack for spaces behind a '&').
bool reads_as(std::string_view name, std::string_view wanted) noexcept
{
    name = name.substr(0, name.find('\0'));
    while (!name.empty() && static_cast<unsigned char>(name.front()) <= ' ') {
        name.remove_prefix(1);
    }
    return std::equal(name.begin(), name.end(), wanted.begin(), wanted.end(), [](char a, char b) {
        return a == b || (b == '_' && (a == '.' || a == ' '));
    });
}

const std::string* removed_name(std::string_view pair, const std::vector<std::string>& removed)
{
    // Some servers take ';' for a separator too: each part is looked at, the whole pair goes.
    while (!pair.empty()) {
        const std::size_t end = pair.find(';');
        const std::string_view part = pair.substr(0, end);
        const std::string_view name = part.substr(0, part.find('='));
        for (const std::string& candidate : removed) {
            if (reads_as(name, candidate) || (name.find_first_of("%+") != std::string_view::npos &&
                                              reads_as(decoded_name(name), candidate))) {
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

constexpr std::size_t basic_bytes_usual = 512;

// What a path segment may hold besides unreserved characters (RFC 3986, 3.3).
constexpr std::string_view segment_marks = "!$&'()*+,;=:@";

// What a placeholder of a Basic half stands for. An empty password is one, too.
bool append_half(const std::vector<template_piece>& half, const vault::resolved& credential,
                 const policy::provider_facts& facts, vault::secret& scratch, std::string& out)
{
    std::string expanded;
    for (const template_piece& piece : half) {
        if (!piece.placeholder) {
            out += piece.text;
            continue;
        }
        const auto opened = credential.open(piece.text, scratch);
        if (opened && !has_control(scratch.reveal())) {
            out += scratch.reveal();
        } else if (opened || opened.error() != vault::errc::not_found ||
                   !expand_variables("{" + piece.text + "}", credential.record().variables, facts,
                                     expanded) ||
                   has_control(expanded)) {
            return false;
        } else {
            out += expanded;
        }
    }
    return true;
}

bool open_basic(const injection_plan& injection, const vault::resolved& credential,
                const policy::provider_facts& facts, vault::secret& scratch, std::string& out)
{
    std::string pair;
    pair.reserve(basic_bytes_usual);  // So that growing leaves no copies behind.
    // A colon in the name would move the border between the two (RFC 7617, 2).
    bool sound = append_half(injection.basic_username, credential, facts, scratch, pair) &&
                 pair.find(':') == std::string::npos;
    pair += ':';
    sound = sound && append_half(injection.basic_password, credential, facts, scratch, pair);
    std::string encoded = sound ? to_base64(pair) : std::string();
    out += encoded;
    OPENSSL_cleanse(pair.data(), pair.size());
    OPENSSL_cleanse(encoded.data(), encoded.size());
    return sound;
}

// Where the injected part of `path` ends that begins at `begin`, or npos: it is none.
std::size_t end_of_injected(std::string_view path, std::size_t begin,
                            const std::vector<template_piece>& value)
{
    std::size_t at = begin;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (!value[i].placeholder) {
            if (!path.substr(at).starts_with(value[i].text)) {
                return std::string_view::npos;
            }
            at += value[i].text.size();
            continue;
        }
        const std::size_t slash = std::min(path.find('/', at), path.size());
        const std::size_t end = i + 1 < value.size() ? path.find(value[i + 1].text, at) : slash;
        if (end == at || end > slash) {
            return std::string_view::npos;
        }
        at = end;
    }
    return at == path.size() || path[at] == '/' ? at : std::string_view::npos;
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
            if (!open_basic(injection, credential, facts, scratch, out)) {
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

const injection_plan* path_injection(const std::vector<injection_plan>& injections,
                                     std::string_view path) noexcept
{
    const injection_plan* found = nullptr;
    for (const injection_plan& injection : injections) {
        const bool applies = injection.in == place::path && path.starts_with(injection.name) &&
                             (injection.name.empty() || path.size() == injection.name.size() ||
                              path[injection.name.size()] == '/');
        if (applies && (found == nullptr || injection.name.size() > found->name.size())) {
            found = &injection;
        }
    }
    return found;
}

std::string without_injected(std::string_view path, const std::vector<injection_plan>& injections)
{
    for (const injection_plan& injection : injections) {
        if (injection.in != place::path || !path.starts_with(injection.name)) {
            continue;
        }
        const std::size_t begin = injection.name.size();
        const std::size_t end = end_of_injected(path, begin, injection.value);
        if (end != std::string_view::npos) {
            std::string rest(path.substr(0, begin));
            rest += path.substr(end);
            return rest.empty() ? "/" : rest;
        }
    }
    return std::string(path);
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

}  // namespace sallyport::proxy
