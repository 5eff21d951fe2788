#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "config/catalogue.hpp"
#include "policy/explain.hpp"

namespace sallyport::cli {

namespace json = boost::json;

namespace {

struct explain_options {
    std::string config;
    std::string provider;
    std::string scopes;
    std::string host;
    std::string kind;
    std::string variant;
    std::string access = "destructive";
    std::string method;
    std::string path;
    bool json = false;
};

json::value text_or_null(const std::string& text)
{
    return text.empty() ? json::value(nullptr) : json::value(text);
}

json::object to_json(const policy::explanation& told)
{
    json::array missing;
    for (const std::vector<std::string>& alternative : told.missing_scopes) {
        missing.emplace_back(json::array(alternative.begin(), alternative.end()));
    }
    return {{"decision", told.allowed ? "allow" : "deny"},
            {"operation", text_or_null(told.operation)},
            {"class", text_or_null(told.cls)},
            {"rule", text_or_null(told.rule)},
            {"missing_scopes", std::move(missing)}};
}

void print_alternatives(const char* heading,
                        const std::vector<std::vector<std::string>>& alternatives)
{
    const char* lead = heading;
    for (const std::vector<std::string>& alternative : alternatives) {
        std::string joined;
        for (const std::string& scope : alternative) {
            joined += (joined.empty() ? "" : " and ") + scope;
        }
        std::cout << lead << printable(joined) << '\n';
        lead = "       or  ";
    }
}

void print(const policy::explanation& told)
{
    std::cout << (told.allowed ? "allow      " : "deny       ") << printable(told.reason) << '\n';
    if (!told.operation.empty()) {
        std::cout << "operation  " << printable(told.operation) << " (" << told.cls << ")\n"
                  << "rule       " << printable(told.rule) << '\n';
    }
    print_alternatives("suffices   ", told.alternatives);
    print_alternatives("missing    ", told.missing_scopes);
}

const policy::provider& find_provider(const config::loaded_catalogue& read, const std::string& id)
{
    const policy::provider* found = read.catalogue->find(id);
    if (found == nullptr) {
        print_problems(read.problems, std::cerr);
        throw command_error(exit_status::refused,
                            "the catalogue has no enabled provider \"" + printable(id) + "\"");
    }
    return *found;
}

void explain(const explain_options& options)
{
    const auto access = policy::parse_operation_class(options.access);
    if (!access) {
        throw command_error(exit_status::misused, "--access is read, write or destructive");
    }
    const config::settings settings = settings_without_secrets(require_config(options.config));
    const config::loaded_catalogue read = config::load_catalogue(settings.catalogue);
    const policy::provider& provider = find_provider(read, options.provider);
    const std::string path = options.path.substr(0, options.path.find('?'));
    const policy::explanation told =
        policy::explain(provider, options.host, options.method, path,
                        split_at_commas(options.scopes), options.kind, options.variant, *access);
    if (options.json) {
        std::cout << json::serialize(to_json(told)) << '\n';
    } else {
        print(told);
    }
}

}  // namespace

void add_policy_commands(CLI::App& app)
{
    CLI::App* family = add_family(app, "policy", "What would be allowed, without a gate");
    auto options = std::make_shared<explain_options>();
    CLI::App* command = family->add_subcommand(
        "explain", "Says whether a call would be allowed, and by which rule");
    add_config_option(*command, options->config);
    command->add_option("--provider", options->provider, "The provider's id")->required();
    command->add_option("--scopes", options->scopes, "Those granted: a,b or '*' (default: none)");
    command->add_option("--host", options->host, "Another of the provider's hosts");
    command->add_option("--kind", options->kind,
                        "The connection's credential kind (default: the provider's first)");
    command->add_option("--variant", options->variant, "The connection's variant");
    command->add_option("--access", options->access,
                        "The highest class the run may use: read, write or destructive (default)");
    command->add_option("METHOD", options->method, "The call's method")->required();
    command->add_option("PATH", options->path, "Its path at the provider")->required();
    add_json_option(*command, options->json);
    command->callback([options] { explain(*options); });
}

}  // namespace sallyport::cli
