#include "cli/manifest.hpp"

#include <boost/json/object.hpp>

#include <algorithm>
#include <iostream>

#include "cli/command.hpp"
#include "config/yaml.hpp"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

void read_tool(config::yaml_file& file, const config::yaml_node& tool, manifest& into)
{
    if (!file.expect_map(tool)) {
        return;
    }
    const config::yaml_node* connector = tool.find("connector");
    if (connector == nullptr) {
        return;  // A tool of the App's own.
    }
    const auto provider = file.string(*connector);
    if (!provider) {
        return;
    }
    into.places.try_emplace(*provider, file.name() + ":" + std::to_string(connector->line) + ":" +
                                           std::to_string(connector->column));
    std::vector<std::string>& wanted = into.scopes[*provider];
    const config::yaml_node* named = tool.find("scopes");
    for (std::string& scope : named != nullptr
                                  ? file.strings(*named).value_or(std::vector<std::string>())
                                  : std::vector<std::string>()) {
        if (std::find(wanted.begin(), wanted.end(), scope) == wanted.end()) {
            wanted.push_back(std::move(scope));
        }
    }
}

void read_requirement(config::yaml_file& file, const config::yaml_node& node, manifest& into)
{
    if (node.is == config::yaml_node::type::scalar) {
        if (const auto id = file.string(node)) {
            into.connects.emplace_back(*id);
        }
        return;
    }
    json::object one;
    config::yaml_map members(file, node);  // Says what nobody knows.
    for (const char* const name : {"type", "id", "label"}) {
        const config::yaml_node* const found = members.find(name);
        const auto text = found != nullptr ? file.string(*found) : std::nullopt;
        if (text) {
            one[name] = *text;
        }
    }
    if (const config::yaml_node* const required = members.find("is_required")) {
        one["is_required"] = file.boolean(*required).value_or(true);
    }
    into.connects.push_back(std::move(one));
}

void read_connects(config::yaml_file& file, const config::yaml_node& owner, manifest& into)
{
    const config::yaml_node* const connects = owner.find("connects");
    if (connects != nullptr && file.expect_list(*connects)) {
        for (const config::yaml_node& one : connects->items) {
            read_requirement(file, one, into);
        }
    }
}

// A skill may be a bare name.
void read_owners(config::yaml_file& file, const config::yaml_node& root, const char* name,
                 manifest& into)
{
    const config::yaml_node* const owners = root.find(name);
    if (owners == nullptr) {
        return;
    }
    for (const config::yaml_node& one : owners->items) {
        if (one.is == config::yaml_node::type::map) {
            read_connects(file, one, into);
        }
    }
}

}  // namespace

manifest read_manifest(const std::string& name)
{
    config::problems problems;
    config::yaml_file file(name, problems);
    manifest read;
    if (file.load() && file.expect_map(file.root())) {
        const config::yaml_node& root = file.root();
        const config::yaml_node* tools = root.find("tools");
        if (tools != nullptr && file.expect_list(*tools)) {
            for (const config::yaml_node& tool : tools->items) {
                read_tool(file, tool, read);
            }
        }
        read_connects(file, root, read);
        read_owners(file, root, "stages", read);
        read_owners(file, root, "skills", read);
    }
    if (!problems.empty()) {
        print_problems(problems, std::cerr);
        throw command_error(exit_status::misused, "");
    }
    return read;
}

}  // namespace sallyport::cli
