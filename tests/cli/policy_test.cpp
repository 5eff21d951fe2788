#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/program.hpp"

namespace sallyport::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view shop = R"(id: shop
base_url: "https://shop.example"
credentials:
  - {kind: bearer, inject: [{in: header, name: Authorization, value: "Bearer {secret}"}]}
  - {kind: basic, inject: [{in: header, name: Authorization, value: "Basic {basic}"}]}
scopes:
  - {id: read, class: read}
  - {id: write, class: write}
  - {id: admin, class: destructive}
scope_implies: {write: [read]}
rules:
  - {operation: orders.get, class: read, methods: [GET], path: "/v1/orders/{id}", scopes: [[read]]}
  - {operation: orders.set, class: write, methods: [PUT], path: "/v1/orders/{id}",
     scopes: [[admin], [write]]}
)";

class PolicyCommand : public testing::Test {
protected:
    PolicyCommand()
    {
        home.write("shop.yaml", shop);
        home.write("sallyport.yaml", "catalogue: [\".\"]\n");
    }

    outcome explain(std::vector<std::string> more)
    {
        std::vector<std::string> all{
            "policy", "explain", "--config", home.file("sallyport.yaml"), "--provider", "shop"};
        all.insert(all.end(), more.begin(), more.end());
        return run(all);
    }

    config::settings_directory home;
};

TEST_F(PolicyCommand, ExplainNamesTheRuleAndTheLeastToAskFor)
{
    const outcome told = explain({"PUT", "/v1/orders/7", "--scopes", "read"});
    EXPECT_EQ(told.status, 0) << told.err;
    EXPECT_THAT(told.out, StartsWith("deny       The scopes do not suffice.\n"));
    EXPECT_THAT(told.out, HasSubstr("orders.set (write)\nrule       shop.yaml:13\n"));
    EXPECT_THAT(told.out, HasSubstr("ask for    write\n"));
}

TEST_F(PolicyCommand, ExplainShowsTheClosureOfWhatIsGranted)
{
    const outcome told = explain({"GET", "/v1/orders/7", "--scopes", "write"});
    EXPECT_THAT(told.out, StartsWith("allow"));
    EXPECT_THAT(told.out, HasSubstr("effective  write, read\n"));
}

TEST_F(PolicyCommand, ExplainTellsANarrowedRunFromASmallGrant)
{
    const outcome told =
        explain({"PUT", "/v1/orders/7", "--scopes", "write", "--run-scopes", "read"});
    EXPECT_THAT(told.out, StartsWith("deny       The connection was granted enough, but the run"));
    EXPECT_THAT(told.out, HasSubstr("effective  read\n"));
    EXPECT_THAT(explain({"GET", "/v1/orders/7", "--scopes", "write", "--run-scopes", ""}).out,
                StartsWith("deny"));
}

TEST_F(PolicyCommand, ExplainKnowsWhatACallComesCloseTo)
{
    EXPECT_THAT(explain({"POST", "/v1/orders/7"}).out,
                HasSubstr("hint       no rule for POST; GET is orders.get (shop.yaml:12)\n"));
    EXPECT_THAT(explain({"GET", "/orders/7"}).out, HasSubstr("did you mean /v1/orders/7?"));
    EXPECT_THAT(explain({"GET", "/v1/order/7"}).out, HasSubstr("did you mean /v1/orders/7?"));
    EXPECT_THAT(explain({"GET", "/v1/orders/7/"}).out, HasSubstr("did you mean /v1/orders/7?"));
    EXPECT_THAT(explain({"GET", "/something/else"}).out, Not(HasSubstr("hint")));
}

TEST_F(PolicyCommand, ExplainKeepsItsJsonMembers)
{
    const std::string fixed =
        R"({"decision":"deny","operation":"orders.set","class":"write",)"
        R"("rule":"shop.yaml:13","missing_scopes":[["admin"],["write"]])";
    EXPECT_EQ(explain({"PUT", "/v1/orders/7", "--json"}).out, fixed + "}\n");
    const outcome told = explain({"PUT", "/v1/orders/7", "--json", "--advice"});
    EXPECT_THAT(told.out, StartsWith(fixed + ","));
    EXPECT_THAT(told.out, HasSubstr(R"("ask_for":["write"])"));
}

TEST_F(PolicyCommand, ExplainRefusesAKindThatTheProviderLacks)
{
    const outcome told = explain({"GET", "/v1/orders/7", "--kind", "oauth2"});
    EXPECT_EQ(told.status, 2);
    EXPECT_THAT(told.err, HasSubstr("no credential kind \"oauth2\""));
}

TEST_F(PolicyCommand, LintExitsWithOneWhereItFindsSomething)
{
    EXPECT_EQ(run({"policy", "lint", home.file("shop.yaml")}).status, 0);
    home.write("shop.yaml", std::string(shop) +
                                "  - {operation: x, class: read, methods: [DELETE], path: /x}\n");
    const outcome told = run({"policy", "lint", "--config", home.file("sallyport.yaml")});
    EXPECT_EQ(told.status, 1);
    EXPECT_THAT(told.out, HasSubstr(home.file("shop.yaml") + ":15:1: error: x is of the class"));
}

TEST_F(PolicyCommand, ImportWritesFilesOnceAndNothingOfABrokenDocument)
{
    home.write("d.tsv", "# provider: till\n# base: https://till.example\nGET\t/sales\tread\n");
    const std::vector<std::string> import{"policy",           "import", "tsv",
                                          home.file("d.tsv"), "--out",  home.file("out")};
    const outcome first = run(import);
    EXPECT_EQ(first.status, 0) << first.err;
    EXPECT_THAT(first.out, HasSubstr("till.tsv: 1 calls for oauth2"));
    EXPECT_THAT(home.read("out/till.yaml"), HasSubstr("base_url: \"https://till.example\""));
    const outcome second = run(import);
    EXPECT_EQ(second.status, 1);
    EXPECT_THAT(second.err, HasSubstr("exists already; --force replaces it"));
    home.write("d.tsv", "nonsense\n");
    EXPECT_THAT(run(import).err, HasSubstr(home.file("d.tsv") + ":1:1: expected METHOD"));
}

}  // namespace
}  // namespace sallyport::cli
