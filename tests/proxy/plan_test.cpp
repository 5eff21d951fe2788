#include "proxy/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/error.hpp"
#include "tests/proxy/made_plan.hpp"

namespace sallyport::proxy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::string spelled(std::string_view text)
{
    std::string out;
    for (const template_piece& piece : parse_template(text)) {
        out += piece.placeholder ? "{" + piece.text + "}" : "'" + piece.text + "'";
    }
    return out;
}

TEST(Template, SplitsIntoTextAndPlaceholders)
{
    EXPECT_EQ(spelled("Bearer {secret}"), "'Bearer '{secret}");
    EXPECT_EQ(spelled("{a}{b}"), "{a}{b}");
    EXPECT_EQ(spelled("/bot{secret}/x"), "'/bot'{secret}'/x'");
    EXPECT_EQ(spelled("plain"), "'plain'");
    EXPECT_EQ(spelled("open {secret"), "'open {secret'");
    EXPECT_EQ(spelled(""), "");
}

// Headers that make one method out of another go at every provider.
std::vector<std::string> own_removals(const made_plan& made)
{
    std::vector<std::string> out = made.provider->removed_headers;
    for (const char* name : {"x-http-method-override", "x-http-method", "x-method-override"}) {
        EXPECT_EQ(std::erase(out, name), 1u) << name;
    }
    return out;
}

TEST(ProviderPlan, FindsThePlacesWhereARunTokenCanStand)
{
    policy::provider_facts facts = facts_injecting({});
    facts.credentials = {
        {"oauth2", {{in_header, "Authorization", "Bearer {access_token}"}}},
        {"api_key", {{in_header, "X-Api-Key", "{secret}"}, {in_query, "key", "{secret}"}}},
        {"basic", {{in_header, "Authorization", "Basic {basic}"}}},
        {"custom",
         {{in_header, "X-Signature", "v1={id};{secret}"},
          {in_header, "X-After", "{secret}:"},
          {in_header, "X-Constant", "constant"},
          {in_query, "prefixed", "k-{secret}"},
          {in_cookie, "sid", "{secret}"},
          {in_path, "", "/bot{secret}"}}},
    };
    const made_plan made(std::move(facts));
    const auto& places = made.provider->places;
    ASSERT_EQ(places.size(), 4u);
    EXPECT_EQ(places[0].in, token_place::kind::header);
    EXPECT_EQ(places[0].name, "Authorization");
    EXPECT_EQ(places[0].prefix, "Bearer ");
    EXPECT_EQ(places[1].in, token_place::kind::header);
    EXPECT_EQ(places[1].name, "X-Api-Key");
    EXPECT_EQ(places[1].prefix, "");
    EXPECT_EQ(places[2].in, token_place::kind::query);
    EXPECT_EQ(places[2].name, "key");
    EXPECT_EQ(places[3].in, token_place::kind::basic);
    EXPECT_EQ(places[3].name, "Authorization");
    EXPECT_TRUE(made.provider->basic_place);
    EXPECT_THAT(own_removals(made), UnorderedElementsAre("authorization", "x-api-key",
                                                         "x-signature", "x-after", "x-constant"));
    EXPECT_THAT(made.provider->removed_query, UnorderedElementsAre("key", "prefixed"));
    EXPECT_THAT(made.provider->removed_cookies, ElementsAre("sid"));
}

TEST(ProviderPlan, RemovesTheCarriersOfItsStripList)
{
    using place = policy::carrier::place;
    policy::provider_facts facts = facts_injecting({});
    facts.strip = {{place::header, "X-Goog-Api-Key"},
                   {place::header, "Sec-WebSocket-Protocol openai-insecure-api-key.*"},
                   {place::query, "access_token"},
                   {place::form, "client_secret"},
                   {place::json, "token"}};
    const made_plan made(std::move(facts));
    EXPECT_THAT(own_removals(made),
                UnorderedElementsAre("x-goog-api-key", "sec-websocket-protocol"));
    EXPECT_THAT(made.provider->removed_query, ElementsAre("access_token"));
    EXPECT_THAT(made.provider->removed_form, ElementsAre("client_secret"));
    EXPECT_THAT(made.provider->removed_json, ElementsAre("token"));
    EXPECT_TRUE(made.provider->reads_bodies);
    EXPECT_FALSE(made.provider->basic_place);
}

TEST(ProviderPlan, TakesEveryBodyPlaceForACarrier)
{
    using place = policy::injection::place;
    policy::provider_facts facts = facts_injecting({{in_header, "X-Api-Key", "{secret}"}});
    EXPECT_FALSE(made_plan(facts).provider->reads_bodies);
    facts.credentials.push_back({"custom", {{place::body, "token", "{secret}"}}});
    const made_plan made(std::move(facts));
    EXPECT_THAT(made.provider->removed_form, ElementsAre("token"));
    EXPECT_THAT(made.provider->removed_json, ElementsAre("token"));
    EXPECT_TRUE(made.provider->reads_bodies);
}

policy::provider_facts named(std::string id)
{
    policy::provider_facts facts = facts_injecting({});
    facts.id = std::move(id);
    return facts;
}

result<std::shared_ptr<const snapshot>> snapshot_of(std::vector<policy::provider_facts> all,
                                                    std::string& why)
{
    std::vector<std::unique_ptr<policy::provider>> providers;
    for (policy::provider_facts& facts : all) {
        providers.push_back(std::make_unique<policy::provider>(std::move(facts)));
    }
    return snapshot::make(std::make_shared<const policy::catalogue>(std::move(providers)), why);
}

TEST(Snapshot, FindsEnabledProvidersById)
{
    policy::provider_facts hidden = named("hidden");
    hidden.enabled = false;
    std::string why;
    const auto made = snapshot_of({named("zoom"), hidden, named("acme"), named("mid")}, why);
    ASSERT_TRUE(made);
    EXPECT_EQ((*made)->providers().size(), 3u);
    for (const std::string_view id : {"acme", "mid", "zoom"}) {
        ASSERT_NE((*made)->find(id), nullptr) << id;
        EXPECT_EQ((*made)->find(id)->provider->facts().id, id);
    }
    for (const std::string_view id : {"hidden", "", "ACME", "acmes", "zzz"}) {
        EXPECT_EQ((*made)->find(id), nullptr) << id;
    }
}

TEST(Snapshot, NamesTheProviderWhoseRootsCannotBeRead)
{
    policy::provider_facts facts = named("acme");
    facts.tls_ca = "/nonexistent/roots.pem";
    std::string why;
    const auto made = snapshot_of({facts}, why);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error(), net::errc::bad_tls_material);
    EXPECT_THAT(why, testing::HasSubstr("acme"));
}

TEST(Snapshot, HasNoTlsOnlyWhereTheFileAllowsPlainText)
{
    policy::provider_facts plain = named("plain");
    plain.plain_http = true;
    plain.base.port = 8080;
    const made_plan made(std::move(plain));
    EXPECT_EQ(made.provider->tls, nullptr);
    EXPECT_EQ(made.plan->upstreams[0].authority, "api.test:8080");
    EXPECT_NE(made_plan(named("tls")).provider->tls, nullptr);
}

TEST(ConnectionPlan, ListsTheAuthoritiesOfTheProvider)
{
    const made_plan made(facts_injecting({}));
    ASSERT_EQ(made.plan->upstreams.size(), 3u);
    EXPECT_EQ(made.plan->upstreams[0].authority, "api.test");
    EXPECT_EQ(made.plan->upstreams[1].authority, "uploads.test");
    EXPECT_EQ(made.plan->upstreams[2].authority, "odd.test:8443");
    for (const upstream& each : made.plan->upstreams) {
        EXPECT_NE(each.to.tls, nullptr);
        EXPECT_FALSE(each.to.private_addresses);
        EXPECT_NE(each.lane, nullptr);
    }
}

TEST(ConnectionPlan, FindsTheAuthorityACallerNames)
{
    const made_plan made(facts_injecting({}));
    const auto& all = made.plan->upstreams;
    struct {
        std::string_view host;
        unsigned port;
        const upstream* found;
    } const table[] = {
        {"", 0, &all[0]},          {"api.test", 0, &all[0]},     {"API.Test", 443, &all[0]},
        {"api.test", 80, nullptr}, {"uploads.test", 0, &all[1]}, {"odd.test", 8443, &all[2]},
        {"odd.test", 0, nullptr},  {"odd.test", 443, nullptr},   {"evil.test", 0, nullptr},
        {"api.test.", 0, nullptr}, {"xapi.test", 0, nullptr},
    };
    for (const auto& row : table) {
        EXPECT_EQ(made.plan->find(row.host, row.port), row.found) << row.host << ' ' << row.port;
    }
}

TEST(ConnectionPlan, FillsVariablesIntoHosts)
{
    policy::provider_facts facts = facts_injecting({});
    facts.base.host = "{tenant}.api.test";
    facts.hosts = {{"{region}.uploads.test", 443, {}}, {"{other}.test", 443, {}}};
    facts.variables = {{"tenant", "host", "", "", ""},
                       {"region", "host", "eu", "", ""},
                       {"other", "host", "", "", ""}};
    vault::connection record;
    record.variables = {{"tenant", "Acme"}};
    const made_plan made(facts, record);
    ASSERT_NE(made.plan, nullptr);
    ASSERT_EQ(made.plan->upstreams.size(), 2u) << "the third lacks its variable";
    EXPECT_EQ(made.plan->upstreams[0].authority, "acme.api.test");
    EXPECT_EQ(made.plan->upstreams[0].listed->facts->host, "{tenant}.api.test");
    EXPECT_EQ(made.plan->upstreams[1].authority, "eu.uploads.test");
    EXPECT_EQ(made_plan(facts).plan, nullptr) << "the base needs its variable";
}

TEST(ConnectionPlan, TakesAnOriginWithItsPortFromAVariable)
{
    policy::provider_facts facts = facts_injecting({});
    facts.base.host = "{instance_url}";
    facts.hosts.clear();
    facts.variables = {{"instance_url", "host", "", "https://.+", ""}};
    struct row {
        const char* value;
        const char* host;
        unsigned port;
        const char* authority;
    };
    const row rows[] = {{"https://Acme.test", "acme.test", 443, "acme.test"},
                        {"https://acme.test:8443", "acme.test", 8443, "acme.test:8443"},
                        {"https://acme.test:8443/", "acme.test", 8443, "acme.test:8443"},
                        {"acme.test:8443", "acme.test", 8443, "acme.test:8443"},
                        {"https://[::1]:8443", "::1", 8443, "[::1]:8443"},
                        {"https://[::1]", "::1", 443, "[::1]"},
                        {"::1", "::1", 443, "[::1]"}};
    for (const row& row : rows) {
        vault::connection record;
        record.variables = {{"instance_url", row.value}};
        const made_plan made(facts, record);
        ASSERT_NE(made.plan, nullptr) << row.value;
        EXPECT_EQ(made.plan->upstreams[0].to.host, row.host) << row.value;
        EXPECT_EQ(made.plan->upstreams[0].to.port, row.port) << row.value;
        EXPECT_EQ(made.plan->upstreams[0].authority, row.authority) << row.value;
    }
    for (const char* value :
         {"https://", "https://acme.test:", "https://acme.test:0", "https://acme.test:65536",
          "https://acme.test:8443x", "https://:80", "https://[::1", "https://[::1]x:80"}) {
        vault::connection record;
        record.variables = {{"instance_url", value}};
        EXPECT_EQ(made_plan(facts, record).plan, nullptr) << value;
    }
}

TEST(ConnectionPlan, DoesNotFitAKindTheProviderDoesNotHave)
{
    vault::connection record;
    record.kind = "oauth2";
    EXPECT_EQ(made_plan(facts_injecting({}), record).plan, nullptr);
}

TEST(ConnectionPlan, AppliesTheConnectionsSettings)
{
    vault::connection record;
    record.settings_json = R"({"timeout": "30s", "headers": {"X-A": "1", "X-B": 2}})";
    const made_plan made(facts_injecting({}), record);
    EXPECT_EQ(made.plan->timeout, std::chrono::seconds(30));
    EXPECT_THAT(made.plan->headers, ElementsAre(std::pair<std::string, std::string>("X-A", "1")));
    for (const std::string text : {"", "[]", "{", R"({"timeout": 5, "headers": []})"}) {
        record.settings_json = text;
        const made_plan odd(facts_injecting({}), record);
        EXPECT_EQ(odd.plan->timeout, std::chrono::milliseconds(0)) << text;
        EXPECT_THAT(odd.plan->headers, IsEmpty()) << text;
    }
}

TEST(ConnectionPlan, SharesALaneOnlyWithItself)
{
    const made_plan made(facts_injecting({}));
    const auto lane_of = [&](const vault::connection& connection) {
        net::pool& pool = const_cast<net::pool&>(made.pool);
        return make_connection_plan(made.catalogue, *made.provider, connection, pool)
            ->upstreams[0]
            .lane;
    };
    vault::connection same = made.connection;
    EXPECT_EQ(lane_of(same), made.plan->upstreams[0].lane);

    vault::connection other = made.connection;
    other.workspace = "other";
    EXPECT_NE(lane_of(other), lane_of(same));
    other = made.connection;
    other.id = "conn_other";
    EXPECT_NE(lane_of(other), lane_of(same));
    other = made.connection;
    other.credential_version = 7;
    EXPECT_NE(lane_of(other), lane_of(same));
    EXPECT_NE(made.plan->upstreams[1].lane, lane_of(same));
}

TEST(HostPattern, CouldMatchWhatSomeConnectionFillsIn)
{
    EXPECT_TRUE(host_could_match("api.test", "API.test"));
    EXPECT_TRUE(host_could_match("{t}.api.test", "acme.api.test"));
    EXPECT_TRUE(host_could_match("{t}.api.{r}.test", "a.api.b.test"));
    EXPECT_TRUE(host_could_match("{host}", "anything.test"));
    EXPECT_FALSE(host_could_match("api.test", "api.test2"));
    EXPECT_FALSE(host_could_match("{t}.api.test", ".api.test"));
    EXPECT_FALSE(host_could_match("{t}.api.test", "acme.api.test.evil.test"));
    EXPECT_FALSE(host_could_match("a{t}a", "a"));
}

}  // namespace
}  // namespace sallyport::proxy
