// What narrows a provider's rules: tunnels, and scopes that depend on the type of object.
#include "config/catalogue_file.hpp"
#include "policy/path_template.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

namespace sallyport::config {
namespace {

bool is_template(const std::string& path)
{
    try {
        policy::parse_template(path);
        return true;
    } catch (const std::invalid_argument&) {
        return false;
    }
}

bool is_method(std::string_view text)
{
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// Every host: a batch at one of them reaches what another serves.
std::vector<std::string> every_host(const policy::provider_facts& facts)
{
    std::vector<std::string> names = {facts.base.host};
    for (const policy::upstream_host& host : facts.hosts) {
        if (std::find(names.begin(), names.end(), host.host) == names.end()) {
            names.push_back(host.host);
        }
    }
    return names;
}

void read_object_type(yaml_file& file, const yaml_node& item, policy::object_scopes& objects)
{
    yaml_map map(file, item);
    policy::object_type made;
    map.require("values");
    map.require("scopes");
    map.read("values", made.values);
    map.read("scopes", made.scopes);
    const auto listed_before = [&](const std::string& value) {
        return std::any_of(objects.types.begin(), objects.types.end(), [&](const auto& earlier) {
            return std::find(earlier.values.begin(), earlier.values.end(), value) !=
                   earlier.values.end();
        });
    };
    for (const std::string& value : made.values) {
        if (value.empty() || value == "*") {
            file.report(*map.find("values"), "expected what a path says for this type");
        } else if (listed_before(value)) {
            file.report(*map.find("values"), value + " is listed for an earlier type");
        }
    }
    objects.types.push_back(std::move(made));
}

}  // namespace

void read_tunnel_rules(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    const yaml_node* list = top.find("tunnels");
    if (!list || list->is != yaml_node::type::list) {
        return;  // Reported where tunnels are described.
    }
    for (const yaml_node& item : list->items) {
        const yaml_node* node = item.find("path");
        const auto text = node ? file.string(*node) : std::nullopt;
        if (!text) {
            continue;
        }
        policy::rule made;
        const std::size_t space = text->find(' ');
        const std::string method = text->substr(0, space);
        made.path = space == std::string::npos ? *text : text->substr(space + 1);
        made.methods = {is_method(method) ? method : "*"};
        for (const std::string_view open_end : {"/...", "/*"}) {
            if (made.path.ends_with(open_end)) {
                made.path.replace(made.path.size() - open_end.size() + 1, open_end.size(), "**");
            }
        }
        made.operation = *text;
        made.cls = policy::operation_class::destructive;
        made.hosts = every_host(facts);
        made.source = std::filesystem::path(file.name()).filename().string() + ":" +
                      std::to_string(item.line);
        if (is_template(made.path)) {
            facts.tunnels.push_back(std::move(made));
        } else {
            file.report(*node, "expected METHOD and a path template, or a path template");
        }
    }
}

void read_object_scopes(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    const yaml_node* node = top.find("object_scopes");
    if (!node) {
        return;
    }
    yaml_map map(file, *node);
    policy::object_scopes& objects = facts.objects;
    map.read("placeholders", objects.placeholders);
    map.read("untold", objects.untold);
    const yaml_node* types = map.find("types");
    if (types && file.expect_list(*types)) {
        for (const yaml_node& item : types->items) {
            read_object_type(file, item, objects);
        }
    }
    if (objects.types.empty() != objects.placeholders.empty()) {
        file.report(*node, "placeholders and types go together");
    }
}

void read_never_values(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    top.read("never_values", facts.never_values);
    for (const std::string& pattern : facts.never_values) {
        if (pattern.size() < 2 || pattern.starts_with('*') == pattern.ends_with('*')) {
            file.report(*top.find("never_values"), "expected \"text*\" or \"*text\"");
        }
    }
}

}  // namespace sallyport::config
