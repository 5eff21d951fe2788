// Reads a table of scope rules, `METHOD <TAB> TEMPLATE <TAB> SCOPES`, one call a line.
//
// `|` separates alternatives, `+` joins scopes that are needed together, `-` asks for none. Lines
// that start with '#' are remarks, save `# base: URL`, whose path stands before every template and
// whose host the rows cover; a host that the provider does not have stands for the base URL's, so
// that a table also serves another installation of the same API. Further bases for some templates
// may follow: `# base: URL; URL for: TEMPLATE TEMPLATE; ...`. A `{x}}` in a template is read as
// {x}.
//
// Providers that name the same file have its rows in common, as long as they read them alike.
//
// Limits: table_bytes_max, table_rows_max.
#pragma once

#include "config/problem.hpp"
#include "policy/provider.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sallyport::config {

constexpr std::size_t table_bytes_max = 16 << 20;
constexpr std::size_t table_rows_max = 50'000;

// What the provider's file says about the classes of rows.
struct row_classes {
    std::vector<std::string> read_over_post;  // "POST /path/**"
    std::vector<std::pair<policy::operation_class, std::string>>
        named;  // path patterns, any method
};

// Whether `path` (a template) fits a pattern, in which `**` is any number of segments and {x} one.
bool fits_pattern(std::string_view pattern, std::string_view path);

// The tables of a catalogue that is being read. Not thread-safe.
class table_store {
public:
    // The rows of a file; problems name the line and column of the table.
    policy::shared_list<policy::rule> read(const std::string& file,
                                           const policy::provider_facts& facts,
                                           const row_classes& classes, problems& found);

private:
    std::map<std::string, policy::shared_list<policy::rule>> sound_;
};

}  // namespace sallyport::config
