#include "tests/policy/made_provider.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>

namespace sallyport::policy {
namespace {

struct asked {
    std::string method = "GET";
    std::string path = "/";
    std::string host = "api.test";
    texts granted = {"*"};
    std::optional<texts> run = std::nullopt;
    std::string kind = "bearer";
    std::string variant = "";
    operation_class access = operation_class::destructive;
};

decision ask(const provider& provider, const asked& call)
{
    request_path path;
    EXPECT_EQ(path.parse(call.path, provider.facts().paths), path_fault::none) << call.path;
    const scope_set granted = provider.closure(call.granted);
    const scope_set run = provider.closure(call.run.value_or(texts{}));
    return provider.decide({call.method, call.host, &path}, {.kind = call.kind,
                                                             .variant = call.variant,
                                                             .granted = &granted,
                                                             .run = call.run ? &run : nullptr,
                                                             .access = call.access});
}

std::string operation(const provider& provider, const asked& call)
{
    const decision decided = ask(provider, call);
    return decided.decided_by ? decided.decided_by->operation : "";
}

TEST(Decide, DeniesWithoutARule)
{
    const provider none(facts_with({}));
    EXPECT_EQ(ask(none, {}).outcome, verdict::no_rule);
    const provider one(facts_with({make_rule("a", {"GET"}, "/a")}));
    EXPECT_EQ(ask(one, {.path = "/a"}).outcome, verdict::allow);
    EXPECT_EQ(ask(one, {.path = "/b"}).outcome, verdict::no_rule);
    EXPECT_EQ(ask(one, {.path = "/a/"}).outcome, verdict::no_rule);
    EXPECT_EQ(ask(one, {.path = "/A"}).outcome, verdict::no_rule);
    EXPECT_EQ(ask(one, {.method = "POST", .path = "/a"}).outcome, verdict::no_rule);
    EXPECT_EQ(ask(one, {.method = "get", .path = "/a"}).outcome, verdict::no_rule);
    EXPECT_EQ(ask(one, {.method = "HEAD", .path = "/a"}).outcome, verdict::no_rule);
    EXPECT_EQ(ask(one, {.path = "/a", .host = "other.test"}).outcome, verdict::no_rule);
    EXPECT_EQ(ask(one, {.path = "/a", .host = ""}).outcome, verdict::no_rule);
    EXPECT_EQ(ask(one, {.path = "/"}).outcome, verdict::no_rule);
}

TEST(Decide, LetsTheMostSpecificRuleDecideAlone)
{
    const provider all(facts_with({
        make_rule("rest", {"*"}, "/v1/**"),
        make_rule("some", {"GET"}, "/v1/{+x}"),
        make_rule("one", {"GET"}, "/v1/{x}"),
        make_rule("partly", {"GET"}, "/v1/{x}:go"),
        make_rule("literal", {"GET"}, "/v1/a:go"),
        make_rule("one.deep", {"GET"}, "/v1/{x}/deep"),
        make_rule("some.deep", {"GET"}, "/v1/{+x}/deep"),
    }));
    EXPECT_EQ(operation_at(all, "/v1"), "rest");
    EXPECT_EQ(operation_at(all, "/v1/"), "rest");
    EXPECT_EQ(operation_at(all, "/v1/a:go"), "literal");
    EXPECT_EQ(operation_at(all, "/v1/b:go"), "partly");
    EXPECT_EQ(operation_at(all, "/v1/:go"), "one");
    EXPECT_EQ(operation_at(all, "/v1/b"), "one");
    EXPECT_EQ(operation_at(all, "/v1/b/c"), "some");
    EXPECT_EQ(operation_at(all, "/v1/b/deep"), "one.deep");
    EXPECT_EQ(operation_at(all, "/v1/b/c/deep"), "some.deep");
    EXPECT_EQ(operation_at(all, "/v1/b/c/"), "rest");
    EXPECT_EQ(operation(all, {.method = "POST", .path = "/v1/a:go"}), "rest");
    EXPECT_EQ(operation_at(all, "/v2"), "");
}

TEST(Decide, ComparesSegmentsFromTheLeft)
{
    const provider all(facts_with({
        make_rule("late", {"GET"}, "/{a}/b/c/d"),
        make_rule("early", {"GET"}, "/a/{b}/{c}/{d}"),
        make_rule("earlier", {"GET"}, "/a/b/**"),
    }));
    EXPECT_EQ(operation_at(all, "/a/b/c/d"), "earlier");
    EXPECT_EQ(operation_at(all, "/a/x/c/d"), "early");
    EXPECT_EQ(operation_at(all, "/x/b/c/d"), "late");
}

TEST(Decide, FindsTheBetterSplitOfSeveralSegments)
{
    const provider all(facts_with({
        make_rule("worse", {"GET"}, "/{+x}/{y}/b"),
        make_rule("better", {"GET"}, "/{+x}/b/**"),
        make_rule("nested", {"GET"}, "/p/{+x}/q/{+y}/r"),
    }));
    EXPECT_EQ(operation_at(all, "/1/2/b"), "better");
    EXPECT_EQ(operation_at(all, "/p/1/q/q/2/r/r"), "nested");
    EXPECT_EQ(operation_at(all, "/p/1/q/r"), "");
}

TEST(Decide, GivesTiesToTheEarlierRule)
{
    const provider all(facts_with({
        make_rule("first", {"GET"}, "/{a}/x"),
        make_rule("second", {"GET", "POST"}, "/{b}/x"),
        make_rule("suffix", {"GET"}, "/t/{a}:go"),
        make_rule("prefix", {"GET"}, "/t/go:{a}"),
    }));
    EXPECT_EQ(operation_at(all, "/1/x"), "first");
    EXPECT_EQ(operation(all, {.method = "POST", .path = "/1/x"}), "second");
    EXPECT_EQ(operation_at(all, "/t/go:go"), "suffix");
    EXPECT_EQ(operation_at(all, "/t/go:x:go"), "suffix");
    EXPECT_EQ(operation_at(all, "/t/go:x"), "prefix");
}

TEST(Decide, NeverFitsAnEmptySegmentIntoAPlaceholder)
{
    provider_facts facts = facts_with({
        make_rule("one", {"GET"}, "/a/{x}"),
        make_rule("some", {"GET"}, "/s/{+x}"),
        make_rule("slash", {"GET"}, "/t/{x}/"),
        make_rule("root", {"GET"}, "/"),
    });
    facts.paths.empty_segments = true;
    const provider all(std::move(facts));
    EXPECT_EQ(operation_at(all, "/a/"), "");
    EXPECT_EQ(operation_at(all, "/s/"), "");
    EXPECT_EQ(operation_at(all, "/s/x/"), "");
    EXPECT_EQ(operation_at(all, "/s//x"), "");
    EXPECT_EQ(operation_at(all, "/s/x//y"), "some");
    EXPECT_EQ(operation_at(all, "/t/x/"), "slash");
    EXPECT_EQ(operation_at(all, "/t/x"), "");
    EXPECT_EQ(operation_at(all, "/"), "root");
    EXPECT_EQ(operation_at(all, "//"), "");
}

TEST(Decide, MatchesTextAroundPlaceholders)
{
    const provider all(facts_with({
        make_rule("range", {"GET"}, "/range(address={v})"),
        make_rule("cell", {"GET"}, "/cell(row={r},column={c})"),
        make_rule("pair", {"GET"}, "/p{a}{b}"),
    }));
    EXPECT_EQ(operation_at(all, "/range(address='A1')"), "range");
    EXPECT_EQ(operation_at(all, "/range(address=)"), "");
    EXPECT_EQ(operation_at(all, "/range(address=x"), "");
    EXPECT_EQ(operation_at(all, "/cell(row=1,column=2)"), "cell");
    EXPECT_EQ(operation_at(all, "/cell(row=,column=2)"), "");
    EXPECT_EQ(operation_at(all, "/cell(row=1,column=,column=2)"), "cell");
    EXPECT_EQ(operation_at(all, "/cell(row=1,col=2)"), "");
    EXPECT_EQ(operation_at(all, "/pab"), "pair");
    EXPECT_EQ(operation_at(all, "/pa"), "");
}

TEST(Decide, ComparesWithoutCaseWhereTheProviderSaysSo)
{
    provider_facts facts = facts_with({make_rule("a", {"GET"}, "/Me/getMail(x={v})/{id}:Go")});
    facts.path_case_insensitive = true;
    const provider all(std::move(facts));
    EXPECT_EQ(operation_at(all, "/me/GETMAIL(X=1)/2:gO"), "a");
    EXPECT_EQ(operation_at(all, "/%4De/getmail(x=1)/2:go"), "a");
}

TEST(Decide, CoversTheBaseHostUnlessARuleNamesHosts)
{
    provider_facts facts =
        facts_with({make_rule("base", {"GET"}, "/x/{a}"), make_rule("upload", {"GET"}, "/x/**")});
    facts.rules[1].hosts = {"uploads.test"};
    facts.hosts = {{"uploads.test", 443, {}}, {"limited.test", 443, {"/api/", "/{o}/{r}.git/"}}};
    facts.rules.push_back(make_rule("limited", {"GET"}, "/**"));
    facts.rules[2].hosts = {"limited.test", "api.test"};
    const provider all(std::move(facts));
    EXPECT_EQ(operation(all, {.path = "/x/1"}), "base");
    EXPECT_EQ(operation(all, {.path = "/x/1", .host = "uploads.test"}), "upload");
    EXPECT_EQ(operation(all, {.path = "/y", .host = "uploads.test"}), "");
    EXPECT_EQ(operation(all, {.path = "/y"}), "limited");
    EXPECT_EQ(operation(all, {.path = "/api/y", .host = "limited.test"}), "limited");
    EXPECT_EQ(operation(all, {.path = "/api/", .host = "limited.test"}), "limited");
    EXPECT_EQ(operation(all, {.path = "/o/r.git/info", .host = "limited.test"}), "limited");
    EXPECT_EQ(operation(all, {.path = "/api", .host = "limited.test"}), "");
    EXPECT_EQ(operation(all, {.path = "/apix/y", .host = "limited.test"}), "");
    EXPECT_EQ(operation(all, {.path = "/o/r/info", .host = "limited.test"}), "");
}

TEST(Decide, NeedsOneAlternativeWhole)
{
    const provider all(facts_with({make_rule("a", {"GET"}, "/a", {{"r", "s"}, {"t"}})}));
    const auto outcome = [&](texts granted) {
        return ask(all, {.path = "/a", .granted = std::move(granted)});
    };
    EXPECT_EQ(outcome({}).outcome, verdict::scope_missing);
    EXPECT_EQ(outcome({"r"}).outcome, verdict::scope_missing);
    EXPECT_EQ(outcome({"unknown"}).outcome, verdict::scope_missing);
    EXPECT_EQ(outcome({"r", "s"}).alternative, 0u);
    EXPECT_EQ(outcome({"t", "s"}).alternative, 1u);
    EXPECT_EQ(outcome({"*"}).outcome, verdict::allow);

    const scope_set granted = all.closure({"r"});
    const auto missing = all.missing(all.facts().rules[0], {.granted = &granted}, {});
    EXPECT_EQ(missing, (std::vector<texts>{{"s"}, {"t"}}));
}

TEST(Decide, AsksForNoScopeWhereTheRuleNamesNone)
{
    const provider all(
        facts_with({make_rule("a", {"GET"}, "/a"), make_rule("b", {"GET"}, "/b", {{}, {"r"}})}));
    EXPECT_EQ(ask(all, {.path = "/a", .granted = {}}).outcome, verdict::allow);
    EXPECT_EQ(ask(all, {.path = "/a", .granted = {}}).alternative, static_cast<std::size_t>(-1));
    EXPECT_EQ(ask(all, {.path = "/b", .granted = {}}).alternative, 0u);
}

TEST(Decide, ClosesGrantedAndRunScopesBeforeItIntersectsThem)
{
    provider_facts facts = facts_with({make_rule("read", {"GET"}, "/r", {{"read"}}),
                                       make_rule("write", {"GET"}, "/w", {{"write"}})});
    facts.scope_implies = {{"admin", {"write"}},
                           {"write", {"read"}},
                           {"read", {"write-loop"}},
                           {"write-loop", {"read"}}};
    const provider all(std::move(facts));
    const auto allowed = [&](const char* path, texts granted, std::optional<texts> run) {
        return ask(all, {.path = path, .granted = std::move(granted), .run = std::move(run)})
                   .outcome == verdict::allow;
    };
    EXPECT_TRUE(allowed("/r", {"admin"}, std::nullopt));
    EXPECT_TRUE(allowed("/w", {"admin"}, std::nullopt));
    EXPECT_FALSE(allowed("/w", {"read"}, std::nullopt));
    EXPECT_TRUE(allowed("/r", {"admin"}, texts{"read"}));
    EXPECT_FALSE(allowed("/w", {"admin"}, texts{"read"}));
    EXPECT_TRUE(allowed("/r", {"read"}, texts{"admin"}));
    EXPECT_FALSE(allowed("/w", {"read"}, texts{"admin"}));
    EXPECT_FALSE(allowed("/r", {"admin"}, texts{}));
    EXPECT_TRUE(allowed("/w", {"admin"}, texts{"*"}));
    EXPECT_FALSE(allowed("/w", {"read"}, texts{"*"}));
    EXPECT_TRUE(allowed("/r", {"*"}, texts{"read"}));
    EXPECT_FALSE(allowed("/w", {"*"}, texts{"read"}));
    EXPECT_FALSE(allowed("/r", {"read"}, texts{"unknown"}));
}

TEST(Decide, NamesWhatTheRunLacksAsMissing)
{
    const provider all(facts_with({make_rule("a", {"GET"}, "/a", {{"r", "s"}})}));
    const scope_set granted = all.closure({"r", "s"});
    const scope_set run = all.closure({"r"});
    const auto missing = all.missing(all.facts().rules[0], {.granted = &granted, .run = &run}, {});
    EXPECT_EQ(missing, (std::vector<texts>{{"s"}}));
}

TEST(Decide, ChecksTheScopesAndThenTheClass)
{
    const provider all(
        facts_with({make_rule("drop", {"DELETE"}, "/a", {{"s"}}, operation_class::destructive),
                    make_rule("put", {"PUT"}, "/a", {}, operation_class::write)}));
    const auto outcome = [&](const char* method, texts granted, operation_class access) {
        return ask(all, {.method = method,
                         .path = "/a",
                         .granted = std::move(granted),
                         .access = access})
            .outcome;
    };
    EXPECT_EQ(outcome("DELETE", {}, operation_class::read), verdict::scope_missing);
    EXPECT_EQ(outcome("DELETE", {"s"}, operation_class::write), verdict::class_above_access);
    EXPECT_EQ(outcome("DELETE", {"s"}, operation_class::destructive), verdict::allow);
    EXPECT_EQ(outcome("PUT", {}, operation_class::read), verdict::class_above_access);
    EXPECT_EQ(outcome("PUT", {}, operation_class::write), verdict::allow);
}

provider_facts facts_with_tables()
{
    provider_facts facts = facts_with({make_rule("explicit", {"GET"}, "/x/{y}")});
    facts.tables = {
        {{"oauth2", "bearer"},
         "",
         {make_rule("GET /x/{z}", {"GET"}, "/x/{z}"), make_rule("GET /x/lit", {"GET"}, "/x/lit"),
          make_rule("POST /x/{z}", {"POST"}, "/x/{z}")}},
        {{"oauth2"}, "fine", {make_rule("GET /fine", {"GET"}, "/fine")}},
        {{}, "fine", {make_rule("GET /second", {"GET"}, "/second")}},
    };
    return facts;
}

TEST(Decide, SelectsTablesByKindAndVariant)
{
    const provider all(facts_with_tables());
    EXPECT_EQ(operation(all, {.method = "POST", .path = "/x/1"}), "POST /x/{z}");
    EXPECT_EQ(operation(all, {.method = "POST", .path = "/x/1", .variant = "fine"}), "");
    EXPECT_EQ(operation(all, {.method = "POST", .path = "/x/1", .kind = "basic"}), "");
    EXPECT_EQ(operation(all, {.path = "/fine", .kind = "oauth2", .variant = "fine"}), "GET /fine");
    EXPECT_EQ(operation(all, {.path = "/fine", .kind = "bearer", .variant = "fine"}), "");
    EXPECT_EQ(operation(all, {.path = "/second", .kind = "bearer", .variant = "fine"}),
              "GET /second");
    EXPECT_EQ(operation(all, {.path = "/second", .kind = "oauth2", .variant = "fine"}),
              "GET /second");
    EXPECT_EQ(operation(all, {.path = "/fine", .kind = "oauth2", .variant = "nonsense"}), "");
    EXPECT_EQ(operation(all, {.path = "/x/1", .kind = "nonsense", .variant = "nonsense"}),
              "explicit");
}

TEST(Decide, LetsExplicitRulesOverrideRowsOfTheSameShapeOnly)
{
    const provider all(facts_with_tables());
    EXPECT_EQ(operation(all, {.path = "/x/1"}), "explicit");
    EXPECT_EQ(operation(all, {.path = "/x/lit"}), "GET /x/lit");
}

TEST(Decide, AdmitsHeadWhereARowHasGet)
{
    const provider all(facts_with_tables());
    EXPECT_EQ(operation(all, {.method = "HEAD", .path = "/x/lit"}), "GET /x/lit");
    EXPECT_EQ(operation(all, {.method = "HEAD", .path = "/x/1"}), "GET /x/{z}");
    EXPECT_EQ(operation(all, {.method = "OPTIONS", .path = "/x/lit"}), "");
}

TEST(Decide, LetsAnyVerbMatchRowsWhereThePathDecides)
{
    provider_facts facts = facts_with_tables();
    facts.verb_semantics_path = true;
    facts.tables[0].rows = {
        make_rule("POST /chat.write", {"POST"}, "/chat.write", {}, operation_class::write)};
    const provider all(std::move(facts));
    for (const char* method : {"GET", "POST", "HEAD", "DELETE", "ODD"}) {
        EXPECT_EQ(operation(all, {.method = method, .path = "/chat.write"}), "POST /chat.write");
    }
    EXPECT_EQ(ask(all, {.path = "/chat.write", .access = operation_class::read}).outcome,
              verdict::class_above_access);
    EXPECT_EQ(operation(all, {.method = "POST", .path = "/x/1"}), "");
}

TEST(Decide, WantsOneRuleForThePathWithAndWithoutItsParameters)
{
    const provider all(facts_with(
        {make_rule("send", {"GET"}, "/drafts/send"), make_rule("get", {"GET"}, "/drafts/{id}")}));
    EXPECT_EQ(operation_at(all, "/drafts/1;x=y"), "get");
    EXPECT_EQ(operation_at(all, "/drafts/send;x=y"), "");
    EXPECT_EQ(operation_at(all, "/drafts/send%3Bx"), "");
    EXPECT_EQ(operation_at(all, "/drafts;x/1"), "");
}

TEST(Decide, ReadsLiteralsAgainstDecodedSegments)
{
    const provider all(facts_with(
        {make_rule("send", {"GET"}, "/drafts/send"), make_rule("get", {"GET"}, "/drafts/{id}")}));
    EXPECT_EQ(operation_at(all, "/drafts/%73end"), "send");
    EXPECT_EQ(operation_at(all, "/dr%61fts/%73%65nd"), "send");
}

TEST(Decide, TakesTheSameTimeForHostilePaths)
{
    std::vector<rule> rules;
    for (int i = 0; i < 6; ++i) {
        std::string path;
        for (int j = 0; j <= i; ++j) {
            path += "/{+x}/a";
        }
        rules.push_back(
            make_rule("r" + std::to_string(i), {"GET"}, path + "/z" + std::to_string(i)));
        rules.push_back(make_rule("s" + std::to_string(i), {"GET"}, "/a" + path + "/{x}/z{q}"));
    }
    const provider all(facts_with(std::move(rules)));
    std::string hostile;
    for (std::size_t i = 0; i < path_segments_max; ++i) {
        hostile += "/a";
    }
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(operation_at(all, hostile), "");
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(200));
    EXPECT_EQ(operation_at(all, hostile.substr(0, hostile.size() - 2) + "/z5"), "s0");
}

}  // namespace
}  // namespace sallyport::policy
