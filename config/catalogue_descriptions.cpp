#include "base/text.hpp"
#include "config/catalogue_file.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace sallyport::config {
namespace {

enum class shape : std::uint8_t { text, texts, text_map, number, numbers, url, map };

struct member {
    std::string_view key;
    shape is;
};

constexpr member oauth2_members[] = {{"authorize_url", shape::url},
                                     {"token_url", shape::url},
                                     {"token_headers", shape::text_map},
                                     {"token_params", shape::text_map},
                                     {"param_names", shape::text_map},
                                     {"token_url_legacy", shape::url},
                                     {"exchange_url", shape::url},
                                     {"refresh_url", shape::url},
                                     {"variants", shape::map},
                                     {"grants", shape::texts},
                                     {"introspect", shape::text},
                                     {"device_authorization_url", shape::url},
                                     {"scope_separator", shape::text},
                                     {"scope_params", shape::text_map},
                                     {"pkce_note", shape::text},
                                     {"client_auth_note", shape::text},
                                     {"token_body_note", shape::text},
                                     {"authorize_params", shape::text_map},
                                     {"authorize_note", shape::text},
                                     {"scope_note", shape::text},
                                     {"response_vars", shape::texts},
                                     {"token_paths", shape::text_map},
                                     {"note", shape::text}};

constexpr member revoke_members[] = {{"method", shape::text},
                                     {"url", shape::url},
                                     {"auth", shape::text},
                                     {"body", shape::text},
                                     {"note", shape::text}};

constexpr member refresh_members[] = {
    {"issued", shape::text},         {"rotation_note", shape::text},
    {"access_ttl_s", shape::number}, {"access_ttl_note", shape::text},
    {"refresh_ttl", shape::text},    {"note", shape::text}};

constexpr member rate_limit_members[] = {{"statuses", shape::numbers},
                                         {"status_note", shape::text},
                                         {"headers", shape::texts},
                                         {"body", shape::text},
                                         {"note", shape::text}};

constexpr member test_members[] = {{"expect", shape::text},
                                   {"scopes_any", shape::texts},
                                   {"scope_header", shape::text},
                                   {"returns", shape::text},
                                   {"note", shape::text}};

constexpr member graphql_members[] = {
    {"read", shape::text}, {"write", shape::text}, {"narrow", shape::text_map}};

constexpr member tunnel_members[] = {{"path", shape::text}, {"why", shape::text}};
constexpr member option_members[] = {{"name", shape::text}, {"desc", shape::text}};
constexpr member capability_members[] = {
    {"scope", shape::text}, {"class", shape::text}, {"desc", shape::text}};

void check_url(yaml_file& file, const yaml_node& node)
{
    const auto url = file.string(node);
    if (url && !url->starts_with("https://") && !url->starts_with("http://")) {
        file.report(node, "expected a URL");
    } else if (url && !for_each_placeholder(*url, [](std::string_view) {})) {
        file.report(node, "the braces do not pair");
    }
}

void check_shape(yaml_file& file, const yaml_node& node, shape is)
{
    constexpr std::int64_t number_max = 1'000'000'000;
    switch (is) {
        case shape::text: file.string(node); break;
        case shape::texts: file.strings(node); break;
        case shape::number: file.integer(node, 0, number_max); break;
        case shape::url: check_url(file, node); break;
        case shape::map: file.expect_map(node); break;
        case shape::text_map:
            if (file.expect_map(node)) {
                for (const yaml_node& item : node.items) {
                    file.string(item);
                }
            }
            break;
        case shape::numbers:
            if (file.expect_list(node)) {
                for (const yaml_node& item : node.items) {
                    file.integer(item, 0, number_max);
                }
            }
            break;
    }
}

void check_members(yaml_file& file, yaml_map& map, std::span<const member> members)
{
    for (const member& known : members) {
        if (const yaml_node* node = map.find(known.key)) {
            check_shape(file, *node, known.is);
        }
    }
}

void check_choice(yaml_file& file, yaml_map& map, std::string_view key,
                  std::initializer_list<std::string_view> choices)
{
    std::string value;
    if (map.read(key, value) && std::find(choices.begin(), choices.end(), value) == choices.end()) {
        file.report(*map.find(key), "\"" + value + "\" is none of the values it may have");
    }
}

void check_list(yaml_file& file, yaml_map& top, std::string_view key,
                std::span<const member> members)
{
    const yaml_node* list = top.find(key);
    if (list && file.expect_list(*list)) {
        for (const yaml_node& item : list->items) {
            yaml_map map(file, item);
            check_members(file, map, members);
        }
    }
}

void check_oauth2(yaml_file& file, const yaml_node& node)
{
    yaml_map map(file, node);
    check_members(file, map, oauth2_members);
    check_choice(file, map, "pkce",
                 {"supported", "required", "conditional", "unsupported", "unknown"});
    check_choice(file, map, "token_body", {"form", "json"});
    std::vector<std::string> client_auth;
    map.read("client_auth", client_auth);
    for (const std::string& way : client_auth) {
        if (way != "post" && way != "basic" && way != "private_key_jwt") {
            file.report(*map.find("client_auth"), "expected post, basic or private_key_jwt");
        }
    }
    if (const yaml_node* revoke = map.find("revoke")) {
        yaml_map inner(file, *revoke);
        check_members(file, inner, revoke_members);
        check_choice(file, inner, "style",
                     {"rfc7009", "rfc7009-like", "proprietary", "none", "unknown"});
    }
    if (const yaml_node* refresh = map.find("refresh")) {
        yaml_map inner(file, *refresh);
        check_members(file, inner, refresh_members);
        check_choice(file, inner, "rotation", {"rotates", "stable", "optional", "unknown", "none"});
    }
}

// "GET https://host/path", at one of the provider's own hosts: it bears the credential.
void read_test(yaml_file& file, const yaml_node& node, policy::provider_facts& facts)
{
    yaml_map map(file, node);
    check_members(file, map, test_members);
    map.require("request");
    if (!map.read("request", facts.about.test.request)) {
        return;
    }
    const std::string_view request = facts.about.test.request;
    const std::size_t space = request.find(' ');
    const std::size_t slashes = request.find("://");
    if (space == std::string_view::npos || slashes == std::string_view::npos || slashes < space) {
        file.report(*map.find("request"), "expected METHOD URL");
        return;
    }
    const std::string_view authority =
        request.substr(slashes + 3).substr(0, request.substr(slashes + 3).find_first_of("/?"));
    const auto is_at = [&](const policy::upstream_host& host) {
        const std::string_view rest = starts_with_ignoring_case(authority, host.host)
                                          ? authority.substr(host.host.size())
                                          : "-";
        return rest.empty() || rest == ":" + std::to_string(host.port);
    };
    if (!is_at(facts.base) && std::none_of(facts.hosts.begin(), facts.hosts.end(), is_at)) {
        file.report(*map.find("request"), "goes to none of the provider's hosts");
    }
}

}  // namespace

void read_descriptions(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    if (const yaml_node* oauth2 = top.find("oauth2")) {
        check_oauth2(file, *oauth2);
    }
    if (const yaml_node* test = top.find("test")) {
        read_test(file, *test, facts);
    }
    if (const yaml_node* rate_limit = top.find("rate_limit")) {
        yaml_map map(file, *rate_limit);
        check_members(file, map, rate_limit_members);
    }
    if (const yaml_node* graphql = top.find("graphql")) {
        yaml_map map(file, *graphql);
        check_members(file, map, graphql_members);
    }
    if (const yaml_node* scopes = top.find("method_scopes")) {
        file.expect_map(*scopes);
    }
    check_list(file, top, "tunnels", tunnel_members);
    check_list(file, top, "optional_headers", option_members);
    check_list(file, top, "optional_params", option_members);
    check_list(file, top, "capabilities", capability_members);
    std::string version;
    std::vector<std::string> checked;
    top.read("version_in_path", version);
    top.read("checked", checked);
    top.read("unverified", facts.about.unverified);
    top.read("notes", facts.about.notes);
}

}  // namespace sallyport::config
