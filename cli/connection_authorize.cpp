// `connection authorize` and `connection test`: what involves the provider.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "cli/connection_change.hpp"
#include "cli/control_link.hpp"
#include "cli/output.hpp"

namespace sallyport::cli {

namespace json = boost::json;

namespace {

struct authorize_options {
    control_options gate;
    std::string workspace;
    std::string user;
    std::string provider;
    std::string id;
    std::string name;
    std::string variant;
    std::string scopes;
    std::string return_url;
    std::vector<std::string> variables;
    bool shared = false;
};

struct test_options {
    control_options gate;
    std::string id;
};

json::object described(const authorize_options& options)
{
    json::object body{
        {"workspace", options.workspace}, {"user", options.user}, {"provider", options.provider}};
    const auto set = [&](const char* member, const std::string& value) {
        if (!value.empty()) {
            body[member] = value;
        }
    };
    set("connection_id", options.id);
    set("name", options.name);
    set("variant", options.variant);
    set("return_url", options.return_url);
    if (options.shared) {
        body["shared"] = true;
    }
    const std::vector<std::string> scopes = split_at_commas(options.scopes);
    body["scopes"] = json::array(scopes.begin(), scopes.end());
    if (!options.variables.empty()) {
        body["variables"] = variables_of(options.variables);
    }
    return body;
}

void authorize(const authorize_options& options)
{
    control_link gate(options.gate);
    const std::string answer =
        gate.call("POST", "/api/connect/initiate", json::serialize(described(options)));
    if (options.gate.json) {
        std::cout << answer << '\n';
        return;
    }
    const json::value begun = parse_answer(answer);
    std::cout << printable(text_of(begun, "authorize_url")) << '\n';
    std::cerr << "to be opened by the user "
              << relative_time(text_of(begun, "expires_at"), now_micros())
              << " at the latest; then: sallyport connection show "
              << printable(text_of(begun, "connection_id")) << '\n';
}

void test(const test_options& options)
{
    control_link gate(options.gate);
    gate.be_patient();
    const std::string answer = gate.call("POST", connection_path(options.id) + "/test");
    const json::value tested = parse_answer(answer);
    const json::value* ok = tested.as_object().if_contains("ok");
    const bool works = ok != nullptr && ok->is_bool() && ok->get_bool();
    const json::value* status = tested.as_object().if_contains("status");
    const bool answered = status != nullptr && status->is_int64();
    if (options.gate.json) {
        std::cout << answer << '\n';
    } else if (works) {
        std::cout << "works " << printable(options.id) << '\n';
    }
    if (!works) {
        throw command_error(exit_status::refused, answered ? "the provider answered " +
                                                                 std::to_string(status->get_int64())
                                                           : "the provider could not be asked");
    }
}

}  // namespace

void add_connection_authorize(CLI::App& family)
{
    auto options = std::make_shared<authorize_options>();
    CLI::App* command = family.add_subcommand(
        "authorize", "Prints the URL where a user authorises a connection, by OAuth");
    command->add_option("--workspace", options->workspace, "Whose it is")->required();
    command->add_option("--user", options->user, "The user who owns it")->required();
    command->add_option("--provider", options->provider, "The provider's id")->required();
    command->add_option("--id", options->id,
                        "A connection to be granted more, or anew (default: a new one)");
    command->add_option("--scopes", options->scopes, "Those to ask for: a,b");
    command->add_option("--name", options->name, "What people call it");
    command->add_option("--variant", options->variant, "Selects among the provider's scope tables");
    command->add_flag("--shared", options->shared, "Every user of the workspace may use it");
    command->add_option("--var", options->variables, "A variable of the provider; may be repeated")
        ->type_name("NAME=VALUE")
        ->expected(1)
        ->take_all();
    command->add_option("--return-url", options->return_url,
                        "Where the browser goes afterwards: one that control.return_urls allows");
    options->gate.add_to(*command);
    command->callback([options] { authorize(*options); });
}

void add_connection_test(CLI::App& family)
{
    auto options = std::make_shared<test_options>();
    CLI::App* command = family.add_subcommand(
        "test", "Tries one out with the cheap request that its provider's file names");
    command->add_option("ID", options->id, "The connection's id: conn_...")->required();
    options->gate.add_to(*command);
    command->callback([options] { test(*options); });
}

}  // namespace sallyport::cli
