#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <memory>

#include "cli/output.hpp"
#include "cli/policy.hpp"
#include "cli/policy_advice.hpp"
#include "config/catalogue.hpp"

namespace sallyport::cli {

namespace json = boost::json;

namespace {

struct explain_options {
    std::string config;
    std::string provider;
    std::string scopes;
    std::string run_scopes;
    bool narrowed = false;
    std::string access = "destructive";
    policy_question question;
    bool json = false;
    bool advice = false;
};

json::value text_or_null(const std::string& text)
{
    return text.empty() ? json::value(nullptr) : json::value(text);
}

json::array array_of(const std::vector<std::string>& texts)
{
    return json::array(texts.begin(), texts.end());
}

json::array array_of(const std::vector<std::vector<std::string>>& alternatives)
{
    json::array all;
    for (const std::vector<std::string>& alternative : alternatives) {
        all.emplace_back(array_of(alternative));
    }
    return all;
}

json::object to_json(const policy_answer& told)
{
    return {{"decision", told.allowed ? "allow" : "deny"},
            {"operation", text_or_null(told.operation)},
            {"class", text_or_null(told.cls)},
            {"rule", text_or_null(told.rule)},
            {"missing_scopes", array_of(told.missing)}};
}

void add_advice(json::object& to, const policy_answer& told, const policy_question& asked)
{
    to["reason"] = told.reason;
    to["alternatives"] = array_of(told.alternatives);
    to["effective_scopes"] = array_of(told.effective);
    to["ask_for"] = array_of(told.ask_for);
    to["hints"] = array_of(told.hints);
    to["kind"] = asked.kind;
    to["variant"] = asked.variant;
}

std::string joined(const std::vector<std::string>& texts, const char* by)
{
    std::string all;
    for (const std::string& text : texts) {
        all += (all.empty() ? "" : by) + text;
    }
    return printable(all);
}

void print_alternatives(const char* heading,
                        const std::vector<std::vector<std::string>>& alternatives)
{
    const char* lead = heading;
    for (const std::vector<std::string>& alternative : alternatives) {
        std::cout << lead << (alternative.empty() ? "nothing" : joined(alternative, " and "))
                  << '\n';
        lead = "       or  ";
    }
}

void print(const policy_answer& told)
{
    std::cout << (told.allowed ? "allow      " : "deny       ") << printable(told.reason) << '\n';
    if (!told.operation.empty()) {
        std::cout << "operation  " << printable(told.operation) << " (" << told.cls << ")\n"
                  << "rule       " << printable(told.rule) << '\n';
    }
    print_alternatives("suffices   ", told.alternatives);
    std::cout << "effective  "
              << (told.effective.empty() ? "no scope" : joined(told.effective, ", ")) << '\n';
    print_alternatives("missing    ", told.missing);
    if (!told.ask_for.empty()) {
        std::cout << "ask for    " << joined(told.ask_for, " and ") << '\n';
    }
    for (const std::string& hint : told.hints) {
        std::cout << "hint       " << printable(hint) << '\n';
    }
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

// The question with what the command line leaves to the provider.
policy_question question_of(const explain_options& options, const policy::provider& provider)
{
    policy_question asked = options.question;
    asked.path = asked.path.substr(0, asked.path.find('?'));
    asked.scopes = split_at_commas(options.scopes);
    asked.access = *policy::parse_operation_class(options.access);
    if (options.narrowed) {
        asked.run_scopes = split_at_commas(options.run_scopes);
    }
    const auto& kinds = provider.facts().credentials;
    if (asked.kind.empty() && !kinds.empty()) {
        asked.kind = kinds.front().kind;
    }
    if (provider.kind(asked.kind) == nullptr) {
        throw command_error(exit_status::misused, "the provider has no credential kind \"" +
                                                      printable(asked.kind) + "\"");
    }
    return asked;
}

void explain(const explain_options& options)
{
    const config::settings settings = settings_without_secrets(require_config(options.config));
    const config::loaded_catalogue read = config::load_catalogue(settings.catalogue);
    const policy::provider& provider = find_provider(read, options.provider);
    const policy_question asked = question_of(options, provider);
    const policy_answer told = answer_policy(provider, asked);
    if (options.json) {
        json::object answer = to_json(told);
        if (options.advice) {
            add_advice(answer, told, asked);
        }
        std::cout << json::serialize(answer) << '\n';
    } else {
        print(told);
    }
}

}  // namespace

void add_policy_explain(CLI::App& family)
{
    auto options = std::make_shared<explain_options>();
    CLI::App* command =
        family.add_subcommand("explain", "Says whether a call would be allowed, and by which rule");
    add_config_option(*command, options->config);
    command->add_option("--provider", options->provider, "The provider's id")->required();
    command->add_option("--scopes", options->scopes, "Those granted: a,b or '*' (default: none)");
    CLI::Option* const run =
        command->add_option("--run-scopes", options->run_scopes,
                            "Those the run is narrowed to (default: not narrowed)");
    policy_question& asked = options->question;
    command->add_option("--host", asked.host, "Another of the provider's hosts");
    command->add_option("--kind", asked.kind,
                        "The connection's credential kind (default: the provider's first)");
    command->add_option("--variant", asked.variant, "The connection's variant");
    command
        ->add_option("--access", options->access,
                     "The highest class the run may use: read, write or destructive (default)")
        ->check(CLI::IsMember({"read", "write", "destructive"}));
    command->add_option("METHOD", asked.method, "The call's method")->required();
    command->add_option("PATH", asked.path, "Its path at the provider")->required();
    add_json_option(*command, options->json);
    command->add_flag("--advice", options->advice,
                      "With --json: also why, what to ask for, and what comes near");
    command->callback([options, run] {
        options->narrowed = run->count() > 0;
        explain(*options);
    });
}

}  // namespace sallyport::cli
