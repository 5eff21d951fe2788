#include "oauth/revocation.hpp"

#include <gmock/gmock.h>

#include "base/encoding.hpp"
#include "oauth/error.hpp"
#include "oauth/words.hpp"
#include "tests/identity/keys.hpp"
#include "tests/oauth/shipped.hpp"

namespace sallyport::oauth {
namespace {

using verdict = revocation_answer::verdict;

std::vector<net::http_request> requests(std::string_view provider, std::string variant = {})
{
    const policy::provider_facts& facts = facts_of(provider);
    vault::connection record = connection_at(provider);
    record.variant = std::move(variant);
    record.variables["stripe_user_id"] = "acct_1";
    auto made = revocation_requests(
        facts, record, make_client(facts),
        credential_of({{"access_token", "acc/ess"}, {"refresh_token", "refresh"}}), noon);
    EXPECT_TRUE(made) << provider << ": " << made.error().message();
    return made ? std::move(*made) : std::vector<net::http_request>();
}

TEST(Revocation, FollowsTheStandardForBothTokens)
{
    const auto made = requests("gitlab");

    ASSERT_EQ(made.size(), 2u);
    EXPECT_EQ(std::string_view(made[0].url), "https://gitlab.com/oauth/revoke");
    EXPECT_EQ(body_of(made[0]), (texts{{"token", "refresh"},
                                       {"token_type_hint", "refresh_token"},
                                       {"client_id", "client-1"},
                                       {"client_secret", "client secret/1"}}));
    EXPECT_EQ(body_of(made[1]).at("token"), "acc/ess");
}

TEST(Revocation, IsProvenByAKeyWhereTheClientHasOne)
{
    const policy::provider_facts& facts = facts_of("gitlab");
    client as;
    as.id = "client-1";
    as.private_key = vault::secret(identity::make_ec("P-256").private_key);
    as.auth = client_auth::private_key_jwt;
    const auto made = revocation_requests(facts, connection_at("gitlab"), as,
                                          credential_of({{"access_token", "acc/ess"}}), noon);
    ASSERT_TRUE(made) << made.error().message();
    const texts body = body_of(made->at(0));
    EXPECT_EQ(body.at("client_assertion_type"),
              "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    EXPECT_FALSE(body.at("client_assertion").empty());
    as.private_key = vault::secret("no key");
    EXPECT_EQ(revocation_requests(facts, connection_at("gitlab"), as,
                                  credential_of({{"access_token", "acc/ess"}}), noon)
                  .error(),
              errc::bad_key);
}

TEST(Revocation, ProvesTheClientAsPipedriveWantsIt)
{
    const auto made = requests("pipedrive");
    ASSERT_FALSE(made.empty());
    EXPECT_THAT(header_of(made[0], "Authorization"), ::testing::StartsWith("Basic "));
    EXPECT_FALSE(body_of(made[0]).contains("client_secret"));
}

TEST(Revocation, ProvesAClientWithAKeyAnewForEachToken)
{
    const identity::pem_pair pair = identity::make_ec("P-256");
    policy::provider_facts facts = facts_of("gitlab");
    facts.oauth2->client_auths = {client_auth::private_key_jwt};
    client configured;
    configured.id = "client-1";
    configured.private_key = vault::secret(pair.private_key);
    const auto as = choose_client(facts, connection_at("gitlab"), &configured, {});
    ASSERT_TRUE(as);
    const auto made =
        revocation_requests(facts, connection_at("gitlab"), *as,
                            credential_of({{"access_token", "a"}, {"refresh_token", "r"}}), noon);
    ASSERT_TRUE(made);
    ASSERT_EQ(made->size(), 2u);
    const texts first = body_of((*made)[0]);
    EXPECT_EQ(first.at("client_assertion_type"),
              "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    const std::string& proof = first.at("client_assertion");
    EXPECT_NE(proof, body_of((*made)[1]).at("client_assertion"));
    const std::size_t from = proof.find('.') + 1;
    const auto claims = *from_base64url(proof.substr(from, proof.rfind('.') - from));
    EXPECT_EQ(boost::json::parse(claims).at("aud").as_string(), "https://gitlab.com/oauth/token");
}

struct own_way {
    const char* provider;
    const char* method;
    const char* url;
    const char* header;
    const char* value;
    texts body;
};

const own_way own_ways[] = {
    {"dropbox",
     "POST",
     "https://api.dropboxapi.com/2/auth/token/revoke",
     "Authorization",
     "Bearer acc/ess",
     {}},
    {"slack", "POST", "https://slack.com/api/auth.revoke", "Authorization", "Bearer acc/ess", {}},
    {"facebook", "DELETE", "https://graph.facebook.com/", "Authorization", "Bearer acc/ess", {}},
    {"intercom",
     "POST",
     "https://api.intercom.io/auth/uninstall",
     "Authorization",
     "Bearer acc/ess",
     {}},
    {"zendesk", "DELETE", "https://", "Authorization", "Bearer acc/ess", {}},
    {"shopify",
     "DELETE",
     "https://acme.myshopify.com/admin/api_permissions/current.json",
     "X-Shopify-Access-Token",
     "acc/ess",
     {}},
    {"github",
     "DELETE",
     "https://api.github.com/applications/client-1/token",
     "Authorization",
     "Basic Y2xpZW50LTE6Y2xpZW50JTIwc2VjcmV0JTJGMQ==",
     {{"access_token", "acc/ess"}}},
    {"notion",
     "POST",
     "https://api.notion.com/v1/oauth/revoke",
     "Authorization",
     "Basic Y2xpZW50LTE6Y2xpZW50JTIwc2VjcmV0JTJGMQ==",
     {{"token", "acc/ess"}}},
    {"supabase",
     "POST",
     "https://api.supabase.com/v1/oauth/revoke",
     "Authorization",
     "",
     {{"client_id", "client-1"},
      {"client_secret", "client secret/1"},
      {"refresh_token", "refresh"}}},
    {"tiktok",
     "POST",
     "https://open.tiktokapis.com/v2/oauth/revoke/",
     "Authorization",
     "",
     {{"client_key", "client-1"}, {"client_secret", "client secret/1"}, {"token", "acc/ess"}}},
    {"stripe",
     "POST",
     "https://connect.stripe.com/oauth/deauthorize",
     "Authorization",
     "Bearer client secret/1",
     {{"client_id", "client-1"}, {"stripe_user_id", "acct_1"}}},
};

TEST(Revocation, FollowsEachProvidersOwnWay)
{
    for (const own_way& one : own_ways) {
        SCOPED_TRACE(one.provider);
        const auto made = requests(one.provider);
        ASSERT_EQ(made.size(), 1u);
        EXPECT_EQ(made[0].method, one.method);
        EXPECT_THAT(std::string(made[0].url), ::testing::StartsWith(one.url));
        EXPECT_EQ(header_of(made[0], one.header), one.value);
        EXPECT_EQ(body_of(made[0]), one.body);
    }
}

TEST(Revocation, IsUnderstoodForEveryShippedFileThatHasAWay)
{
    for (const auto& provider : shipped().all()) {
        const policy::provider_facts& facts = provider->facts();
        using style = policy::oauth2_facts::revoke_style;
        if (!facts.oauth2) {
            continue;
        }
        const bool has_way =
            facts.oauth2->revocation != style::none && facts.oauth2->revocation != style::unknown;
        vault::connection record = connection_at(facts);
        record.variables["stripe_user_id"] = "acct_1";
        const auto made = revocation_requests(
            facts, record, make_client(facts),
            credential_of({{"access_token", "a"}, {"refresh_token", "r"}}), noon);
        EXPECT_EQ(static_cast<bool>(made), has_way) << facts.id;
        if (!has_way) {
            EXPECT_EQ(made.error(), errc::not_offered) << facts.id;
        }
    }
}

TEST(Revocation, IsNotTriedWithoutWhatItNeeds)
{
    const policy::provider_facts& stripe = facts_of("stripe");
    EXPECT_EQ(revocation_requests(stripe, connection_at("stripe"), make_client(stripe),
                                  credential_of({{"access_token", "a"}}), noon)
                  .error(),
              errc::missing_value);
    const policy::provider_facts& supabase = facts_of("supabase");
    EXPECT_EQ(revocation_requests(supabase, connection_at("supabase"), make_client(supabase),
                                  credential_of({{"access_token", "a"}}), noon)
                  .error(),
              errc::unsendable);
    EXPECT_EQ(revocation_requests(facts_of("openai"), {}, client(), {}, noon).error(),
              errc::no_oauth2);
}

struct judged {
    const char* provider;
    unsigned status;
    const char* body;
    verdict expected;
};

TEST(Revocation, IsDoneOnceTheTokenIsDead)
{
    const judged cases[] = {
        {"gitlab", 200, "{}", verdict::done},
        {"gitlab", 200, "", verdict::done},
        {"shopify", 204, "", verdict::done},
        {"gmail", 400, R"({"error":"invalid_token"})", verdict::done},
        {"gmail", 400, R"({"error":"invalid_request"})", verdict::retry},
        {"slack", 200, R"({"ok":true,"revoked":true})", verdict::done},
        {"slack", 200, R"({"ok":false,"error":"token_revoked"})", verdict::done},
        {"slack", 200, R"({"ok":false,"error":"ratelimited"})", verdict::retry},
        {"github", 404, "{}", verdict::done},
        {"github", 422, "{}", verdict::done},
        {"github", 401, "{}", verdict::retry},
        {"gitlab", 404, "{}", verdict::retry},  // The URL has moved: the standard says 200.
        {"gitlab", 422, "{}", verdict::retry},
        {"dropbox", 401, "{}", verdict::done},
        {"gitlab", 401, R"({"error":"invalid_client"})", verdict::retry},
        {"gitlab", 400, R"({"error":"unsupported_token_type"})", verdict::not_supported},
        {"gitlab", 503, "", verdict::retry},
        {"gitlab", 302, "", verdict::retry},
    };
    for (const judged& one : cases) {
        const auto got =
            read_revocation(facts_of(one.provider), json_answer(one.body, one.status), noon);
        EXPECT_EQ(got.outcome, one.expected) << one.provider << " " << one.status << one.body;
    }
    net::http_answer busy = json_answer("", 429);
    busy.headers.emplace_back("Retry-After", "7");
    EXPECT_EQ(read_revocation(facts_of("gitlab"), busy, noon).retry_after.count(), 7);
}

TEST(Words, ThatAreNotUnderstoodAreNotGuessedAt)
{
    EXPECT_FALSE(read_proof("the token, twice"));
    EXPECT_FALSE(read_body("json {\"a\": 1, \"b\": 2}"));
    EXPECT_FALSE(read_body("form: a b"));
    EXPECT_FALSE(read_body("form:"));
    EXPECT_FALSE(read_body("xml"));
    EXPECT_EQ(read_body("")->as, request_body::form::none);
    EXPECT_EQ(read_proof("basic client_id:client_secret")->by, request_proof::way::basic);
    EXPECT_EQ(read_proof("X-Token")->header, "X-Token");
}

}  // namespace
}  // namespace sallyport::oauth
