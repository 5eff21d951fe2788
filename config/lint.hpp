// What is sound to load and still not what its writer can have meant: rules that decide nothing,
// scopes that nobody describes, alternatives that never matter.
//
// Asked of the compiled rules wherever it can be: a rule is unreachable when a call made for it is
// decided by another. Reads files, starts nothing.
#pragma once

#include "config/problem.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sallyport::config {

enum class lint_level : std::uint8_t { warning, error };

struct lint_finding {
    lint_level level = lint_level::warning;
    problem at;
};

struct lint_report {
    std::size_t files = 0;
    std::vector<lint_finding> findings;  // by file, line and column; broken files as errors
};

// The catalogue of `directories`, as load_catalogue takes it. Hosts are compared across all of it.
lint_report lint(const std::vector<std::string>& directories);

// Of the files alone that are named, each with its tables. Their directories are read whole.
lint_report lint_files(const std::vector<std::string>& files);

}  // namespace sallyport::config
