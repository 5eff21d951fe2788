// Reads provider files (CONTRACT.md 5) into a catalogue. The keys of a file are told in
// catalogue_file.hpp, the tables beside it in catalogue_table.hpp.
#pragma once

#include "config/problem.hpp"
#include "policy/provider.hpp"

#include <memory>
#include <string>
#include <vector>

namespace sallyport::config {

struct loaded_catalogue {
    std::shared_ptr<const policy::catalogue> catalogue;  // Of the files that are sound. Never null.
    config::problems problems;                           // Of the others, which were left out.
};

// `directories` are absolute; files `*.yaml` in each, a later directory overrides an earlier one
// by provider id. A broken file takes the place of the earlier one all the same: it may have been
// written to narrow it. Never throws for what a file holds.
loaded_catalogue load_catalogue(const std::vector<std::string>& directories);

}  // namespace sallyport::config
