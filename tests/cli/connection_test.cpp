#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/program.hpp"

namespace sallyport::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using ConnectionCommand = GateTest;

const std::string id = "conn_01ARYZ6S41TSV4RRFFQ69G5FAV";
const std::string shown = R"({"id":")" + id +
                          R"(","workspace":"acme","user":"ann","shared":true,"name":"work",)"
                          R"("provider":"demo","kind":"basic","variant":"","status":"active",)"
                          R"("status_reason":"","scopes_granted":["a","b"],"variables":{"x":"1"},)"
                          R"("created_at":"2020-01-01T00:00:00.000000Z","connected_at":null})";

std::vector<std::string> add_with(std::initializer_list<std::string> more)
{
    std::vector<std::string> arguments{"connection", "add", "--workspace", "acme",
                                       "--user",     "ann", "--provider",  "demo"};
    arguments.insert(arguments.end(), more);
    return arguments;
}

TEST_F(ConnectionCommand, AddSendsTheBareSecretAndPrintsTheId)
{
    home.write("secret", "s\"ecret\\\n");
    gate.answer(201, shown);
    const outcome added = run(
        add_with({"--kind", "bearer", "--scopes", "a,b", "--name", "work", "--var", "x=1", "--var",
                  "y=2=3", "--shared", "--id", id, "--secret-file", home.file("secret")}));
    EXPECT_EQ(added.status, 0) << added.err;
    EXPECT_EQ(added.out, id + "\n");
    ASSERT_THAT(gate.asked(), SizeIs(1));
    EXPECT_EQ(head_of(gate.asked()[0]), "POST /api/connect/connections HTTP/1.1");
    EXPECT_THAT(gate.asked()[0], HasSubstr("Authorization: Bearer control-token\r\n"));
    EXPECT_EQ(body_of(gate.asked()[0]),
              R"({"workspace":"acme","user":"ann","provider":"demo","shared":true,"id":")" + id +
                  R"(","kind":"bearer","name":"work","scopes":["a","b"],"variables":)"
                  R"({"x":"1","y":"2=3"},"credential":{"secret":"s\"ecret\\"}})");
}

TEST_F(ConnectionCommand, AddWithoutASecretSendsNoCredentialAndNoScopes)
{
    gate.answer(201, shown);
    EXPECT_EQ(run(add_with({"--json"})).out, shown + "\n");
    EXPECT_EQ(body_of(gate.asked()[0]),
              R"({"workspace":"acme","user":"ann","provider":"demo","shared":false})");
}

TEST_F(ConnectionCommand, AddSplitsUserAndPasswordAtTheFirstColon)
{
    home.write("secret", "ann:pa:ss\x01");
    gate.answer(201, shown);
    run(add_with({"--kind", "basic", "--secret-file", home.file("secret")}));
    EXPECT_THAT(body_of(gate.asked()[0]),
                HasSubstr(R"("credential":{"username":"ann","password":"pa:ss\u0001"}})"));
}

TEST_F(ConnectionCommand, AddSendsAnObjectAsItIs)
{
    home.write("secret", "{\"access_token\": \"at\", \"expires_in\": 60}\n");
    gate.answer(201, shown);
    run(add_with({"--kind", "oauth2", "--secret-file", home.file("secret")}));
    EXPECT_THAT(body_of(gate.asked()[0]),
                HasSubstr(R"("credential":{"access_token": "at", "expires_in": 60}})"));
}

TEST_F(ConnectionCommand, AddAsksForTheProvidersFirstKind)
{
    home.write("secret", "ann:pass");
    gate.answer(200, R"({"id":"demo","credentials":[{"kind":"basic"},{"kind":"bearer"}]})");
    gate.answer(201, shown);
    EXPECT_EQ(run(add_with({"--secret-file", home.file("secret")})).status, 0);
    ASSERT_THAT(gate.asked(), SizeIs(2));
    EXPECT_EQ(head_of(gate.asked()[0]), "GET /api/connect/providers/demo HTTP/1.1");
    EXPECT_THAT(body_of(gate.asked()[1]), HasSubstr(R"("username":"ann")"));
    EXPECT_THAT(body_of(gate.asked()[1]), Not(HasSubstr("\"kind\"")));
}

TEST_F(ConnectionCommand, AddRefusesSecretsOfAnotherFormWithoutShowingThem)
{
    home.write("secret", "hunter2");
    home.write("broken", "{\"hunter2\": ");
    home.write("empty", "\n");
    for (const auto& [kind, file] : {std::pair("basic", "secret"), std::pair("oauth2", "secret"),
                                     std::pair("custom", "broken"), std::pair("bearer", "empty"),
                                     std::pair("bearer", "absent")}) {
        const outcome refused = run(add_with({"--kind", kind, "--secret-file", home.file(file)}));
        EXPECT_EQ(refused.status, 1) << kind;
        EXPECT_THAT(refused.err, Not(IsEmpty()));
        EXPECT_THAT(refused.err, Not(HasSubstr("hunter2")));
    }
    EXPECT_THAT(gate.asked(), IsEmpty());
}

TEST_F(ConnectionCommand, UpdateTakesTheFormOfTheSecretFromTheConnectionsKind)
{
    home.write("secret", "ann:new");
    gate.answer(200, shown);
    const outcome updated = run({"connection", "update", id, "--secret-file", home.file("secret")});
    EXPECT_EQ(updated.status, 0) << updated.err;
    ASSERT_THAT(gate.asked(), SizeIs(2));
    EXPECT_EQ(head_of(gate.asked()[0]), "GET /api/connect/connections/" + id + " HTTP/1.1");
    EXPECT_EQ(head_of(gate.asked()[1]), "PATCH /api/connect/connections/" + id + " HTTP/1.1");
    EXPECT_EQ(body_of(gate.asked()[1]), R"({"credential":{"username":"ann","password":"new"}})");
}

TEST_F(ConnectionCommand, UpdateCanTakeAllScopesAway)
{
    gate.answer(200, shown);
    EXPECT_EQ(run({"connection", "update", id, "--scopes", ""}).status, 0);
    EXPECT_EQ(body_of(gate.asked()[0]), R"({"scopes":[]})");
    EXPECT_EQ(run({"connection", "update", id}).status, 2);
}

TEST_F(ConnectionCommand, ActsAreSingleRequests)
{
    gate.answer(200, shown);
    for (const char* action : {"activate", "deactivate", "revoke"}) {
        EXPECT_EQ(run({"connection", action, id}).out, std::string(action) + "d " + id + "\n");
        EXPECT_EQ(head_of(gate.asked().back()),
                  "POST /api/connect/connections/" + id + "/" + action + " HTTP/1.1");
    }
    gate.answer(204, "");
    EXPECT_EQ(run({"connection", "remove", id}).status, 0);
    EXPECT_EQ(head_of(gate.asked().back()), "DELETE /api/connect/connections/" + id + " HTTP/1.1");
}

TEST_F(ConnectionCommand, RevokeWaitsForNobodyWhereTheStoreIsEmbedded)
{
    gate.answer(200, shown);
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(run({"connection", "revoke", id, "--wait"}).status, 0);
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(30));
}

TEST_F(ConnectionCommand, ShowAndListReadPleasantly)
{
    gate.answer(200, shown);
    gate.answer(200, R"({"items":[)" + shown + R"(],"next":null})");
    const std::string one = run({"connection", "show", id}).out;
    EXPECT_THAT(one, HasSubstr("user        ann (shared)\n"));
    EXPECT_THAT(one, HasSubstr("scopes      a, b\n"));
    EXPECT_THAT(one, HasSubstr("variable    x=1\n"));
    EXPECT_THAT(one, HasSubstr("connected   -\n"));
    const outcome list = run({"connection", "list", "--workspace", "a b", "--user", "ann"});
    EXPECT_THAT(list.out, HasSubstr("CONNECTION                       NAME  PROVIDER"));
    EXPECT_THAT(list.out, HasSubstr(id + "  work  demo "));
    EXPECT_EQ(head_of(gate.asked()[1]),
              "GET /api/connect/connections?workspace=a%20b&user=ann&limit=1000 HTTP/1.1");
}

TEST_F(ConnectionCommand, SaysWhatTheGateSaidAndNothingATerminalObeys)
{
    gate.answer(422,
                R"({"title":"Unprocessable Content","detail":"See `errors`.","code":"invalid",)"
                R"("errors":[{"pointer":"/name","detail":"is \u001b[31mred"}]})");
    const outcome refused = run({"connection", "show", id});
    EXPECT_EQ(refused.status, 1);
    EXPECT_EQ(refused.out, "");
    EXPECT_EQ(refused.err,
              "sallyport: Unprocessable Content: See `errors`. (invalid)\n"
              "  /name: is ?[31mred\n");
}

TEST_F(ConnectionCommand, SaysThatTheTokenWasRefused)
{
    gate.answer(401, "{}");
    const outcome refused = run({"connection", "list"});
    EXPECT_EQ(refused.status, 1);
    EXPECT_EQ(refused.err, "sallyport: the gate refused the control token\n");
}

TEST_F(ConnectionCommand, SaysThatNothingListens)
{
    const outcome refused =
        run({"connection", "list", "--control", "unix:" + home.file("other.sock")});
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.err, HasSubstr("nothing listens at unix:" + home.file("other.sock")));
    EXPECT_THAT(refused.err, HasSubstr("sallyport serve --config"));
}

TEST_F(ConnectionCommand, FindsTheGateThroughItsConfiguration)
{
    ::unsetenv("SALLYPORT_CONTROL");
    ::unsetenv("SALLYPORT_CONTROL_TOKEN");
    home.write("gate.yaml", "control: {listen: \"unix:c.sock\"}\n");
    gate.answer(200, R"({"items":[],"next":null})");
    const outcome listed = run({"connection", "list", "--config", home.file("gate.yaml")});
    EXPECT_EQ(listed.status, 0) << listed.err;
    std::string token = home.read("control.token");
    token.pop_back();
    EXPECT_THAT(gate.asked().at(0), HasSubstr("Authorization: Bearer " + token + "\r\n"));
    EXPECT_EQ(run({"connection", "list", "--control", gate.address(), "--control-token-file",
                   home.file("control.token")})
                  .status,
              0);
    EXPECT_EQ(run({"connection", "list", "--config", home.file("absent.yaml")}).status, 2);
}

TEST_F(ConnectionCommand, AuthorizePrintsTheUrlAndNothingElse)
{
    gate.answer(200, R"({"connection_id":")" + id +
                         R"(","authorize_url":"https://as.example/a?state=x",)"
                         R"("expires_at":"2099-01-01T00:00:00.000000Z"})");
    const outcome begun =
        run({"connection", "authorize", "--workspace", "acme", "--user", "ann", "--provider",
             "demo", "--id", id, "--scopes", "a,b", "--var", "shop=x"});
    EXPECT_EQ(begun.status, 0) << begun.err;
    EXPECT_EQ(begun.out, "https://as.example/a?state=x\n");
    EXPECT_THAT(begun.err, HasSubstr("connection show " + id));
    EXPECT_EQ(head_of(gate.asked()[0]), "POST /api/connect/initiate HTTP/1.1");
    EXPECT_EQ(body_of(gate.asked()[0]),
              R"({"workspace":"acme","user":"ann","provider":"demo","connection_id":")" + id +
                  R"(","scopes":["a","b"],"variables":{"shop":"x"}})");
}

TEST_F(ConnectionCommand, TestSaysWhatTheProviderAnswered)
{
    gate.answer(200, R"({"ok":true,"status":200,"account":"","scopes":[],"connection":{}})");
    const outcome works = run({"connection", "test", id});
    EXPECT_EQ(works.out, "works " + id + "\n");
    EXPECT_EQ(head_of(gate.asked()[0]), "POST /api/connect/connections/" + id + "/test HTTP/1.1");
    gate.answer(200, R"({"ok":false,"status":401,"account":"","scopes":[],"connection":{}})");
    const outcome refused = run({"connection", "test", id});
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.err, HasSubstr("the provider answered 401"));
    gate.answer(200, R"({"ok":false,"status":null,"account":"","scopes":[],"connection":{}})");
    EXPECT_THAT(run({"connection", "test", id}).err, HasSubstr("could not be asked"));
}

TEST_F(ConnectionCommand, RefreshFailsWhereTheGrantIsGone)
{
    gate.answer(200, R"({"id":")" + id + R"(","status":"active"})");
    EXPECT_EQ(run({"connection", "refresh", id}).out, "refreshed " + id + "\n");
    EXPECT_EQ(head_of(gate.asked()[0]),
              "POST /api/connect/connections/" + id + "/refresh HTTP/1.1");
    gate.answer(200, R"({"id":")" + id + R"(","status":"reauth_required"})");
    const outcome gone = run({"connection", "refresh", id});
    EXPECT_EQ(gone.status, 1);
    EXPECT_THAT(gone.err, HasSubstr("authorised again"));
}

TEST_F(ConnectionCommand, CancelEndsTheAuthorisation)
{
    gate.answer(200, shown);
    EXPECT_EQ(run({"connection", "cancel", id}).out, "cancelled " + id + "\n");
    EXPECT_EQ(head_of(gate.asked()[0]), "POST /api/connect/connections/" + id + "/cancel HTTP/1.1");
}

}  // namespace
}  // namespace sallyport::cli
