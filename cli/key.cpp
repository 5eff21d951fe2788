// The vault's keys, online: what there is, rotating it, shredding a workspace. The gate works in
// short steps; these commands ask until it is done, so any of them can be cut off and run again.
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <unistd.h>

#include <iostream>
#include <map>
#include <memory>

#include "base/time.hpp"
#include "cli/command.hpp"
#include "cli/control_link.hpp"
#include "cli/output.hpp"

namespace sallyport::cli {

namespace json = boost::json;

namespace {

const std::string keys_path = "/api/keys";

struct key_options {
    control_options gate;
    std::string workspace;
    bool master = false;
    bool yes = false;
};

std::uint64_t number_in(const json::value& object, std::string_view member)
{
    const json::value* found =
        object.is_object() ? object.get_object().if_contains(member) : nullptr;
    error_code error;
    const auto number =
        found != nullptr && found->is_number() ? found->to_number<std::uint64_t>(error) : 0;
    return error ? 0 : number;
}

bool flag_in(const json::value& object, std::string_view member)
{
    const json::value* found =
        object.is_object() ? object.get_object().if_contains(member) : nullptr;
    return found != nullptr && found->is_bool() && found->get_bool();
}

// One line that is overwritten, where somebody watches.
class progress_line {
public:
    void show(const std::string& text)
    {
        if (watched_) {
            std::cerr << '\r' << text << std::flush;
            shown_ = true;
        }
    }
    ~progress_line()
    {
        if (shown_) {
            std::cerr << '\n';
        }
    }

private:
    const bool watched_ = ::isatty(STDERR_FILENO) == 1;
    bool shown_ = false;
};

// Asks until the answer says `done`; `body` is what is asked.
json::value ask_until_done(control_link& gate, json::object body, const std::string& counter,
                           const std::string& what)
{
    progress_line progress;
    for (;;) {
        json::value answer =
            parse_answer(gate.call("POST", keys_path + "/rotate", json::serialize(body)));
        progress.show(std::to_string(number_in(answer, counter)) + " " + what);
        if (flag_in(answer, "done")) {
            return answer;
        }
        if (const std::uint64_t generation = number_in(answer, "generation"); generation != 0) {
            body["generation"] = generation;
        }
    }
}

void refuse_leftovers(const json::value& answer)
{
    const std::uint64_t unknown = number_in(answer, "unknown");
    const std::uint64_t damaged = number_in(answer, "damaged");
    if (unknown > 0) {
        throw command_error(exit_status::refused,
                            std::to_string(unknown) +
                                " keys are wrapped by a master key that this gate does not have: "
                                "add it to vault.previous_master_keys, reload, and rotate again");
    }
    if (damaged > 0) {
        throw command_error(exit_status::refused,
                            std::to_string(damaged) +
                                " do not open; what wrapped or sealed them is kept until they are "
                                "replaced or removed");
    }
}

void rotate_master(const key_options& options)
{
    control_link gate(options.gate);
    const json::value answer =
        ask_until_done(gate, json::object{{"master", true}}, "rewrapped", "keys rewrapped");
    if (options.gate.json) {
        std::cout << json::serialize(answer) << '\n';
    } else if (number_in(answer, "rewrapped") == 0) {
        std::cout << "already under master key " << printable(text_of(answer, "master_key"))
                  << ", all " << number_in(answer, "total")
                  << ": to change it put a new key into vault.master_key, the present one into "
                     "vault.previous_master_keys, and reload the gate (SIGHUP)\n";
    } else {
        std::cout << number_in(answer, "rewrapped") << " keys rewrapped under master key "
                  << printable(text_of(answer, "master_key")) << ", "
                  << number_in(answer, "already") << " were already\n";
    }
    refuse_leftovers(answer);
}

void rotate_workspace(const key_options& options)
{
    control_link gate(options.gate);
    const json::value answer = ask_until_done(gate, json::object{{"workspace", options.workspace}},
                                              "resealed", "records sealed anew");
    if (options.gate.json) {
        std::cout << json::serialize(answer) << '\n';
    } else if (number_in(answer, "generation") == 0) {
        std::cout << "the workspace has no key: there is nothing to rotate\n";
    } else {
        std::cout << (flag_in(answer, "resumed") ? "finished the rotation begun earlier: " : "")
                  << "generation " << number_in(answer, "generation") << ", "
                  << number_in(answer, "resealed") << " records sealed anew\n";
    }
    refuse_leftovers(answer);
}

void rotate(const key_options& options)
{
    if (options.master == !options.workspace.empty()) {
        throw command_error(exit_status::misused, "rotate what? Give --master or --workspace W");
    }
    options.master ? rotate_master(options) : rotate_workspace(options);
}

// Every key, from all pages; what a page shows again counts once.
json::array every_key(control_link& gate, json::value& masters)
{
    std::map<std::pair<std::string, std::uint64_t>, json::value> found;
    std::string after;
    do {
        const std::string query = after.empty() ? "" : "?after=" + url_escape(after);
        const json::value answer = parse_answer(gate.call("GET", keys_path + query));
        for (json::value& one : items_of(answer)) {
            const std::pair name(text_of(one, "workspace"), number_in(one, "generation"));
            found.insert_or_assign(name, std::move(one));
        }
        masters = answer.is_object() ? answer.get_object().at("master_keys") : json::value();
        after = text_of(answer, "next");
    } while (!after.empty());
    json::array items;
    for (auto& [name, one] : found) {
        items.push_back(std::move(one));
    }
    return items;
}

// How many keys each master key wraps; the gate's own are shown also where they wrap none.
json::array count_by_master(const json::array& keys, const json::value& masters)
{
    std::map<std::string, std::uint64_t> wrapped;
    for (const json::value& one : keys) {
        if (!flag_in(one, "shredded")) {
            ++wrapped[text_of(one, "master_key")];
        }
    }
    json::array counted;
    if (masters.is_array()) {
        for (const json::value& one : masters.get_array()) {
            const std::string id = one.is_string() ? std::string(one.get_string()) : "";
            counted.push_back(json::object{{"master_key", id},
                                           {"role", counted.empty() ? "active" : "previous"},
                                           {"keys", wrapped[id]}});
            wrapped.erase(id);
        }
    }
    for (const auto& [id, keys_under] : wrapped) {
        counted.push_back(
            json::object{{"master_key", id}, {"role", "unknown"}, {"keys", keys_under}});
    }
    return counted;
}

// The keys of one workspace, with the number of records under each.
json::array keys_of(control_link& gate, const std::string& workspace)
{
    const std::string query = "?workspace=" + url_escape(workspace);
    json::array items;
    for (json::value& one : items_of(parse_answer(gate.call("GET", keys_path + query)))) {
        items.push_back(std::move(one));
    }
    return items;
}

void print_status(const json::array& masters, const json::array& keys)
{
    if (!masters.empty()) {
        table lines({"MASTER KEY", "ROLE", "KEYS"});
        for (const json::value& one : masters) {
            lines.add({text_of(one, "master_key"), text_of(one, "role"),
                       std::to_string(number_in(one, "keys"))});
        }
        lines.print(std::cout);
        std::cout << '\n';
    }
    const unix_micros now = now_micros();
    table lines({"WORKSPACE", "GENERATION", "RECORDS", "MASTER KEY", "MADE"});
    for (const json::value& one : keys) {
        const bool shredded = flag_in(one, "shredded");
        lines.add({text_of(one, "workspace"), std::to_string(number_in(one, "generation")),
                   std::to_string(number_in(one, "records")),
                   shredded ? "shredded" : text_of(one, "master_key"),
                   relative_time(text_of(one, "created_at"), now)});
    }
    lines.print(std::cout);
}

void show_status(const key_options& options)
{
    control_link gate(options.gate);
    json::array masters;
    json::array keys;
    if (options.workspace.empty()) {
        json::value known;
        const json::array all = every_key(gate, known);
        masters = count_by_master(all, known);
        std::string before;
        for (const json::value& one : all) {
            const std::string workspace = text_of(one, "workspace");
            if (workspace.empty() || workspace == before) {
                continue;  // The canary is no workspace's.
            }
            before = workspace;
            json::array its = keys_of(gate, workspace);
            keys.insert(keys.end(), its.begin(), its.end());
        }
    } else {
        keys = keys_of(gate, options.workspace);
    }
    if (options.gate.json) {
        std::cout << json::serialize(json::object{{"master_keys", masters}, {"items", keys}})
                  << '\n';
    } else {
        print_status(masters, keys);
    }
}

void shred(const key_options& options)
{
    if (!options.yes) {
        throw command_error(exit_status::misused,
                            "this deletes every credential of the workspace for good: say --yes");
    }
    control_link gate(options.gate);
    const json::object body{{"workspace", options.workspace}, {"confirm", options.workspace}};
    const std::string answer = gate.call("POST", keys_path + "/shred", json::serialize(body));
    if (options.gate.json) {
        std::cout << answer << '\n';
        return;
    }
    std::cout
        << "shredded: the workspace's keys are deleted and "
        << number_in(parse_answer(answer), "revoked") << " connections revoked\n"
        << "not reached: backups made before, and Redis's RDB snapshots and append-only files "
           "until they are written anew (a rewrite was asked for, as far as Redis permits "
           "it): delete them, or with them the keys can be had again under the master key\n";
}

void add_status(CLI::App& family)
{
    auto options = std::make_shared<key_options>();
    CLI::App* command = family.add_subcommand(
        "status", "Which keys there are, and how many each master key still wraps");
    command->add_option("--workspace", options->workspace, "Of this workspace alone");
    options->gate.add_to(*command);
    command->callback([options] { show_status(*options); });
}

void add_rotate(CLI::App& family)
{
    auto options = std::make_shared<key_options>();
    CLI::App* command = family.add_subcommand(
        "rotate",
        "Wraps every key under the active master key, or seals a workspace anew; run again if cut "
        "off");
    command->add_flag("--master", options->master,
                      "Everything under vault.master_key. In a fleet: first give every gate both "
                      "keys, then make the new one vault.master_key everywhere, then rotate, then "
                      "drop the old one once `key status` counts 0 under it");
    command->add_option("--workspace", options->workspace, "A new data key for this workspace");
    options->gate.add_to(*command);
    command->callback([options] { rotate(*options); });
}

void add_shred(CLI::App& family)
{
    auto options = std::make_shared<key_options>();
    CLI::App* command = family.add_subcommand(
        "shred", "Deletes a workspace's keys, and with them every credential it has, for good");
    command->add_option("--workspace", options->workspace, "The tenant")->required();
    command->add_flag("--yes", options->yes, "Yes, for good");
    options->gate.add_to(*command);
    command->callback([options] { shred(*options); });
}

}  // namespace

void add_key_commands(CLI::App& app)
{
    CLI::App* family = add_family(app, "key", "The keys that credentials are sealed with");
    add_status(*family);
    add_rotate(*family);
    add_shred(*family);
}

}  // namespace sallyport::cli
