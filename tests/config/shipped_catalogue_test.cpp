// The provider files that ship with the program, and what they open.
#include "policy/explain.hpp"
#include "tests/config/shipped.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sallyport::config {
namespace {

using policy::operation_class;
using policy::verdict;
using texts = std::vector<std::string>;

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
    EXPECT_EQ(shipped().catalogue->all().size(), 49u);
}

TEST(ShippedCatalogue, ClassifiesRowsByTheirVerbSaveWhereThePathDecides)
{
    for (const auto& provider : shipped().catalogue->all()) {
        for (const policy::rule_table& table : provider->facts().tables) {
            for (const policy::rule& row : table.rows) {
                const std::string& method = row.methods[0];
                const bool reads_over_post = method == "POST" && row.cls == operation_class::read;
                if (provider->facts().verb_semantics_path || reads_over_post) {
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
