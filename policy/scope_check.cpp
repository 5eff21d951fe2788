#include "policy/scope_check.hpp"

#include <algorithm>

namespace sallyport::policy {
namespace {

constexpr std::uint64_t any_type = static_cast<std::uint64_t>(-1);

}  // namespace

scope_check::scope_check(const rule_book& book, const rule_book::place& place, const grant& grant,
                         const request_path& path) noexcept
    : book_(book),
      place_(place),
      grant_(grant),
      path_(path.segments()),
      needs_(place.in->index->needs_of(place.at))
{
}

bool scope_check::covers(const alternative& of, bool narrowed) const noexcept
{
    const auto numbers = place_.in->index->numbers(of);
    return std::all_of(numbers.begin(), numbers.end(), [&](std::uint32_t number) {
        const std::uint32_t bit = place_.in->bits[number];
        return grant_.granted->has(bit) && (!narrowed || !grant_.run || grant_.run->has(bit));
    });
}

std::size_t scope_check::first_covered(std::uint64_t types) const noexcept
{
    const auto& all = needs_.alternatives;
    const auto found = std::find_if(all.begin(), all.end(), [&](const alternative& each) {
        return (types == any_type || (each.types & types) != 0) && covers(each, true);
    });
    return found == all.end() ? unsatisfied : static_cast<std::size_t>(found - all.begin());
}

bool scope_check::narrowed_below_grant(const alternative& of) const noexcept
{
    return covers(of, false) && !covers(of, true);
}

// The type of object that a segment names; 0 where no alternative is for it.
std::uint64_t scope_check::types_at(std::uint8_t selector) const noexcept
{
    const std::uint64_t type = book_.objects().of_value(path_[selector]);
    const auto& all = needs_.alternatives;
    const bool known = std::any_of(
        all.begin(), all.end(), [&](const alternative& each) { return (each.types & type) != 0; });
    return known ? type : 0;
}

std::size_t scope_check::satisfied_at(std::uint8_t selector) const noexcept
{
    if (const std::uint64_t type = types_at(selector)) {
        return first_covered(type);
    }
    const auto& all = needs_.alternatives;
    return std::all_of(all.begin(), all.end(),
                       [&](const alternative& each) { return covers(each, true); })
               ? 0
               : unsatisfied;
}

std::size_t scope_check::satisfied() const noexcept
{
    const auto& all = needs_.alternatives;
    if (needs_.selectors.empty()) {
        const bool widens =
            needs_.untold && std::any_of(all.begin(), all.end(), [&](const alternative& each) {
                return narrowed_below_grant(each);
            });
        return widens ? unsatisfied : first_covered(any_type);
    }
    std::size_t first = unsatisfied;
    for (const std::uint8_t selector : needs_.selectors) {
        const std::size_t found = satisfied_at(selector);
        if (found == unsatisfied) {
            return unsatisfied;
        }
        first = first == unsatisfied ? found : first;
    }
    return first;
}

std::vector<std::vector<std::string>> scope_check::missing() const
{
    std::uint64_t types = any_type;
    for (const std::uint8_t selector : needs_.selectors) {
        if (satisfied_at(selector) == unsatisfied) {
            types = types_at(selector);
            break;
        }
    }
    if (types == 0) {
        return {lacking_of_all([](const alternative&) { return true; })};
    }
    if (needs_.untold && first_covered(any_type) != unsatisfied) {
        return {
            lacking_of_all([&](const alternative& each) { return narrowed_below_grant(each); })};
    }
    std::vector<std::vector<std::string>> all;
    for (std::size_t i = 0; i < needs_.alternatives.size(); ++i) {
        if (types == any_type || (needs_.alternatives[i].types & types) != 0) {
            all.push_back(lacking(i));
        }
    }
    return all;
}

std::vector<std::string> scope_check::lacking(std::size_t index) const
{
    std::vector<std::string> names;
    for (const std::uint32_t number : place_.in->index->numbers(needs_.alternatives[index])) {
        const std::uint32_t bit = place_.in->bits[number];
        if (!grant_.granted->has(bit) || (grant_.run && !grant_.run->has(bit))) {
            names.emplace_back(place_.in->index->scopes()[number]);
        }
    }
    return names;
}

template <class Predicate>
std::vector<std::string> scope_check::lacking_of_all(Predicate&& concerns) const
{
    std::vector<std::string> names;
    for (std::size_t i = 0; i < needs_.alternatives.size(); ++i) {
        for (std::string& name :
             concerns(needs_.alternatives[i]) ? lacking(i) : std::vector<std::string>()) {
            if (std::find(names.begin(), names.end(), name) == names.end()) {
                names.push_back(std::move(name));
            }
        }
    }
    return names;
}

}  // namespace sallyport::policy
