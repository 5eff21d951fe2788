#include "cli/manifest.hpp"

#include <algorithm>
#include <iostream>

#include "cli/command.hpp"
#include "config/yaml.hpp"

namespace sallyport::cli {
namespace {

void read_tool(config::yaml_file& file, const config::yaml_node& tool, scopes_by_provider& scopes)
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
    std::vector<std::string>& wanted = scopes[*provider];
    const config::yaml_node* named = tool.find("scopes");
    for (std::string& scope : named != nullptr
                                  ? file.strings(*named).value_or(std::vector<std::string>())
                                  : std::vector<std::string>()) {
        if (std::find(wanted.begin(), wanted.end(), scope) == wanted.end()) {
            wanted.push_back(std::move(scope));
        }
    }
}

}  // namespace

scopes_by_provider read_manifest(const std::string& name)
{
    config::problems problems;
    config::yaml_file file(name, problems);
    scopes_by_provider scopes;
    if (file.load() && file.expect_map(file.root())) {
        const config::yaml_node* tools = file.root().find("tools");
        if (tools != nullptr && file.expect_list(*tools)) {
            for (const config::yaml_node& tool : tools->items) {
                read_tool(file, tool, scopes);
            }
        }
    }
    if (!problems.empty()) {
        print_problems(problems, std::cerr);
        throw command_error(exit_status::misused, "");
    }
    return scopes;
}

}  // namespace sallyport::cli
