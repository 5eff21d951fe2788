#include "connecting.hpp"

#include "base/encoding.hpp"
#include "control/authorization.hpp"
#include "control/housekeeping.hpp"

namespace sallyport::control {
namespace {

TEST_F(Connecting, ConnectsAnAccount)
{
    const reply begun = initiate(R"("scopes": ["things:read", "things:write"])");
    ASSERT_EQ(begun.status, 200u) << json::serialize(begun.body);
    const std::string url = begun.text("authorize_url");
    EXPECT_TRUE(url.starts_with(provider_->url("/authorize?"))) << url;
    EXPECT_EQ(parameter(url, "redirect_uri"), "https://connect.example/api/connect/callback");
    EXPECT_EQ(parameter(url, "scope"), "things:read things:write");
    EXPECT_EQ(parameter(url, "code_challenge_method"), "S256");
    EXPECT_EQ(parameter(url, "state").size(), 43u);
    const std::string id = begun.text("connection_id");
    EXPECT_EQ(status_of(id), "pending");

    grant(tokens_);
    const std::string page = come_back("code=c%2B1&state=" + parameter(url, "state"));
    EXPECT_TRUE(has_status(page, 200)) << page;
    EXPECT_EQ(header(page, "Cache-Control"), "no-store");
    EXPECT_EQ(header(page, "Referrer-Policy"), "no-referrer");
    EXPECT_NE(header(page, "Content-Security-Policy").find("default-src 'none'"),
              std::string::npos);
    EXPECT_EQ(page.find("<script"), std::string::npos);

    const json::value after = shown(id);
    EXPECT_EQ(after.at("status").as_string(), "active");
    EXPECT_EQ(json::serialize(after.at("scopes_granted")), R"(["things:read"])");
    EXPECT_EQ(json::serialize(after.at("scopes_requested")), R"(["things:read","things:write"])");
    EXPECT_FALSE(after.at("expires_at").is_null());
    EXPECT_FALSE(after.at("connected_at").is_null());

    ASSERT_EQ(provider_->requests().size(), 1u);
    const std::string asked = provider_->requests().front();
    EXPECT_NE(asked.find("code=c%2B1"), std::string::npos) << asked;
    EXPECT_NE(asked.find("redirect_uri=https%3A%2F%2Fconnect.example%2Fapi%2Fconnect%2Fcallback"),
              std::string::npos);
    const std::size_t verifier = asked.find("code_verifier=") + 14;
    EXPECT_EQ(oauth::s256_challenge(asked.substr(verifier, 43)), parameter(url, "code_challenge"));

    ASSERT_EQ(lines("connection.added").size(), 1u);
    ASSERT_EQ(lines("connection.authorized").size(), 1u);
    EXPECT_EQ(lines("connection.authorized")[0].at("connection_id").as_string(), id);
    EXPECT_EQ(lines("connection.authorized")[0].at("actor").as_string(), "public");
    EXPECT_EQ(trail().find(parameter(url, "state")), std::string::npos);
    EXPECT_TRUE(notes(connecting_kind).empty());
}

TEST_F(Connecting, RedeemsAStateOnce)
{
    const reply begun = initiate();
    const std::string query = "code=c-1&state=" + parameter(begun.text("authorize_url"), "state");
    grant(tokens_);
    grant(tokens_);
    EXPECT_TRUE(has_status(come_back(query), 200));
    EXPECT_TRUE(has_status(come_back(query), 400));
    EXPECT_EQ(provider_->requests().size(), 1u);
    EXPECT_EQ(status_of(begun.text("connection_id")), "active");
}

TEST_F(Connecting, AsksNobodyForAStateItDidNotMake)
{
    for (const char* query : {"code=c&state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "code=c",
                              "state=x", "", "code=a&code=b&state=x", "code=a&error=b&state=x"}) {
        EXPECT_TRUE(has_status(come_back(query), 400)) << query;
    }
    EXPECT_TRUE(provider_->requests().empty());
}

TEST_F(Connecting, TakesNoForAnAnswer)
{
    const reply begun = initiate();
    const std::string state = parameter(begun.text("authorize_url"), "state");
    const std::string page =
        come_back("error=access_denied&error_description=%3Cscript%3Ealert(1)&state=" + state);
    EXPECT_TRUE(has_status(page, 400)) << page;
    EXPECT_EQ(page.find("alert"), std::string::npos);
    EXPECT_EQ(status_of(begun.text("connection_id")), "added");
    ASSERT_EQ(lines("connection.authorized").size(), 1u);
    EXPECT_EQ(lines("connection.authorized")[0].at("code").as_string(), "access_denied");
    EXPECT_TRUE(has_status(come_back("code=c-1&state=" + state), 400));
    EXPECT_TRUE(provider_->requests().empty());
}

TEST_F(Connecting, EchoesNoErrorCodeOfTheProvidersOwn)
{
    const reply begun = initiate(R"("return_url": "https://app.example/done")");
    const std::string answer = come_back("error=planted-secret-2&state=" +
                                         parameter(begun.text("authorize_url"), "state"));
    EXPECT_TRUE(has_status(answer, 303)) << answer;
    EXPECT_EQ(parameter(header(answer, "Location"), "error"), "authorization_failed");
}

TEST_F(Connecting, IsNotMovedByACodeThatTheProviderRefuses)
{
    const reply begun = initiate();
    const std::string page =
        come_back("code=c-1&state=" + parameter(begun.text("authorize_url"), "state"));
    EXPECT_TRUE(has_status(page, 400)) << page;
    EXPECT_EQ(status_of(begun.text("connection_id")), "added");
    EXPECT_EQ(lines("connection.authorized")[0].at("code").as_string(), "code_rejected");
}

TEST_F(Connecting, WaitsForItsInitiatorWhereTheBrowserReturns)
{
    const reply begun = initiate(R"("return_url": "https://app.example/done?x=1")");
    const std::string id = begun.text("connection_id");
    grant(tokens_);
    const std::string answer =
        come_back("code=c-1&state=" + parameter(begun.text("authorize_url"), "state"));
    ASSERT_TRUE(has_status(answer, 303)) << answer;
    const std::string location = header(answer, "Location");
    EXPECT_TRUE(location.starts_with("https://app.example/done?x=1&ticket=")) << location;
    EXPECT_EQ(parameter(location, "connection_id"), id);
    EXPECT_EQ(header(answer, "Referrer-Policy"), "no-referrer");
    EXPECT_EQ(status_of(id), "pending");

    const std::string body = R"({"ticket": ")" + parameter(location, "ticket") +
                             R"(", "workspace": "acme", "user": "ann"})";
    const reply completed = ask("POST", "/api/connect/complete", body, "platform-token");
    EXPECT_EQ(completed.status, 200u) << json::serialize(completed.body);
    EXPECT_EQ(completed.text("status"), "active");
    EXPECT_EQ(lines("connection.authorized").size(), 1u);
    EXPECT_EQ(ask("POST", "/api/connect/complete", body, "platform-token").status, 404u);
    EXPECT_EQ(status_of(id), "active");
    EXPECT_EQ(trail().find(parameter(location, "ticket")), std::string::npos);
}

TEST_F(Connecting, BurnsATicketThatSomebodyElseBrings)
{
    const reply begun = initiate(R"("return_url": "https://app.example/done")");
    grant(tokens_);
    const std::string answer =
        come_back("code=c-1&state=" + parameter(begun.text("authorize_url"), "state"));
    const std::string ticket = parameter(header(answer, "Location"), "ticket");
    const auto complete = [&](const std::string& user) {
        return ask(
            "POST", "/api/connect/complete",
            R"({"ticket": ")" + ticket + R"(", "workspace": "acme", "user": ")" + user + R"("})",
            "platform-token");
    };
    EXPECT_EQ(complete("mallory").status, 404u);
    EXPECT_EQ(complete("ann").status, 404u);
    EXPECT_EQ(status_of(begun.text("connection_id")), "added");
    EXPECT_EQ(lines("connection.authorized")[0].at("code").as_string(), "wrong_initiator");
    ASSERT_EQ(notes(revocation_kind).size(), 1u);
    EXPECT_EQ(told_.size(), 1u);
}

TEST_F(Connecting, SendsBrowsersOnlyWhereTheConfigurationSays)
{
    for (const char* url : {"https://evil.example/", "https://app.example/done/../x",
                            "https://app.example/donex", "https://app.example/done?ticket=mine"}) {
        const reply refused = initiate(R"("return_url": ")" + std::string(url) + '"');
        EXPECT_EQ(refused.status, 422u) << url;
        EXPECT_EQ(refused.code(), "invalid_request") << url;
    }
    EXPECT_TRUE(lines("connection.added").empty());
}

TEST_F(Connecting, NamesTheKeyThatIsMissing)
{
    const reply refused =
        ask("POST", "/api/connect/initiate",
            R"({"workspace": "acme", "user": "ann", "provider": "no_client", "scopes": []})");
    EXPECT_EQ(refused.status, 422u);
    EXPECT_EQ(refused.code(), "not_configured");
    EXPECT_NE(refused.text("detail").find("oauth_clients.no_client"), std::string::npos);
}

TEST_F(Connecting, AsksForMoreWithoutGivingUpWhatThereIs)
{
    const std::string id = connect();
    const reply begun = initiate(R"("connection_id": ")" + id + R"(", "scopes": ["things:write"])");
    ASSERT_EQ(begun.status, 200u) << json::serialize(begun.body);
    EXPECT_EQ(begun.text("connection_id"), id);
    EXPECT_EQ(parameter(begun.text("authorize_url"), "scope"), "things:write things:read");
    EXPECT_EQ(status_of(id), "active");
    grant(R"({"access_token": "planted-secret-2", "token_type": "Bearer",
              "scope": "things:read things:write"})");
    EXPECT_TRUE(has_status(
        come_back("code=c-2&state=" + parameter(begun.text("authorize_url"), "state")), 200));
    EXPECT_EQ(json::serialize(shown(id).at("scopes_granted")), R"(["things:read","things:write"])");
    EXPECT_EQ(status_of(id), "active");
}

TEST_F(Connecting, KeepsWhatThereIsWhenMoreIsDenied)
{
    const std::string id = connect();
    const reply begun = initiate(R"("connection_id": ")" + id + R"(", "scopes": ["things:write"])");
    come_back("error=access_denied&state=" + parameter(begun.text("authorize_url"), "state"));
    EXPECT_EQ(status_of(id), "active");
    EXPECT_EQ(shown(id).at("status_reason").as_string(), "");
    EXPECT_EQ(json::serialize(shown(id).at("scopes_granted")), R"(["things:read"])");
}

TEST_F(Connecting, RefusesAnotherAccount)
{
    const auto with_account = [](const std::string& email) {
        return R"({"access_token": "planted-secret-1", "token_type": "Bearer", "id_token": ")" +
               to_base64url(R"({"alg":"RS256"})") + "." +
               to_base64url(R"({"sub":"1","email":")" + email + R"("})") + R"(.c2ln"})";
    };
    const reply first = initiate();
    const std::string id = first.text("connection_id");
    grant(with_account("ann@example.com"));
    come_back("code=c&state=" + parameter(first.text("authorize_url"), "state"));
    EXPECT_EQ(shown(id).at("account").as_string(), "ann@example.com");

    const reply again = initiate(R"("connection_id": ")" + id + '"');
    grant(with_account("eve@example.com"));
    EXPECT_TRUE(has_status(
        come_back("code=c&state=" + parameter(again.text("authorize_url"), "state")), 400));
    const json::value after = shown(id);
    EXPECT_EQ(after.at("status").as_string(), "active");
    EXPECT_EQ(after.at("account").as_string(), "ann@example.com");
    EXPECT_NE(after.at("status_reason").as_string(), "");
    EXPECT_EQ(lines("connection.authorized").back().at("code").as_string(), "wrong_account");
    const auto left = notes(revocation_kind);
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(read_held(left[0].text)->record.credential_version, 0u);
}

TEST_F(Connecting, LetsANewAttemptOvertakeTheOneBefore)
{
    const reply first = initiate();
    const std::string id = first.text("connection_id");
    const reply second = initiate(R"("connection_id": ")" + id + '"');
    ASSERT_EQ(second.status, 200u) << json::serialize(second.body);
    grant(tokens_);
    EXPECT_TRUE(has_status(
        come_back("code=c-1&state=" + parameter(first.text("authorize_url"), "state")), 400));
    EXPECT_EQ(status_of(id), "pending");
    EXPECT_TRUE(has_status(
        come_back("code=c-1&state=" + parameter(second.text("authorize_url"), "state")), 200));
    EXPECT_EQ(status_of(id), "active");
}

TEST_F(Connecting, LetsNobodySpeakInTheGatesWords)
{
    const std::string id = connect();
    for (const std::string_view word : {"wrong_account", "audit_unavailable", "cancelled"}) {
        const reply more = initiate(R"("connection_id": ")" + id + '"');
        EXPECT_TRUE(has_status(come_back("error=" + std::string(word) + "&state=" +
                                         parameter(more.text("authorize_url"), "state")),
                               400));
        EXPECT_EQ(lines("connection.authorized").back().at("code").as_string(),
                  "authorization_failed");
        EXPECT_EQ(shown(id).at("status_reason").as_string(), "");
    }
}

TEST_F(Connecting, EndsAnAttemptThatIsCancelled)
{
    const reply begun = initiate();
    const std::string id = begun.text("connection_id");
    const reply cancelled = ask("POST", "/api/connect/connections/" + id + "/cancel");
    EXPECT_EQ(cancelled.status, 200u);
    EXPECT_EQ(cancelled.text("status"), "added");
    EXPECT_TRUE(has_status(
        come_back("code=c-1&state=" + parameter(begun.text("authorize_url"), "state")), 400));
    EXPECT_EQ(ask("POST", "/api/connect/connections/" + id + "/cancel").code(),
              "connection_status");
    EXPECT_TRUE(provider_->requests().empty());
}

TEST_F(Connecting, EndsWhatNobodyFinished)
{
    const reply waiting = initiate();
    const reply returned = initiate(R"("return_url": "https://app.example/done")");
    grant(tokens_);
    come_back("code=c-1&state=" + parameter(returned.text("authorize_url"), "state"));
    const auto sweep = [this](std::chrono::minutes later) {
        const auto wrapped = [](const services& gate,
                                unix_micros now) -> boost::asio::awaitable<bool> {
            auto ending = end_abandoned(gate, now);
            co_await std::move(ending);
            co_return true;
        };
        run(wrapped(gate_, now_micros() + std::chrono::microseconds(later).count()));
    };
    sweep(std::chrono::minutes(5));
    EXPECT_EQ(status_of(waiting.text("connection_id")), "pending");
    sweep(std::chrono::minutes(12));
    EXPECT_EQ(status_of(waiting.text("connection_id")), "added");
    EXPECT_EQ(status_of(returned.text("connection_id")), "added");
    EXPECT_NE(shown(waiting.text("connection_id")).at("status_reason").as_string(), "");
    EXPECT_TRUE(notes(connecting_kind).empty());
    EXPECT_EQ(notes(revocation_kind).size(), 1u);
}

TEST_F(Connecting, SetsVariablesFromTheAnswerIfTheyFit)
{
    const reply good = initiate();
    grant(R"({"access_token": "planted-secret-1", "token_type": "Bearer", "team": "blue"})");
    come_back("code=c&state=" + parameter(good.text("authorize_url"), "state"));
    EXPECT_EQ(shown(good.text("connection_id")).at("variables").at("team").as_string(), "blue");

    const reply bad = initiate();
    grant(R"({"access_token": "planted-secret-1", "token_type": "Bearer", "team": "../X"})");
    const std::string refused =
        come_back("code=c&state=" + parameter(bad.text("authorize_url"), "state"));
    EXPECT_FALSE(has_status(refused, 200)) << refused;
    EXPECT_EQ(status_of(bad.text("connection_id")), "added");
}

TEST_F(Connecting, ActivatesNothingThatTheTrailCannotShow)
{
    const reply begun = initiate();
    grant(tokens_);
    writer_->broken = true;
    const std::string page =
        come_back("code=c&state=" + parameter(begun.text("authorize_url"), "state"));
    writer_->broken = false;
    EXPECT_TRUE(has_status(page, 503)) << page;
    EXPECT_EQ(status_of(begun.text("connection_id")), "added");
    EXPECT_EQ(notes(revocation_kind).size(), 1u);
}

TEST_F(Connecting, KeepsTenantsAndUsersApart)
{
    const std::string id = connect();
    const std::string more = R"(, "provider": "local", "connection_id": ")" + id + R"("})";
    const auto begin = [&](const char* who, const char* token) {
        return ask("POST", "/api/connect/initiate", "{" + std::string(who) + more, token);
    };
    EXPECT_EQ(begin(R"("workspace": "other", "user": "ann")", "platform-token").status, 403u);
    EXPECT_EQ(begin(R"("workspace": "other", "user": "ann")", "admin-token").status, 404u);
    EXPECT_EQ(begin(R"("workspace": "acme", "user": "bob")", "platform-token").status, 404u);
    EXPECT_EQ(initiate(R"("shared": true)").status, 403u);
}

}  // namespace
}  // namespace sallyport::control
