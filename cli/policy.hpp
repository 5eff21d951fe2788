// The parts of `policy`: each adds its command.
#pragma once

#include <boost/json/array.hpp>

#include "cli/command.hpp"

namespace sallyport::cli {

void add_policy_explain(CLI::App& family);
void add_policy_import(CLI::App& family);
void add_policy_lint(CLI::App& family);

// Of each: file, line, column, message.
boost::json::array problems_json(const config::problems& problems);

}  // namespace sallyport::cli
