// The provider files that ship with the program: every row of every table, and what they open.
#include "config/catalogue.hpp"
#include "policy/explain.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

namespace sallyport::config {
namespace {

using policy::operation_class;
using policy::verdict;
using texts = std::vector<std::string>;

const loaded_catalogue& shipped()
{
    static const loaded_catalogue loaded =
        load_catalogue({std::string(SALLYPORT_SOURCE_DIR) + "/config/catalogue"});
    return loaded;
}

// A path that fits a template.
std::string path_for(std::string_view path)
{
    std::string made;
    while (!path.empty()) {
        const std::size_t open = path.find('{');
        made += path.substr(0, open);
        if (open == std::string_view::npos) {
            break;
        }
        path.remove_prefix(open);
        made += path.starts_with("{+") ? "zz1/zz2" : "zz9";
        path.remove_prefix(path.find('}') + 1);
    }
    return made;
}

policy::explanation explained(std::string_view provider, std::string_view method,
                              std::string_view path, const texts& scopes,
                              std::string_view variant = "", std::string_view host = "",
                              operation_class access = operation_class::write)
{
    const policy::provider* found = shipped().catalogue->find(provider);
    EXPECT_NE(found, nullptr) << provider;
    return policy::explain(*found, host, method, path, scopes, "", variant, access);
}

TEST(ShippedCatalogue, HasNoProblems)
{
    for (const problem& problem : shipped().problems) {
        ADD_FAILURE() << problem.text();
    }
    texts ids;
    for (const auto& provider : shipped().catalogue->all()) {
        ids.push_back(provider->facts().id);
        EXPECT_FALSE(provider->facts().category.empty());
        EXPECT_FALSE(provider->facts().about.test.request.empty());
    }
    EXPECT_EQ(ids, (texts{"anthropic", "github", "gmail", "openai", "slack", "stripe"}));
}

struct row_checker {
    const policy::provider& provider;
    const policy::rule_table& table;

    policy::decision decide(const policy::rule& row, const texts& scopes) const
    {
        policy::request_path path;
        const std::string raw = path_for(row.path);
        EXPECT_EQ(path.parse(raw, provider.facts().paths), policy::path_fault::none) << raw;
        const policy::scope_set granted = provider.closure(scopes);
        const std::string& host = row.hosts.empty() ? provider.facts().base.host : row.hosts[0];
        return provider.decide(
            {row.methods[0], host, &path},
            {.kind = table.kinds.empty() ? "oauth2" : std::string_view(table.kinds[0]),
             .variant = table.variant,
             .granted = &granted,
             .access = operation_class::destructive});
    }

    void check(const policy::rule& row) const
    {
        const policy::decision empty = decide(row, {});
        ASSERT_EQ(empty.decided_by, &row) << row.source;
        bool needs_none = row.scopes.empty();
        for (const texts& alternative : row.scopes) {
            EXPECT_EQ(decide(row, alternative).outcome, verdict::allow) << row.source;
            needs_none |= alternative.empty();
            if (alternative.size() > 1) {
                check_partial(row, alternative);
            }
        }
        EXPECT_EQ(empty.outcome, needs_none ? verdict::allow : verdict::scope_missing)
            << row.source;
        if (!needs_none) {
            EXPECT_EQ(decide(row, unrelated_scopes(row)).outcome, verdict::scope_missing)
                << row.source;
        }
    }

    // One scope less than an alternative asks for, unless what is left satisfies the row by itself.
    void check_partial(const policy::rule& row, const texts& alternative) const
    {
        for (const std::string& without : alternative) {
            texts rest;
            std::copy_if(alternative.begin(), alternative.end(), std::back_inserter(rest),
                         [&](const std::string& scope) { return scope != without; });
            EXPECT_EQ(decide(row, rest).outcome == verdict::allow, satisfies(row, rest))
                << row.source;
        }
    }

    // By sets of names, without the bits that decisions use.
    bool satisfies(const policy::rule& row, const texts& scopes) const
    {
        texts closed = scopes;
        for (std::size_t i = 0; i < closed.size(); ++i) {
            const auto implied = provider.facts().scope_implies.find(closed[i]);
            if (implied != provider.facts().scope_implies.end()) {
                for (const std::string& child : implied->second) {
                    if (std::find(closed.begin(), closed.end(), child) == closed.end()) {
                        closed.push_back(child);
                    }
                }
            }
        }
        return std::any_of(row.scopes.begin(), row.scopes.end(), [&](const texts& alternative) {
            return std::all_of(
                alternative.begin(), alternative.end(), [&](const std::string& scope) {
                    return std::find(closed.begin(), closed.end(), scope) != closed.end();
                });
        });
    }

    // Every described scope that does not help.
    texts unrelated_scopes(const policy::rule& row) const
    {
        texts scopes;
        for (const policy::scope_description& scope : provider.facts().scopes) {
            if (!satisfies(row, {scope.id})) {
                scopes.push_back(scope.id);
                if (satisfies(row, scopes)) {
                    scopes.pop_back();
                }
            }
        }
        return scopes;
    }
};

TEST(ShippedCatalogue, AllowsEveryRowWithEachAlternativeAndDeniesItOtherwise)
{
    std::size_t rows = 0;
    for (const auto& provider : shipped().catalogue->all()) {
        for (const policy::rule_table& table : provider->facts().tables) {
            for (const policy::rule& row : table.rows) {
                row_checker{*provider, table}.check(row);
                ++rows;
            }
        }
    }
    EXPECT_EQ(rows, 553u + 675u + 85u + 322u + 169u + 274u);
}

TEST(ShippedCatalogue, ClassifiesRowsByTheirVerbSaveWhereThePathDecides)
{
    for (const auto& provider : shipped().catalogue->all()) {
        for (const policy::rule_table& table : provider->facts().tables) {
            for (const policy::rule& row : table.rows) {
                const std::string& method = row.methods[0];
                if (provider->facts().verb_semantics_path || row.path.starts_with("/markdown")) {
                    continue;
                }
                EXPECT_EQ(row.cls, method == "GET"      ? operation_class::read
                                   : method == "DELETE" ? operation_class::destructive
                                                        : operation_class::write)
                    << row.source;
            }
        }
    }
    EXPECT_EQ(explained("slack", "GET", "/api/chat.delete", {"*"}).cls, "destructive");
    EXPECT_EQ(explained("slack", "POST", "/api/conversations.list", {"*"}).cls, "read");
    EXPECT_EQ(explained("slack", "GET", "/api/auth.revoke", {"*"}).cls, "destructive");
    EXPECT_EQ(explained("slack", "GET", "/api/admin.emoji.add", {"*"}).cls, "write");
    EXPECT_EQ(explained("slack", "POST", "/api/auth.test", {}).cls, "read");
}

TEST(ShippedCatalogue, LetsTheTablesOfGithubGoByVariant)
{
    const char* path = "/repos/o/r/actions/runs/1/logs";
    EXPECT_TRUE(explained("github", "DELETE", path, {"repo"}, "", "", operation_class::destructive)
                    .allowed);
    EXPECT_TRUE(explained("github", "DELETE", path, {"actions:write"}, "fine_grained", "",
                          operation_class::destructive)
                    .allowed);
    EXPECT_FALSE(explained("github", "DELETE", path, {"actions:write"}).allowed);
    EXPECT_FALSE(explained("github", "DELETE", path, {"repo"}, "fine_grained").allowed);
    EXPECT_TRUE(explained("github", "GET", "/user", {"user"}).allowed);
    EXPECT_EQ(explained("github", "GET", "/user", {}).missing_scopes,
              (std::vector<texts>{{"user"}}));
    EXPECT_TRUE(explained("github", "GET", "/orgs/o/teams/t/repos", {"admin:org"}).allowed);
    EXPECT_FALSE(explained("github", "POST", "/graphql", {"*"}).allowed);
    EXPECT_EQ(explained("github", "GET", "/repos/o/r/issues", {}).missing_scopes,
              (std::vector<texts>{{"repo"}}));
}

TEST(ShippedCatalogue, OpensGitForPathsOfGitAlone)
{
    const texts scopes = {"repo"};
    EXPECT_EQ(explained("github", "GET", "/o/r.git/info/refs", scopes, "", "github.com").cls,
              "read");
    EXPECT_EQ(explained("github", "POST", "/o/r.git/git-upload-pack", scopes, "", "github.com").cls,
              "read");
    EXPECT_EQ(
        explained("github", "POST", "/o/r.git/git-receive-pack", scopes, "", "github.com").cls,
        "write");
    EXPECT_FALSE(
        explained("github", "GET", "/login/oauth/authorize", scopes, "", "github.com").allowed);
    EXPECT_FALSE(explained("github", "GET", "/o/r/settings", scopes, "", "github.com").allowed);
    EXPECT_FALSE(explained("github", "GET", "/user", scopes, "", "github.com").allowed);
}

TEST(ShippedCatalogue, KeepsTunnelsShut)
{
    EXPECT_FALSE(explained("gmail", "POST", "/batch/gmail/v1", {"*"}).allowed);
    EXPECT_FALSE(
        explained("gmail", "POST", "/batch/gmail/v1", {"*"}, "", "www.googleapis.com").allowed);
    EXPECT_FALSE(explained("openai", "POST", "/v1/batches", {}).allowed);
    EXPECT_FALSE(explained("openai", "GET", "/v1/realtime", {}).allowed);
    EXPECT_FALSE(explained("anthropic", "POST", "/v1/messages/batches", {}).allowed);
}

TEST(ShippedCatalogue, ServesModelsWithOrdinaryAccess)
{
    EXPECT_TRUE(explained("openai", "POST", "/v1/chat/completions", {}).allowed);
    EXPECT_TRUE(explained("openai", "GET", "/v1/models", {}).allowed);
    EXPECT_TRUE(
        explained("openai", "POST", "/v1/responses", {"*"}, "", "eu.api.openai.com").allowed);
    EXPECT_FALSE(explained("openai", "DELETE", "/v1/files/1", {}).allowed);
    EXPECT_FALSE(explained("openai", "POST", "/v1/organization/admin_api_keys", {}).allowed);
    EXPECT_TRUE(explained("anthropic", "POST", "/v1/messages", {}).allowed);
    EXPECT_FALSE(explained("anthropic", "POST", "/v2/messages", {}).allowed);
    EXPECT_TRUE(explained("stripe", "POST", "/v1/charges", {"*"}).allowed);
    EXPECT_TRUE(explained("stripe", "GET", "/v2/core/events", {"read_only"}).allowed);
    EXPECT_FALSE(explained("stripe", "POST", "/v1/charges", {"read_only"}).allowed);
    EXPECT_FALSE(explained("stripe", "DELETE", "/v1/customers/1", {"*"}).allowed);
}

}  // namespace
}  // namespace sallyport::config
