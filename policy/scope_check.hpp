// Whether a grant suffices for a rule, and what it lacks. Part of provider::decide(): a view of its
// arguments, made for one question.
#pragma once

#include "policy/rule_book.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace sallyport::policy {

class scope_check {
public:
    static constexpr std::size_t unsatisfied = decision{}.alternative;

    // All of them must outlive it; `place` has a rule.
    scope_check(const rule_book& book, const rule_book::place& place, const grant& grant,
                const request_path& path) noexcept;

    bool needs_none() const noexcept { return needs_.alternatives.empty(); }

    // The alternative that suffices, the first of them where several types of object each need one.
    std::size_t satisfied() const noexcept;

    // One array of scopes for each alternative that would do.
    std::vector<std::vector<std::string>> missing() const;

private:
    using alternative = rule_index::alternative;

    bool covers(const alternative& of, bool narrowed) const noexcept;
    std::size_t first_covered(std::uint64_t types) const noexcept;
    bool narrowed_below_grant(const alternative& of) const noexcept;
    std::uint64_t types_at(std::uint8_t selector) const noexcept;
    std::size_t satisfied_at(std::uint8_t selector) const noexcept;
    std::vector<std::string> lacking(std::size_t alternative) const;
    template <class Predicate>
    std::vector<std::string> lacking_of_all(Predicate&& concerns) const;

    const rule_book& book_;
    const rule_book::place& place_;
    const grant& grant_;
    std::span<const std::string_view> path_;
    const rule_index::needs needs_;
};

}  // namespace sallyport::policy
