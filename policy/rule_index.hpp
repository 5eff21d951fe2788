// A list of rules in the form that decisions read: methods and hosts as bits, paths as a trie,
// scopes as numbers. The file's own rules are one list, each table of scope rules another; a table
// that several providers use is compiled once.
//
// Immutable once built; any number of threads may read it at once. Points into the rules, which
// must outlive it.
#pragma once

#include "policy/object_types.hpp"
#include "policy/provider.hpp"
#include "policy/rule_trie.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sallyport::policy {

class rule_index {
public:
    struct options {
        bool fold = false;                      // compare paths without case
        bool rows = false;                      // a GET admits HEAD
        bool every_verb = false;                // the path alone decides
        const object_types* objects = nullptr;  // Only read by the constructor.
    };

    // Throws std::invalid_argument for a bad template, and beyond 63 methods or 62 hosts.
    rule_index(std::span<const rule> rules, const options& how);

    struct call {
        std::span<const std::string_view> path;
        std::string_view method;
        std::string_view host;
        bool base = false;  // The host is one that rules without `hosts` cover.
    };
    static constexpr std::uint32_t none = rule_trie::none;

    // The most specific rule, or none.
    std::uint32_t find(const call& asked) const noexcept;

    // Of the rules that say the same as `at` but for GraphQL: the first one for this request.
    std::uint32_t find_for(std::uint32_t at, const graphql_request& request) const noexcept;

    // Compares as text: what is less is more specific.
    std::string_view shape(std::uint32_t at) const noexcept
    {
        const entry& of = entries_[at];
        return std::string_view(shapes_).substr(of.shape_begin, of.shape_end - of.shape_begin);
    }

    struct alternative {
        std::uint32_t begin = 0, end = 0;  // in scope_numbers()
        std::uint64_t types = 0;           // of object that it is for
    };
    // The rule's alternatives, and the segments of a path whose types of object choose from them.
    struct needs {
        std::span<const alternative> alternatives;
        std::span<const std::uint8_t> selectors;
        bool untold = false;
    };
    needs needs_of(std::uint32_t at) const noexcept;
    std::span<const std::uint32_t> numbers(const alternative& of) const noexcept
    {
        return std::span(numbers_).subspan(of.begin, of.end - of.begin);
    }

    // Names of the scopes, by number.
    const std::vector<std::string_view>& scopes() const noexcept { return scopes_; }

    std::span<const rule> rules() const noexcept { return rules_; }
    const rule& at(std::uint32_t index) const noexcept { return rules_[index]; }
    std::uint32_t index_of(const rule& rule) const noexcept;

private:
    struct entry {
        std::uint32_t alternatives_begin = 0, alternatives_end = 0;
        std::uint32_t selectors_begin = 0, selectors_end = 0;
        std::uint32_t shape_begin = 0, shape_end = 0;
        bool untold = false;
    };
    class compiler;

    std::uint64_t method_bit(std::string_view method) const noexcept;

    std::span<const rule> rules_;
    std::vector<entry> entries_;
    std::vector<alternative> alternatives_;
    std::vector<std::uint32_t> numbers_;
    std::vector<std::uint8_t> selectors_;
    std::string shapes_;  // The kinds of each template's segments: their order is specificity.
    std::vector<std::string_view> scopes_;
    std::vector<std::string_view> methods_;
    std::vector<std::string_view> hosts_;
    std::unique_ptr<const rule_trie> trie_;
};

}  // namespace sallyport::policy
