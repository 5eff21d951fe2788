#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <thread>

#include "audit/reader.hpp"
#include "audit/verify.hpp"
#include "cli/audit_options.hpp"
#include "cli/command.hpp"

namespace sallyport::cli {

namespace json = boost::json;

namespace {

using namespace std::chrono_literals;

constexpr auto follow_interval = 200ms;

struct tail_options {
    std::string directory;
    std::string config;
    std::size_t lines = 20;
    bool follow = false;
    bool json = false;
};

struct verify_options {
    std::string directory;
    std::string checkpoint;  // a file
    bool json = false;
};

void print_lines(const std::vector<std::string>& lines, const tail_options& options)
{
    const bool people = !options.json && ::isatty(STDOUT_FILENO) == 1;
    for (const std::string& line : lines) {
        std::cout << (people ? audit::human_line(line, true) : line) << '\n';
    }
    std::cout.flush();
}

void tail(const tail_options& options)
{
    const std::string directory =
        options.directory.empty()
            ? settings_without_secrets(require_config(options.config)).audit.directory
            : options.directory;
    audit::tail_reader reader(directory);
    print_lines(reader.read_last(options.lines), options);
    while (options.follow && std::cout) {
        std::this_thread::sleep_for(follow_interval);
        print_lines(reader.read_new(), options);
    }
}

json::object to_json(const audit::verification& proof)
{
    return {{"sound", proof.sound},
            {"first_bad", proof.sound ? json::value(nullptr) : json::value(proof.first_bad)},
            {"lines", proof.lines},
            {"segments", proof.segments},
            {"writers", proof.writers},
            {"bytes", proof.bytes},
            {"checkpoints", proof.checkpoints},
            {"warnings", json::array(proof.warnings.begin(), proof.warnings.end())}};
}

void verify(const verify_options& options)
{
    std::string kept;
    if (!options.checkpoint.empty()) {
        std::ifstream file(options.checkpoint, std::ios::binary);
        kept.assign(std::istreambuf_iterator<char>(file), {});
        if (!file || kept.empty()) {
            throw command_error(exit_status::misused,
                                options.checkpoint + ": no checkpoint can be read from it");
        }
    }
    const audit::verification proof = audit::verify_directory(options.directory, kept);
    for (const std::string& warning : proof.warnings) {
        std::cerr << "warning: " << warning << '\n';
    }
    if (options.json) {
        std::cout << json::serialize(to_json(proof)) << '\n';
    }
    if (!proof.sound) {
        throw command_error(exit_status::refused, proof.first_bad);
    }
    if (!options.json) {
        std::cout << "sound: " << proof.lines << " lines of " << proof.writers << " writers in "
                  << proof.segments << " segments, " << proof.checkpoints << " checkpoints\n";
    }
}

}  // namespace

void add_audit_commands(CLI::App& app)
{
    CLI::App* family = add_family(app, "audit", "The trail of everything that happened");

    auto tail_with = std::make_shared<tail_options>();
    CLI::App* tail_command = family->add_subcommand("tail", "Shows the newest lines");
    tail_command->add_option("DIR", tail_with->directory,
                             "The trail's directory (default: the configuration's)");
    tail_command->add_option("-n,--lines", tail_with->lines, "How many (default: 20)")
        ->check(CLI::Range(std::size_t{0}, audit::tail_reader::last_lines_max));
    tail_command->add_flag("-f,--follow", tail_with->follow, "Go on with what is appended");
    add_config_option(*tail_command, tail_with->config);
    add_json_option(*tail_command, tail_with->json);
    tail_command->footer("For people on a terminal, in colour; as JSON lines anywhere else.");
    tail_command->callback([tail_with] { tail(*tail_with); });

    auto verify_with = std::make_shared<verify_options>();
    CLI::App* verify_command =
        family->add_subcommand("verify", "Proves a trail from its files alone");
    verify_command->add_option("DIR", verify_with->directory, "The trail's directory")->required();
    verify_command->add_option("--checkpoint", verify_with->checkpoint,
                               "Checkpoints of this trail that were kept elsewhere (a file)");
    verify_command->footer(
        "Without --checkpoint it finds every change that the checkpoints in the directory\n"
        "contradict; with it also a directory that was rolled back or rewritten as a whole.\n"
        "The newest ones are at the end of DIR/checkpoints-*.notes: keep a copy elsewhere.");
    add_json_option(*verify_command, verify_with->json);
    verify_command->callback([verify_with] { verify(*verify_with); });

    add_audit_search_commands(*family);
    add_audit_body_command(*family);
}

}  // namespace sallyport::cli
