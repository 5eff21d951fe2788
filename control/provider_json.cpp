#include "control/provider_json.hpp"

#include <boost/json/array.hpp>
#include <algorithm>
#include <array>
#include <utility>

#include "control/requirements.hpp"

namespace sallyport::control {

namespace json = boost::json;

namespace {

using policy::oauth2_facts;

json::array texts_of(const std::vector<std::string>& texts)
{
    json::array out;
    for (const std::string& text : texts) {
        out.emplace_back(text);
    }
    return out;
}

json::object named(const policy::named_texts& texts)
{
    json::object out;
    for (const auto& [name, value] : texts) {
        out[name] = value;
    }
    return out;
}

// Members whose value is empty say nothing and are left out.
void add(json::object& out, std::string_view name, json::value value)
{
    const bool is_empty = (value.is_string() && value.as_string().empty()) ||
                          (value.is_array() && value.as_array().empty()) ||
                          (value.is_object() && value.as_object().empty()) || value.is_null();
    if (!is_empty) {
        out[name] = std::move(value);
    }
}

json::array injections_of(const policy::credential_kind& kind)
{
    constexpr std::array<std::string_view, 5> places = {"header", "query", "cookie", "path",
                                                        "body"};
    json::array out;
    for (const policy::injection& injection : kind.inject) {
        json::object one;
        one["in"] = places[static_cast<std::size_t>(injection.in)];
        add(one, injection.in == policy::injection::place::path ? "under" : "name",
            json::value(injection.name));
        one["value"] = injection.value;
        out.push_back(std::move(one));
    }
    return out;
}

json::array credentials_of(const policy::provider_facts& facts)
{
    json::array out;
    for (const policy::credential_kind& kind : facts.credentials) {
        json::object one;
        one["kind"] = kind.kind;
        one["inject"] = injections_of(kind);
        if (!kind.sign.service.empty()) {
            one["sign"] = {{"algorithm", "aws_sigv4"},
                           {"service", kind.sign.service},
                           {"region", kind.sign.region}};
        }
        add(one, "secret_format", json::value(kind.secret_format));
        add(one, "note", json::value(kind.note));
        out.push_back(std::move(one));
    }
    return out;
}

json::object host_of(const policy::upstream_host& host)
{
    json::object out;
    out["host"] = authority_of(host);
    out["path_prefixes"] = texts_of(host.path_prefixes);
    out["is_alias"] = host.is_alias;
    add(out, "note", json::value(host.note));
    return out;
}

json::array variables_of(const policy::provider_facts& facts)
{
    json::array out;
    for (const policy::variable& variable : facts.variables) {
        json::object one;
        one["name"] = variable.name;
        one["where"] = variable.where;
        one["is_required"] = variable.default_value.empty() && !variable.is_optional;
        one["default"] = variable.default_value;
        one["pattern"] = variable.pattern;
        one["description"] = variable.description;
        add(one, "example", json::value(variable.example));
        add(one, "source", json::value(variable.source));
        out.push_back(std::move(one));
    }
    return out;
}

json::array scopes_of(const std::vector<policy::scope_description>& scopes)
{
    json::array out;
    for (const policy::scope_description& scope : scopes) {
        json::object one;
        one["id"] = scope.id;
        one["class"] = scope.class_name;
        one["description"] = scope.description;
        out.push_back(std::move(one));
    }
    return out;
}

json::object request_of(const policy::oauth2_request& request)
{
    json::object out;
    if (!request.url.empty()) {
        out["method"] = request.method;
        out["url"] = request.url;
    }
    add(out, "auth", json::value(request.auth));
    add(out, "body", json::value(request.body));
    add(out, "note", json::value(request.note));
    return out;
}

json::object oauth2_of(const oauth2_facts& facts)
{
    constexpr std::array<std::string_view, 3> ways = {"post", "basic", "private_key_jwt"};
    json::object out;
    add(out, "authorize_url", json::value(facts.authorize_url));
    add(out, "token_url", json::value(facts.token_url));
    add(out, "issuer", json::value(facts.issuer));
    add(out, "device_authorization_url", json::value(facts.device_authorization_url));
    add(out, "exchange", request_of(facts.exchange));
    add(out, "refresh_request", request_of(facts.refresh_request));
    add(out, "introspect", request_of(facts.introspect));
    json::object revoke = request_of(facts.revoke);
    revoke["style"] = to_text(facts.revocation);
    out["revoke"] = std::move(revoke);
    add(out, "grants", texts_of(facts.grants));
    out["scope_separator"] = facts.scope_separator;
    add(out, "scope_params", named(facts.scope_params));
    out["pkce"] = to_text(facts.pkce);
    json::array auths;
    for (const oauth2_facts::client_auth way : facts.client_auths) {
        auths.emplace_back(ways[static_cast<std::size_t>(way)]);
    }
    out["client_auth"] = std::move(auths);
    out["token_body"] = facts.token_body == oauth2_facts::body_format::json ? "json" : "form";
    add(out, "authorize_params", named(facts.authorize_params));
    add(out, "authorize_options", named(facts.authorize_options));
    add(out, "token_headers", named(facts.token_headers));
    add(out, "token_params", named(facts.token_params));
    add(out, "token_options", named(facts.token_options));
    add(out, "param_names", named(facts.param_names));
    add(out, "token_paths", named(facts.token_paths));
    add(out, "response_vars", texts_of(facts.response_vars));
    add(out, "client_hosts", texts_of(facts.client_hosts));
    json::object refresh;
    refresh["rotation"] = to_text(facts.refresh.rotation);
    add(refresh, "issued", json::value(facts.refresh.issued));
    if (facts.refresh.access_ttl.count() != 0) {
        refresh["access_ttl_s"] = facts.refresh.access_ttl.count();
    }
    add(refresh, "access_ttl_note", json::value(facts.refresh.access_ttl_note));
    add(refresh, "refresh_ttl", json::value(facts.refresh.refresh_ttl));
    add(refresh, "note", json::value(facts.refresh.note));
    out["refresh"] = std::move(refresh);
    add(out, "note", json::value(facts.note));
    return out;
}

json::object test_of(const policy::test_call& test)
{
    json::object out;
    add(out, "request", json::value(test.request));
    add(out, "body", json::value(test.body));
    add(out, "expect", json::value(test.expect));
    add(out, "scopes_any", texts_of(test.scopes_any));
    add(out, "scope_header", json::value(test.scope_header));
    add(out, "returns", json::value(test.returns));
    add(out, "note", json::value(test.note));
    return out;
}

json::object rate_limit_of(const policy::rate_limit_facts& limits)
{
    json::object out;
    json::array statuses;
    for (const std::uint16_t status : limits.statuses) {
        statuses.emplace_back(status);
    }
    add(out, "statuses", std::move(statuses));
    add(out, "headers", texts_of(limits.headers));
    add(out, "status_note", json::value(limits.status_note));
    add(out, "body", json::value(limits.body));
    add(out, "note", json::value(limits.note));
    return out;
}

json::array options_of(const std::vector<policy::call_option>& options)
{
    json::array out;
    for (const policy::call_option& option : options) {
        json::object one;
        one["name"] = option.name;
        one["description"] = option.description;
        out.push_back(std::move(one));
    }
    return out;
}

void add_description(json::object& out, const policy::provider_description& about)
{
    add(out, "test", test_of(about.test));
    add(out, "rate_limit", rate_limit_of(about.rate_limit));
    json::array tunnels;
    for (const policy::tunnel& tunnel : about.tunnels) {
        json::object one;
        one["path"] = tunnel.path;
        one["why"] = tunnel.why;
        tunnels.push_back(std::move(one));
    }
    out["tunnels"] = std::move(tunnels);
    add(out, "optional_headers", options_of(about.optional_headers));
    add(out, "optional_params", options_of(about.optional_params));
    add(out, "capabilities", scopes_of(about.capabilities));
    json::object methods;
    for (const auto& [method, scopes] : about.method_scopes) {
        methods[method] = texts_of(scopes);
    }
    add(out, "method_scopes", std::move(methods));
    out["documentation"] = about.notes;
    out["checked"] = texts_of(about.checked);
    out["unverified"] = texts_of(about.unverified);
}

}  // namespace

std::string base_url_of(const policy::provider_facts& facts)
{
    const bool is_origin = std::any_of(facts.variables.begin(), facts.variables.end(),
                                       [&](const policy::variable& variable) {
                                           return facts.base.host == "{" + variable.name + "}" &&
                                                  variable.pattern.starts_with("https://");
                                       });
    const std::uint16_t usual = facts.plain_http ? 80 : 443;
    return (is_origin          ? ""
            : facts.plain_http ? "http://"
                               : "https://") +
           facts.base.host +
           (facts.base.port == usual ? "" : ":" + std::to_string(facts.base.port));
}

std::string authority_of(const policy::upstream_host& host)
{
    constexpr std::uint16_t https = 443;
    return host.port == https ? host.host : host.host + ":" + std::to_string(host.port);
}

std::size_t rule_count(const policy::provider_facts& facts)
{
    std::size_t count = facts.rules.size();
    for (const policy::rule_table& one : facts.tables) {
        count += one.rows.size();
    }
    return count;
}

std::string to_text(oauth2_facts::pkce_support value)
{
    constexpr std::array<std::string_view, 5> names = {"unknown", "unsupported", "supported",
                                                       "required", "conditional"};
    return std::string(names[static_cast<std::size_t>(value)]);
}

std::string to_text(oauth2_facts::rotation value)
{
    constexpr std::array<std::string_view, 5> names = {"unknown", "none", "stable", "rotates",
                                                       "optional"};
    return std::string(names[static_cast<std::size_t>(value)]);
}

std::string to_text(oauth2_facts::revoke_style value)
{
    constexpr std::array<std::string_view, 5> names = {"unknown", "none", "rfc7009", "rfc7009-like",
                                                       "proprietary"};
    return std::string(names[static_cast<std::size_t>(value)]);
}

json::object summary_of(const policy::provider_facts& facts)
{
    json::array kinds;  // preferred first
    for (const policy::credential_kind& kind : facts.credentials) {
        kinds.emplace_back(kind.kind);
    }
    json::object out;
    out["id"] = facts.id;
    out["name"] = facts.name;
    out["category"] = facts.category;
    out["category_id"] = category_id(facts.category);
    out["enabled"] = facts.enabled;
    out["base_url"] = base_url_of(facts);
    out["kinds"] = std::move(kinds);
    out["credentials"] = credentials_of(facts);
    out["scope_count"] = facts.scopes.size();
    out["rule_count"] = rule_count(facts);
    return out;
}

json::object description_of(const policy::provider_facts& facts)
{
    json::array hosts{authority_of(facts.base)};
    json::array details{host_of(facts.base)};
    for (const policy::upstream_host& host : facts.hosts) {
        hosts.emplace_back(authority_of(host));
        details.emplace_back(host_of(host));
    }
    json::object out = summary_of(facts);
    out["hosts"] = std::move(hosts);
    out["host_details"] = std::move(details);
    out["variables"] = variables_of(facts);
    out["headers"] = named(facts.headers);
    if (facts.oauth2) {
        out["oauth2"] = oauth2_of(*facts.oauth2);
    }
    out["scopes"] = scopes_of(facts.scopes);
    json::object implies;
    for (const auto& [scope, children] : facts.scope_implies) {
        implies[scope] = texts_of(children);
    }
    out["scope_implies"] = std::move(implies);
    json::array tables;
    for (const policy::rule_table& table : facts.tables) {
        json::object one;
        one["kinds"] = texts_of(table.kinds);
        one["variant"] = table.variant;
        one["rows"] = table.rows.size();
        tables.push_back(std::move(one));
    }
    out["tables"] = std::move(tables);
    add_description(out, facts.about);
    return out;
}

}  // namespace sallyport::control
