#include "config/catalogue_file.hpp"
#include "policy/path_template.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <tuple>

namespace sallyport::config {
namespace {

std::optional<policy::operation_class> read_class(yaml_file& file, const yaml_node& node)
{
    const auto text = file.string(node);
    const auto value = text ? policy::parse_operation_class(*text) : std::nullopt;
    if (text && !value) {
        file.report(node, "expected read, write or destructive");
    }
    return value;
}

std::vector<std::string> read_methods(yaml_file& file, const yaml_node& list)
{
    std::vector<std::string> methods;
    if (!file.expect_list(list)) {
        return methods;
    }
    if (list.items.empty()) {
        file.report(list, "at least one method is needed");
    }
    for (const yaml_node& item : list.items) {
        const auto text = file.string(item);
        const auto is_method_char = [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; };
        if (text && *text != "*" &&
            (text->empty() || !std::all_of(text->begin(), text->end(), is_method_char))) {
            file.report(item, "expected a method in capital letters, or \"*\"");
        } else if (text) {
            methods.push_back(*text);
        }
    }
    return methods;
}

std::vector<std::vector<std::string>> read_alternatives(yaml_file& file, const yaml_node& list)
{
    std::vector<std::vector<std::string>> alternatives;
    if (!file.expect_list(list)) {
        return alternatives;
    }
    for (const yaml_node& item : list.items) {
        if (item.is != yaml_node::type::list) {
            file.report(item, "expected a list of alternatives, each a list of scopes");
        } else if (auto scopes = file.strings(item)) {
            if (std::find(scopes->begin(), scopes->end(), "*") != scopes->end()) {
                file.report(item, "\"*\" is no scope");
            }
            alternatives.push_back(std::move(*scopes));
        }
    }
    return alternatives;
}

// Rules name hosts as `hosts` does. They are kept without the port.
void read_rule_hosts(yaml_file& file, const yaml_node& list, const policy::provider_facts& facts,
                     std::vector<std::string>& hosts)
{
    if (!file.expect_list(list)) {
        return;
    }
    if (list.items.empty()) {
        file.report(list, "at least one host is needed; without the key, the base URL's is meant");
    }
    for (const yaml_node& item : list.items) {
        const auto text = file.string(item);
        const auto named = text ? read_authority(file, item, *text, facts) : std::nullopt;
        if (!named) {
            continue;
        }
        const bool known = named->host == facts.base.host ||
                           std::any_of(facts.hosts.begin(), facts.hosts.end(),
                                       [&](const auto& host) { return host.host == named->host; });
        if (known) {
            hosts.push_back(named->host);
        } else {
            file.report(item, "is neither the base URL's host nor one of hosts");
        }
    }
}

// `graphql: query` or `mutation`, and `fields`: the root fields that the rule is limited to.
void read_graphql(yaml_file& file, yaml_map& map, policy::rule& made)
{
    std::string type;
    map.read("graphql", type);
    map.read("fields", made.graphql_fields);
    if (type == "query" || type == "mutation") {
        made.graphql = type == "query" ? policy::graphql_type::query  //
                                       : policy::graphql_type::mutation;
    } else if (!type.empty()) {
        file.report(*map.find("graphql"), "expected query or mutation");
    } else if (!made.graphql_fields.empty()) {
        file.report(*map.find("fields"), "needs graphql beside it");
    }
}

void read_rule(yaml_file& file, const yaml_node& item, policy::provider_facts& facts)
{
    yaml_map map(file, item);
    policy::rule made;
    std::string note;
    map.read("note", note);
    made.source =
        std::filesystem::path(file.name()).filename().string() + ":" + std::to_string(item.line);
    map.require("operation");
    if (map.read("operation", made.operation) && made.operation.empty()) {
        file.report(*map.find("operation"), "must not be empty");
    }
    if (const yaml_node* node = map.require("class")) {
        made.cls = read_class(file, *node).value_or(policy::operation_class::destructive);
    }
    if (const yaml_node* node = map.require("methods")) {
        made.methods = read_methods(file, *node);
    }
    map.require("path");
    if (map.read("path", made.path)) {
        try {
            policy::parse_template(made.path);
        } catch (const std::invalid_argument& error) {
            file.report(*map.find("path"), error.what());
        }
    }
    if (const yaml_node* node = map.find("scopes")) {
        made.scopes = read_alternatives(file, *node);
    }
    if (const yaml_node* node = map.find("hosts")) {
        read_rule_hosts(file, *node, facts, made.hosts);
    }
    read_graphql(file, map, made);
    facts.rules.push_back(std::move(made));
}

void read_patterns(yaml_file& file, const yaml_node& list, bool with_method,
                   std::vector<std::string>& patterns)
{
    if (!file.expect_list(list)) {
        return;
    }
    for (const yaml_node& item : list.items) {
        const auto text = file.string(item);
        if (!text) {
            continue;
        }
        const std::size_t slash = text->find('/');
        const bool has_method =
            slash != 0 && slash != std::string::npos && (*text)[slash - 1] == ' ';
        const std::size_t rest = text->find("**");
        if (slash == std::string::npos || (with_method ? !has_method : slash != 0)) {
            file.report(item, with_method ? "expected METHOD /path" : "expected a path");
        } else if (rest != std::string::npos && text->find("**", rest + 2) != std::string::npos) {
            file.report(item, "holds ** more than once");
        } else {
            patterns.push_back(*text);
        }
    }
}

row_classes read_row_classes(yaml_file& file, yaml_map& top)
{
    row_classes classes;
    if (const yaml_node* list = top.find("read_over_post")) {
        read_patterns(file, *list, true, classes.read_over_post);
    }
    const yaml_node* named = top.find("classes");
    if (!named) {
        return classes;
    }
    yaml_map map(file, *named);
    for (const auto cls : {policy::operation_class::destructive, policy::operation_class::write,
                           policy::operation_class::read}) {
        if (const yaml_node* list = map.find(policy::to_string(cls))) {
            std::vector<std::string> patterns;
            read_patterns(file, *list, false, patterns);
            for (std::string& pattern : patterns) {
                classes.named.emplace_back(cls, std::move(pattern));
            }
        }
    }
    return classes;
}

bool is_plain_file_name(std::string_view text)
{
    return !text.empty() && !text.starts_with('.') && text.find('/') == std::string_view::npos;
}

// Whether two tables could both be selected for a connection and name the same call.
bool overlap(const policy::rule_table& a, const policy::rule_table& b)
{
    const auto shares_kind = [&](const std::string& kind) {
        return std::find(b.kinds.begin(), b.kinds.end(), kind) != b.kinds.end();
    };
    if (a.variant != b.variant || (!a.kinds.empty() && !b.kinds.empty() &&
                                   std::none_of(a.kinds.begin(), a.kinds.end(), shares_kind))) {
        return false;
    }
    const auto call = [](const policy::rule& row) {
        return std::tuple<std::string_view, std::string_view, std::string_view>(
            row.methods.front(), row.path, row.hosts.empty() ? "" : row.hosts.front());
    };
    std::set<std::tuple<std::string_view, std::string_view, std::string_view>> calls;
    for (const policy::rule& row : a.rows) {
        calls.insert(call(row));
    }
    return std::any_of(b.rows.begin(), b.rows.end(),
                       [&](const policy::rule& row) { return calls.contains(call(row)); });
}

void read_table_entry(yaml_file& file, const yaml_node& item, const row_classes& classes,
                      policy::provider_facts& facts, table_store& tables, problems& found)
{
    policy::rule_table table;
    std::string name;
    const yaml_node* where = &item;
    if (item.is == yaml_node::type::map) {
        yaml_map map(file, item);
        where = map.require("file");
        map.read("file", name);
        map.read("variant", table.variant);
        map.read("kinds", table.kinds);
        for (const std::string& kind : table.kinds) {
            if (std::none_of(facts.credentials.begin(), facts.credentials.end(),
                             [&](const auto& known) { return known.kind == kind; })) {
                file.report(*map.find("kinds"), "the provider has no credential kind " + kind);
            }
        }
    } else {
        name = file.string(item).value_or("");
    }
    if (name.empty() || !where) {
        return;
    }
    if (!is_plain_file_name(name)) {
        file.report(*where, "must name a file beside this one");
        return;
    }
    const std::string path = (std::filesystem::path(file.name()).parent_path() / name).string();
    table.rows = tables.read(path, facts, classes, found);
    for (const policy::rule_table& earlier : facts.tables) {
        if (overlap(earlier, table)) {
            file.report(item,
                        "an earlier table covers the same calls for the same kind and variant");
            break;
        }
    }
    facts.tables.push_back(std::move(table));
}

}  // namespace

void read_rules(yaml_file& file, yaml_map& top, policy::provider_facts& facts, table_store& tables,
                problems& found)
{
    const yaml_node* rules = top.find("rules");
    if (rules && file.expect_list(*rules)) {
        for (const yaml_node& item : rules->items) {
            read_rule(file, item, facts);
        }
    }
    std::string semantics;
    if (top.read("verb_semantics", semantics) && semantics != "path" && semantics != "body") {
        file.report(*top.find("verb_semantics"), "expected path or body");
    }
    facts.verb_semantics_path = semantics == "path";
    const row_classes classes = read_row_classes(file, top);
    const yaml_node* list = top.find("scope_rules");
    if (list && file.expect_list(*list)) {
        for (const yaml_node& item : list->items) {
            read_table_entry(file, item, classes, facts, tables, found);
        }
    }
    read_tunnel_rules(file, top, facts);
    read_object_scopes(file, top, facts);
    read_never_values(file, top, facts);
}

}  // namespace sallyport::config
