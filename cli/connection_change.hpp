// `connection add` and `connection update`: what carries a secret to the gate.
#pragma once

#include <CLI/App.hpp>

#include <chrono>
#include <string>

namespace sallyport::cli {

inline const std::string connections_path = "/api/connect/connections";

std::string connection_path(const std::string& id);

void add_connection_add(CLI::App& family);
void add_connection_update(CLI::App& family);

// How long another gate of the fleet may go on using a revoked connection: nothing where the store
// is embedded, as its gate has answered; else vault.lease. Where there is no configuration to ask,
// the longest lease there can be.
std::chrono::milliseconds fleet_lease(const std::string& config);

}  // namespace sallyport::cli
