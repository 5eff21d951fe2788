// A request's target taken apart, and the route of a table that it names.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/routes.hpp"

namespace sallyport::control {

struct target_parts {
    std::vector<std::string> segments;                         // decoded
    std::vector<std::pair<std::string, std::string>> queries;  // decoded, names unique
};

// Nullopt for what is not the origin form of RFC 9112, or names a query parameter twice.
std::optional<target_parts> parse_target(std::string_view target);

struct route_match {
    const route* found = nullptr;
    std::vector<std::string> named;  // what the route's {x} stood for
    std::string allow;               // the methods that the path has; empty: there is no such path
};

// Of the public listener's routes, or of the control listener's.
route_match find_route(std::span<const route> table, std::string_view method,
                       const std::vector<std::string>& segments, bool from_outside);

answer wrong_method(std::string allow);

}  // namespace sallyport::control
