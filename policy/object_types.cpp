#include "policy/object_types.hpp"

#include <algorithm>
#include <stdexcept>

namespace sallyport::policy {
namespace {

constexpr std::size_t types_max = 63;

bool fits_name(std::string_view pattern, std::string_view name) noexcept
{
    return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1))
                                  : name == pattern;
}

}  // namespace

object_types::object_types(const object_scopes& facts) : facts_(facts)
{
    if (facts.types.size() > types_max) {
        throw std::invalid_argument("too many types of object");
    }
    for (std::size_t i = 0; i < facts.types.size(); ++i) {
        const std::uint64_t bit = std::uint64_t{1} << i;
        for (const std::string_view value : facts.types[i].values) {
            if (value.ends_with('*')) {
                value_beginnings_.emplace_back(value.substr(0, value.size() - 1), bit);
            } else if (!values_.try_emplace(value, bit).second) {
                throw std::invalid_argument("two types of object list " + std::string(value));
            }
        }
    }
}

std::uint64_t object_types::of_value(std::string_view segment) const noexcept
{
    if (const auto known = values_.find(segment); known != values_.end()) {
        return known->second;
    }
    for (const auto& [beginning, bit] : value_beginnings_) {
        if (segment.starts_with(beginning)) {
            return bit;
        }
    }
    return 0;
}

std::uint64_t object_types::of_scopes(const std::vector<std::string>& scopes) const
{
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < facts_.types.size(); ++i) {
        for (const std::string& pattern : facts_.types[i].scopes) {
            const bool named =
                std::any_of(scopes.begin(), scopes.end(),
                            [&](const std::string& scope) { return fits_name(pattern, scope); });
            bits |= named ? std::uint64_t{1} << i : 0;
        }
    }
    return bits;
}

std::vector<std::uint8_t> object_types::positions(const rule& rule) const
{
    std::vector<std::uint8_t> found;
    bool open = false;
    std::uint8_t position = 0;
    for (std::string_view rest = std::string_view(rule.path).substr(1);; ++position) {
        const std::string_view segment = rest.substr(0, rest.find('/'));
        for (const std::string& name : facts_.placeholders) {
            if (segment == "{" + name + "}") {
                if (open) {
                    throw std::invalid_argument(rule.source + ": {+x} before {" + name + "}");
                }
                found.push_back(position);
            }
        }
        open |= segment.starts_with("{+");
        if (segment.size() == rest.size()) {
            return found;
        }
        rest.remove_prefix(segment.size() + 1);
    }
}

bool object_types::is_untold(const rule& rule) const
{
    const std::string_view operation = rule.operation;
    const std::string_view as_listed = operation.substr(operation.find(' ') + 1);
    return std::any_of(facts_.untold.begin(), facts_.untold.end(), [&](const std::string& path) {
        return path == rule.path || path == as_listed;
    });
}

}  // namespace sallyport::policy
