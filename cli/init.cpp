#include "config/init.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <memory>

#include "cli/command.hpp"

namespace sallyport::cli {
namespace {

struct init_options {
    std::string directory;
    bool json = false;
};

void print_created(const config::created_setup& made)
{
    const std::string config = made.directory + "/sallyport.yaml";
    std::size_t providers = 0;
    for (const std::string& file : made.files) {
        providers += file.starts_with("catalogue/") && file.ends_with(".yaml") ? 1U : 0U;
    }
    std::cout << "made " << made.directory << ", for its owner alone:\n"
              << "  sallyport.yaml  the configuration, every key explained\n"
              << "  master.key      seals the vault; keep a copy apart from it\n"
              << "  control.token   for the commands that talk to the gate\n"
              << "  run-token.key   signs run tokens\n"
              << "  catalogue/      " << providers << " provider files\n\n"
              << "next: sallyport serve --config " << config << '\n';
}

void init(const init_options& options)
{
    const config::created_setup made = config::create_setup(options.directory);
    if (!made.failure.empty()) {
        throw command_error(exit_status::refused, made.failure);
    }
    if (!options.json) {
        print_created(made);
        return;
    }
    boost::json::array files(made.files.begin(), made.files.end());
    std::cout << boost::json::serialize(
                     boost::json::object{{"directory", made.directory}, {"files", files}})
              << '\n';
}

}  // namespace

void add_init_command(CLI::App& app)
{
    auto options = std::make_shared<init_options>();
    CLI::App* command =
        app.add_subcommand("init", "Writes a working set-up into an empty directory");
    command->add_option("DIR", options->directory, "Empty, or not there yet")->required();
    add_json_option(*command, options->json);
    command->callback([options] { init(*options); });
}

}  // namespace sallyport::cli
