// `connection authorize` and `connection test`: what involves the provider.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <chrono>
#include <iostream>
#include <memory>
#include <thread>

#include "base/time.hpp"
#include "cli/command.hpp"
#include "cli/connection_change.hpp"
#include "cli/control_link.hpp"
#include "cli/output.hpp"

namespace sallyport::cli {

namespace json = boost::json;

namespace {

constexpr std::chrono::milliseconds decision_poll{1000};
// The gate learns of the end a little later than it comes.
constexpr std::chrono::seconds decision_grace{30};

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
    bool device = false;
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
    if (options.device) {
        body["grant"] = "device_code";
    }
    const std::vector<std::string> scopes = split_at_commas(options.scopes);
    body["scopes"] = json::array(scopes.begin(), scopes.end());
    if (!options.variables.empty()) {
        body["variables"] = variables_of(options.variables);
    }
    return body;
}

// How a connection stands, as far as an authorisation changes it.
std::array<std::string, 3> standing(const json::value& shown)
{
    return {text_of(shown, "status"), text_of(shown, "connected_at"),
            text_of(shown, "status_reason")};
}

// Returns once the user has typed the code in and the gate has the tokens. Throws command_error for
// every other end.
void await_device(control_link& gate, const json::value& begun)
{
    const std::string id = text_of(begun, "connection_id");
    const std::string path = connection_path(id);
    std::cout << "open " << printable(text_of(begun, "verification_uri")) << " and type in "
              << printable(text_of(begun, "user_code")) << std::endl;
    std::cerr << "waiting for that; interrupted, the gate waits on, and sallyport connection show "
              << printable(id) << " tells what came of it\n";
    const auto before = standing(parse_answer(gate.call("GET", path)));
    const auto ends = parse_rfc3339(text_of(begun, "expires_at"));
    const unix_micros until =
        ends.value_or(now_micros()) + std::chrono::microseconds(decision_grace).count();
    while (now_micros() < until) {
        std::this_thread::sleep_for(decision_poll);
        const json::value shown = parse_answer(gate.call("GET", path));
        const auto now = standing(shown);
        if (now[1] != before[1]) {
            std::cout << "connected " << printable(id) << '\n';
            return;
        }
        if (now != before) {
            throw command_error(exit_status::refused,
                                now[2].empty() ? "it was cancelled meanwhile" : now[2]);
        }
    }
    throw command_error(exit_status::refused, "the authorisation was not finished in time");
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
    if (!text_of(begun, "user_code").empty()) {
        await_device(gate, begun);
        return;
    }
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
        "authorize",
        "Prints the URL where a user authorises a connection, by OAuth, or with a device's code "
        "the URL and the code, and waits until it was typed in");
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
    command->add_flag("--device", options->device,
                      "The user types a code in elsewhere (RFC 8628); with --json, does not wait");
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
