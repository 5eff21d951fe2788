#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "config/catalogue.hpp"
#include "control/provider_json.hpp"

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

std::string kinds_of(const policy::provider_facts& facts)
{
    std::string kinds;
    for (const policy::credential_kind& one : facts.credentials) {
        kinds += (kinds.empty() ? "" : ", ") + one.kind;
    }
    return kinds;
}

std::string joined(const std::vector<std::string>& texts)
{
    std::string out;
    for (const std::string& text : texts) {
        out += (out.empty() ? "" : ", ") + text;
    }
    return out;
}

void list_providers(const provider_options& options)
{
    const config::loaded_catalogue read = load(options);
    std::vector<const policy::provider_facts*> found;
    for (const auto& one : read.catalogue->all()) {
        found.push_back(&one->facts());
    }
    if (options.json) {
        json::array items;
        for (const policy::provider_facts* facts : found) {
            items.push_back(control::summary_of(*facts));
        }
        std::cout << json::serialize(json::object{{"items", std::move(items)}, {"next", nullptr}})
                  << '\n';
        return;
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto* a, const auto* b) { return a->category < b->category; });
    table lines({"CATEGORY", "PROVIDER", "NAME", "CREDENTIALS", "SCOPES", "RULES", "BASE URL"});
    for (const policy::provider_facts* facts : found) {
        lines.add({facts->category, facts->id, facts->name + (facts->enabled ? "" : " (disabled)"),
                   kinds_of(*facts), std::to_string(facts->scopes.size()),
                   std::to_string(control::rule_count(*facts)), control::base_url_of(*facts)});
    }
    lines.print(std::cout);
}

void print_hosts(const policy::provider_facts& facts)
{
    const std::string prefixes = joined(facts.base.path_prefixes);
    table lines({"hosts", control::base_url_of(facts), prefixes.empty() ? " " : prefixes});
    for (const policy::upstream_host& host : facts.hosts) {
        std::string about = host.is_alias ? "the same API" : "";
        for (const std::string& part : {joined(host.path_prefixes), host.note}) {
            about += (about.empty() || part.empty() ? "" : "; ") + part;
        }
        lines.add({" ", host.host, about.empty() ? " " : about});
    }
    lines.print(std::cout);
}

// What the secret has to look like on the way in.
std::string secret_of(const policy::credential_kind& kind)
{
    if (kind.kind == "basic") {
        return "user:password";
    }
    if (kind.kind == "oauth2") {
        return "JSON: access_token, refresh_token, expires_in, client_id, client_secret";
    }
    if (kind.kind != "custom") {
        return "the bare secret";
    }
    std::string fields = kind.sign.service.empty() ? "" : "access_key_id, secret_access_key";
    for (const policy::injection& one : kind.inject) {
        const std::size_t open = one.value.find('{');
        const std::string field = one.value.substr(open, one.value.find('}') - open);
        if (fields.find(field.substr(1)) == std::string::npos) {
            fields += (fields.empty() ? "" : ", ") + field.substr(1);
        }
    }
    return "JSON: " + fields;
}

void print_kinds(const policy::provider_facts& facts)
{
    std::cout << "\nhow to connect\n";
    table lines({"  KIND", "WHAT THE SECRET IS", "GOES TO", "REMARKS"});
    constexpr std::string_view places[] = {"header", "query", "cookie", "path", "body"};
    for (const policy::credential_kind& kind : facts.credentials) {
        std::string to;
        for (const policy::injection& one : kind.inject) {
            to += (to.empty() ? "" : ", ");
            to += places[static_cast<std::size_t>(one.in)];
            to += one.name.empty() ? "" : " " + one.name;
        }
        const bool both = !kind.secret_format.empty() && !kind.note.empty();
        lines.add({"  " + kind.kind, secret_of(kind), to,
                   kind.secret_format + (both ? "; " : "") + kind.note});
    }
    lines.print(std::cout);
}

void print_variables(const policy::provider_facts& facts)
{
    if (facts.variables.empty()) {
        return;
    }
    std::cout << "\nvariables a connection sets (--var NAME=VALUE)\n";
    table lines({"  NAME", "DEFAULT", "WHAT IT IS"});
    for (const policy::variable& one : facts.variables) {
        const bool required = one.default_value.empty() && !one.is_optional;
        lines.add({"  " + one.name,
                   required                    ? "(required)"
                   : one.default_value.empty() ? "-"
                                               : one.default_value,
                   one.description + (one.example.empty() ? "" : ", such as " + one.example)});
    }
    lines.print(std::cout);
}

void print_scopes(const policy::provider_facts& facts)
{
    if (facts.scopes.empty()) {
        std::cout << "\nit knows no scopes: connect it with --scopes '*'\n";
        return;
    }
    std::cout << "\nscopes\n";
    table lines({"  SCOPE", "CLASS", "WHAT IT ALLOWS"});
    for (const policy::scope_description& scope : facts.scopes) {
        lines.add({"  " + scope.id, scope.class_name, scope.description});
    }
    lines.print(std::cout);
}

// The first scope that only reads, to start with.
std::string first_scope(const policy::provider_facts& facts)
{
    for (const policy::scope_description& scope : facts.scopes) {
        if (scope.class_name == "read") {
            return scope.id;
        }
    }
    return facts.scopes.empty() ? "'*'" : facts.scopes.front().id;
}

void print_examples(const policy::provider_facts& facts)
{
    std::cout
        << "\nconnect it, and call it\n  sallyport connection add --workspace acme --user ann "
           "--provider "
        << facts.id << " \\\n      --kind " << facts.credentials.front().kind << " --scopes "
        << first_scope(facts);
    for (const policy::variable& one : facts.variables) {
        if (one.default_value.empty() && !one.is_optional) {
            std::cout << " --var " << one.name << '='
                      << (one.example.empty() ? "VALUE" : one.example);
        }
    }
    std::cout << " --secret-file -\n";
    const std::string& request = facts.about.test.request;
    const std::size_t space = request.find(' ');
    const std::string base = control::base_url_of(facts);
    if (space != std::string::npos && request.compare(space + 1, base.size(), base) == 0) {
        const std::string method = request.substr(0, space);
        std::cout << "  curl " << (method == "GET" ? "" : "-X " + method + " ")
                  << "-H \"Proxy-Authorization: Bearer $RUN_TOKEN\" \\\n      http://GATE/"
                  << facts.id << request.substr(space + 1 + base.size()) << '\n';
    }
    std::cout << "  with its SDK: base URL http://GATE/" << facts.id << " instead of " << base
              << '\n';
}

std::string of_scopes(const std::vector<std::string>& any)
{
    return any.size() == 1 ? "needs " + any.front() : "needs one of " + joined(any);
}

void print_care(const policy::provider_facts& facts)
{
    const policy::provider_description& about = facts.about;
    std::cout << '\n';
    table lines({"rules", std::to_string(control::rule_count(facts))});
    const auto add = [&](const char* name, const std::string& text) {
        if (!text.empty()) {
            lines.add({name, text});
        }
    };
    add("test call", about.test.request);
    add(" ", about.test.scopes_any.empty() ? "" : of_scopes(about.test.scopes_any));
    add(" ", about.test.note);
    if (facts.oauth2) {
        add("OAuth", "PKCE " + control::to_text(facts.oauth2->pkce) + ", revocation " +
                         control::to_text(facts.oauth2->revocation) + ", refresh token " +
                         control::to_text(facts.oauth2->refresh.rotation));
        add(" ", facts.oauth2->note);
    }
    std::string statuses;
    for (const std::uint16_t status : about.rate_limit.statuses) {
        statuses += (statuses.empty() ? "" : ", ") + std::to_string(status);
    }
    add("slow down at",
        about.rate_limit.status_note.empty() ? statuses : about.rate_limit.status_note);
    add(" ", joined(about.rate_limit.headers));
    add(" ", about.rate_limit.note);
    add("not verified", joined(about.unverified));
    add("enabled", facts.enabled ? "" : "no");
    lines.print(std::cout);
    if (!about.tunnels.empty()) {
        std::cout << "\ndenied, unless a rule opens it: it carries calls that no rule sees\n";
        table tunnels({"  CALL", "WHY"});
        for (const policy::tunnel& tunnel : about.tunnels) {
            tunnels.add({"  " + tunnel.path, tunnel.why});
        }
        tunnels.print(std::cout);
    }
    if (!about.notes.empty()) {
        std::cout << '\n' << printable(about.notes) << '\n';
    }
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
            std::cout << json::serialize(control::description_of(facts)) << '\n';
            return;
        }
        std::cout << printable(facts.name) << " (" << facts.id << "), "
                  << printable(facts.category.empty() ? "no category" : facts.category) << "\n\n";
        print_hosts(facts);
        print_kinds(facts);
        print_variables(facts);
        print_scopes(facts);
        print_examples(facts);
        print_care(facts);
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
    CLI::App* list =
        family->add_subcommand("list", "Lists the providers of the catalogue by category");
    CLI::App* show =
        family->add_subcommand("show", "Shows one: how to connect it, its scopes, its limits");
    show->add_option("ID", options->id, "The provider's id")->required();
    for (CLI::App* command : {list, show}) {
        add_config_option(*command, options->config);
        add_json_option(*command, options->json);
    }
    list->callback([options] { list_providers(*options); });
    show->callback([options] { show_provider(*options); });
}

}  // namespace sallyport::cli
