// What `audit query`, `stats` and `export` have in common: which lines they are about.
#pragma once

#include <CLI/App.hpp>

#include <map>
#include <string>
#include <vector>

#include "audit/query.hpp"

namespace sallyport::cli {

struct audit_selection {
    std::string directory;
    std::string config;
    std::string since, until;
    std::map<std::string, std::vector<std::string>> members;  // of a line -> what it may be

    void add_to(CLI::App& command);

    // Throws command_error where a time cannot be read or there is no directory.
    audit::query query() const;
    std::string where() const;
};

// Reading may need a file for every writer there was.
void allow_many_files() noexcept;

void add_audit_search_commands(CLI::App& family);
void add_audit_body_command(CLI::App& family);

}  // namespace sallyport::cli
