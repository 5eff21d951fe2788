// Finds the most specific rule for a path: a trie over template segments in flat arrays.
//
// All rules are ranked once, when the trie is built: by the kinds of their segments from the left,
// then by their order. The best rule for a call is then the matching one of the lowest rank, and
// the search may leave out every subtree that holds nothing better than what it has found.
//
// Immutable, so any number of threads may search at once. A search does not allocate, and it
// cannot be made to backtrack: below one {+x} a node is reached once for each segment of the path
// (see rule_trie.cpp), so its cost is bounded by segments times nodes below {+x}, in practice a
// handful of look-ups.
#pragma once

#include "policy/path_template.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::policy {

// A {+x} that follows another one in the same template costs a bit of a search's stack.
constexpr std::size_t nested_placeholders_max = 1024;

class rule_trie {
public:
    struct entry {
        const path_template* path = nullptr;  // Only read by the constructor.
        std::uint64_t methods = 0;            // Bits of the methods it covers,
        std::uint64_t hosts = 0;              // and of the hosts.
    };

    static constexpr std::uint32_t none = static_cast<std::uint32_t>(-1);

    // `fold`: compare without case. Among equally specific entries the earlier one wins. Throws
    // std::invalid_argument beyond nested_placeholders_max.
    rule_trie(const std::vector<entry>& entries, bool fold);

    // The index of the deciding entry, or none. An entry matches if it shares a bit with `methods`
    // and one with `hosts`. At most path_segments_max segments.
    std::uint32_t find(std::span<const std::string_view> segments, std::uint64_t methods,
                       std::uint64_t hosts) const noexcept;

private:
    struct node {
        std::uint32_t best_rank = none;                // of all rules at or below it
        std::uint32_t one = none;                      // child for {x}
        std::uint32_t somes_begin = 0, somes_end = 0;  // {+x}, with or without a text at the end
        std::uint32_t partials_begin = 0, partials_end = 0;
        std::uint32_t ends_begin = 0, ends_end = 0;    // rules whose template ends here
        std::uint32_t rests_begin = 0, rests_end = 0;  // and those that go on with **
    };
    struct literal_edge {  // A slot of the hash table.
        std::uint32_t parent = none;
        std::uint32_t hash = 0;
        std::uint32_t text_begin = 0;
        std::uint32_t text_size = 0;
        std::uint32_t child = none;
    };
    struct partial_edge {
        std::vector<std::string> texts;
        std::uint32_t child = none;
    };
    struct some_edge {
        std::string until;  // Empty: a bare {+x}.
        std::uint32_t child = none;
        std::uint32_t nested = none;  // Its number, if it stands below another {+x}.
    };
    struct terminal {
        std::uint64_t methods = 0;
        std::uint64_t hosts = 0;
        std::uint32_t rank = none;
    };
    struct search;
    class builder;

    std::uint32_t literal_child(std::uint32_t parent, std::uint32_t hash,
                                std::string_view segment) const noexcept;
    void try_terminals(search& state, std::uint32_t begin, std::uint32_t end) const noexcept;
    void visit(search& state, std::uint32_t at, std::size_t position) const noexcept;
    void visit_some(search& state, const some_edge& edge, std::size_t position) const noexcept;

    bool fold_;
    std::vector<node> nodes_;
    std::vector<literal_edge> literals_;  // Open addressing; a power of two.
    std::string texts_;
    std::vector<partial_edge> partials_;
    std::vector<some_edge> somes_;
    std::vector<terminal> terminals_;
    std::vector<std::uint32_t> entry_of_rank_;
};

}  // namespace sallyport::policy
