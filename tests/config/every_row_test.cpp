// Every row of every table that ships, under the kind and variant it is for: each alternative is
// let through, less is not, and where another rule decides it is for a reason that can be seen.
// What is expected comes from the rows as they are written; nothing here asks the compiled form.
#include "policy/path_template.hpp"
#include "tests/config/shipped.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace sallyport::config {
namespace {

using policy::operation_class;
using policy::verdict;
using texts = std::vector<std::string>;

// A path that fits a template. `chosen`: what stands for some placeholders.
std::string path_for(std::string_view path, const std::map<std::string, std::string>& chosen = {})
{
    std::string made;
    for (;;) {
        const std::size_t open = path.find('{');
        made += path.substr(0, open);
        if (open == std::string_view::npos) {
            return made;
        }
        const std::size_t close = path.find('}', open);
        const std::string name(path.substr(open + 1, close - open - 1));
        const auto known = chosen.find(name);
        made += known != chosen.end() ? known->second : name[0] == '+' ? "zz1/zz2" : "zz9";
        path.remove_prefix(close + 1);
    }
}

// The scopes with all that they imply, by name.
std::set<std::string> closure(const policy::provider_facts& facts, const texts& scopes)
{
    std::set<std::string> closed;
    texts open = scopes;
    while (!open.empty()) {
        const std::string scope = open.back();
        open.pop_back();
        const auto implied = facts.scope_implies.find(scope);
        if (closed.insert(scope).second && implied != facts.scope_implies.end()) {
            open.insert(open.end(), implied->second.begin(), implied->second.end());
        }
    }
    return closed;
}

bool satisfies(const policy::provider_facts& facts, const policy::rule& row, const texts& scopes)
{
    const std::set<std::string> closed = closure(facts, scopes);
    return std::any_of(row.scopes.begin(), row.scopes.end(), [&](const texts& alternative) {
        return std::all_of(alternative.begin(), alternative.end(),
                           [&](const std::string& scope) { return closed.contains(scope); });
    });
}

// Less than 0: `a` is more specific, by the words of CONTRACT.md 5.
int compare(const policy::rule& a, const policy::rule& b)
{
    const policy::path_template left = policy::parse_template(a.path);
    const policy::path_template right = policy::parse_template(b.path);
    for (std::size_t i = 0; i < left.size() && i < right.size(); ++i) {
        if (left[i].kind != right[i].kind) {
            return left[i].kind < right[i].kind ? -1 : 1;
        }
    }
    return 0;
}

bool chooses_by_type(const policy::provider_facts& facts, const policy::rule& row)
{
    return row.scopes.size() > 1 &&
           std::any_of(facts.objects.placeholders.begin(), facts.objects.placeholders.end(),
                       [&](const std::string& name) {
                           return row.path.find("{" + name + "}") != std::string::npos;
                       });
}

class row_checker {
public:
    row_checker(const policy::provider& provider, const policy::rule_table& table)
        : provider_(provider), facts_(provider.facts()), table_(table)
    {
    }

    policy::decision decide(const policy::rule& row, const texts& scopes,
                            const std::string& raw) const
    {
        policy::request_path path;
        EXPECT_EQ(path.parse(raw, facts_.paths), policy::path_fault::none) << raw;
        const policy::scope_set granted = provider_.closure(scopes);
        const std::string& host = row.hosts.empty() ? facts_.base.host : row.hosts[0];
        const std::string& kind =
            table_.kinds.empty() ? facts_.credentials[0].kind : table_.kinds[0];
        return provider_.decide({row.methods[0], host, &path},
                                {.kind = kind,
                                 .variant = table_.variant,
                                 .granted = &granted,
                                 .access = operation_class::destructive});
    }

    // False: another rule decides the row's calls.
    bool check(const policy::rule& row, bool every_alternative) const
    {
        const std::string raw = path_for(row.path);
        const policy::decision empty = decide(row, {}, raw);
        if (empty.decided_by != &row) {
            check_shadow(row, empty);
            return false;
        }
        if (chooses_by_type(facts_, row)) {
            return true;  // See check_types.
        }
        bool needs_none = row.scopes.empty();
        for (const texts& alternative : row.scopes) {
            needs_none |= alternative.empty();
            if (every_alternative || &alternative == row.scopes.begin()) {
                EXPECT_EQ(decide(row, alternative, raw).outcome, verdict::allow) << row.source;
                check_partial(row, alternative, raw);
            }
        }
        EXPECT_EQ(empty.outcome, needs_none ? verdict::allow : verdict::scope_missing)
            << row.source;
        if (!needs_none && every_alternative) {
            EXPECT_EQ(decide(row, unrelated_scopes(row), raw).outcome, verdict::scope_missing)
                << row.source;
        }
        return true;
    }

    // On paths that name a type of object, the alternatives for that type and no others.
    // Every sixth type: another row has the next ones.
    void check_types(const policy::rule& row, std::size_t first) const
    {
        for (std::size_t i = first % 6; i < facts_.objects.types.size(); i += 6) {
            const policy::object_type& type = facts_.objects.types[i];
            std::string value = type.values[0];
            if (value.ends_with('*')) {
                value.back() = '7';
            }
            std::map<std::string, std::string> chosen;
            for (const std::string& name : facts_.objects.placeholders) {
                chosen[name] = value;
            }
            const std::string raw = path_for(row.path, chosen);
            if (!serves(row, type) || decide(row, {}, raw).decided_by != &row) {
                continue;  // A row for this very type.
            }
            for (const texts& alternative : row.scopes) {
                const bool allowed = decide(row, alternative, raw).outcome == verdict::allow;
                EXPECT_EQ(allowed, satisfied_for(row, type, alternative))
                    << row.source << " " << raw << " " << alternative[0];
            }
        }
    }

    bool several_types(const policy::rule& row) const
    {
        return std::count_if(facts_.objects.types.begin(), facts_.objects.types.end(),
                             [&](const auto& type) { return serves(row, type); }) > 1;
    }

private:
    static bool names_type(const policy::object_type& type, const std::string& scope)
    {
        return std::any_of(type.scopes.begin(), type.scopes.end(), [&](const std::string& pattern) {
            return pattern.back() == '*'
                       ? scope.compare(0, pattern.size() - 1, pattern, 0, pattern.size() - 1) == 0
                       : scope == pattern;
        });
    }

    static bool is_for(const policy::object_type& type, const texts& alternative)
    {
        return std::any_of(alternative.begin(), alternative.end(),
                           [&](const std::string& scope) { return names_type(type, scope); });
    }

    static bool serves(const policy::rule& row, const policy::object_type& type)
    {
        return std::any_of(row.scopes.begin(), row.scopes.end(),
                           [&](const texts& alternative) { return is_for(type, alternative); });
    }

    // Whether the scopes of one alternative contain another one, which is for the type.
    bool satisfied_for(const policy::rule& row, const policy::object_type& type,
                       const texts& scopes) const
    {
        const std::set<std::string> closed = closure(facts_, scopes);
        return std::any_of(row.scopes.begin(), row.scopes.end(), [&](const texts& other) {
            return std::all_of(other.begin(), other.end(),
                               [&](const std::string& scope) { return closed.contains(scope); }) &&
                   is_for(type, other);
        });
    }

    // What stands before the row must be as specific and earlier, or more specific.
    void check_shadow(const policy::rule& row, const policy::decision& decided) const
    {
        ASSERT_NE(decided.decided_by, nullptr) << row.source;
        const policy::rule& other = *decided.decided_by;
        const int order = compare(other, row);
        const auto& rows = table_.rows;
        const bool is_row = std::any_of(rows.begin(), rows.end(),
                                        [&](const auto& each) { return &each == &other; });
        const bool is_explicit = !is_row;
        EXPECT_TRUE(order < 0 || (order == 0 && (is_explicit || &other < &row)))
            << row.source << " is decided by " << other.source;
        EXPECT_NE(decided.outcome, verdict::tunnel) << row.source;
    }

    // One scope less than an alternative asks for, unless what is left satisfies the row by itself.
    void check_partial(const policy::rule& row, const texts& alternative,
                       const std::string& raw) const
    {
        for (std::size_t i = 0; alternative.size() > 1 && i < alternative.size(); ++i) {
            texts rest = alternative;
            rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
            EXPECT_EQ(decide(row, rest, raw).outcome == verdict::allow,
                      satisfies(facts_, row, rest))
                << row.source;
        }
    }

    // Every described scope that does not help by itself; none where they do together.
    texts unrelated_scopes(const policy::rule& row) const
    {
        texts scopes;
        for (const policy::scope_description& scope : facts_.scopes) {
            if (!satisfies(facts_, row, {scope.id})) {
                scopes.push_back(scope.id);
            }
        }
        return satisfies(facts_, row, scopes) ? texts{} : scopes;
    }

    const policy::provider& provider_;
    const policy::provider_facts& facts_;
    const policy::rule_table& table_;
};

TEST(EveryRow, IsAllowedWithEachAlternativeAndDeniedWithLess)
{
    std::set<const policy::rule*> seen;  // Tables that several providers have in common.
    std::size_t rows = 0;
    std::size_t shadowed = 0;
    for (const auto& provider : shipped().catalogue->all()) {
        for (const policy::rule_table& table : provider->facts().tables) {
            const bool is_new = seen.insert(table.rows.data()).second;
            const row_checker checker(*provider, table);
            for (const policy::rule& row : table.rows) {
                const bool decided = checker.check(row, is_new);
                rows += is_new;
                shadowed += is_new && !decided;
            }
        }
    }
    RecordProperty("rows", static_cast<int>(rows));
    RecordProperty("shadowed", static_cast<int>(shadowed));
    EXPECT_LT(shadowed * 20, rows);
}

TEST(EveryRow, GoesByTheTypeOfObjectWhereThePathNamesIt)
{
    std::size_t rows = 0;
    for (const auto& provider : shipped().catalogue->all()) {
        for (const policy::rule_table& table : provider->facts().tables) {
            const row_checker checker(*provider, table);
            for (const policy::rule& row : table.rows) {
                if (chooses_by_type(provider->facts(), row) && checker.several_types(row)) {
                    checker.check_types(row, rows);
                    ++rows;
                }
            }
        }
    }
    EXPECT_GT(rows, 200u);
}

TEST(EveryRow, IsThereAndOfAProvider)
{
    std::map<std::string, std::size_t> rows;
    for (const auto& provider : shipped().catalogue->all()) {
        for (const policy::rule_table& table : provider->facts().tables) {
            ASSERT_FALSE(table.rows.empty()) << provider->facts().id;
            const std::string& source = table.rows[0].source;
            rows[source.substr(0, source.find(':'))] = table.rows.size();
        }
    }
    std::size_t all = 0;
    for (const auto& [file, count] : rows) {
        all += count;
    }
    // As the tables' list of sources counts them.
    const std::map<std::string, std::size_t> counted = {{"gmail.tsv", 85},
                                                        {"google_drive.tsv", 143},
                                                        {"google_sheets.tsv", 17},
                                                        {"youtube.tsv", 91},
                                                        {"google_docs.tsv", 3},
                                                        {"slack.tsv", 322},
                                                        {"slack_bot.tsv", 169},
                                                        {"slack_user.tsv", 274},
                                                        {"github.tsv", 553},
                                                        {"hubspot.tsv", 2764},
                                                        {"github_fine_grained.tsv", 675},
                                                        {"pipedrive.tsv", 368},
                                                        {"asana.tsv", 247},
                                                        {"dropbox.tsv", 276},
                                                        {"twitter.tsv", 135},
                                                        {"discord.tsv", 242},
                                                        {"microsoft_graph.tsv", 10896},
                                                        {"google_people.tsv", 24},
                                                        {"google_tasks.tsv", 14},
                                                        {"microsoft_graph_personal.tsv", 2512},
                                                        {"google_slides.tsv", 5},
                                                        {"microsoft_graph_application.tsv", 8720},
                                                        {"google_forms.tsv", 10},
                                                        {"google_workspace_admin.tsv", 136}};
    EXPECT_EQ(rows, counted);
    EXPECT_EQ(all, 28'681u);
}

}  // namespace
}  // namespace sallyport::config
