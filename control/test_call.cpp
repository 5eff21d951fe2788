#include "control/test_call.hpp"

#include <openssl/crypto.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <algorithm>
#include <optional>
#include <utility>

#include "base/encoding.hpp"
#include "base/percent.hpp"
#include "base/strict_json.hpp"
#include "base/text.hpp"
#include "control/credential.hpp"
#include "net/sigv4.hpp"
#include "vault/error.hpp"
#include "vault/fields.hpp"

namespace sallyport::control {

namespace json = boost::json;

namespace {

using place = policy::injection::place;

struct source {
    const policy::provider& provider;
    const policy::credential_kind& kind;
    const vault::connection& record;
    const vault::credential& fields;
};

std::string_view variable_of(const source& from, std::string_view name)
{
    const auto set = from.record.variables.find(std::string(name));
    if (set != from.record.variables.end()) {
        return set->second;
    }
    for (const policy::variable& declared : from.provider.facts().variables) {
        if (declared.name == name) {
            return declared.default_value;
        }
    }
    return {};
}

std::string_view field_of(const source& from, std::string_view name)
{
    for (const vault::credential_field& field : from.fields) {
        if (field.name == name) {
            return field.value.reveal();
        }
    }
    return name == "secret" ? field_of(from, "access_token") : std::string_view();
}

// The template with its placeholders replaced by what `value` says; nullopt if one has no value.
template <class Value>
std::optional<wiped_string> fill(std::string_view text, const Value& value)
{
    wiped_string out;
    while (!text.empty()) {
        const std::size_t open = text.find('{');
        out += text.substr(0, open);
        if (open == text.npos) {
            break;
        }
        const std::size_t close = std::min(text.find('}', open), text.size());
        const std::optional<wiped_string> piece = value(text.substr(open + 1, close - open - 1));
        if (!piece || piece->empty()) {
            return std::nullopt;
        }
        out += *piece;
        text.remove_prefix(std::min(close + 1, text.size()));
    }
    return out;
}

std::optional<wiped_string> plain_value(const source& from, std::string_view name)
{
    const std::string_view field = field_of(from, name);
    return wiped_string(field.empty() ? variable_of(from, name) : field);
}

std::optional<wiped_string> basic_value(const source& from)
{
    const auto plain = [&](std::string_view name) { return plain_value(from, name); };
    const auto username = fill(from.kind.basic_username, plain);
    const auto password = fill(from.kind.basic_password, plain);
    if (!username || !password) {
        return std::nullopt;
    }
    wiped_string pair = *username;
    pair += ':';
    pair += *password;
    std::string encoded = to_base64(pair);
    wiped_string out(encoded);
    OPENSSL_cleanse(encoded.data(), encoded.size());
    return out;
}

std::optional<wiped_string> injected(const source& from, const policy::injection& one)
{
    const bool is_escaped = one.in == place::query || one.in == place::path;
    const auto out = fill(one.value, [&](std::string_view name) -> std::optional<wiped_string> {
        const auto plain = name == "basic" ? basic_value(from) : plain_value(from, name);
        if (!plain || !is_escaped) {
            return plain;
        }
        wiped_string escaped;
        append_escaped(escaped, *plain);
        return escaped;
    });
    const bool is_sendable = out && vault::is_sendable(*out);
    return is_sendable ? out : std::nullopt;
}

// Everything up to the path is put in as it is, the rest escaped: variables are checked already.
std::optional<wiped_string> filled_url(const source& from, std::string_view url)
{
    const std::size_t scheme = url.find("://");
    const std::size_t path = url.find('/', scheme == url.npos ? 0 : scheme + 3);
    const auto plain = [&](std::string_view name) -> std::optional<wiped_string> {
        return wiped_string(variable_of(from, name));
    };
    const auto escaped = [&](std::string_view name) -> std::optional<wiped_string> {
        wiped_string out;
        append_escaped(out, variable_of(from, name));
        return out;
    };
    auto origin = fill(url.substr(0, path), plain);
    auto rest = fill(path == url.npos ? "/" : url.substr(path), escaped);
    if (!origin || !rest) {
        return std::nullopt;
    }
    if (origin->find("://") == origin->npos) {
        origin->insert(0, from.provider.facts().plain_http ? "http://" : "https://");
    }
    return *origin + *rest;
}

// `/bot{secret}` before the URL's path.
void put_into_path(wiped_string& url, const wiped_string& value)
{
    const std::size_t at = url.find('/', url.find("://") + 3);
    url.insert(at, value);
}

// As a member at the top level of the body, which is JSON.
bool put_into_body(net::http_request& into, const std::string& name, const wiped_string& value)
{
    const std::string_view text = into.body.empty() ? std::string_view("{}") : into.body;
    result<json::value> body = parse_strictly(text);
    if (!body || !body->is_object()) {
        return false;
    }
    body->as_object()[name] = json::string(std::string_view(value), body->storage());
    std::string made = json::serialize(*body);
    into.body.assign(made);
    OPENSSL_cleanse(made.data(), made.size());
    return true;
}

bool put_in(const source& from, const policy::injection& one, net::http_request& into)
{
    const std::optional<wiped_string> value = injected(from, one);
    if (!value) {
        return false;
    }
    switch (one.in) {
        case place::header: into.headers.emplace_back(one.name, *value); return true;
        case place::cookie:
            into.headers.emplace_back("Cookie", wiped_string(one.name) + "=" + *value);
            return true;
        case place::query:
            into.url += into.url.find('?') == into.url.npos ? '?' : '&';
            into.url += wiped_string(one.name) + "=" + *value;
            return true;
        case place::path:
            if (one.name.empty()) {
                put_into_path(into.url, *value);
            }
            return true;
        case place::body: return put_into_body(into, one.name, *value);
    }
    return false;
}

bool is_region(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

// The head as it will be sent, as far as it is signed.
wiped_string head_of(const net::http_request& request)
{
    const std::size_t host = request.url.find("://") + 3;
    const std::size_t path = request.url.find('/', host);
    wiped_string head(request.method);
    head += ' ';
    head += request.url.substr(path);
    head += " HTTP/1.1\r\nHost: ";
    head += request.url.substr(host, path - host);
    head += "\r\n";
    for (const auto& [name, value] : request.headers) {
        head += wiped_string(name) + ": " + value + "\r\n";
    }
    return head;
}

// Signs the request, which is complete but for that.
bool sign(const source& from, unix_micros now, net::http_request& request)
{
    const std::string& service = from.kind.sign.service;
    const std::string_view id = field_of(from, "access_key_id");
    const std::string_view secret = field_of(from, "secret_access_key");
    const std::string_view session = field_of(from, "session_token");
    const auto region = fill(from.kind.sign.region, [&](std::string_view name) {
        return std::optional(wiped_string(variable_of(from, name)));
    });
    if (!region || !is_region(*region) || !vault::is_sendable(id) || secret.empty() ||
        !(session.empty() || vault::is_sendable(session))) {
        return false;
    }
    const std::string time = net::sigv4_time(now);
    const std::string hash = net::sigv4_hash(request.body);
    request.headers.emplace_back("X-Amz-Date", wiped_string(time));
    if (service == "s3") {
        request.headers.emplace_back("X-Amz-Content-Sha256", wiped_string(hash));
    }
    if (!session.empty()) {
        request.headers.emplace_back("X-Amz-Security-Token", wiped_string(session));
    }
    const std::string made =
        net::sigv4_authorization(head_of(request), {id, secret}, {service, *region}, hash, time);
    request.headers.emplace_back("Authorization", wiped_string(made));
    return !made.empty();
}

// A request without a body has no place for a credential that travels in one.
bool has_place(const policy::credential_kind& kind, std::string_view method)
{
    const bool in_body = std::any_of(kind.inject.begin(), kind.inject.end(),
                                     [](const auto& one) { return one.in == place::body; });
    const bool signs = !kind.sign.service.empty();
    return (signs || !kind.inject.empty()) && !(in_body && (method == "GET" || method == "HEAD"));
}

// "ok == true", "user.id not null": the member, or null.
const json::value* member_at(const json::value& body, std::string_view path)
{
    const json::value* at = &body;
    while (at != nullptr && !path.empty()) {
        const std::size_t dot = std::min(path.find('.'), path.size());
        const json::object* object = at->if_object();
        at = object != nullptr ? object->if_contains(path.substr(0, dot)) : nullptr;
        path.remove_prefix(std::min(dot + 1, path.size()));
    }
    return at;
}

bool is_as_expected(std::string_view expect, std::string_view body)
{
    const std::size_t space = expect.find(' ');
    const std::string_view wanted = space == expect.npos ? "" : expect.substr(space + 1);
    const bool wants_true = wanted.starts_with("== true");
    if (!wants_true && !wanted.starts_with("not null")) {
        return true;  // In words: the status has to do.
    }
    const result<json::value> parsed = parse_strictly(body);
    const json::value* found = parsed ? member_at(*parsed, expect.substr(0, space)) : nullptr;
    return found != nullptr &&
           (wants_true ? found->is_bool() && found->get_bool() : !found->is_null());
}

}  // namespace

result<net::http_request> test_request(const policy::provider& provider,
                                       const vault::connection& record,
                                       const vault::credential& fields, unix_micros now)
{
    const policy::provider_facts& facts = provider.facts();
    const policy::test_call& test = facts.about.test;
    const policy::credential_kind* kind = provider.kind(record.kind);
    const std::size_t space = test.request.find(' ');
    if (kind == nullptr || space == test.request.npos ||
        !has_place(*kind, std::string_view(test.request).substr(0, space))) {
        return error_code(vault::errc::not_found);
    }
    complaints wrong;
    check_variables(provider, *kind, record.variables, wrong);
    const source from{provider, *kind, record, fields};
    const std::optional<wiped_string> url =
        filled_url(from, std::string_view(test.request).substr(space + 1));
    if (!wrong.empty() || !url) {
        return error_code(vault::errc::invalid_credential);
    }
    net::http_request request;
    request.method = test.request.substr(0, space);
    request.url = *url;
    request.body = test.body;
    for (const policy::injection& one : kind->inject) {
        if (!put_in(from, one, request)) {
            return error_code(vault::errc::invalid_credential);
        }
    }
    for (const auto& [name, value] : facts.headers) {
        request.headers.emplace_back(name, wiped_string(value));
    }
    request.headers.emplace_back("Accept", "application/json");
    if (!request.body.empty()) {
        request.headers.emplace_back("Content-Type", "application/json");
    }
    if (!kind->sign.service.empty() && !sign(from, now, request)) {
        return error_code(vault::errc::invalid_credential);
    }
    request.private_addresses = facts.private_addresses;
    request.plain_http = facts.plain_http;
    return request;
}

test_verdict judge_test(const policy::test_call& test, const net::http_answer& got)
{
    test_verdict verdict;
    verdict.is_rejected = got.status == 401;
    verdict.is_ok = got.status >= 200 && got.status < 300 && is_as_expected(test.expect, got.body);
    // "X-OAuth-Scopes lists the token's classic scopes": the name is the first word.
    const std::string_view name =
        std::string_view(test.scope_header).substr(0, test.scope_header.find(' '));
    std::string_view told = name.empty() || !verdict.is_ok ? "" : got.header(name);
    while (!told.empty() && verdict.scopes.size() < 512) {
        const std::size_t end = std::min(told.find_first_of(", "), told.size());
        if (end != 0) {
            verdict.scopes.emplace_back(told.substr(0, end));
        }
        told.remove_prefix(std::min(end + 1, told.size()));
    }
    return verdict;
}

}  // namespace sallyport::control
