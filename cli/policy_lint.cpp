#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <memory>

#include "cli/output.hpp"
#include "cli/policy.hpp"
#include "config/lint.hpp"

namespace sallyport::cli {

namespace json = boost::json;

namespace {

struct lint_options {
    std::string config;
    std::vector<std::string> files;
    bool json = false;
};

const char* name_of(config::lint_level level)
{
    return level == config::lint_level::error ? "error" : "warning";
}

void print_json(const config::lint_report& report)
{
    json::array items;
    for (const config::lint_finding& finding : report.findings) {
        items.push_back(json::object{{"file", finding.at.file},
                                     {"line", finding.at.line},
                                     {"column", finding.at.column},
                                     {"level", name_of(finding.level)},
                                     {"message", finding.at.message}});
    }
    std::cout << json::serialize(items) << '\n';
}

void print(const config::lint_report& report)
{
    std::size_t errors = 0;
    for (const config::lint_finding& finding : report.findings) {
        config::problem at = finding.at;
        at.message = std::string(name_of(finding.level)) + ": " + at.message;
        std::cout << printable(at.text()) << '\n';
        errors += finding.level == config::lint_level::error ? 1 : 0;
    }
    std::cout << report.files << (report.files == 1 ? " provider file: " : " provider files: ")
              << errors << (errors == 1 ? " error, " : " errors, ")
              << report.findings.size() - errors << " warnings\n";
}

void lint(const lint_options& options)
{
    const config::lint_report report =
        !options.files.empty()
            ? config::lint_files(options.files)
            : config::lint(settings_without_secrets(require_config(options.config)).catalogue);
    options.json ? print_json(report) : print(report);
    if (!report.findings.empty()) {
        throw command_error(exit_status::refused, "");
    }
}

}  // namespace

void add_policy_lint(CLI::App& family)
{
    auto options = std::make_shared<lint_options>();
    CLI::App* command = family.add_subcommand(
        "lint", "Finds what loads, but cannot have been meant: dead rules, unknown scopes ...");
    add_config_option(*command, options->config);
    command
        ->add_option("FILE", options->files, "Provider files (default: those of the configuration)")
        ->type_name("FILE");
    add_json_option(*command, options->json);
    command->footer("Prints file:line:column: level: message. Exits 1 where it found something.");
    command->callback([options] { lint(*options); });
}

}  // namespace sallyport::cli
