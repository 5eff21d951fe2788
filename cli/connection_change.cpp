#include "cli/connection_change.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <memory>
#include <optional>
#include <vector>

#include "cli/command.hpp"
#include "cli/control_link.hpp"
#include "cli/output.hpp"
#include "cli/secret_input.hpp"

namespace sallyport::cli {

namespace json = boost::json;

namespace {

// What both commands set. Absent: not spoken of.
struct change_options {
    control_options gate;
    std::optional<std::string> name;
    std::optional<std::string> scopes;
    std::vector<std::string> variables;
    std::string secret_file;

    void add_to(CLI::App& command)
    {
        command.add_option("--name", name, "What people call it");
        command.add_option("--scopes", scopes,
                           "Those granted: a,b, or '*' for a credential that knows no scopes");
        command.add_option("--var", variables, "A variable of the provider; may be repeated")
            ->type_name("NAME=VALUE")
            ->expected(1)
            ->take_all();
        command
            .add_option("--secret-file", secret_file,
                        "The credential; - is stdin. api_key, bearer: the bare secret; basic: "
                        "user:password; oauth2, custom: a JSON object")
            ->type_name("FILE|-");
        gate.add_to(command);
    }

    void describe(json::object& body) const
    {
        if (name) {
            body["name"] = *name;
        }
        if (scopes) {
            const std::vector<std::string> ids = split_at_commas(*scopes);
            body["scopes"] = json::array(ids.begin(), ids.end());
        }
        json::object set = variables_of(variables);
        if (!set.empty()) {
            body["variables"] = std::move(set);
        }
    }
};

struct add_options {
    change_options change;
    std::string workspace;
    std::string user;
    std::string provider;
    std::string id;
    std::string kind;
    std::string variant;
    bool shared = false;
};

struct update_options {
    change_options change;
    std::string id;
};

// The kind that the gate takes where none is named: the provider's first.
std::string first_kind(control_link& gate, const std::string& provider)
{
    const json::value shown =
        parse_answer(gate.call("GET", "/api/connect/providers/" + url_escape(provider)));
    const json::value* kinds = shown.as_object().if_contains("credentials");
    if (kinds == nullptr || !kinds->is_array() || kinds->get_array().empty()) {
        throw command_error(exit_status::refused,
                            "the provider takes no credential of any kind known: say --kind");
    }
    const json::value& first = kinds->get_array().front();
    return first.is_string() ? std::string(first.get_string()) : text_of(first, "kind");
}

// The request with the secret as its `credential`, or as it is where there is none.
std::string send(control_link& gate, const char* method, const std::string& target,
                 const json::object& body, const std::string& kind, const std::string& secret_file)
{
    const std::string plain = json::serialize(body);
    if (secret_file.empty()) {
        return gate.call(method, target, plain);
    }
    const vault::secret bytes = read_secret(secret_file);
    const vault::secret whole = with_credential(plain, credential_json(kind, bytes));
    return gate.call(method, target, whole.reveal());
}

void add(const add_options& options)
{
    json::object body{{"workspace", options.workspace},
                      {"user", options.user},
                      {"provider", options.provider},
                      {"shared", options.shared}};
    const auto set = [&](const char* member, const std::string& value) {
        if (!value.empty()) {
            body[member] = value;
        }
    };
    set("id", options.id);
    set("kind", options.kind);
    set("variant", options.variant);
    options.change.describe(body);
    control_link gate(options.change.gate);
    const std::string& file = options.change.secret_file;
    const std::string kind =
        !options.kind.empty() || file.empty() ? options.kind : first_kind(gate, options.provider);
    const std::string answer = send(gate, "POST", connections_path, body, kind, file);
    if (options.change.gate.json) {
        std::cout << answer << '\n';
    } else {
        std::cout << printable(text_of(parse_answer(answer), "id")) << '\n';
    }
}

void update(const update_options& options)
{
    json::object body;
    options.change.describe(body);
    const std::string& file = options.change.secret_file;
    if (body.empty() && file.empty()) {
        throw command_error(exit_status::misused,
                            "nothing to change: give --name, --scopes, --var or --secret-file");
    }
    control_link gate(options.change.gate);
    const std::string path = connection_path(options.id);
    const std::string kind =
        file.empty() ? "" : text_of(parse_answer(gate.call("GET", path)), "kind");
    const std::string answer = send(gate, "PATCH", path, body, kind, file);
    if (options.change.gate.json) {
        std::cout << answer << '\n';
    } else {
        std::cout << "updated " << printable(options.id) << '\n';
    }
}

}  // namespace

json::object variables_of(const std::vector<std::string>& given)
{
    json::object set;
    for (const std::string& variable : given) {
        const std::size_t equals = variable.find('=');
        if (equals == std::string::npos || equals == 0) {
            throw command_error(exit_status::misused, "--var takes NAME=VALUE");
        }
        set[variable.substr(0, equals)] = variable.substr(equals + 1);
    }
    return set;
}

std::string connection_path(const std::string& id)
{
    return connections_path + "/" + url_escape(id);
}

void add_connection_add(CLI::App& family)
{
    auto options = std::make_shared<add_options>();
    CLI::App* command = family.add_subcommand("add", "Adds a connection and prints its id");
    command->add_option("--workspace", options->workspace, "Whose it is")->required();
    command->add_option("--user", options->user, "The user who owns it")->required();
    command->add_option("--provider", options->provider, "The provider's id")->required();
    command->add_option("--id", options->id, "conn_ and a ULID (default: a new one)");
    command->add_flag("--shared", options->shared, "Every user of the workspace may use it");
    command
        ->add_option("--kind", options->kind,
                     "oauth2, api_key, bearer, basic or custom (default: the provider's first)")
        ->check(CLI::IsMember({"oauth2", "api_key", "bearer", "basic", "custom"}));
    command->add_option("--variant", options->variant, "Selects among the provider's scope tables");
    options->change.add_to(*command);
    command->callback([options] { add(*options); });
}

void add_connection_update(CLI::App& family)
{
    auto options = std::make_shared<update_options>();
    CLI::App* command = family.add_subcommand("update", "Changes settings or the credential");
    command->add_option("ID", options->id, "The connection's id: conn_...")->required();
    options->change.add_to(*command);
    command->callback([options] { update(*options); });
}

}  // namespace sallyport::cli
