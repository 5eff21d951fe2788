#include "policy/rule_trie.hpp"

#include "base/text.hpp"
#include "policy/path.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <bitset>
#include <numeric>
#include <stdexcept>
#include <unordered_map>

namespace sallyport::policy {
namespace {

std::uint32_t hash_text(std::string_view text, bool fold) noexcept
{
    // FNV-1a: the texts are short and the table is not the caller's.
    std::uint32_t hash = 2166136261u;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(fold ? to_lower(c) : c)) * 16777619u;
    }
    return hash;
}

std::size_t slot_of(std::uint32_t parent, std::uint32_t hash) noexcept
{
    const std::uint64_t mixed = (std::uint64_t{parent} << 32 | hash) * 0x9e3779b97f4a7c15u;
    return static_cast<std::size_t>(mixed >> 32);
}

bool more_specific(const path_template& a, const path_template& b) noexcept
{
    for (std::size_t i = 0; i < a.size() || i < b.size(); ++i) {
        const segment_kind left = i < a.size() ? a[i].kind : segment_kind::end;
        const segment_kind right = i < b.size() ? b[i].kind : segment_kind::end;
        if (left != right) {
            return left < right;
        }
    }
    return false;
}

std::vector<std::uint32_t> by_specificity(const std::vector<rule_trie::entry>& entries)
{
    std::vector<std::uint32_t> order(entries.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return more_specific(*entries[a].path, *entries[b].path);
    });
    return order;
}

}  // namespace

// Grows the trie with vectors and a map, then packs it.
class rule_trie::builder {
public:
    builder(rule_trie& trie, bool fold) : trie_(trie), fold_(fold) { nodes_.emplace_back(); }

    // In the order of rank, so that the first rule below a node is its best.
    void add(const entry& added, std::uint32_t rank)
    {
        std::uint32_t at = 0;
        nodes_[at].best_rank = std::min(nodes_[at].best_rank, rank);
        for (const template_segment& segment : *added.path) {
            if (segment.kind == segment_kind::rest) {
                nodes_[at].rests.push_back({added.methods, added.hosts, rank});
                return;
            }
            at = child(at, segment);
            nodes_[at].best_rank = std::min(nodes_[at].best_rank, rank);
        }
        nodes_[at].ends.push_back({added.methods, added.hosts, rank});
    }

    void pack()
    {
        if (nested_ > nested_placeholders_max) {
            throw std::invalid_argument("too many rules with more than one {+x}");
        }
        for (growing_node& from : nodes_) {
            node& to = trie_.nodes_.emplace_back();
            to.best_rank = from.best_rank;
            to.one = from.one;
            append(trie_.somes_, from.somes, to.somes_begin, to.somes_end);
            append(trie_.partials_, from.partials, to.partials_begin, to.partials_end);
            append(trie_.terminals_, from.ends, to.ends_begin, to.ends_end);
            append(trie_.terminals_, from.rests, to.rests_begin, to.rests_end);
        }
        trie_.literals_.resize(std::bit_ceil(literals_.size() * 2 + 1));
        const std::size_t mask = trie_.literals_.size() - 1;
        for (const literal_edge& edge : literals_) {
            std::size_t slot = slot_of(edge.parent, edge.hash) & mask;
            while (trie_.literals_[slot].child != none) {
                slot = (slot + 1) & mask;
            }
            trie_.literals_[slot] = edge;
        }
        trie_.nodes_.shrink_to_fit();
        trie_.partials_.shrink_to_fit();
        trie_.somes_.shrink_to_fit();
        trie_.terminals_.shrink_to_fit();
        trie_.texts_.shrink_to_fit();
    }

private:
    struct growing_node {
        std::uint32_t best_rank = none, one = none;
        bool below_some = false;
        std::vector<partial_edge> partials;
        std::vector<some_edge> somes;
        std::vector<terminal> ends, rests;
    };

    template <class T>
    static void append(std::vector<T>& all, std::vector<T>& some, std::uint32_t& begin,
                       std::uint32_t& end)
    {
        begin = static_cast<std::uint32_t>(all.size());
        std::move(some.begin(), some.end(), std::back_inserter(all));
        end = static_cast<std::uint32_t>(all.size());
    }

    std::uint32_t add_node(std::uint32_t parent, bool below_some)
    {
        growing_node& added = nodes_.emplace_back();
        added.below_some = below_some || nodes_[parent].below_some;
        return static_cast<std::uint32_t>(nodes_.size() - 1);
    }

    std::uint32_t child(std::uint32_t at, const template_segment& segment)
    {
        switch (segment.kind) {
            case segment_kind::literal:
                return literal(at, fold_ ? lower(segment.texts[0]) : segment.texts[0]);
            case segment_kind::partly_literal: return partial(at, segment.texts);
            case segment_kind::one:
                if (nodes_[at].one == none) {
                    const std::uint32_t added = add_node(at, false);
                    nodes_[at].one = added;
                }
                return nodes_[at].one;
            case segment_kind::some_until: return some(at, segment.texts[0]);
            default: return some(at, {});
        }
    }

    std::uint32_t some(std::uint32_t at, std::string until)
    {
        until = fold_ ? lower(until) : until;
        for (const some_edge& edge : nodes_[at].somes) {
            if (edge.until == until) {
                return edge.child;
            }
        }
        const std::uint32_t added = add_node(at, true);
        const std::uint32_t nested = nodes_[at].below_some ? nested_++ : none;
        nodes_[at].somes.push_back({std::move(until), added, nested});
        return added;
    }

    std::uint32_t literal(std::uint32_t at, const std::string& text)
    {
        const auto [known, is_new] = children_.try_emplace(
            std::to_string(at) + "/" + text, static_cast<std::uint32_t>(nodes_.size()));
        if (is_new) {
            const auto [place, is_new_text] =
                texts_.try_emplace(text, static_cast<std::uint32_t>(trie_.texts_.size()));
            if (is_new_text) {
                trie_.texts_ += text;
            }
            literals_.push_back({at, hash_text(text, false), place->second,
                                 static_cast<std::uint32_t>(text.size()), add_node(at, false)});
        }
        return known->second;
    }

    std::uint32_t partial(std::uint32_t at, std::vector<std::string> texts)
    {
        for (std::string& text : texts) {
            text = fold_ ? lower(text) : text;
        }
        for (const partial_edge& edge : nodes_[at].partials) {
            if (edge.texts == texts) {
                return edge.child;
            }
        }
        const std::uint32_t added = add_node(at, false);
        nodes_[at].partials.push_back({std::move(texts), added});
        return added;
    }

    rule_trie& trie_;
    bool fold_;
    std::vector<growing_node> nodes_;
    std::vector<literal_edge> literals_;
    std::unordered_map<std::string, std::uint32_t> children_;
    std::unordered_map<std::string, std::uint32_t> texts_;
    std::uint32_t nested_ = 0;
};

struct rule_trie::search {
    std::span<const std::string_view> segments;
    std::uint64_t methods = 0;
    std::uint64_t hosts = 0;
    std::uint32_t best_rank = none;
    std::array<std::uint32_t, path_segments_max> hashes;  // Of the first `hashed` segments.
    std::size_t hashed = 0;
    std::bitset<nested_placeholders_max> expanded;
};

rule_trie::rule_trie(const std::vector<entry>& entries, bool fold)
    : fold_(fold), entry_of_rank_(by_specificity(entries))
{
    builder building(*this, fold);
    for (std::uint32_t rank = 0; rank < entry_of_rank_.size(); ++rank) {
        building.add(entries[entry_of_rank_[rank]], rank);
    }
    building.pack();
}

std::uint32_t rule_trie::find(std::span<const std::string_view> segments, std::uint64_t methods,
                              std::uint64_t hosts) const noexcept
{
    if (segments.size() > path_segments_max) {
        return none;
    }
    search searching;
    searching.segments = segments;
    searching.methods = methods;
    searching.hosts = hosts;
    visit(searching, 0, 0);
    return searching.best_rank == none ? none : entry_of_rank_[searching.best_rank];
}

std::uint32_t rule_trie::literal_child(std::uint32_t parent, std::uint32_t hash,
                                       std::string_view segment) const noexcept
{
    const std::size_t mask = literals_.size() - 1;
    for (std::size_t slot = slot_of(parent, hash) & mask;; slot = (slot + 1) & mask) {
        const literal_edge& edge = literals_[slot];
        if (edge.child == none) {
            return none;
        }
        if (edge.parent == parent && edge.hash == hash && edge.text_size == segment.size()) {
            const auto text = std::string_view(texts_).substr(edge.text_begin, edge.text_size);
            if (fold_ ? equal_ignoring_case(text, segment) : text == segment) {
                return edge.child;
            }
        }
    }
}

void rule_trie::try_terminals(search& state, std::uint32_t begin, std::uint32_t end) const noexcept
{
    for (std::uint32_t i = begin; i < end && terminals_[i].rank < state.best_rank; ++i) {
        if ((terminals_[i].methods & state.methods) != 0 &&
            (terminals_[i].hosts & state.hosts) != 0) {
            state.best_rank = terminals_[i].rank;
        }
    }
}

// From the most specific kind of segment to the least, so that most searches end at once.
void rule_trie::visit(search& state, std::uint32_t at, std::size_t position) const noexcept
{
    const node& here = nodes_[at];
    if (here.best_rank >= state.best_rank) {
        return;
    }
    const auto& segments = state.segments;
    if (position == segments.size()) {
        try_terminals(state, here.ends_begin, here.ends_end);
        try_terminals(state, here.rests_begin, here.rests_end);
        return;
    }
    const std::string_view segment = segments[position];
    while (state.hashed <= position) {  // Most lists of rules end a search after a segment or two.
        state.hashes[state.hashed] = hash_text(segments[state.hashed], fold_);
        ++state.hashed;
    }
    const std::uint32_t literal = literal_child(at, state.hashes[position], segment);
    if (literal != none) {
        visit(state, literal, position + 1);
    }
    for (std::uint32_t i = here.partials_begin; i < here.partials_end; ++i) {
        if (fits(partials_[i].texts, segment, fold_)) {
            visit(state, partials_[i].child, position + 1);
        }
    }
    if (!segment.empty() && here.one != none) {
        visit(state, here.one, position + 1);
    }
    for (std::uint32_t i = here.somes_begin; i < here.somes_end && !segment.empty(); ++i) {
        visit_some(state, somes_[i], position);
    }
    try_terminals(state, here.rests_begin, here.rests_end);
}

// A {+x} below another one is reached at rising positions, and what it covers from the first of
// them includes what it covers from all others. So once is enough, and nothing is done twice.
void rule_trie::visit_some(search& state, const some_edge& edge,
                           std::size_t position) const noexcept
{
    if (edge.nested != none) {
        if (state.expanded[edge.nested]) {
            return;
        }
        state.expanded[edge.nested] = true;
    }
    for (std::size_t end = position + 1; end <= state.segments.size(); ++end) {
        if (fits_end(edge.until, state.segments[end - 1], fold_)) {
            visit(state, edge.child, end);
        }
    }
}

}  // namespace sallyport::policy
