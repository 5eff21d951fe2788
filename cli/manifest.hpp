// An App's manifest (CONTRACT.md 9), as far as a run token is made of it.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace sallyport::cli {

using scopes_by_provider = std::map<std::string, std::vector<std::string>>;

// The scopes that the manifest's `tools` need, per connector, each once and in order. A tool
// without scopes still names its connector. Whatever else the manifest holds is not ours. Prints
// problems and throws command_error where `tools` cannot be read.
scopes_by_provider read_manifest(const std::string& file);

}  // namespace sallyport::cli
