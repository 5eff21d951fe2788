// An App's manifest (CONTRACT.md 9), as far as a run is made of it.
#pragma once

#include <boost/json/array.hpp>

#include <map>
#include <string>
#include <vector>

namespace sallyport::cli {

using scopes_by_provider = std::map<std::string, std::vector<std::string>>;

struct manifest {
    // What the `tools` need, per connector, each scope once and in order. A tool without scopes
    // still names its connector.
    scopes_by_provider scopes;
    std::map<std::string, std::string> places;  // where each connector stands: "app.yaml:3:18"
    // `connects` of the App, of its `stages` and of its `skills`, one after the other.
    boost::json::array connects;
};

// Whatever else the manifest holds is not ours. Prints problems and throws command_error where what
// is ours cannot be read.
manifest read_manifest(const std::string& file);

}  // namespace sallyport::cli
