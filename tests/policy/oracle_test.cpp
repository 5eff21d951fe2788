// The trie against a matcher that is too simple to be wrong: every rule is tried on its own by
// plain recursion, and the best of those that match is chosen by comparing segments.
#include "policy/path.hpp"
#include "policy/path_template.hpp"
#include "policy/rule_trie.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace sallyport::policy {
namespace {

using texts = std::vector<std::string_view>;

bool naive_fits(const std::vector<std::string>& literals, std::size_t next, std::string_view text)
{
    if (next == literals.size()) {
        return text.empty();
    }
    const auto after_literal = [&](std::string_view rest) {
        return rest.starts_with(literals[next]) &&
               naive_fits(literals, next + 1, rest.substr(literals[next].size()));
    };
    if (next == 0) {
        return after_literal(text);
    }
    for (std::size_t taken = 1; taken <= text.size(); ++taken) {
        if (after_literal(text.substr(taken))) {
            return true;
        }
    }
    return false;
}

bool naive_matches(const path_template& path, std::size_t at, const texts& segments,
                   std::size_t position)
{
    if (at == path.size()) {
        return position == segments.size();
    }
    if (path[at].kind == segment_kind::rest) {
        return true;
    }
    if (position == segments.size()) {
        return false;
    }
    const std::string_view segment = segments[position];
    switch (path[at].kind) {
        case segment_kind::literal:
            return segment == path[at].texts[0] &&
                   naive_matches(path, at + 1, segments, position + 1);
        case segment_kind::partly_literal:
            return naive_fits(path[at].texts, 0, segment) &&
                   naive_matches(path, at + 1, segments, position + 1);
        case segment_kind::one:
            return !segment.empty() && naive_matches(path, at + 1, segments, position + 1);
        default: break;
    }
    for (std::size_t end = position + 1; end <= segments.size(); ++end) {
        const std::string until = path[at].texts.empty() ? "" : path[at].texts[0];
        if (!segment.empty() && segments[end - 1].size() > until.size() &&
            segments[end - 1].ends_with(until) && naive_matches(path, at + 1, segments, end)) {
            return true;
        }
    }
    return false;
}

bool naive_before(const path_template& a, const path_template& b)
{
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
        const segment_kind left = i < a.size() ? a[i].kind : segment_kind::end;
        const segment_kind right = i < b.size() ? b[i].kind : segment_kind::end;
        if (left != right) {
            return left < right;
        }
    }
    return false;
}

struct world {
    std::vector<path_template> paths;
    std::vector<rule_trie::entry> entries;

    std::uint32_t naive_find(const texts& segments, std::uint64_t methods,
                             std::uint64_t hosts) const
    {
        std::uint32_t best = rule_trie::none;
        for (std::uint32_t i = 0; i < entries.size(); ++i) {
            const bool covered =
                (entries[i].methods & methods) != 0 && (entries[i].hosts & hosts) != 0;
            if (covered && naive_matches(paths[i], 0, segments, 0) &&
                (best == rule_trie::none || naive_before(paths[i], paths[best]))) {
                best = i;
            }
        }
        return best;
    }
};

class dice {
public:
    explicit dice(unsigned seed) : engine_(seed) {}
    std::size_t below(std::size_t limit) { return engine_() % limit; }

    const char* pick(const std::vector<const char*>& choices)
    {
        return choices[below(choices.size())];
    }

private:
    std::minstd_rand engine_;
};

world random_world(dice& dice)
{
    world made;
    const std::size_t rules = 1 + dice.below(25);
    for (std::size_t i = 0; i < rules; ++i) {
        std::string text;
        const std::size_t segments = 1 + dice.below(6);
        for (std::size_t j = 0; j < segments; ++j) {
            text += "/";
            text += dice.pick({"a", "b", "ab", "{x}", "{y}", "{+x}", "{+y}", "{+x}b", "{+x}ab",
                               "a{x}", "{x}b", "{x}a{y}", "{x}{y}"});
        }
        text += dice.pick({"", "", "", "/", "/**"});
        made.paths.push_back(parse_template(text));
    }
    for (const path_template& path : made.paths) {
        made.entries.push_back({&path, 1 + dice.below(3), 1 + dice.below(3)});
    }
    return made;
}

TEST(RuleTrie, AgreesWithANaiveMatcherOnRandomRulesAndPaths)
{
    dice dice(20);
    std::size_t found_some = 0;
    for (int round = 0; round < 1500; ++round) {
        const world made = random_world(dice);
        const rule_trie trie(made.entries, false);
        for (int call = 0; call < 60; ++call) {
            texts segments;
            const std::size_t count = 1 + dice.below(9);
            for (std::size_t i = 0; i < count; ++i) {
                segments.push_back(dice.pick({"a", "b", "ab", "aab", "bb", "c", "cb", ""}));
            }
            const std::uint64_t method = std::uint64_t{1} << dice.below(2);
            const std::uint64_t host = std::uint64_t{1} << dice.below(2);
            const std::uint32_t expected = made.naive_find(segments, method, host);
            ASSERT_EQ(trie.find(segments, method, host), expected) << round << " " << call;
            found_some += expected != rule_trie::none;
        }
    }
    EXPECT_GT(found_some, 10'000u);
}

TEST(RuleTrie, IsEmptyWithoutRules)
{
    const rule_trie trie({}, false);
    EXPECT_EQ(trie.find(texts{"a"}, 1, 1), rule_trie::none);
    EXPECT_EQ(trie.find(texts{}, 1, 1), rule_trie::none);
    EXPECT_EQ(trie.find(texts(path_segments_max + 1, "a"), 1, 1), rule_trie::none);
}

}  // namespace
}  // namespace sallyport::policy
