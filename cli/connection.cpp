#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "cli/connection_change.hpp"
#include "cli/control_link.hpp"
#include "cli/output.hpp"

namespace sallyport::cli {

namespace json = boost::json;

namespace {

struct list_options {
    control_options gate;
    std::string workspace;
    std::string user;
};

struct one_options {
    control_options gate;
    std::string id;
    bool wait = false;
};

std::string refreshes_path(const std::string& id) { return connection_path(id) + "/refreshes"; }

void print_connection(const json::value& one)
{
    const unix_micros now = now_micros();
    const auto time = [&](const char* member) { return relative_time(text_of(one, member), now); };
    const json::value* shared = one.as_object().if_contains("shared");
    const bool is_shared = shared != nullptr && shared->is_bool() && shared->get_bool();
    table lines({"connection", text_of(one, "id")});
    lines.add({"name", text_of(one, "name")});
    lines.add({"status", text_of(one, "status")});
    if (const std::string reason = text_of(one, "status_reason"); !reason.empty()) {
        lines.add({"because", reason});
    }
    lines.add({"provider", text_of(one, "provider")});
    lines.add({"kind", text_of(one, "kind")});
    lines.add({"workspace", text_of(one, "workspace")});
    lines.add({"user", text_of(one, "user") + (is_shared ? " (shared)" : "")});
    lines.add({"account", text_of(one, "account")});
    lines.add({"scopes", list_of(one, "scopes_granted")});
    const json::value* variables = one.as_object().if_contains("variables");
    if (variables != nullptr && variables->is_object()) {
        for (const auto& variable : variables->get_object()) {
            lines.add({"variable",
                       std::string(variable.key()) + "=" + text_of(*variables, variable.key())});
        }
    }
    lines.add({"created", time("created_at")});
    lines.add({"connected", time("connected_at")});
    lines.add({"expires", time("expires_at")});
    lines.add({"last used", time("last_used_at")});
    lines.print(std::cout);
}

void print_answer(const std::string& body, bool as_json)
{
    if (as_json) {
        std::cout << body << '\n';
    } else {
        print_connection(parse_answer(body));
    }
}

void list_connections(const list_options& options)
{
    std::string query;
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) {
            query += (query.empty() ? "?" : "&") + std::string(name) + "=" + url_escape(value);
        }
    };
    add("workspace", options.workspace);
    add("user", options.user);
    control_link gate(options.gate);
    const std::string body = gate.every_page(connections_path + query);
    if (options.gate.json) {
        std::cout << body << '\n';
        return;
    }
    const unix_micros now = now_micros();
    table lines({"CONNECTION", "NAME", "PROVIDER", "KIND", "STATUS", "WORKSPACE", "USER", "SCOPES",
                 "LAST USED"});
    for (const json::value& one : items_of(parse_answer(body))) {
        lines.add({text_of(one, "id"), text_of(one, "name"), text_of(one, "provider"),
                   text_of(one, "kind"), text_of(one, "status"), text_of(one, "workspace"),
                   text_of(one, "user"), list_of(one, "scopes_granted"),
                   relative_time(text_of(one, "last_used_at"), now)});
    }
    lines.print(std::cout);
}

void print_refreshes(const json::value& list)
{
    const unix_micros now = now_micros();
    const std::vector<json::value> refreshes = items_of(list);
    if (refreshes.empty()) {
        return;
    }
    table lines({"REFRESH", "OUTCOME", "TOKEN ENDS", "REASON"});
    for (const json::value& one : refreshes) {
        lines.add({relative_time(text_of(one, "time"), now), text_of(one, "outcome"),
                   relative_time(text_of(one, "expires_at"), now), text_of(one, "reason")});
    }
    lines.print(std::cout);
}

void show_connection(const one_options& options)
{
    control_link gate(options.gate);
    const std::string body = gate.call("GET", connection_path(options.id));
    print_answer(body, options.gate.json);
    if (!options.gate.json && text_of(parse_answer(body), "kind") == "oauth2") {
        print_refreshes(parse_answer(gate.call("GET", refreshes_path(options.id))));
    }
}

void show_refreshes(const one_options& options)
{
    control_link gate(options.gate);
    const std::string body = gate.call("GET", refreshes_path(options.id));
    if (options.gate.json) {
        std::cout << body << '\n';
    } else {
        print_refreshes(parse_answer(body));
    }
}

void remove_connection(const one_options& options)
{
    control_link gate(options.gate);
    gate.call("DELETE", connection_path(options.id));
    if (!options.gate.json) {
        std::cout << "removed " << printable(options.id) << '\n';
    }
}

// Activates, deactivates, cancels or revokes.
void act(const one_options& options, const std::string& action, const char* done)
{
    control_link gate(options.gate);
    std::string path = connection_path(options.id) + "/" + action;
    if (options.wait) {
        gate.be_patient();
        path += "?wait=true";
    }
    const std::string body = gate.call("POST", path);
    if (options.gate.json) {
        std::cout << body << '\n';
    } else {
        std::cout << done << ' ' << printable(options.id) << '\n';
    }
}

// The provider may say that there is nothing to refresh any more.
void refresh(const one_options& options)
{
    control_link gate(options.gate);
    const std::string body = gate.call("POST", connection_path(options.id) + "/refresh");
    const json::value after = parse_answer(body);
    if (options.gate.json) {
        std::cout << body << '\n';
    }
    if (text_of(after, "status") == "reauth_required") {
        throw command_error(exit_status::refused,
                            "the provider no longer accepts the grant: it has to be authorised "
                            "again (sallyport connection authorize --id)");
    }
    if (!options.gate.json) {
        std::cout << "refreshed " << printable(options.id) << '\n';
    }
}

CLI::App* add_one(CLI::App& family, const char* name, const char* description,
                  std::function<void(const one_options&)> run)
{
    auto options = std::make_shared<one_options>();
    CLI::App* command = family.add_subcommand(name, description);
    command->add_option("ID", options->id, "The connection's id: conn_...")->required();
    options->gate.add_to(*command);
    if (std::string_view(name) == "revoke") {
        command->add_flag("--wait", options->wait,
                          "Return once no gate of the fleet can still use it");
    }
    command->callback([options, run = std::move(run)] { run(*options); });
    return command;
}

void add_list(CLI::App& family)
{
    auto options = std::make_shared<list_options>();
    CLI::App* command = family.add_subcommand("list", "Lists connections");
    command->add_option("--workspace", options->workspace, "Of this workspace alone");
    command->add_option("--user", options->user, "Of this user alone");
    options->gate.add_to(*command);
    command->callback([options] { list_connections(*options); });
}

}  // namespace

void add_connection_commands(CLI::App& app)
{
    CLI::App* family = add_family(app, "connection", "Authorised accounts at providers");
    add_connection_add(*family);
    add_list(*family);
    add_one(*family, "show", "Shows one, without its credential, and how its refreshes went",
            show_connection);
    add_connection_update(*family);
    add_connection_authorize(*family);
    add_one(*family, "cancel", "Ends the authorisation that is under way; its URL works no more",
            [](const one_options& options) { act(options, "cancel", "cancelled"); });
    add_connection_test(*family);
    add_one(*family, "refresh", "Asks the provider for fresh tokens now", refresh);
    add_one(*family, "refreshes", "Shows how its newest refreshes went, the latest first",
            show_refreshes);
    add_one(*family, "activate", "Switches one on again",
            [](const one_options& options) { act(options, "activate", "activated"); });
    add_one(*family, "deactivate", "Switches one off",
            [](const one_options& options) { act(options, "deactivate", "deactivated"); });
    add_one(*family, "revoke", "Deletes its credential for good; no call starts with it any more",
            [](const one_options& options) { act(options, "revoke", "revoked"); });
    add_one(*family, "remove", "Removes it without a trace but the trail's", remove_connection);
}

}  // namespace sallyport::cli
