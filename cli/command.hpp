// What the commands share: how they end, where they find the configuration and the gate, and how
// they say what went wrong.
//
// A command is a function behind a CLI::App callback. It returns when it is done and throws
// command_error otherwise; run_command_line is the one place that turns either into an exit
// status. Single-threaded throughout.
#pragma once

// In this order: App.hpp alone leaves the formatter's virtual functions without a home.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/json/value.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.hpp"
#include "config/settings.hpp"

namespace sallyport::cli {

enum class exit_status : int {
    done = 0,
    refused = 1,  // refused or failed
    misused = 2,  // wrong usage or configuration
};

class command_error : public std::runtime_error {
public:
    // An empty message: everything has been said.
    command_error(exit_status status, const std::string& message)
        : std::runtime_error(message), status_(status)
    {
    }
    exit_status status() const noexcept { return status_; }

private:
    exit_status status_;
};

// Every command but `serve`.
void add_commands(CLI::App& app);

void add_init_command(CLI::App& app);
void add_check_command(CLI::App& app);
void add_provider_commands(CLI::App& app);
void add_connection_commands(CLI::App& app);
void add_run_commands(CLI::App& app);
void add_key_commands(CLI::App& app);
void add_vault_commands(CLI::App& app);
void add_policy_commands(CLI::App& app);
void add_audit_commands(CLI::App& app);
void add_completion_command(CLI::App& app);
void add_serve_command(CLI::App& app, exit_status& status);

// A command that only groups others: one of them must be named.
CLI::App* add_family(CLI::App& app, const std::string& name, const std::string& description);

// Parses, runs the one command that was named, and reports what it threw. `status` is what a
// command without errors ends with.
int run_command_line(CLI::App& app, int argc, const char* const* argv, const exit_status& status);

// --config, whose default is SALLYPORT_CONFIG, else ./sallyport.yaml, else the sallyport.yaml
// beside the socket that SALLYPORT_CONTROL names.
void add_config_option(CLI::App& command, std::string& target);
// The file those rules find; empty: none.
std::string find_config(const std::string& given);
// The same, and throws where there is none.
std::string require_config(const std::string& given);

void add_json_option(CLI::App& command, bool& target);

// Prints each on a line of its own as file:line:column: message.
void print_problems(const config::problems& problems, std::ostream& out);

// For commands that need a part of the configuration and no secret: its catalogue or its trail's
// directory. Throws only where the file cannot be read as YAML at all.
config::settings settings_without_secrets(const std::string& file);

std::vector<std::string> split_at_commas(std::string_view text);

}  // namespace sallyport::cli
