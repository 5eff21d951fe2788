// What a gate opens at its start, from its settings. Throws std::runtime_error with one clear
// sentence where that cannot be done.
#pragma once

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "audit/ship.hpp"
#include "audit/trail.hpp"
#include "config/settings.hpp"
#include "oauth/client.hpp"
#include "policy/provider.hpp"
#include "proxy/metrics.hpp"
#include "proxy/plan.hpp"

namespace sallyport::cli {

template <class T>
T or_throw(result<T> made, const char* what)
{
    if (!made) {
        throw std::runtime_error(std::string(what) + ": " + made.error().message());
    }
    return std::move(*made);
}

// For co_spawn: what fails ends the gate.
inline void rethrow(std::exception_ptr bug)
{
    if (bug) {
        std::rethrow_exception(bug);
    }
}

// Tells the log what recovery found.
std::unique_ptr<audit::trail> open_trail(const config::settings& settings);

std::unique_ptr<audit::shipper> ship_trail(const config::settings& settings);

// Their secrets live in wiped memory from here on, and nowhere else.
std::shared_ptr<const oauth::clients> take_clients(config::settings& settings);

// Without the files that are wrong: the log is told of them.
std::shared_ptr<const policy::catalogue> load_catalogue(const config::settings& settings);

std::shared_ptr<const proxy::snapshot> make_snapshot(
    std::shared_ptr<const policy::catalogue> catalogue, proxy::provider_register& numbers);

proxy::settings proxy_settings(const config::settings& settings);

}  // namespace sallyport::cli
