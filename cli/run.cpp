#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <memory>

#include "base/time.hpp"
#include "cli/command.hpp"
#include "cli/control_link.hpp"
#include "cli/manifest.hpp"
#include "cli/output.hpp"

namespace sallyport::cli {

namespace json = boost::json;

namespace {

const std::string runs_path = "/api/runs";

struct start_options {
    control_options gate;
    std::string workspace;
    std::string user;
    std::string app;
    std::string run;
    std::vector<std::string> connections;
    std::vector<std::string> scopes;
    std::string manifest;
    std::string access;
    std::string ttl = "1h";
    bool is_test = false;
};

struct list_options {
    control_options gate;
    std::string workspace;
};

struct end_options {
    control_options gate;
    std::string workspace;
    std::string run;
    bool wait = false;
};

// What --scopes says of a provider stands in the place of what the manifest says of it.
scopes_by_provider scopes_of(const start_options& options, const manifest& app)
{
    scopes_by_provider scopes = app.scopes;
    for (const std::string& one : options.scopes) {
        const std::size_t equals = one.find('=');
        if (equals == std::string::npos || equals == 0) {
            throw command_error(exit_status::misused, "--scopes takes PROVIDER=a,b");
        }
        scopes[one.substr(0, equals)] = split_at_commas(one.substr(equals + 1));
    }
    return scopes;
}

json::object body_of(const start_options& options, const manifest& app)
{
    json::object body{{"workspace", options.workspace},
                      {"user", options.user},
                      {"app", options.app},
                      {"run", options.run},
                      {"ttl", options.ttl}};
    body["connections"] = json::array(options.connections.begin(), options.connections.end());
    json::object scopes;
    for (const auto& [provider, ids] : scopes_of(options, app)) {
        scopes[provider] = json::array(ids.begin(), ids.end());
    }
    if (!scopes.empty()) {
        body["scopes"] = std::move(scopes);
    }
    if (!options.access.empty()) {
        body["access"] = options.access;
    }
    if (!app.connects.empty()) {
        body["connects"] = app.connects;
    }
    if (options.is_test) {
        body["is_test"] = true;
    }
    return body;
}

// Where the gate does not know a connector, the line of the manifest that names it.
std::string say_refusal(const control::client_response& answer, const manifest& app)
{
    std::string said = say_problem(answer);
    boost::system::error_code error;
    const json::value problem = json::parse(answer.body, error);
    const json::value* const errors =
        problem.is_object() ? problem.get_object().if_contains("errors") : nullptr;
    if (errors == nullptr || !errors->is_array()) {
        return said;
    }
    constexpr std::string_view scopes = "/scopes/";
    for (const json::value& one : errors->get_array()) {
        const std::string pointer = text_of(one, "pointer");
        const auto place = pointer.starts_with(scopes)
                               ? app.places.find(pointer.substr(scopes.size()))
                               : app.places.end();
        if (place != app.places.end()) {
            said += "\n" + printable(place->second + ": connector " + place->first + " " +
                                     text_of(one, "detail"));
        }
    }
    return said;
}

void start(const start_options& options)
{
    const auto ttl = parse_duration(options.ttl);
    if (!ttl || ttl->count() == 0) {
        throw command_error(exit_status::misused, "--ttl is a duration such as 30m or 1h");
    }
    const manifest app = options.manifest.empty() ? manifest() : read_manifest(options.manifest);
    const std::string body = json::serialize(body_of(options, app));
    control_link gate(options.gate);
    const control::client_response answer = gate.ask("POST", runs_path, body);
    constexpr unsigned created = 201;
    if (answer.status != created) {
        throw command_error(exit_status::refused, say_refusal(answer, app));
    }
    if (options.gate.json) {
        std::cout << answer.body << '\n';
    } else {
        std::cout << printable(text_of(parse_answer(answer.body), "token")) << '\n';
    }
}

void list(const list_options& options)
{
    control_link gate(options.gate);
    const std::string query =
        options.workspace.empty() ? "" : "?workspace=" + url_escape(options.workspace);
    const std::string body = gate.every_page(runs_path + query);
    if (options.gate.json) {
        std::cout << body << '\n';
        return;
    }
    const unix_micros now = now_micros();
    table lines({"RUN", "APP", "WORKSPACE", "USER", "STARTED", "EXPIRES"});
    for (const json::value& one : items_of(parse_answer(body))) {
        lines.add({text_of(one, "run"), text_of(one, "app"), text_of(one, "workspace"),
                   text_of(one, "user"), relative_time(text_of(one, "started_at"), now),
                   relative_time(text_of(one, "expires_at"), now)});
    }
    lines.print(std::cout);
}

void end(const end_options& options)
{
    control_link gate(options.gate);
    std::string path =
        runs_path + "/" + url_escape(options.run) + "?workspace=" + url_escape(options.workspace);
    if (options.wait) {
        gate.be_patient();
        path += "&wait=true";
    }
    gate.call("DELETE", path);
    if (!options.gate.json) {
        std::cout << "ended " << printable(options.run) << '\n';
    }
}

void add_start(CLI::App& family)
{
    auto options = std::make_shared<start_options>();
    CLI::App* command = family.add_subcommand("start", "Mints a run token and prints it, once");
    command->add_option("--workspace", options->workspace, "The tenant")->required();
    command->add_option("--user", options->user, "For whom the App runs")->required();
    command->add_option("--app", options->app, "The App")->required();
    command->add_option("--run", options->run, "The run's name, unique in its workspace")
        ->required();
    command
        ->add_option("--connection", options->connections,
                     "A connection the run may use; may be repeated")
        ->type_name("ID")
        ->expected(1)
        ->take_all();
    command
        ->add_option("--scopes", options->scopes,
                     "Narrows the run to these scopes at that provider; may be repeated")
        ->type_name("PROVIDER=a,b")
        ->expected(1)
        ->take_all();
    command
        ->add_option("--manifest", options->manifest,
                     "The App's manifest: narrows to its tools, requires what it connects")
        ->type_name("FILE");
    command->add_flag("--test", options->is_test,
                      "Start whether or not the user has what the manifest requires");
    command->add_option("--access", options->access, "read, write (default) or destructive")
        ->check(CLI::IsMember({"read", "write", "destructive"}));
    command->add_option("--ttl", options->ttl, "How long the token is good (default: 1h)");
    options->gate.add_to(*command);
    command->callback([options] { start(*options); });
}

void add_list(CLI::App& family)
{
    auto options = std::make_shared<list_options>();
    CLI::App* command = family.add_subcommand("list", "Lists live runs");
    command->add_option("--workspace", options->workspace, "Of this workspace alone");
    options->gate.add_to(*command);
    command->callback([options] { list(*options); });
}

void add_end(CLI::App& family)
{
    auto options = std::make_shared<end_options>();
    CLI::App* command = family.add_subcommand("end", "Ends a run: its token is worth nothing more");
    command->add_option("RUN", options->run, "The run's name")->required();
    command->add_option("--workspace", options->workspace, "The tenant")->required();
    command->add_flag("--wait", options->wait,
                      "Return once no gate of the fleet can still serve it");
    options->gate.add_to(*command);
    command->callback([options] { end(*options); });
}

}  // namespace

void add_run_commands(CLI::App& app)
{
    CLI::App* family = add_family(app, "run", "Executions of Apps, and their tokens");
    add_start(*family);
    add_list(*family);
    add_end(*family);
}

}  // namespace sallyport::cli
