// Which type of object a path speaks of, and which scopes are for it: object_scopes, compiled.
//
// Immutable once built; any number of threads may read it at once.
#pragma once

#include "policy/provider.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sallyport::policy {

class object_types {
public:
    // Throws std::invalid_argument beyond 63 types, and for a value that two of them list.
    explicit object_types(const object_scopes& facts);

    // One bit each; 0: no type.
    std::uint64_t of_value(std::string_view segment) const noexcept;
    std::uint64_t of_scopes(const std::vector<std::string>& scopes) const;

    // The segments of a template that stand for a type. Throws std::invalid_argument where a {+x}
    // before one leaves its place open.
    std::vector<std::uint8_t> positions(const rule& rule) const;
    bool is_untold(const rule& rule) const;

private:
    const object_scopes& facts_;
    std::unordered_map<std::string_view, std::uint64_t> values_;
    std::vector<std::pair<std::string_view, std::uint64_t>> value_beginnings_;
};

}  // namespace sallyport::policy
