// What narrows a rule beyond its path and scopes: tunnels, GraphQL bodies, types of object.
#include "policy/table_cache.hpp"
#include "tests/policy/made_provider.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace sallyport::policy {
namespace {

struct asked {
    std::string method = "GET";
    std::string path = "/";
    texts granted = {"*"};
    std::optional<texts> run = std::nullopt;
    const graphql_request* graphql = nullptr;
};

class asking {
public:
    asking(const provider& provider, const asked& call)
        : provider_(provider), granted_(provider.closure(call.granted))
    {
        EXPECT_EQ(path_.parse(call.path, {}), path_fault::none) << call.path;
        run_ = provider.closure(call.run.value_or(texts{}));
        grant_ = {.kind = "bearer",
                  .granted = &granted_,
                  .run = call.run ? &run_ : nullptr,
                  .access = operation_class::destructive};
        decided = provider.decide({call.method, "api.test", &path_, call.graphql}, grant_);
    }
    asking(const asking&) = delete;
    asking& operator=(const asking&) = delete;

    std::vector<texts> missing() const
    {
        return provider_.missing(*decided.decided_by, grant_, path_);
    }

    decision decided;

private:
    const provider& provider_;
    request_path path_;
    scope_set granted_, run_;
    grant grant_;
};

verdict outcome(const provider& provider, const asked& call)
{
    return asking(provider, call).decided.outcome;
}

TEST(Tunnel, IsShutBehindASlashToo)
{
    provider_facts facts = facts_with({make_rule("any", {"*"}, "/v1/**"),
                                       make_rule("admin", {"POST"}, "/v1/admin", {{"admin"}}),
                                       make_rule("said", {"POST"}, "/v1/said/")});
    facts.tunnels = {make_rule("POST /v1/batch", {"POST"}, "/v1/batch"),
                     make_rule("POST /v1/said", {"POST"}, "/v1/said")};
    const provider tested(std::move(facts));
    for (const char* path : {"/v1/batch/", "/v1/batch;x/", "/v1/batch%3bx/"}) {
        EXPECT_NE(outcome(tested, {.method = "POST", .path = path}), verdict::allow) << path;
    }
    EXPECT_EQ(outcome(tested, {.method = "POST", .path = "/v1/batch/"}), verdict::tunnel);
    EXPECT_EQ(outcome(tested, {.method = "POST", .path = "/v1/admin/", .granted = {"x"}}),
              verdict::scope_missing);
    EXPECT_EQ(outcome(tested, {.method = "POST", .path = "/v1/admin/", .granted = {"admin"}}),
              verdict::allow);
    EXPECT_EQ(outcome(tested, {.method = "GET", .path = "/v1/batch/"}), verdict::allow);
    EXPECT_EQ(outcome(tested, {.method = "POST", .path = "/v1/"}), verdict::allow);
    EXPECT_EQ(outcome(tested, {.method = "POST", .path = "/v1/said/"}), verdict::allow);
}

TEST(Tunnel, IsShutUnderABroadRule)
{
    provider_facts facts =
        facts_with({make_rule("any", {"*"}, "/v1/**"), make_rule("opened", {"POST"}, "/v1/opened"),
                    make_rule("below", {"GET"}, "/v1/jobs/{id}")});
    facts.tunnels = {make_rule("POST /v1/batch", {"POST"}, "/v1/batch"),
                     make_rule("POST /v1/opened", {"POST"}, "/v1/opened"),
                     make_rule("/v1/jobs/**", {"*"}, "/v1/jobs/**")};
    facts.tables = {{{}, "", {make_rule("POST /v1/listed", {"POST"}, "/v1/listed")}}};
    facts.tunnels.push_back(make_rule("POST /v1/listed", {"POST"}, "/v1/listed"));
    const provider made(std::move(facts));
    const asking batch(made, {.method = "POST", .path = "/v1/batch"});
    EXPECT_EQ(batch.decided.outcome, verdict::tunnel);
    EXPECT_EQ(batch.decided.decided_by->operation, "POST /v1/batch");
    EXPECT_EQ(outcome(made, {.method = "GET", .path = "/v1/batch"}), verdict::allow);
    EXPECT_EQ(outcome(made, {.method = "POST", .path = "/v1/opened"}), verdict::allow);
    EXPECT_EQ(outcome(made, {.method = "POST", .path = "/v1/listed"}), verdict::allow);
    EXPECT_EQ(outcome(made, {.method = "GET", .path = "/v1/jobs/7"}), verdict::allow);
    EXPECT_EQ(outcome(made, {.method = "GET", .path = "/v1/jobs/7/run"}), verdict::tunnel);
    EXPECT_EQ(outcome(made, {.method = "PATCH", .path = "/v1/jobs/7"}), verdict::tunnel);
}

rule graphql_rule(std::string operation, graphql_type type, std::vector<texts> scopes,
                  texts fields = {})
{
    rule made = make_rule(std::move(operation), {"POST"}, "/graphql", std::move(scopes));
    made.graphql = type;
    made.graphql_fields = std::move(fields);
    return made;
}

TEST(GraphQlRule, IsChosenByTheOperationInTheBody)
{
    const provider made(facts_with({
        graphql_rule("query", graphql_type::query, {{"read"}}),
        graphql_rule("comment", graphql_type::mutation, {{"comment"}, {"write"}},
                     {"comment*", "commentCreate"}),
        graphql_rule("create", graphql_type::mutation, {{"write"}}, {"*Create"}),
        graphql_rule("mutation", graphql_type::mutation, {{"write"}}),
    }));
    const auto decided = [&](std::string_view document, texts granted) {
        const graphql_request request = read_graphql_document(document, "");
        return asking(made, {"POST", "/graphql", std::move(granted), std::nullopt, &request})
            .decided;
    };
    EXPECT_EQ(outcome(made, {.method = "POST", .path = "/graphql"}), verdict::needs_graphql);
    EXPECT_EQ(outcome(made, {.method = "GET", .path = "/graphql"}), verdict::no_rule);
    EXPECT_EQ(decided("{ viewer }", {"read"}).outcome, verdict::allow);
    EXPECT_EQ(decided("{ viewer }", {"write"}).outcome, verdict::scope_missing);
    EXPECT_EQ(decided("mutation { commentCreate }", {"comment"}).outcome, verdict::allow);
    EXPECT_EQ(decided("mutation { commentCreate }", {"write"}).decided_by->operation, "comment");
    EXPECT_EQ(decided("mutation { a: commentCreate b: userDelete }", {"comment"}).outcome,
              verdict::scope_missing);
    EXPECT_EQ(decided("mutation { ...F } fragment F on M { commentCreate }", {"comment"}).outcome,
              verdict::scope_missing);
    EXPECT_EQ(decided("mutation { userCreate commentCreate }", {"write"}).decided_by->operation,
              "create");
    EXPECT_EQ(decided("mutation { commentUpdate }", {"write"}).decided_by->operation, "mutation");
    EXPECT_EQ(decided("mutation { userDelete }", {"write"}).decided_by->operation, "mutation");
    EXPECT_EQ(decided("subscription { a }", {"*"}).outcome, verdict::no_rule);
    EXPECT_EQ(decided("query A { a } mutation B { b }", {"*"}).outcome, verdict::no_rule);
}

provider_facts crm()
{
    const std::vector<texts> reads = {
        {"contacts.read"}, {"deals.read"}, {"tickets", "extra"}, {"oauth"}};
    provider_facts facts = facts_with({});
    facts.tables = {
        {{},
         "",
         {make_rule("GET /objects/{objectType}", {"GET"}, "/objects/{objectType}", reads),
          make_rule("GET /links/{from}/{to}", {"GET"}, "/links/{from}/{to}", reads),
          make_rule("GET /schemas/{objectType}", {"GET"}, "/schemas/{objectType}",
                    {{"deals.read"}, {"oauth"}}),
          make_rule("GET /history", {"GET"}, "/history", reads),
          make_rule("GET /limits", {"GET"}, "/limits", reads)}}};
    facts.objects.placeholders = {"objectType", "from", "to"};
    facts.objects.types = {{{"contacts", "0-1"}, {"contacts.*"}},
                           {{"deals", "9-*"}, {"deals.read"}},
                           {{"tickets"}, {"tickets", "tickets.*"}}};
    facts.objects.untold = {"/history"};
    return facts;
}

TEST(ObjectScopes, GoByTheTypeInThePath)
{
    const provider made(crm());
    EXPECT_EQ(outcome(made, {.path = "/objects/contacts", .granted = {"contacts.read"}}),
              verdict::allow);
    EXPECT_EQ(outcome(made, {.path = "/objects/0-1", .granted = {"contacts.read"}}),
              verdict::allow);
    EXPECT_EQ(outcome(made, {.path = "/objects/9-77", .granted = {"deals.read"}}), verdict::allow);
    EXPECT_EQ(outcome(made, {.path = "/objects/tickets", .granted = {"tickets", "extra"}}),
              verdict::allow);
    EXPECT_EQ(outcome(made, {.path = "/objects/tickets", .granted = {"tickets"}}),
              verdict::scope_missing);
    for (const char* path : {"/objects/deals", "/objects/tickets", "/objects/Contacts",
                             "/objects/contacts;x", "/objects/9"}) {
        EXPECT_EQ(outcome(made, {.path = path, .granted = {"contacts.read", "oauth"}}),
                  verdict::scope_missing)
            << path;
    }
    EXPECT_EQ(asking(made, {.path = "/objects/deals", .granted = {"contacts.read"}}).missing(),
              (std::vector<texts>{{"deals.read"}}));
    EXPECT_EQ(
        asking(made, {.path = "/objects/deals", .granted = {"deals.read"}}).decided.alternative,
        1u);
}

TEST(ObjectScopes, NeedEveryAlternativeForATypeThatNobodyLists)
{
    const provider made(crm());
    const texts all = {"contacts.read", "deals.read", "tickets", "extra", "oauth"};
    EXPECT_EQ(outcome(made, {.path = "/objects/cars", .granted = all}), verdict::allow);
    EXPECT_EQ(outcome(made, {.path = "/objects/cars", .granted = {"*"}}), verdict::allow);
    EXPECT_EQ(
        asking(made, {.path = "/objects/cars", .granted = {"contacts.read", "tickets"}}).missing(),
        (std::vector<texts>{{"deals.read", "extra", "oauth"}}));
}

TEST(ObjectScopes, ApplyToEveryTypeThatAPathNames)
{
    const provider made(crm());
    const texts both = {"contacts.read", "deals.read"};
    EXPECT_EQ(outcome(made, {.path = "/links/contacts/deals", .granted = both}), verdict::allow);
    EXPECT_EQ(
        asking(made, {.path = "/links/contacts/deals", .granted = {"contacts.read"}}).missing(),
        (std::vector<texts>{{"deals.read"}}));
    EXPECT_EQ(outcome(made, {.path = "/links/deals/contacts", .granted = {"contacts.read"}}),
              verdict::scope_missing);
}

TEST(ObjectScopes, LeaveRulesAloneThatAreForOneType)
{
    const provider made(crm());
    EXPECT_EQ(outcome(made, {.path = "/schemas/contacts", .granted = {"oauth"}}), verdict::allow);
    EXPECT_EQ(outcome(made, {.path = "/limits", .granted = {"oauth"}}), verdict::allow);
}

TEST(ObjectScopes, KeepANarrowedRunFromWhatThePathDoesNotTell)
{
    const provider made(crm());
    const texts granted = {"contacts.read", "deals.read"};
    EXPECT_EQ(outcome(made, {.path = "/history", .granted = {"contacts.read"}}), verdict::allow);
    EXPECT_EQ(outcome(made, {.path = "/history", .granted = granted}), verdict::allow);
    EXPECT_EQ(outcome(made, {.path = "/history", .granted = granted, .run = granted}),
              verdict::allow);
    const asked narrowed{.path = "/history", .granted = granted, .run = texts{"contacts.read"}};
    EXPECT_EQ(outcome(made, narrowed), verdict::scope_missing);
    EXPECT_EQ(asking(made, narrowed).missing(), (std::vector<texts>{{"deals.read"}}));
    EXPECT_EQ(
        outcome(made,
                {.path = "/history", .granted = {"contacts.read"}, .run = texts{"contacts.read"}}),
        verdict::allow);
    EXPECT_EQ(outcome(made, {.path = "/history", .granted = {}}), verdict::scope_missing);
}

TEST(ObjectScopes, RefuseWhatTheyCannotTell)
{
    provider_facts twice = crm();
    twice.objects.types.push_back({{"deals"}, {"x"}});
    EXPECT_THROW(provider made(std::move(twice)), std::invalid_argument);
    provider_facts open = crm();
    open.tables[0].rows = {
        make_rule("a", {"GET"}, "/{+p}/{objectType}", {{"contacts.read"}, {"deals.read"}})};
    EXPECT_THROW(provider made(std::move(open)), std::invalid_argument);
}

TEST(NeverValues, AreNamesThatNoPlaceholderStandsFor)
{
    provider_facts facts = facts_with({make_rule("user", {"GET"}, "/users/{id}"),
                                       make_rule("delta", {"GET"}, "/users/delta"),
                                       make_rule("cast", {"GET"}, "/users/graph.admin"),
                                       make_rule("ref", {"GET"}, "/users/{id}/$ref"),
                                       make_rule("file", {"GET"}, "/root:/{+path}")});
    facts.never_values = {"graph.*", "$*", "*()"};
    const provider made(std::move(facts));
    for (const char* path : {"/users/ann", "/users/delta", "/users/graph.admin", "/users/GRAPH",
                             "/users/ann/$ref", "/root:/a/b(1)"}) {
        EXPECT_EQ(outcome(made, {.path = path}), verdict::allow) << path;
    }
    for (const char* path : {"/users/graph.delta", "/users/Graph.delta", "/users/delta()",
                             "/users/$count", "/users/%24count", "/root:/a/$value"}) {
        EXPECT_EQ(outcome(made, {.path = path}), verdict::no_rule) << path;
    }
}

TEST(TableCache, CompilesASharedTableOnceForEachReading)
{
    table_cache cache;
    const shared_list<rule> rows = {make_rule("GET /a", {"GET"}, "/a", {{"s"}})};
    const auto first = cache.compile(rows, {.rows = true});
    EXPECT_EQ(cache.compile(shared_list<rule>(rows), {.rows = true}), first);
    EXPECT_NE(cache.compile(rows, {.fold = true, .rows = true}), first);

    provider_facts facts = facts_with({});
    facts.tables = {{{}, "", rows}};
    facts.scopes = {{"other", "read", ""}};  // So that the scope has another bit than in `plain`.
    const provider described(facts, &cache);
    facts.scopes.clear();
    const provider plain(std::move(facts), &cache);
    for (const provider* each : {&described, &plain}) {
        EXPECT_EQ(outcome(*each, {.path = "/a", .granted = {"s"}}), verdict::allow);
        EXPECT_EQ(outcome(*each, {.path = "/a", .granted = {"other"}}), verdict::scope_missing);
    }
}

}  // namespace
}  // namespace sallyport::policy
