// `connection add` and `connection update`: what carries a secret to the gate.
#pragma once

#include <CLI/App.hpp>

#include <string>

namespace sallyport::cli {

inline const std::string connections_path = "/api/connect/connections";

std::string connection_path(const std::string& id);

void add_connection_add(CLI::App& family);
void add_connection_update(CLI::App& family);

}  // namespace sallyport::cli
