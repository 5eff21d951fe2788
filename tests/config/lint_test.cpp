#include "config/lint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/settings_directory.hpp"

namespace sallyport::config {
namespace {

using testing::HasSubstr;

constexpr std::string_view head = R"(id: shop
base_url: "https://shop.example"
credentials:
  - {kind: bearer, inject: [{in: header, name: Authorization, value: "Bearer {secret}"}]}
)";

std::string text_of(const lint_report& report)
{
    std::string all;
    for (const lint_finding& finding : report.findings) {
        all += std::to_string(finding.at.line) + " " + finding.at.message + "\n";
    }
    return all;
}

std::string linted(std::string_view rest)
{
    const settings_directory home;
    home.write("shop.yaml", std::string(head) + std::string(rest));
    return text_of(lint({home.path()}));
}

TEST(Lint, HasNothingToSayOfASoundFile)
{
    EXPECT_EQ(linted(R"(scopes: [{id: r, class: read}]
rules:
  - {operation: a, class: read, methods: [GET], path: "/a/{x}", scopes: [[r]]}
  - {operation: b, class: write, methods: ["*"], path: "/a/**", scopes: [[r]]}
)"),
              "");
}

TEST(Lint, FindsRulesThatDecideNothing)
{
    EXPECT_THAT(linted(R"(rules:
  - {operation: a, class: read, methods: [GET, PUT], path: "/a/{x}"}
  - {operation: b, class: write, methods: [GET], path: "/a/{y}"}
)"),
                HasSubstr("7 b decides nothing: a (shop.yaml:6) goes before it"));
}

TEST(Lint, FindsTiedRules)
{
    EXPECT_THAT(linted(R"(rules:
  - {operation: a, class: read, methods: [GET], path: "/a/{x}"}
  - {operation: b, class: write, methods: [GET, PUT], path: "/a/{y}"}
)"),
                HasSubstr("7 b is tied with a (shop.yaml:6)"));
}

TEST(Lint, FindsScopesThatMeanNothing)
{
    const std::string told = linted(R"(scopes: [{id: r, class: read}, {id: idle, class: read}]
scope_implies: {p: [q], q: [p]}
rules:
  - {operation: a, class: read, methods: [GET], path: "/a", scopes: [[r], [r, other]]}
)");
    EXPECT_THAT(told, HasSubstr("the scope idle opens nothing"));
    EXPECT_THAT(told, HasSubstr("the scope other stands in rules, but not under scopes"));
    EXPECT_THAT(told, HasSubstr("the scope p implies itself"));
    EXPECT_THAT(told, HasSubstr("8 the alternative r+other of a never matters: r suffices"));
}

TEST(Lint, FindsRulesThatOpenTooMuch)
{
    const std::string told = linted(R"(rules:
  - {operation: drop, class: read, methods: [DELETE], path: "/a"}
  - {operation: all, class: write, methods: ["*"], path: "/**"}
)");
    EXPECT_THAT(told, HasSubstr("6 drop is of the class read and covers DELETE"));
    EXPECT_THAT(told, HasSubstr("7 all opens every path to every connection"));
}

TEST(Lint, FindsHostsThatTwoProvidersClaim)
{
    const settings_directory home;
    home.write("shop.yaml", head);
    home.write("till.yaml", "id: till\n" + std::string(head.substr(head.find('\n') + 1)));
    EXPECT_THAT(text_of(lint({home.path()})),
                HasSubstr("the host shop.example:443 is also that of shop"));
}

TEST(Lint, LooksAtTheNamedFilesAlone)
{
    const settings_directory home;
    home.write("shop.yaml", head);
    home.write("till.yaml", "id: till\n");
    EXPECT_EQ(text_of(lint_files({home.file("shop.yaml")})).find("till"), std::string::npos);
    EXPECT_FALSE(lint_files({home.file("till.yaml")}).findings.empty());
    EXPECT_THAT(text_of(lint_files({home.file("none.yaml")})), HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace sallyport::config
