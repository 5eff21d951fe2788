#include "oauth/token_request.hpp"

#include <gmock/gmock.h>

#include "base/encoding.hpp"
#include "oauth/app_grants.hpp"
#include "oauth/error.hpp"
#include "tests/oauth/shipped.hpp"

namespace sallyport::oauth {
namespace {

using ::testing::StartsWith;

constexpr std::string_view callback_url = "https://gate.example/api/connect/callback";

code_grant the_code()
{
    return {wiped_string("co/de"), wiped_string("verifier"), std::string(callback_url)};
}

// The standard's parameters under the provider's names, with its own beside them.
texts as_the_file_has_it(const policy::oauth2_facts& facts, const texts& standard)
{
    texts expected(facts.token_params.begin(), facts.token_params.end());
    const texts renamed(facts.param_names.begin(), facts.param_names.end());
    for (const auto& [name, value] : standard) {
        expected[renamed.contains(name) ? renamed.at(name) : name] = value;
    }
    return expected;
}

void expect_client(const policy::oauth2_facts& facts, const net::http_request& request,
                   texts& standard)
{
    if (facts.client_auths.front() == client_auth::basic) {
        EXPECT_EQ(header_of(request, "Authorization"),
                  "Basic " + to_base64("client-1:client%20secret%2F1"));
    } else {
        EXPECT_EQ(header_of(request, "Authorization"), "");
        standard["client_id"] = "client-1";
        standard["client_secret"] = "client secret/1";
    }
}

TEST(TokenRequest, ExchangesACodeAsEveryShippedFileSays)
{
    std::size_t tried = 0;
    for (const auto& provider : shipped().all()) {
        const policy::provider_facts& facts = provider->facts();
        if (!facts.oauth2 || !offers(*facts.oauth2, "authorization_code")) {
            continue;
        }
        SCOPED_TRACE(facts.id);
        const policy::oauth2_facts& flow = *facts.oauth2;
        const auto request =
            code_request(facts, connection_at(facts), make_client(facts), the_code(), noon);
        ASSERT_TRUE(request) << request.error().message();
        EXPECT_EQ(request->method, "POST");
        EXPECT_THAT(std::string(request->url),
                    StartsWith(flow.token_url.substr(0, flow.token_url.find('{'))));
        texts standard = {{"grant_type", "authorization_code"},
                          {"code", "co/de"},
                          {"redirect_uri", std::string(callback_url)},
                          {"code_verifier", "verifier"}};
        expect_client(flow, *request, standard);
        EXPECT_EQ(body_of(*request), as_the_file_has_it(flow, standard));
        for (const auto& [name, value] : flow.token_headers) {
            EXPECT_EQ(header_of(*request, name), value);
        }
        ++tried;
    }
    EXPECT_GE(tried, 35u);
}

TEST(TokenRequest, RefreshesAsEveryShippedFileSays)
{
    const vault::credential current =
        credential_of({{"access_token", "old"}, {"refresh_token", "re+fresh"}});
    std::size_t tried = 0;
    for (const auto& provider : shipped().all()) {
        const policy::provider_facts& facts = provider->facts();
        if (!facts.oauth2 || !offers(*facts.oauth2, "refresh_token") ||
            !facts.oauth2->refresh_request.url.empty()) {
            continue;
        }
        SCOPED_TRACE(facts.id);
        const policy::oauth2_facts& flow = *facts.oauth2;
        const auto request =
            refresh_request(facts, connection_at(facts), make_client(facts), current, noon);
        ASSERT_TRUE(request) << request.error().message();
        texts standard = {{"grant_type", "refresh_token"}, {"refresh_token", "re+fresh"}};
        expect_client(flow, *request, standard);
        EXPECT_EQ(body_of(*request), as_the_file_has_it(flow, standard));
        ++tried;
    }
    EXPECT_GE(tried, 35u);
}

TEST(TokenRequest, NamesTheClientAsTikTokDoes)
{
    const policy::provider_facts& tiktok = facts_of("tiktok");
    const auto request =
        code_request(tiktok, connection_at("tiktok"), make_client(tiktok), the_code(), noon);
    ASSERT_TRUE(request);
    EXPECT_EQ(body_of(*request).at("client_key"), "client-1");
    EXPECT_FALSE(body_of(*request).contains("client_id"));
}

TEST(TokenRequest, SendsJsonWhereNotionWantsIt)
{
    const policy::provider_facts& notion = facts_of("notion");
    const auto request =
        code_request(notion, connection_at("notion"), make_client(notion), the_code(), noon);
    ASSERT_TRUE(request);
    EXPECT_EQ(header_of(*request, "Content-Type"), "application/json");
    EXPECT_THAT(header_of(*request, "Authorization"), StartsWith("Basic "));
    EXPECT_EQ(body_of(*request).at("code"), "co/de");
}

TEST(TokenRequest, OfAPublicClientOnlyNamesIt)
{
    const policy::provider_facts& twitter = facts_of("twitter");
    client configured;
    configured.id = "public";
    const auto as = choose_client(twitter, connection_at(twitter), &configured, {});
    ASSERT_TRUE(as);

    const auto request = code_request(twitter, connection_at("twitter"), *as, the_code(), noon);

    ASSERT_TRUE(request);
    EXPECT_EQ(header_of(*request, "Authorization"), "");
    EXPECT_EQ(body_of(*request).at("client_id"), "public");
    EXPECT_FALSE(body_of(*request).contains("client_secret"));
}

TEST(TokenRequest, RenewsAnInstagramTokenWithItself)
{
    const policy::provider_facts& instagram = facts_of("instagram");
    const auto request = refresh_request(instagram, connection_at("instagram"), client(),
                                         credential_of({{"access_token", "to/ken"}}), noon);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->method, "GET");
    EXPECT_EQ(std::string_view(request->url),
              "https://graph.instagram.com/refresh_access_token?grant_type=ig_refresh_token"
              "&access_token=to%2Fken");
    EXPECT_TRUE(request->body.empty());
}

TEST(TokenRequest, ExchangesAShortLivedToken)
{
    const policy::provider_facts& facebook = facts_of("facebook");
    const auto request =
        exchange_request(facebook, connection_at("facebook"), make_client(facebook), "short");
    ASSERT_TRUE(request);
    EXPECT_EQ(query_of(std::string(request->url)), (texts{{"grant_type", "fb_exchange_token"},
                                                          {"client_id", "client-1"},
                                                          {"client_secret", "client secret/1"},
                                                          {"fb_exchange_token", "short"}}));
    EXPECT_EQ(exchange_request(facts_of("github"), connection_at("github"), client(), "t").error(),
              errc::not_offered);
}

TEST(TokenRequest, AsksForAnAppsTokenWhereThatIsOffered)
{
    const policy::provider_facts& twilio = facts_of("twilio");
    const auto request = client_credentials_request(twilio, connection_at("twilio"),
                                                    make_client(twilio), {"*"}, noon);
    ASSERT_TRUE(request) << request.error().message();
    EXPECT_EQ(body_of(*request), (texts{{"grant_type", "client_credentials"},
                                        {"client_id", "client-1"},
                                        {"client_secret", "client secret/1"}}));
    const policy::provider_facts& microsoft = facts_of("microsoft_365");
    const auto other = client_credentials_request(microsoft, connection_at("microsoft_365"),
                                                  make_client(microsoft), {"User.Read.All"}, noon);
    ASSERT_TRUE(other);
    EXPECT_EQ(body_of(*other).at("scope"), "https://graph.microsoft.com/.default");
    EXPECT_EQ(client_credentials_request(facts_of("slack"), connection_at("slack"),
                                         make_client(facts_of("slack")), {}, noon)
                  .error(),
              errc::not_offered);
}

TEST(TokenRequest, SendsNothingThatCannotBeSent)
{
    const policy::provider_facts& github = facts_of("github");
    const vault::connection record = connection_at("github");
    code_grant grant = the_code();
    grant.code = "a\r\nb";
    EXPECT_EQ(code_request(github, record, make_client(github), grant, noon).error(),
              errc::unsendable);
    EXPECT_EQ(refresh_request(github, record, make_client(github),
                              credential_of({{"access_token", "x"}}), noon)
                  .error(),
              errc::not_offered);
    EXPECT_EQ(code_request(facts_of("openai"), record, client(), the_code(), noon).error(),
              errc::no_oauth2);
    EXPECT_EQ(
        code_request(facts_of("zendesk"), vault::connection(), client(), the_code(), noon).error(),
        errc::missing_value);
}

TEST(Client, OfTheCredentialGoesBeforeTheConfiguredOne)
{
    const policy::provider_facts& github = facts_of("github");
    const vault::connection record = connection_at(github);
    client configured;
    configured.id = "configured";
    configured.secret = vault::secret("s");
    const auto own = choose_client(github, record, &configured,
                                   credential_of({{"client_id", "own"}, {"client_secret", "o"}}));
    ASSERT_TRUE(own);
    EXPECT_EQ(own->id, "own");
    EXPECT_EQ(own->secret.reveal(), "o");
    EXPECT_EQ(choose_client(github, record, &configured, {})->id, "configured");
    EXPECT_EQ(choose_client(github, record, nullptr, {}).error(), errc::no_client);
}

TEST(Client, OfTheConfigurationGoesToNoHostThatAConnectionMakesUp)
{
    const struct {
        std::string provider;
        std::pair<std::string, std::string> variable;
        std::vector<std::string> hosts;  // that the operator lists
        bool goes;
    } cases[] = {
        {"gitlab", {}, {}, true},
        {"gitlab", {"host", "gitlab.com"}, {}, true},
        {"gitlab", {"host", "evil.example"}, {}, false},
        {"gitlab", {"host", "gitlab.example.com"}, {"gitlab.example.com"}, true},
        {"gitlab", {"host", "GITLAB.example.com"}, {"gitlab.example.com"}, true},
        {"gitlab", {"host", "git.example.com"}, {".example.com"}, true},
        {"gitlab", {"host", "example.com"}, {".example.com"}, false},
        {"gitlab", {"host", "evilexample.com"}, {".example.com"}, false},
        {"gitlab", {"host", "gitlab.com.evil.example"}, {"gitlab.com"}, false},
        {"salesforce", {"login_host", "acme.my.salesforce.com"}, {}, true},
        {"salesforce", {"login_host", "salesforce.com.evil.example"}, {}, true},  // is no value
        {"shopify", {"shop", "acme"}, {}, true},
        {"microsoft_365", {"tenant", "evil.example"}, {}, true},
    };
    for (const auto& one : cases) {
        const policy::provider_facts& provider = facts_of(one.provider);
        vault::connection record = connection_at(provider);
        if (!one.variable.first.empty()) {
            record.variables[one.variable.first] = one.variable.second;
        }
        client configured;
        configured.id = "configured";
        configured.secret = vault::secret("s");
        configured.hosts = one.hosts;
        const auto chosen = choose_client(provider, record, &configured, {});
        EXPECT_EQ(chosen.has_value(), one.goes) << one.provider << ' ' << one.variable.second;
        if (!one.goes) {
            EXPECT_EQ(chosen.error(), errc::client_elsewhere);
        }
        // Whoever brings a client may take it anywhere.
        EXPECT_TRUE(
            choose_client(provider, record, &configured, credential_of({{"client_id", "own"}})));
    }
    vault::connection lured = connection_at("salesforce");
    lured.variables["login_host"] = "salesforce.com.evil.example";
    EXPECT_EQ(refresh_request(facts_of("salesforce"), lured, make_client(facts_of("salesforce")),
                              credential_of({{"refresh_token", "r"}}), noon)
                  .error(),
              errc::missing_value);
}

TEST(Clients, AreFoundByProvider)
{
    clients known;
    client one;
    one.id = "first";
    known.add("github", std::move(one));
    EXPECT_EQ(known.find("github")->id, "first");
    EXPECT_EQ(known.find("gitlab"), nullptr);
}

}  // namespace
}  // namespace sallyport::oauth
