#include "cli/policy_near.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "policy/path_template.hpp"

namespace sallyport::cli {
namespace {

using segments = std::vector<std::string>;

constexpr std::size_t lead_segments_max = 3;  // that may be missing or too much
constexpr std::size_t typing_errors_max = 2;  // in one word
constexpr std::size_t word_bytes_max = 64;

segments split(std::string_view path)
{
    segments parts;
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::size_t size = std::min(path.find('/'), path.size());
        parts.emplace_back(path.substr(0, size));
        path.remove_prefix(size);
    }
    return parts;
}

// How many letters have to be changed, added or left out.
std::size_t distance(std::string_view a, std::string_view b)
{
    if (a.size() > word_bytes_max || b.size() > word_bytes_max) {
        return word_bytes_max;
    }
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t above = row[j + 1];
            row[j + 1] = std::min({row[j] + 1, above + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
            diagonal = above;
        }
    }
    return row.back();
}

// What `path` would have to be for the template, and how far that is from what it is; literals of
// the template take the place of what stands there.
struct guess {
    std::size_t cost = 0;
    std::string path;
};

constexpr std::size_t too_far = 100;

guess fit(const policy::path_template& rule, std::size_t rule_at, const segments& path,
          std::size_t path_at)
{
    guess made;
    if (rule.size() - rule_at != path.size() - path_at) {
        made.cost = too_far;
        return made;
    }
    for (; rule_at < rule.size(); ++rule_at, ++path_at) {
        const policy::template_segment& expected = rule[rule_at];
        const std::string& given = path[path_at];
        const bool is_literal = expected.kind == policy::segment_kind::literal;
        if (is_literal && expected.texts[0] != given) {
            const std::size_t errors = distance(expected.texts[0], given);
            made.cost += errors <= typing_errors_max && errors < given.size() ? errors : too_far;
        } else if (!is_literal && given.empty()) {
            made.cost += too_far;
        } else if (expected.kind == policy::segment_kind::partly_literal &&
                   !policy::fits(expected.texts, given, false)) {
            made.cost += too_far;
        }
        made.path += "/" + (is_literal ? expected.texts[0] : given);
    }
    return made;
}

std::string lead_of(const policy::path_template& rule, std::size_t count)
{
    std::string lead;
    for (std::size_t i = 0; i < count; ++i) {
        lead += "/" + rule[i].texts[0];
    }
    return lead;
}

// The cheapest way to come from the path to the rule.
guess nearest(const policy::path_template& rule, const segments& path)
{
    guess best = fit(rule, 0, path, 0);
    segments other = path;
    other.back().empty() ? other.pop_back() : other.push_back("");
    const auto consider = [&](guess made, std::size_t extra) {
        made.cost += extra;
        if (made.cost < best.cost) {
            best = std::move(made);
        }
    };
    consider(fit(rule, 0, other, 0), 1);
    const std::size_t lead_max = std::min(lead_segments_max, std::min(rule.size(), path.size()));
    for (std::size_t lead = 1; lead <= lead_max; ++lead) {
        if (rule[lead - 1].kind != policy::segment_kind::literal) {
            break;
        }
        guess longer = fit(rule, lead, path, 0);
        longer.path = lead_of(rule, lead) + longer.path;
        consider(std::move(longer), lead);
    }
    for (std::size_t lead = 1; lead <= lead_max && lead < path.size(); ++lead) {
        consider(fit(rule, 0, path, lead), lead);
    }
    return best;
}

}  // namespace

std::vector<std::string> paths_near(const policy::provider_facts& facts, std::string_view path,
                                    std::string_view kind, std::string_view variant)
{
    const segments given = split(path);
    std::set<std::pair<std::size_t, std::string>> found;
    const auto consider = [&](const auto& rules) {
        for (const policy::rule& rule : rules) {
            guess made = nearest(policy::parse_template(rule.path), given);
            if (made.cost < too_far && made.cost != 0) {
                found.emplace(made.cost, std::move(made.path));
            }
        }
    };
    if (given.empty()) {
        return {};
    }
    consider(facts.rules);
    for (const policy::rule_table& table : facts.tables) {
        const bool is_for_kind =
            table.kinds.empty() ||
            std::find(table.kinds.begin(), table.kinds.end(), kind) != table.kinds.end();
        if (is_for_kind && table.variant == variant) {
            consider(table.rows);
        }
    }
    std::vector<std::string> paths;
    for (const auto& [cost, near] : found) {
        const bool is_new = std::find(paths.begin(), paths.end(), near) == paths.end();
        if (is_new && paths.size() < paths_near_max) {
            paths.push_back(near);
        }
    }
    return paths;
}

}  // namespace sallyport::cli
