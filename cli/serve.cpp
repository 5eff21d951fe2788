#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <iostream>

#include "cli/command.hpp"
#include "cli/gate.hpp"
#include "cli/hardening.hpp"
#include "config/settings.hpp"
#include "vault/secure_heap.hpp"

namespace sallyport::cli {

namespace {

void serve(const std::string& given, bool confined)
{
    spdlog::set_default_logger(spdlog::stderr_color_mt("sallyport"));
    if (!harden_process()) {
        spdlog::warn("the process could not be hardened: memory may be read by others of its user");
    }
    if (!vault::secure_heap_is_locked()) {
        spdlog::warn("memory cannot be locked (RLIMIT_MEMLOCK): secrets may be swapped out");
    }
    vault::on_full_secure_heap([] {
        spdlog::warn(
            "the locked memory is full: further secrets live in memory that may be swapped");
    });
    if (!confined) {
        spdlog::warn("running without the system-call filter (--no-seccomp): for debugging only");
    }
    const std::string file = require_config(given);
    config::loaded_settings loaded = config::load_settings(file);
    if (!loaded.problems.empty()) {
        print_problems(loaded.problems, std::cerr);
        throw command_error(exit_status::misused, "");
    }
    try {
        gate running(file, std::move(loaded.settings));
        running.run(confined);
    } catch (const std::runtime_error& failure) {
        throw command_error(exit_status::refused, failure.what());
    }
}

}  // namespace

void add_serve_command(CLI::App& app, exit_status&)
{
    CLI::App* const command = app.add_subcommand("serve", "Run the gate");
    const auto file = std::make_shared<std::string>();
    const auto unconfined = std::make_shared<bool>(false);
    add_config_option(*command, *file);
    command->add_flag("--no-seccomp", *unconfined,
                      "Leave system calls unfiltered, to debug or trace the gate");
    command->footer(
        "Prints a line per listener on stdout once it is ready; logs go to stderr.\n"
        "SIGTERM drains and exits, SIGHUP reloads configuration and catalogue.");
    command->callback([file, unconfined] { serve(*file, !*unconfined); });
}

}  // namespace sallyport::cli
