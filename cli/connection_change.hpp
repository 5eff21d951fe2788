// The commands of `connection` that have more than an id to say, and what they share.
#pragma once

#include <CLI/App.hpp>
#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace sallyport::cli {

inline const std::string connections_path = "/api/connect/connections";

std::string connection_path(const std::string& id);

// NAME=VALUE each. Throws command_error for what is not.
boost::json::object variables_of(const std::vector<std::string>& given);

void add_connection_add(CLI::App& family);
void add_connection_update(CLI::App& family);
void add_connection_authorize(CLI::App& family);
void add_connection_test(CLI::App& family);

}  // namespace sallyport::cli
