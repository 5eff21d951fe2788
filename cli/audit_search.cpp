// `audit query`, `audit stats` and `audit export`.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <set>

#include "audit/reader.hpp"
#include "cli/audit_export.hpp"
#include "cli/audit_options.hpp"
#include "cli/audit_stats.hpp"
#include "cli/command.hpp"
#include "cli/control_link.hpp"
#include "cli/output.hpp"
#include "config/catalogue.hpp"

namespace sallyport::cli {

namespace json = boost::json;

namespace {

struct query_options {
    audit_selection lines;
    std::size_t limit = 100;
    bool json = false;
};

struct stats_options {
    audit_selection lines;
    bool grants = false;
    bool json = false;
};

struct export_options {
    audit_selection lines;
    std::string format = "jsonl";
    std::string output;
};

void run_query(const query_options& options)
{
    const bool people = !options.json && ::isatty(STDOUT_FILENO) == 1;
    const auto print = [&](std::string_view line) {
        std::cout << (people ? audit::human_line(line, true) : std::string(line)) << '\n';
        return static_cast<bool>(std::cout);
    };
    allow_many_files();
    if (options.limit == 0) {
        audit::for_each_line(options.lines.where(), options.lines.query(), print);
        return;
    }
    for (const std::string& line :
         audit::find_newest(options.lines.where(), options.lines.query(), options.limit)) {
        print(line);
    }
}

// What a scope stands for: itself and all it implies, directly or not.
std::set<std::string> closure(const policy::provider& of, const std::string& scope)
{
    std::set<std::string> out{scope};
    std::vector<std::string> open{scope};
    while (!open.empty()) {
        const auto implied = of.facts().scope_implies.find(open.back());
        open.pop_back();
        if (implied == of.facts().scope_implies.end()) {
            continue;
        }
        for (const std::string& one : implied->second) {
            if (out.insert(one).second) {
                open.push_back(one);
            }
        }
    }
    return out;
}

// Scopes that were granted and that no call in the stretch was allowed by, through whatever they
// imply: what could be taken away.
json::array unused_grants(const stats_options& options, const audit_stats& stats)
{
    control_options gate;
    gate.config = options.lines.config;
    control_link link(gate);
    const auto settings = settings_without_secrets(require_config(options.lines.config));
    const config::loaded_catalogue loaded = config::load_catalogue(settings.catalogue);
    json::array out;
    for (const json::value& one :
         items_of(parse_answer(link.call("GET", "/api/connect/connections")))) {
        const policy::provider* const provider = loaded.catalogue->find(text_of(one, "provider"));
        const json::value* const granted = one.as_object().if_contains("scopes_granted");
        if (provider == nullptr || granted == nullptr || text_of(one, "status") != "active") {
            continue;
        }
        const auto used = stats.scopes_used().find(text_of(one, "id"));
        json::array unused;
        for (const json::value& scope : granted->as_array()) {
            const std::string id(scope.as_string());
            const std::set<std::string> stands_for = closure(*provider, id);
            const bool is_used =
                used != stats.scopes_used().end() &&
                std::any_of(used->second.begin(), used->second.end(),
                            [&](const std::string& need) { return stands_for.contains(need); });
            if (!is_used && id != "*") {
                unused.push_back(scope);
            }
        }
        if (!unused.empty()) {
            out.push_back(json::object{{"connection_id", text_of(one, "id")},
                                       {"provider", text_of(one, "provider")},
                                       {"workspace", text_of(one, "workspace")},
                                       {"user", text_of(one, "user")},
                                       {"unused", std::move(unused)}});
        }
    }
    return out;
}

void run_stats(const stats_options& options)
{
    audit_stats stats;
    allow_many_files();
    audit::for_each_line(options.lines.where(), options.lines.query(), [&](std::string_view line) {
        stats.add(line);
        return true;
    });
    json::array grants;
    if (options.grants) {
        grants = unused_grants(options, stats);
    }
    if (options.json) {
        json::object out = stats.to_json();
        if (options.grants) {
            out["unused_grants"] = std::move(grants);
        }
        std::cout << json::serialize(out) << '\n';
        return;
    }
    stats.print(std::cout);
    if (!options.grants) {
        return;
    }
    std::cout << "\ngranted and not used in this stretch\n";
    table unused({"CONNECTION", "PROVIDER", "USER", "SCOPES"});
    for (const json::value& one : grants) {
        unused.add({printable(text_of(one, "connection_id")), printable(text_of(one, "provider")),
                    printable(text_of(one, "user")), printable(list_of(one, "unused"))});
    }
    unused.print(std::cout);
}

// A new file, for its owner alone: the trail names people.
void open_output(const std::string& name, std::ofstream& out)
{
    const int made = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (made < 0) {
        throw command_error(exit_status::refused, name + ": cannot be made, or is already there");
    }
    ::close(made);
    out.open(name, std::ios::binary | std::ios::app);
}

void run_export(const export_options& options)
{
    std::ofstream file;
    if (!options.output.empty()) {
        open_output(options.output, file);
    }
    std::ostream& out = options.output.empty() ? std::cout : file;
    if (options.format == "csv") {
        out << csv_header() << "\r\n";
    }
    allow_many_files();
    audit::for_each_line(options.lines.where(), options.lines.query(), [&](std::string_view line) {
        if (options.format == "ocsf") {
            out << to_ocsf(line) << '\n';
        } else if (options.format == "csv") {
            out << to_csv(line) << "\r\n";
        } else {
            out << line << '\n';
        }
        return static_cast<bool>(out);
    });
    if (!out.flush()) {
        throw command_error(exit_status::refused, "the export could not be written whole");
    }
}

}  // namespace

void add_audit_search_commands(CLI::App& family)
{
    auto query = std::make_shared<query_options>();
    CLI::App* command = family.add_subcommand("query", "Finds lines by what they say");
    query->lines.add_to(*command);
    command
        ->add_option("-n,--limit", query->limit,
                     "The newest so many (default: 100); 0 for all of them")
        ->check(CLI::Range(std::size_t{0}, audit::found_lines_max));
    add_json_option(*command, query->json);
    command->footer(
        "  sallyport audit query --since 24h --code scope_missing,operation_denied\n"
        "  sallyport audit query --connection conn_01JD... --class write --json\n"
        "\n"
        "For people on a terminal, as JSON lines anywhere else. The first search of a segment "
        "writes an index beside it; later ones use it.");
    command->callback([query] { run_query(*query); });

    auto stats = std::make_shared<stats_options>();
    command = family.add_subcommand("stats", "Sums up: calls, refusals, errors, latencies");
    stats->lines.add_to(*command);
    command->add_flag("--unused-grants", stats->grants,
                      "Also the scopes that were granted and not used (asks the gate)");
    add_json_option(*command, stats->json);
    command->footer("  sallyport audit stats --since 7d --unused-grants");
    command->callback([stats] { run_stats(*stats); });

    auto exported = std::make_shared<export_options>();
    command = family.add_subcommand("export", "Writes lines as OCSF events, CSV or JSON lines");
    exported->lines.add_to(*command);
    command->add_option("--format", exported->format, "ocsf, csv or jsonl (default)")
        ->check(CLI::IsMember({"ocsf", "csv", "jsonl"}));
    command->add_option("-o,--output", exported->output, "A new file (default: standard output)");
    command->footer("  sallyport audit export --since 24h --format ocsf -o events.jsonl");
    command->callback([exported] { run_export(*exported); });
}

}  // namespace sallyport::cli
