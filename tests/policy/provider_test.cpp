#include "policy/explain.hpp"
#include "tests/policy/made_provider.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

namespace sallyport::policy {
namespace {

TEST(Provider, RefusesWhatItCannotCompile)
{
    const auto refusal = [](provider_facts facts) -> std::string {
        try {
            provider made(std::move(facts));
        } catch (const std::invalid_argument& error) {
            return error.what();
        }
        return "";
    };
    for (const char* path : {"", "a", "/{", "/}", "/{}", "/{+}", "/a{+x}", "/{+x}{y}", "/**/a",
                             "/a**", "/*", "/a b", "/a?b", "/a#b", "/../a", "/{x y}", "/{x}{"}) {
        EXPECT_NE(refusal(facts_with({make_rule("a", {"GET"}, path)})), "") << path;
    }
    rule elsewhere = make_rule("a", {"GET"}, "/");
    elsewhere.hosts = {"other.test"};
    EXPECT_EQ(refusal(facts_with({elsewhere})), "test.yaml:a: the provider has no host other.test");
    std::vector<rule> many;
    for (int i = 0; i < 70; ++i) {
        many.push_back(make_rule("a", {"M" + std::to_string(i)}, "/"));
    }
    EXPECT_EQ(refusal(facts_with(many)), "too many methods");
    std::vector<rule> nested;
    for (int i = 0; i < 1100; ++i) {
        nested.push_back(make_rule("a", {"GET"}, "/{+x}/l" + std::to_string(i) + "/{+y}"));
    }
    EXPECT_EQ(refusal(facts_with(nested)), "too many rules with more than one {+x}");
}

TEST(Provider, KnowsItsClassesAndKinds)
{
    for (const auto cls :
         {operation_class::read, operation_class::write, operation_class::destructive}) {
        EXPECT_EQ(parse_operation_class(to_string(cls)), cls);
    }
    EXPECT_FALSE(parse_operation_class("identity"));
    const provider one(facts_with({}));
    ASSERT_NE(one.kind("bearer"), nullptr);
    EXPECT_EQ(one.kind("basic"), nullptr);
}

TEST(Catalogue, FindsEnabledProvidersById)
{
    std::vector<std::unique_ptr<provider>> made;
    for (const char* id : {"zeta", "alpha", "off"}) {
        provider_facts facts = facts_with({});
        facts.id = id;
        facts.enabled = std::string_view(id) != "off";
        made.push_back(std::make_unique<provider>(std::move(facts)));
    }
    const catalogue all(std::move(made));
    ASSERT_NE(all.find("alpha"), nullptr);
    EXPECT_EQ(all.find("zeta")->facts().id, "zeta");
    EXPECT_EQ(all.find("off"), nullptr);
    EXPECT_EQ(all.find("beta"), nullptr);
    EXPECT_EQ(all.all().size(), 3u);
}

TEST(Explain, TellsWhatWouldHappenAndWhy)
{
    const provider all(
        facts_with({make_rule("get", {"GET"}, "/a/{x}", {{"r"}, {"s"}}, operation_class::read),
                    make_rule("drop", {"DELETE"}, "/a/{x}", {}, operation_class::destructive)}));
    const auto told = [&](const char* method, const char* path, texts scopes) {
        return explain(all, "", method, path, scopes, "", "", operation_class::write);
    };
    const explanation yes = told("GET", "/a/1?q=..", {"s"});
    EXPECT_TRUE(yes.allowed);
    EXPECT_EQ(yes.operation, "get");
    EXPECT_EQ(yes.cls, "read");
    EXPECT_EQ(yes.rule, "test.yaml:get");
    EXPECT_EQ(yes.alternatives, (std::vector<texts>{{"r"}, {"s"}}));
    EXPECT_TRUE(yes.missing_scopes.empty());

    const explanation no = told("GET", "/a/1", {});
    EXPECT_FALSE(no.allowed);
    EXPECT_EQ(no.missing_scopes, (std::vector<texts>{{"r"}, {"s"}}));
    EXPECT_EQ(no.reason, "The scopes do not suffice.");

    EXPECT_EQ(told("DELETE", "/a/1", {}).reason,
              "The operation's class is above the access asked for.");
    EXPECT_EQ(told("PUT", "/a/1", {}).reason, "No rule names this call.");
    EXPECT_EQ(told("PUT", "/a/1", {}).cls, "");
    EXPECT_EQ(told("GET", "/a/..", {}).reason, "The path holds a dot segment.");
}

}  // namespace
}  // namespace sallyport::policy
