#include "config/catalogue_file.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>

namespace sallyport::config {
namespace {

constexpr std::size_t provider_id_bytes_max = 64;

// What may stand in an address `/{provider}@{host}/`.
bool is_provider_id(std::string_view text) noexcept
{
    return !text.empty() && text.size() <= provider_id_bytes_max && is_lower_or_digit(text[0]) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_lower_or_digit(c) || c == '_' || c == '-'; });
}

void read_identity(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    top.require("id");
    if (top.read("id", facts.id) && !is_provider_id(facts.id)) {
        file.report(*top.find("id"), "must be of lower-case letters, digits, '_' and '-'");
        facts.id.clear();
    }
    facts.name = facts.id;
    top.read("name", facts.name);
    top.read("category", facts.category);
    top.read("enabled", facts.enabled);

    std::string path_case = "sensitive";
    if (top.read("path_case", path_case) && path_case != "sensitive" &&
        path_case != "insensitive") {
        file.report(*top.find("path_case"), "expected sensitive or insensitive");
    }
    facts.path_case_insensitive = path_case == "insensitive";

    std::string on_revoke;
    if (top.read("on_revoke", on_revoke)) {
        if (on_revoke != "finish" && on_revoke != "cut") {
            file.report(*top.find("on_revoke"), "expected finish or cut");
        }
        facts.on_revoke =
            on_revoke == "cut" ? policy::revoked_calls::cut : policy::revoked_calls::finish;
    }

    if (top.read("tls_ca", facts.tls_ca) && !facts.tls_ca.empty()) {
        const auto directory = std::filesystem::path(file.name()).parent_path();
        facts.tls_ca =
            std::filesystem::absolute(directory / facts.tls_ca).lexically_normal().string();
        std::error_code error;
        if (!std::filesystem::is_regular_file(facts.tls_ca, error)) {
            file.report(*top.find("tls_ca"), "names no file");
        }
    }
}

void read_allow(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    const yaml_node* list = top.find("allow");
    if (!list || !file.expect_list(*list)) {
        return;
    }
    const std::pair<std::string_view, bool*> known[] = {
        {"plain_http", &facts.plain_http},
        {"private_addresses", &facts.private_addresses},
        {"cookies", &facts.cookies},
        {"empty_segments", &facts.paths.empty_segments},
        {"encoded_slash", &facts.paths.encoded_slash},
    };
    for (const yaml_node& item : list->items) {
        const auto value = file.string(item);
        const auto place = std::find_if(std::begin(known), std::end(known), [&](const auto& entry) {
            return value && entry.first == *value;
        });
        if (place != std::end(known)) {
            *place->second = true;
        } else if (value) {
            file.report(item,
                        "expected plain_http, private_addresses, cookies, empty_segments or "
                        "encoded_slash");
        }
    }
}

void read_capture(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    const yaml_node* node = top.find("capture_bodies");
    if (!node) {
        return;
    }
    yaml_map map(file, *node);
    policy::body_capture& capture = facts.capture;
    map.read_size("request", capture.request_bytes, 1, policy::captured_bytes_max);
    map.read_size("response", capture.response_bytes, 1, policy::captured_bytes_max);
    if (!map.find("request") && !map.find("response") && node->is == yaml_node::type::map) {
        file.report(*node, "names neither request nor response");
    }
    const yaml_node* types = map.find("content_types");
    if (!types || !file.expect_list(*types)) {
        return;
    }
    if (types->items.empty()) {
        file.report(*types, "is empty; leave it out to capture bodies of every type");
    }
    for (const yaml_node& item : types->items) {
        const auto value = file.string(item);
        if (value && !policy::is_media_range(lower(*value))) {
            file.report(item, "expected a media type, as application/json or text/*");
        } else if (value) {
            capture.content_types.push_back(lower(*value));
        }
    }
}

// Calls `each` with every scope that the file and its tables name.
template <class F>
void for_each_scope(const policy::provider_facts& facts, F&& each)
{
    const auto of_rule = [&](const policy::rule& rule) {
        for (const auto& alternative : rule.scopes) {
            std::for_each(alternative.begin(), alternative.end(), each);
        }
    };
    for (const policy::scope_description& scope : facts.scopes) {
        each(scope.id);
    }
    std::for_each(facts.rules.begin(), facts.rules.end(), of_rule);
    for (const policy::rule_table& table : facts.tables) {
        std::for_each(table.rows.begin(), table.rows.end(), of_rule);
    }
}

// "*.ReadWrite": ["*.Read"] becomes an entry for each scope that fits and has such a child.
void expand_implications(policy::provider_facts& facts)
{
    std::map<std::string, std::vector<std::string>> patterns;
    for (auto entry = facts.scope_implies.begin(); entry != facts.scope_implies.end();) {
        const auto next = std::next(entry);
        if (entry->first.find('*') != std::string::npos) {
            patterns.insert(facts.scope_implies.extract(entry));
        }
        entry = next;
    }
    if (patterns.empty()) {
        return;
    }
    std::set<std::string> known;
    for_each_scope(facts, [&](const std::string& scope) { known.insert(scope); });
    for (const auto& [pattern, children] : patterns) {
        const std::size_t star = pattern.find('*');
        const std::string_view before = std::string_view(pattern).substr(0, star);
        const std::string_view after = std::string_view(pattern).substr(star + 1);
        for (const std::string& scope : known) {
            if (scope.size() <= before.size() + after.size() || !scope.starts_with(before) ||
                !scope.ends_with(after)) {
                continue;
            }
            const std::string stem =
                scope.substr(before.size(), scope.size() - before.size() - after.size());
            for (std::string child : children) {
                const std::size_t place = child.find('*');
                child = place == std::string::npos ? child : child.replace(place, 1, stem);
                if (child != scope && known.contains(child)) {
                    facts.scope_implies[scope].push_back(child);
                }
            }
        }
    }
}

}  // namespace

void read_scopes(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    const yaml_node* scopes = top.find("scopes");
    std::set<std::string> seen;
    for (const yaml_node& item :
         scopes&& file.expect_list(*scopes) ? scopes->items : std::vector<yaml_node>{}) {
        yaml_map map(file, item);
        policy::scope_description made;
        map.require("id");
        map.read("id", made.id);
        map.read("class", made.class_name);
        map.read("description", made.description);
        if (!made.class_name.empty() && made.class_name != "identity" &&
            !policy::parse_operation_class(made.class_name)) {
            file.report(*map.find("class"), "expected read, write, destructive or identity");
        }
        if (made.id == "*" || !seen.insert(made.id).second) {
            file.report(item, "the scope \"" + made.id + "\" is repeated or cannot be named");
        }
        facts.scopes.push_back(std::move(made));
    }
    const yaml_node* implies = top.find("scope_implies");
    if (implies && file.expect_map(*implies)) {
        for (const yaml_node& item : implies->items) {
            if (item.key.find('*') != item.key.rfind('*')) {
                file.report_key(item, "holds * more than once");
            } else if (auto children = file.strings(item)) {
                facts.scope_implies[item.key] = std::move(*children);
            }
        }
    }
}

void read_provider(const std::string& path, policy::provider_facts& facts, table_store& tables,
                   problems& found)
{
    yaml_file file(path, found);
    const bool sound = file.load();
    if (const yaml_node* id = file.root().find("id"); id && is_provider_id(id->text)) {
        facts.id = id->text;  // So that a broken file is known by its id.
    }
    if (!sound) {
        return;
    }
    yaml_map top(file, file.root());
    read_identity(file, top, facts);
    read_allow(file, top, facts);
    read_capture(file, top, facts);
    read_variables(file, top, facts);
    read_hosts(file, top, facts);
    read_credentials(file, top, facts);
    read_carriers(file, top, facts);
    read_scopes(file, top, facts);
    read_rules(file, top, facts, tables, found);
    read_oauth2(file, top, facts);
    read_webhooks(file, top, facts);
    read_descriptions(file, top, facts);
    read_coarse(file, top, facts);
    expand_implications(facts);
}

}  // namespace sallyport::config
