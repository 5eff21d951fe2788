#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "config/catalogue.hpp"

namespace sallyport::cli {
namespace {

struct check_options {
    std::string config;
    bool json = false;
};

void print_json(const config::problems& problems)
{
    boost::json::array items;
    for (const config::problem& problem : problems) {
        items.push_back(boost::json::object{{"file", problem.file},
                                            {"line", problem.line},
                                            {"column", problem.column},
                                            {"message", problem.message}});
    }
    std::cout << boost::json::serialize(items) << '\n';
}

void check(const check_options& options)
{
    const std::string file = require_config(options.config);
    config::loaded_settings loaded = config::load_settings(file);
    const config::loaded_catalogue read = config::load_catalogue(loaded.settings.catalogue);
    config::problems problems = std::move(loaded.problems);
    problems.insert(problems.end(), read.problems.begin(), read.problems.end());
    if (options.json) {
        print_json(problems);
    } else {
        print_problems(problems, std::cout);
    }
    if (!problems.empty()) {
        throw command_error(
            exit_status::misused,
            std::to_string(problems.size()) + (problems.size() == 1 ? " problem" : " problems"));
    }
    if (!options.json) {
        std::cout << file << " and its " << read.catalogue->all().size()
                  << " providers have no problems\n";
    }
}

}  // namespace

void add_check_command(CLI::App& app)
{
    auto options = std::make_shared<check_options>();
    CLI::App* command = app.add_subcommand(
        "check", "Names everything that is wrong with configuration and catalogue; starts nothing");
    add_config_option(*command, options->config);
    add_json_option(*command, options->json);
    command->callback([options] { check(*options); });
}

}  // namespace sallyport::cli
