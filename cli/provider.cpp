#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "config/catalogue.hpp"

namespace sallyport::cli {

namespace json = boost::json;

namespace {

struct provider_options {
    std::string config;
    std::string id;
    bool json = false;
};

config::loaded_catalogue load(const provider_options& options)
{
    const config::settings settings = settings_without_secrets(require_config(options.config));
    config::loaded_catalogue read = config::load_catalogue(settings.catalogue);
    print_problems(read.problems, std::cerr);  // Of files that were left out.
    return read;
}

std::string origin_of(const policy::provider_facts& facts)
{
    const bool plain = facts.plain_http;
    const std::uint16_t usual = plain ? 80 : 443;
    return (plain ? "http://" : "https://") + facts.base.host +
           (facts.base.port == usual ? "" : ":" + std::to_string(facts.base.port));
}

std::string kinds_of(const policy::provider_facts& facts)
{
    std::string kinds;
    for (const policy::credential_kind& one : facts.credentials) {
        kinds += (kinds.empty() ? "" : ", ") + one.kind;
    }
    return kinds;
}

json::object to_json(const policy::provider_facts& facts, bool whole)
{
    json::array kinds;
    for (const policy::credential_kind& one : facts.credentials) {
        kinds.emplace_back(one.kind);
    }
    json::object provider{
        {"id", facts.id},           {"name", facts.name},           {"category", facts.category},
        {"enabled", facts.enabled}, {"base_url", origin_of(facts)}, {"kinds", std::move(kinds)}};
    if (!whole) {
        return provider;
    }
    json::array hosts;
    for (const policy::upstream_host& host : facts.hosts) {
        hosts.emplace_back(host.host);
    }
    json::array scopes;
    for (const policy::scope_description& scope : facts.scopes) {
        scopes.push_back(json::object{
            {"id", scope.id}, {"class", scope.class_name}, {"description", scope.description}});
    }
    json::array variables;
    for (const policy::variable& one : facts.variables) {
        variables.push_back(json::object{{"name", one.name},
                                         {"where", one.where},
                                         {"default", one.default_value},
                                         {"description", one.description}});
    }
    json::array unverified(facts.about.unverified.begin(), facts.about.unverified.end());
    provider["hosts"] = std::move(hosts);
    provider["scopes"] = std::move(scopes);
    provider["variables"] = std::move(variables);
    provider["documentation"] = facts.about.notes;
    provider["unverified"] = std::move(unverified);
    return provider;
}

void list_providers(const provider_options& options)
{
    const config::loaded_catalogue read = load(options);
    if (options.json) {
        json::array items;
        for (const auto& one : read.catalogue->all()) {
            items.push_back(to_json(one->facts(), false));
        }
        std::cout << json::serialize(json::object{{"items", std::move(items)}, {"next", nullptr}})
                  << '\n';
        return;
    }
    table lines({"PROVIDER", "NAME", "CATEGORY", "CREDENTIALS", "BASE URL"});
    for (const auto& one : read.catalogue->all()) {
        const policy::provider_facts& facts = one->facts();
        lines.add({facts.id, facts.name + (facts.enabled ? "" : " (disabled)"), facts.category,
                   kinds_of(facts), origin_of(facts)});
    }
    lines.print(std::cout);
}

std::size_t rules_of(const policy::provider_facts& facts)
{
    std::size_t count = facts.rules.size();
    for (const policy::rule_table& one : facts.tables) {
        count += one.rows.size();
    }
    return count;
}

void print_variables(const policy::provider_facts& facts)
{
    if (facts.variables.empty()) {
        return;
    }
    std::cout << "\nvariables a connection sets (--var NAME=VALUE)\n";
    table lines({"  NAME", "DEFAULT", "WHAT IT IS"});
    for (const policy::variable& one : facts.variables) {
        lines.add({"  " + one.name, one.default_value, one.description});
    }
    lines.print(std::cout);
}

void print_scopes(const policy::provider_facts& facts)
{
    if (facts.scopes.empty()) {
        std::cout << "\nit knows no scopes: grant '*'\n";
        return;
    }
    std::cout << "\nscopes\n";
    table lines({"  SCOPE", "CLASS", "WHAT IT ALLOWS"});
    for (const policy::scope_description& scope : facts.scopes) {
        lines.add({"  " + scope.id, scope.class_name, scope.description});
    }
    lines.print(std::cout);
}

void show_provider(const provider_options& options)
{
    const config::loaded_catalogue read = load(options);
    for (const auto& one : read.catalogue->all()) {
        const policy::provider_facts& facts = one->facts();
        if (facts.id != options.id) {
            continue;
        }
        if (options.json) {
            std::cout << json::serialize(to_json(facts, true)) << '\n';
            return;
        }
        table lines({"provider", facts.id});
        lines.add({"name", facts.name});
        lines.add({"category", facts.category});
        lines.add({"base URL", origin_of(facts)});
        for (const policy::upstream_host& host : facts.hosts) {
            lines.add({"also", host.host});
        }
        lines.add({"credentials", kinds_of(facts)});
        lines.add({"rules", std::to_string(rules_of(facts))});
        if (!facts.enabled) {
            lines.add({"enabled", "no"});
        }
        lines.print(std::cout);
        print_variables(facts);
        print_scopes(facts);
        if (!facts.about.notes.empty()) {
            std::cout << '\n' << facts.about.notes << '\n';
        }
        return;
    }
    throw command_error(exit_status::refused,
                        "the catalogue has no provider \"" + printable(options.id) + "\"");
}

}  // namespace

void add_provider_commands(CLI::App& app)
{
    CLI::App* family = add_family(app, "provider", "The catalogue: what can be connected to");
    auto options = std::make_shared<provider_options>();
    CLI::App* list = family->add_subcommand("list", "Lists the providers of the catalogue");
    CLI::App* show = family->add_subcommand("show", "Shows one, with its scopes");
    show->add_option("ID", options->id, "The provider's id")->required();
    for (CLI::App* command : {list, show}) {
        add_config_option(*command, options->config);
        add_json_option(*command, options->json);
    }
    list->callback([options] { list_providers(*options); });
    show->callback([options] { show_provider(*options); });
}

}  // namespace sallyport::cli
