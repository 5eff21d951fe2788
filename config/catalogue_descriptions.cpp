#include "base/text.hpp"
#include "config/catalogue_file.hpp"

#include <algorithm>

namespace sallyport::config {
namespace {

constexpr std::size_t test_body_bytes_max = 4096;

// Calls `each` with the node of every item of the list `key`.
template <class F>
void for_each_item(yaml_file& file, yaml_map& map, std::string_view key, F&& each)
{
    const yaml_node* list = map.find(key);
    if (list && file.expect_list(*list)) {
        for (const yaml_node& item : list->items) {
            each(item);
        }
    }
}

bool is_method(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                        [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; });
}

// "GET https://host/path", at one of the provider's own hosts: it bears the credential. A base URL
// that is one {variable} stands for the scheme, too.
void check_test_request(yaml_file& file, const yaml_node& node, const policy::provider_facts& facts)
{
    const std::string_view request = facts.about.test.request;
    const std::size_t space = request.find(' ');
    if (space == std::string_view::npos || !is_method(request.substr(0, space))) {
        file.report(node, "expected METHOD URL");
        return;
    }
    std::string_view url = request.substr(space + 1);
    const bool has_scheme = url.starts_with("https://") || url.starts_with("http://");
    if (!has_scheme && !url.starts_with('{')) {
        file.report(node, "expected METHOD URL");
        return;
    }
    url.remove_prefix(has_scheme ? url.find("//") + 2 : 0);
    if (url.find(' ') != std::string_view::npos) {
        file.report(node, "a URL holds no spaces; what is sent goes into body, remarks into note");
    }
    const std::string_view authority = url.substr(0, url.find_first_of("/?"));
    const auto is_at = [&](const policy::upstream_host& host) {
        const std::string_view rest = starts_with_ignoring_case(authority, host.host)
                                          ? authority.substr(host.host.size())
                                          : "-";
        return rest.empty() || rest == ":" + std::to_string(host.port);
    };
    if (!is_at(facts.base) && std::none_of(facts.hosts.begin(), facts.hosts.end(), is_at)) {
        file.report(node, "goes to none of the provider's hosts");
    }
    const bool paired = for_each_placeholder(url, [&](std::string_view name) {
        if (!has_variable(facts, name)) {
            file.report(node, "{" + std::string(name) + "} is no variable of this provider");
        }
    });
    if (!paired) {
        file.report(node, "the braces do not pair");
    }
}

void read_test(yaml_file& file, const yaml_node& node, policy::provider_facts& facts)
{
    yaml_map map(file, node);
    policy::test_call& test = facts.about.test;
    map.require("request");
    if (map.read("request", test.request)) {
        check_test_request(file, *map.find("request"), facts);
    }
    if (map.read("body", test.body) &&
        (!test.body.starts_with('{') || test.body.size() > test_body_bytes_max)) {
        file.report(*map.find("body"), "expected a small JSON object");
    }
    map.read("expect", test.expect);
    map.read("scopes_any", test.scopes_any);
    map.read("scope_header", test.scope_header);
    map.read("returns", test.returns);
    map.read("note", test.note);
}

void read_rate_limit(yaml_file& file, const yaml_node& node, policy::rate_limit_facts& limits)
{
    constexpr std::int64_t status_min = 400;
    constexpr std::int64_t status_max = 599;
    yaml_map map(file, node);
    for_each_item(file, map, "statuses", [&](const yaml_node& item) {
        if (const auto status = file.integer(item, status_min, status_max)) {
            limits.statuses.push_back(static_cast<std::uint16_t>(*status));
        }
    });
    map.read("headers", limits.headers);
    map.read("status_note", limits.status_note);
    map.read("body", limits.body);
    map.read("note", limits.note);
}

void read_options(yaml_file& file, yaml_map& top, std::string_view key,
                  std::vector<policy::call_option>& options)
{
    for_each_item(file, top, key, [&](const yaml_node& item) {
        yaml_map map(file, item);
        policy::call_option& made = options.emplace_back();
        map.require("name");
        map.read("name", made.name);
        map.read("desc", made.description);
        map.read("description", made.description);
    });
}

void read_tunnels(yaml_file& file, yaml_map& top, std::vector<policy::tunnel>& tunnels)
{
    for_each_item(file, top, "tunnels", [&](const yaml_node& item) {
        yaml_map map(file, item);
        policy::tunnel& made = tunnels.emplace_back();
        map.require("path");
        map.read("path", made.path);
        map.require("why");
        map.read("why", made.why);
    });
}

void read_capabilities(yaml_file& file, yaml_map& top, policy::provider_description& about)
{
    for_each_item(file, top, "capabilities", [&](const yaml_node& item) {
        yaml_map map(file, item);
        policy::scope_description& made = about.capabilities.emplace_back();
        map.require("id");
        map.read("id", made.id);
        map.read("class", made.class_name);
        map.read("description", made.description);
        if (!made.class_name.empty() && !policy::parse_operation_class(made.class_name)) {
            file.report(*map.find("class"), "expected read, write or destructive");
        }
    });
}

void read_graphql(yaml_file& file, const yaml_node& node, policy::graphql_facts& graphql)
{
    yaml_map map(file, node);
    map.read("read", graphql.read);
    map.read("write", graphql.write);
    const yaml_node* narrow = map.find("narrow");
    if (narrow && file.expect_map(*narrow)) {
        for (const yaml_node& item : narrow->items) {
            graphql.narrow[item.key] = file.strings(item).value_or(std::vector<std::string>{});
        }
    }
}

void read_method_scopes(yaml_file& file, const yaml_node& node, policy::provider_description& about)
{
    if (!file.expect_map(node)) {
        return;
    }
    for (const yaml_node& item : node.items) {
        if (item.key == "note") {
            about.method_scopes_note = file.string(item).value_or("");
        } else if (!is_method(item.key)) {
            file.report_key(item, "expected a method in capital letters, OTHER or note");
        } else if (auto scopes = file.strings(item)) {
            about.method_scopes[item.key] = std::move(*scopes);
        }
    }
}

}  // namespace

void read_descriptions(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    policy::provider_description& about = facts.about;
    if (const yaml_node* test = top.find("test")) {
        read_test(file, *test, facts);
    }
    if (const yaml_node* rate_limit = top.find("rate_limit")) {
        read_rate_limit(file, *rate_limit, about.rate_limit);
    }
    if (const yaml_node* graphql = top.find("graphql")) {
        read_graphql(file, *graphql, about.graphql);
    }
    if (const yaml_node* scopes = top.find("method_scopes")) {
        read_method_scopes(file, *scopes, about);
    }
    read_tunnels(file, top, about.tunnels);
    read_options(file, top, "optional_headers", about.optional_headers);
    read_options(file, top, "optional_params", about.optional_params);
    read_capabilities(file, top, about);
    top.read("version_in_path", about.version_in_path);
    top.read("checked", about.checked);
    top.read("unverified", about.unverified);
    top.read("notes", about.notes);
}

}  // namespace sallyport::config
