// What Apps need of a user's connections, and whether it is there (CONTRACT.md 9). Pure.
#pragma once

#include <boost/json/array.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "control/json.hpp"
#include "policy/provider.hpp"
#include "vault/connection.hpp"

namespace sallyport::control {

constexpr std::size_t requirements_max = 256;

struct requirement {
    bool is_category = false;  // otherwise one specific provider
    std::string id;
    bool is_required = true;
};

struct requirement_report {
    bool is_satisfied = true;  // every required one is
    boost::json::array records;
};

// Reads a list of requirements: strings and objects, merged by type and id, required if any says
// so. Absent: none.
std::vector<requirement> read_requirements(member_reader& members, std::string_view name,
                                           complaints& wrong);

// `connections` are the workspace's: only active ones count, the user's own or shared.
requirement_report report_on(const std::vector<requirement>& wanted,
                             const policy::catalogue& catalogue,
                             const std::vector<vault::connection>& connections,
                             std::string_view user);

// The records of the report that are required and not satisfied.
boost::json::array missing_of(const requirement_report& report);

// A category's id: its name in lower case with '_' for spaces.
std::string category_id(std::string_view name);

}  // namespace sallyport::control
