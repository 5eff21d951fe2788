#include "cli/command.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>

namespace sallyport::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view config_name = "sallyport.yaml";
constexpr std::string_view unix_prefix = "unix:";

std::string environment(const char* name)
{
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

bool is_file(const fs::path& path)
{
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

}  // namespace

void add_commands(CLI::App& app)
{
    app.name("sallyport");
    app.description("The gate through which sandboxed Apps call other companies' APIs.");
    app.set_version_flag("--version", std::string("sallyport ") + SALLYPORT_VERSION);
    app.require_subcommand(1);
    add_init_command(app);
    add_check_command(app);
    add_provider_commands(app);
    add_connection_commands(app);
    add_run_commands(app);
    add_key_commands(app);
    add_vault_commands(app);
    add_policy_commands(app);
    add_audit_commands(app);
    add_completion_command(app);
}

CLI::App* add_family(CLI::App& app, const std::string& name, const std::string& description)
{
    CLI::App* family = app.add_subcommand(name, description);
    family->require_subcommand(1);
    return family;
}

int run_command_line(CLI::App& app, int argc, const char* const* argv, const exit_status& status)
{
    exit_status end = exit_status::done;
    try {
        app.parse(argc, argv);
        end = status;
    } catch (const CLI::ParseError& error) {
        // Zero for --help and --version, which arrive as errors, too.
        end = app.exit(error) == 0 ? exit_status::done : exit_status::misused;
    } catch (const command_error& error) {
        if (*error.what() != '\0') {
            std::cerr << "sallyport: " << error.what() << '\n';
        }
        end = error.status();
    } catch (const std::exception& error) {
        std::cerr << "sallyport: " << error.what() << '\n';
        end = exit_status::refused;
    }
    std::cout.flush();
    if (!std::cout && end == exit_status::done) {
        std::cerr << "sallyport: the output could not be written\n";
        end = exit_status::refused;
    }
    return static_cast<int>(end);
}

void add_config_option(CLI::App& command, std::string& target)
{
    command
        .add_option("--config", target,
                    "The configuration (default: $SALLYPORT_CONFIG, else ./sallyport.yaml)")
        ->type_name("FILE");
}

std::string find_config(const std::string& given)
{
    if (!given.empty()) {
        return given;
    }
    if (std::string named = environment("SALLYPORT_CONFIG"); !named.empty()) {
        return named;
    }
    if (is_file(config_name)) {
        return std::string(config_name);
    }
    const std::string control = environment("SALLYPORT_CONTROL");
    if (control.starts_with(unix_prefix)) {
        const fs::path beside =
            fs::path(control.substr(unix_prefix.size())).parent_path() / config_name;
        if (is_file(beside)) {
            return beside.string();
        }
    }
    return "";
}

std::string require_config(const std::string& given)
{
    std::string found = find_config(given);
    if (found.empty()) {
        throw command_error(exit_status::misused,
                            "there is no sallyport.yaml here: say which with --config");
    }
    return found;
}

void add_json_option(CLI::App& command, bool& target)
{
    command.add_flag("--json", target, "Print JSON");
}

void print_problems(const config::problems& problems, std::ostream& out)
{
    for (const config::problem& problem : problems) {
        out << problem.text() << '\n';
    }
}

config::settings settings_without_secrets(const std::string& file)
{
    config::loaded_settings loaded = config::load_settings(file);
    // Where the file was read at all, whatever else is wrong with it, it has a node's name.
    if (loaded.settings.node.empty()) {
        print_problems(loaded.problems, std::cerr);
        throw command_error(exit_status::misused, "");
    }
    return std::move(loaded.settings);
}

std::vector<std::string> split_at_commas(std::string_view text)
{
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        if (comma != 0) {
            parts.emplace_back(text.substr(0, comma));
        }
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    return parts;
}

}  // namespace sallyport::cli
