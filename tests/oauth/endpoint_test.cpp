// The endpoint against a server that answers as a script says: whole flows, over the real client.
#include "oauth/endpoint.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>

#include "oauth/error.hpp"
#include "tests/net/scripted_server.hpp"
#include "tests/oauth/shipped.hpp"

namespace sallyport::oauth {
namespace {

using net::scripted_server;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using vault::refresh_answer;
using vault::refresh_verdict;

// A provider of the test's own, whose authorization server is the scripted one.
policy::provider_facts facts_at(const scripted_server& server)
{
    policy::provider_facts facts;
    facts.id = "local";
    facts.plain_http = true;
    facts.private_addresses = true;
    facts.base.host = "127.0.0.1";
    policy::oauth2_facts& flow = facts.oauth2.emplace();
    flow.authorize_url = server.url("/authorize");
    flow.token_url = server.url("/token");
    flow.device_authorization_url = server.url("/device");
    flow.revocation = policy::oauth2_facts::revoke_style::rfc7009;
    flow.revoke.url = server.url("/revoke");
    return facts;
}

class flow {
public:
    explicit flow(scripted_server::script answers)
        : server(std::move(answers)), facts(facts_at(server))
    {
        record.provider = "local";
        record.kind = "oauth2";
    }

    endpoint& asked()
    {
        std::vector<std::unique_ptr<policy::provider>> all;
        all.push_back(std::make_unique<policy::provider>(facts));
        catalogue_ = std::make_shared<policy::catalogue>(std::move(all));
        auto configured = std::make_shared<clients>();
        if (with_client) {
            client one;
            one.id = "client-1";
            one.secret = vault::secret("s3cret");
            configured->add("local", std::move(one));
        }
        endpoint_ = std::make_unique<endpoint>(
            http_, [this] { return catalogue_; }, std::move(configured));
        return *endpoint_;
    }

    template <class T>
    T run(boost::asio::awaitable<T> work)
    {
        std::optional<T> outcome;
        boost::asio::co_spawn(io_, std::move(work), [&](std::exception_ptr bug, T got) {
            EXPECT_FALSE(bug);
            outcome.emplace(std::move(got));
        });
        io_.restart();
        io_.run_for(std::chrono::seconds(30));
        EXPECT_TRUE(outcome);
        return std::move(outcome.value());
    }

    refresh_answer refresh(vault::credential current)
    {
        auto work = asked().refresh(record, std::move(current));
        return run(std::move(work));
    }

    scripted_server server;
    policy::provider_facts facts;
    vault::connection record;
    bool with_client = true;

private:
    boost::asio::io_context io_{1};
    net::http_client http_{io_};
    std::shared_ptr<const policy::catalogue> catalogue_;
    std::unique_ptr<endpoint> endpoint_;
};

scripted_server::script always(std::string body, std::string status = "200 OK")
{
    return [answer = scripted_server::json(status, body)](const std::string&) { return answer; };
}

vault::credential stored()
{
    return credential_of({{"access_token", "old"}, {"refresh_token", "r1"}, {"extra", "kept"}});
}

TEST(Endpoint, RefreshesAndKeepsWhatWasNotReplaced)
{
    flow at(always(R"({"access_token":"new","expires_in":60,"token_type":"bearer"})"));

    const refresh_answer got = at.refresh(stored());

    ASSERT_EQ(got.verdict, refresh_verdict::fresh) << got.reason;
    EXPECT_EQ(find_field(got.tokens.fields, "access_token"), "new");
    EXPECT_EQ(find_field(got.tokens.fields, "refresh_token"), "r1");
    EXPECT_EQ(find_field(got.tokens.fields, "extra"), "kept");
    ASSERT_EQ(at.server.requests().size(), 1u);
    EXPECT_THAT(at.server.requests().front(), StartsWith("POST /token HTTP/1.1\r\n"));
    EXPECT_THAT(at.server.requests().front(), HasSubstr("grant_type=refresh_token"));
}

TEST(Endpoint, StoresARotatedRefreshToken)
{
    flow at(always(R"({"access_token":"new","refresh_token":"r2"})"));
    const refresh_answer got = at.refresh(stored());
    EXPECT_EQ(find_field(got.tokens.fields, "refresh_token"), "r2");
    EXPECT_EQ(got.tokens.fields.size(), 3u);
}

TEST(Endpoint, TellsWhatCannotBeRefreshedFromWhatIsOver)
{
    flow gone(always(R"({"error":"invalid_grant"})", "400 Bad Request"));
    EXPECT_EQ(gone.refresh(stored()).verdict, refresh_verdict::rejected);

    flow broken(always("oops", "500 Internal Server Error"));
    EXPECT_EQ(broken.refresh(stored()).verdict, refresh_verdict::unavailable);

    flow lost([](const std::string&) { return std::string(); });
    EXPECT_EQ(lost.refresh(stored()).verdict, refresh_verdict::unavailable);

    flow untouched(always("{}"));
    EXPECT_EQ(untouched.refresh(credential_of({{"access_token", "a"}})).verdict,
              refresh_verdict::impossible);
    untouched.with_client = false;
    EXPECT_EQ(untouched.refresh(stored()).verdict, refresh_verdict::impossible);
    untouched.record.provider = "unknown";
    EXPECT_EQ(untouched.refresh(stored()).verdict, refresh_verdict::impossible);
    EXPECT_TRUE(untouched.server.requests().empty());
}

TEST(Endpoint, UsesTheCredentialsOwnClient)
{
    flow at(always(R"({"access_token":"new"})"));
    at.with_client = false;
    const refresh_answer got = at.refresh(credential_of({{"access_token", "old"},
                                                         {"refresh_token", "r1"},
                                                         {"client_id", "own"},
                                                         {"client_secret", "its"}}));
    EXPECT_EQ(got.verdict, refresh_verdict::fresh) << got.reason;
    EXPECT_EQ(find_field(got.tokens.fields, "client_secret"), "its");
    EXPECT_THAT(at.server.requests().front(), HasSubstr("client_id=own&client_secret=its"));
}

TEST(Endpoint, BuysAnAppsTokenAnew)
{
    flow at(always(R"({"access_token":"new","expires_in":60})"));
    at.facts.oauth2->grants = {"client_credentials"};
    at.record.scopes_granted = {"b", "a"};

    const refresh_answer got = at.refresh(credential_of(
        {{"client_id", "own"}, {"client_secret", "its"}, {"grant", "client_credentials"}}));

    ASSERT_EQ(got.verdict, refresh_verdict::fresh) << got.reason;
    EXPECT_EQ(find_field(got.tokens.fields, "grant"), "client_credentials");
    EXPECT_THAT(at.server.requests().front(),
                HasSubstr("grant_type=client_credentials&scope=b%20a&client_id=own"));
}

TEST(Endpoint, ExchangesACodeAndThenTheShortLivedToken)
{
    flow at([](const std::string& request) {
        const bool is_second = request.starts_with("GET /exchange");
        return scripted_server::json(
            "200 OK", is_second ? R"({"access_token":"long","expires_in":5184000})"
                                : R"({"access_token":"short","scope":"a b","expires_in":60})");
    });
    at.facts.oauth2->exchange = {"GET", at.server.url("/exchange?grant_type=x"), "", "", ""};
    auto work = at.asked().exchange_code(at.record, {"code", "verifier", "https://gate/cb"});

    const refresh_answer got = at.run(std::move(work));

    ASSERT_EQ(got.verdict, refresh_verdict::fresh) << got.reason;
    EXPECT_EQ(find_field(got.tokens.fields, "access_token"), "long");
    ASSERT_TRUE(got.tokens.scopes);
    EXPECT_EQ(got.tokens.scopes->size(), 2u);
    ASSERT_EQ(at.server.requests().size(), 2u);
    EXPECT_THAT(at.server.requests()[0], HasSubstr("code_verifier=verifier"));
    EXPECT_THAT(at.server.requests()[1],
                StartsWith("GET /exchange?grant_type=x&client_secret=s3cret&access_token=short "));
}

TEST(Endpoint, KeepsTheFirstTokenWhereTheExchangeFails)
{
    flow at([](const std::string& request) {
        return request.starts_with("GET /exchange")
                   ? scripted_server::json("500 Oops", "{}")
                   : scripted_server::json("200 OK", R"({"access_token":"short"})");
    });
    at.facts.oauth2->exchange = {"GET", at.server.url("/exchange"), "", "", ""};
    auto work = at.asked().exchange_code(at.record, {"code", {}, "https://gate/cb"});
    const refresh_answer got = at.run(std::move(work));
    EXPECT_EQ(find_field(got.tokens.fields, "access_token"), "short");
}

TEST(Endpoint, RevokesBothTokensOrSaysThatItMustBeTriedAgain)
{
    flow at(always("{}"));
    auto work = at.asked().revoke(at.record, stored());
    EXPECT_EQ(at.run(std::move(work)).outcome, revocation_answer::verdict::done);
    ASSERT_EQ(at.server.requests().size(), 2u);
    EXPECT_THAT(at.server.requests()[0], HasSubstr("token=r1&token_type_hint=refresh_token"));
    EXPECT_THAT(at.server.requests()[1], HasSubstr("token=old&token_type_hint=access_token"));

    flow half([](const std::string& request) {
        const bool is_first = request.find("token=r1&") != std::string::npos;
        return scripted_server::json(is_first ? "200 OK" : "400 No", "{}");
    });
    auto halfway = half.asked().revoke(half.record, stored());
    EXPECT_EQ(half.run(std::move(halfway)).outcome, revocation_answer::verdict::done);

    flow broken(always("", "503 Later"));
    auto failing = broken.asked().revoke(broken.record, stored());
    EXPECT_EQ(broken.run(std::move(failing)).outcome, revocation_answer::verdict::retry);

    flow without(always("{}"));
    without.facts.oauth2->revocation = policy::oauth2_facts::revoke_style::none;
    auto none = without.asked().revoke(without.record, stored());
    EXPECT_EQ(without.run(std::move(none)).outcome, revocation_answer::verdict::not_supported);
}

TEST(Endpoint, KeepsARevocationForAProviderThatTheCatalogueLacksForNow)
{
    flow at(always("{}"));
    at.record.provider = "away";
    auto work = at.asked().revoke(at.record, stored());
    EXPECT_EQ(at.run(std::move(work)).outcome, revocation_answer::verdict::retry);
    EXPECT_TRUE(at.server.requests().empty());
}

TEST(Endpoint, KnowsWhetherACredentialHasWhatARefreshTakes)
{
    flow at(always("{}"));
    EXPECT_TRUE(at.asked().can_refresh(at.record, stored()));
    EXPECT_FALSE(at.asked().can_refresh(at.record, credential_of({{"access_token", "old"}})));
    EXPECT_TRUE(at.asked().can_refresh(at.record, credential_of({{"grant", "jwt_bearer"}})));
    at.facts.oauth2->refresh_request.url = at.server.url("/renew");
    EXPECT_TRUE(at.asked().can_refresh(at.record, credential_of({{"access_token", "old"}})));
    at.record.kind = "api_key";
    EXPECT_FALSE(at.asked().can_refresh(at.record, stored()));
}

TEST(Endpoint, KnowsWhatItCanDoForAConnection)
{
    flow at(always("{}"));
    EXPECT_TRUE(at.asked().can_refresh(at.record));
    EXPECT_TRUE(at.asked().has_client("local"));
    EXPECT_TRUE(at.asked().wants_pkce("local"));
    EXPECT_FALSE(at.asked().has_client("unknown"));
    at.with_client = false;
    EXPECT_FALSE(at.asked().has_client("local"));
    at.record.kind = "api_key";
    EXPECT_FALSE(at.asked().can_refresh(at.record));

    authorization_request request;
    request.redirect_uri = "https://gate/cb";
    request.state = "s";
    EXPECT_EQ(at.asked().authorize_url(at.record, request).error(), errc::no_client);
    at.with_client = true;
    const auto url = at.asked().authorize_url(at.record, request);
    ASSERT_TRUE(url);
    EXPECT_EQ(query_of(*url).at("client_id"), "client-1");
}

TEST(Endpoint, PollsForADevice)
{
    flow at([](const std::string& request) {
        return request.starts_with("POST /device")
                   ? scripted_server::json("200 OK", R"({"device_code":"d","user_code":"U-1",
                                           "verification_uri":"https://example.com/d"})")
                   : scripted_server::json("400 No", R"({"error":"authorization_pending"})");
    });
    endpoint& asked = at.asked();
    auto beginning = asked.begin_device(at.record, {"a"});
    const auto begun = at.run(std::move(beginning));
    ASSERT_TRUE(begun);
    EXPECT_EQ(begun->user_code, "U-1");
    auto polling = asked.poll_device(at.record, begun->device_code);
    EXPECT_EQ(at.run(std::move(polling)).now, device_poll::state::pending);
    EXPECT_THAT(at.server.requests().back(), HasSubstr("device_code=d"));
}

}  // namespace
}  // namespace sallyport::oauth
