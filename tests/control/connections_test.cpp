#include "gate.hpp"

#include "base/time.hpp"

namespace sallyport::control {
namespace {

constexpr const char* connections = "/api/connect/connections";

std::string one(const std::string& id, const std::string& action = "")
{
    return std::string(connections) + "/" + id + (action.empty() ? "" : "/" + action);
}

// A body for the provider github, with `more` members behind.
std::string github(const std::string& more)
{
    return std::string(R"({"workspace":"acme","user":"ann","provider":"github")") +
           (more.empty() ? "" : ",") + more + "}";
}

const std::string with_secret = R"("credential":{"secret":"planted-secret-1"})";

TEST_F(Gate, AddsAConnectionAndShowsEveryMemberOfItButTheCredential)
{
    const reply added = ask("POST", connections,
                            github(R"("name":"work","scopes":["things:read"],"account":"ann@x",)"
                                   R"("settings":{"timeout":"30s","headers":{"X-A":"1"},)"
                                   R"("rate_limit":{"requests":5,"per":"1m"}},)" +
                                   with_secret));
    ASSERT_EQ(added.status, 201u) << json::serialize(added.body);
    const json::object& shown = added.body.as_object();
    std::vector<std::string> members;
    for (const auto& member : shown) {
        members.emplace_back(member.key());
    }
    EXPECT_EQ(members, (std::vector<std::string>{
                           "id",           "workspace",     "user",           "shared",
                           "name",         "provider",      "kind",           "variant",
                           "status",       "status_reason", "scopes_granted", "scopes_requested",
                           "variables",    "account",       "settings",       "created_at",
                           "connected_at", "expires_at",    "last_used_at",   "updated_at"}));
    EXPECT_EQ(added.text("kind"), "bearer");
    EXPECT_EQ(added.text("status"), "active");
    EXPECT_EQ(shown.at("scopes_granted").as_array().at(0).as_string(), "things:read");
    EXPECT_EQ(shown.at("settings").as_object().at("timeout").as_string(), "30s");
    EXPECT_TRUE(shown.at("expires_at").is_null());
    EXPECT_TRUE(shown.at("last_used_at").is_null());
    EXPECT_TRUE(parse_rfc3339(added.text("connected_at")).has_value());
    const reply again = ask("GET", one(added.text("id")));
    EXPECT_EQ(again.body, added.body);
}

TEST_F(Gate, ListsTheRefreshesOfAConnectionThatTheCallerMayRead)
{
    const std::string id = add(github(with_secret));
    const reply listed = ask("GET", one(id) + "/refreshes");
    EXPECT_EQ(listed.status, 200u);
    EXPECT_TRUE(listed.body.at("items").as_array().empty());
    EXPECT_TRUE(listed.body.at("next").is_null());
    EXPECT_EQ(ask("GET", one(id) + "/refreshes", "", "auditor-token").status, 403u);
    EXPECT_EQ(ask("GET", one("conn_01ARYZ6S41TSV4RRFFQ69G5FAV") + "/refreshes").status, 404u);
}

TEST_F(Gate, GrantsNoScopesWhereNoneAreNamed)
{
    const std::string id = add(github(with_secret));
    EXPECT_TRUE(ask("GET", one(id)).body.at("scopes_granted").as_array().empty());
}

TEST_F(Gate, AddsAConnectionWithoutACredentialAsAdded)
{
    const reply added = ask("POST", connections, github(R"("scopes_granted":["user"])"));
    EXPECT_EQ(added.status, 201u);
    EXPECT_EQ(added.text("status"), "added");
    EXPECT_TRUE(added.body.at("connected_at").is_null());
}

TEST_F(Gate, WritesTheTrailBeforeItAnswers)
{
    const std::string id = add(github(with_secret));
    const auto added = lines("connection.added");
    ASSERT_EQ(added.size(), 1u);
    EXPECT_EQ(added[0].at("connection_id").as_string(), id);
    EXPECT_EQ(added[0].at("workspace").as_string(), "acme");
    EXPECT_EQ(added[0].at("user").as_string(), "ann");
    EXPECT_EQ(added[0].at("provider").as_string(), "github");
    EXPECT_EQ(added[0].at("actor").as_string(), "token:admin#0");
    EXPECT_EQ(added[0].at("client").as_string(), "unix");
}

TEST_F(Gate, RefusesANameThatIsTaken)
{
    add(github(R"("name":"work",)" + with_secret));
    const reply taken = ask("POST", connections, github(R"("name":"work",)" + with_secret));
    EXPECT_EQ(taken.status, 409u);
    EXPECT_EQ(taken.code(), "already_exists");
    const auto added = lines("connection.added");
    ASSERT_EQ(added.size(), 3u);
    EXPECT_EQ(added[2].at("code").as_string(), "already_exists");
}

TEST_F(Gate, KeepsAnIdThatIsChosen)
{
    const std::string id = "conn_01ARYZ6S41TSV4RRFFQ69G5FAV";
    EXPECT_EQ(add(github(R"("id":")" + id + R"(",)" + with_secret)), id);
    EXPECT_EQ(ask("POST", connections, github(R"("id":")" + id + R"(")")).status, 409u);
    EXPECT_EQ(ask("POST", connections, github(R"("id":"conn_1")")).code(), "invalid_request");
}

TEST_F(Gate, RefusesCredentialsThatCannotBeSent)
{
    for (const char* credential :
         {R"({"secret":""})", R"({"secret":"a\r\nb"})", R"({"secret":"a\nb"})",
          R"({"secret":"a\u0000b"})", R"({"secret":"\t"})", R"({"secret":5})", R"({})",
          R"({"password":"planted-password"})", R"({"secret":"a","planted-secret-2":"b"})"}) {
        const reply refused =
            ask("POST", connections, github(R"("credential":)" + std::string(credential)));
        EXPECT_EQ(refused.status, 422u) << credential;
        EXPECT_EQ(refused.code(), "invalid_credential") << credential;
    }
    EXPECT_TRUE(ask("GET", connections).body.at("items").as_array().empty());
    EXPECT_TRUE(lines("connection.added").empty());
}

TEST_F(Gate, ChecksTheShapeOfEveryKind)
{
    const auto status = [&](const std::string& provider, const std::string& kind,
                            const std::string& credential) {
        return ask("POST", connections,
                   R"({"workspace":"acme","user":"ann","provider":")" + provider + R"(","kind":")" +
                       kind + R"(","variables":{"bot":"b1"},"credential":)" + credential + "}")
            .status;
    };
    EXPECT_EQ(status("pair", "basic", R"({"username":"u","password":"planted-password"})"), 422u)
        << "basic names no {bot}";
    const auto plain = [&](const std::string& provider, const std::string& kind,
                           const std::string& credential) {
        return ask("POST", connections,
                   R"({"workspace":"acme","user":"ann","provider":")" + provider + R"(","kind":")" +
                       kind + R"(","credential":)" + credential + "}")
            .status;
    };
    EXPECT_EQ(plain("pair", "basic", R"({"username":"u","password":"planted-password"})"), 201u);
    EXPECT_EQ(plain("pair", "basic", R"({"username":"u:v","password":"p"})"), 422u);
    EXPECT_EQ(plain("pair", "basic", R"({"username":"u"})"), 422u);
    EXPECT_EQ(plain("pair", "custom", R"({"app_id":"i","app_key":"planted-secret-1"})"), 201u);
    EXPECT_EQ(plain("pair", "custom", R"({"app_id":"i"})"), 422u) << "{app_key} is missing";
    EXPECT_EQ(plain("pair", "api_key", R"({"secret":"planted-secret-1"})"), 422u)
        << "{bot} is missing";
    EXPECT_EQ(status("pair", "api_key", R"({"secret":"planted-secret-1"})"), 201u);
    EXPECT_EQ(plain("github", "basic", R"({"username":"u","password":"p"})"), 422u);
    EXPECT_EQ(plain("gmail", "oauth2", R"({"refresh_token":"planted-refresh"})"), 422u);
    EXPECT_EQ(plain("gmail", "oauth2",
                    R"({"access_token":"planted-secret-1","expires_in":60,)"
                    R"("expires_at":"2030-01-01T00:00:00Z"})"),
              422u);
    EXPECT_EQ(plain("gmail", "oauth2", R"({"access_token":"a","expires_in":-1})"), 422u);
    EXPECT_EQ(plain("gmail", "oauth2", R"({"access_token":"a","expires_at":"soon"})"), 422u);
}

TEST_F(Gate, KeepsWhenAnAccessTokenExpires)
{
    const auto with = [](const std::string& expiry) {
        return R"({"workspace":"acme","user":"ann","provider":"gmail","credential":)"
               R"({"access_token":"planted-secret-1","refresh_token":"planted-refresh",)"
               R"("client_id":"c","client_secret":"planted-secret-2",)" +
               expiry + "}}";
    };
    const reply at = ask("POST", connections, with(R"("expires_at":"2030-01-01T00:00:00Z")"));
    ASSERT_EQ(at.status, 201u) << json::serialize(at.body);
    EXPECT_EQ(at.text("expires_at"), "2030-01-01T00:00:00.000000Z");
    const unix_micros before = now_micros();
    const reply in = ask("POST", connections, with(R"("expires_in":3600)"));
    ASSERT_EQ(in.status, 201u);
    const unix_micros expiry = parse_rfc3339(in.text("expires_at")).value_or(0);
    EXPECT_GE(expiry, before + 3'600'000'000);
    EXPECT_LT(expiry, before + 3'660'000'000);
}

TEST_F(Gate, TellsAllThatIsWrongWithABodyAtOnce)
{
    const reply refused =
        ask("POST", connections,
            R"({"workspace":5,"user":"a b","provider":"github","colour":"red","shared":"yes"})");
    EXPECT_EQ(refused.status, 400u);
    EXPECT_EQ(refused.code(), "bad_request");
    std::vector<std::string> pointers;
    for (const json::value& error : refused.body.at("errors").as_array()) {
        pointers.emplace_back(error.as_object().at("pointer").as_string());
    }
    EXPECT_EQ(pointers, (std::vector<std::string>{"/workspace", "/user", "/shared", "/colour"}));
}

TEST_F(Gate, RefusesProvidersKindsScopesAndSettingsThatAreNotThere)
{
    const auto refused = [&](const std::string& body) {
        const reply answer = ask("POST", connections, body);
        EXPECT_EQ(answer.status, 422u) << body;
        return answer.code();
    };
    EXPECT_EQ(refused(R"({"workspace":"acme","user":"ann","provider":"nobody"})"),
              "unknown_provider");
    EXPECT_EQ(refused(R"({"workspace":"acme","user":"ann","provider":"hidden"})"),
              "unknown_provider");
    EXPECT_EQ(refused(github(R"("kind":"basic")")), "invalid_request");
    EXPECT_EQ(refused(github(R"("scopes":["a b"])")), "invalid_request");
    EXPECT_EQ(refused(github(R"("variant":"odd")")), "invalid_request");
    EXPECT_EQ(refused(github(R"("name":"a\nb")")), "invalid_request");
    EXPECT_EQ(refused(github(R"("settings":{"timeout":"soon"})")), "invalid_request");
    EXPECT_EQ(refused(github(R"("settings":{"headers":{"Host":"evil"}})")), "invalid_request");
    EXPECT_EQ(refused(github(R"("settings":{"headers":{"X":"a\r\nb"}})")), "invalid_request");
    EXPECT_EQ(refused(github(R"("settings":{"rate_limit":{"calls":1}})")), "invalid_request");
    EXPECT_EQ(refused(github(R"("settings":{"rate_limit":{"requests":0,"per":"1s"}})")),
              "invalid_request");
    EXPECT_EQ(refused(github(R"("variables":{"shop":"x"})")), "invalid_request");
}

TEST_F(Gate, LeavesSharedConnectionsToAdmins)
{
    const std::string body = github(R"("shared":true,)" + with_secret);
    EXPECT_EQ(ask("POST", connections, body, "platform-token").status, 403u);
    const std::string id = add(body);
    EXPECT_EQ(ask("GET", one(id), "", "platform-token").status, 200u);
    EXPECT_EQ(ask("PATCH", one(id), R"({"name":"x"})", "platform-token").status, 403u);
    EXPECT_EQ(ask("POST", one(id, "revoke"), "", "platform-token").status, 403u);
    EXPECT_EQ(ask("DELETE", one(id), "", "platform-token").status, 403u);
    EXPECT_EQ(ask("POST", one(id, "deactivate"), "", "acme-admin-token").status, 200u);
}

TEST_F(Gate, KeepsWorkspacesApart)
{
    const std::string other =
        add(R"({"workspace":"other","user":"ann","provider":"github",)" + with_secret + "}");
    const std::string own = add(github(with_secret));
    const std::string absent = "conn_01ARYZ6S41TSV4RRFFQ69G5FAV";
    const reply nothing = ask("GET", one(absent), "", "platform-token");
    const reply foreign = ask("GET", one(other), "", "platform-token");
    EXPECT_EQ(foreign.status, 404u);
    EXPECT_EQ(foreign.body, nothing.body);
    EXPECT_EQ(ask("PATCH", one(other), "{}", "platform-token").status, 404u);
    EXPECT_EQ(ask("DELETE", one(other), "", "platform-token").status, 404u);
    EXPECT_EQ(ask("POST", one(other, "revoke"), "", "platform-token").status, 404u);
    EXPECT_EQ(ask("POST", one(other, "activate"), "", "platform-token").status, 404u);
    EXPECT_EQ(ask("GET", "/api/connect/connections?workspace=other", "", "platform-token").status,
              403u);
    EXPECT_EQ(ask("POST", connections, R"({"workspace":"other","user":"ann","provider":"github"})",
                  "platform-token")
                  .status,
              403u);
    const reply listed = ask("GET", connections, "", "platform-token");
    ASSERT_EQ(listed.body.at("items").as_array().size(), 1u);
    EXPECT_EQ(listed.body.at("items").as_array()[0].at("id").as_string(), own);
    EXPECT_EQ(ask("GET", connections).body.at("items").as_array().size(), 2u);
}

TEST_F(Gate, ListsByWorkspaceAndUser)
{
    add(github(with_secret));
    add(R"({"workspace":"acme","user":"bob","provider":"github"})");
    const auto count = [&](const std::string& query) {
        const reply listed = ask("GET", connections + query);
        EXPECT_TRUE(listed.body.at("next").is_null());
        return listed.body.at("items").as_array().size();
    };
    EXPECT_EQ(count("?workspace=acme"), 2u);
    EXPECT_EQ(count("?workspace=acme&user=bob"), 1u);
    EXPECT_EQ(count("?workspace=acme&user=eve"), 0u);
    EXPECT_EQ(count("?workspace=none"), 0u);
}

TEST_F(Gate, ChangesWhatAConnectionIsCalledAndMayDo)
{
    const std::string id = add(github(with_secret));
    const reply changed =
        ask("PATCH", one(id), R"({"name":"new","scopes":["*"],"account":"b","settings":{}})");
    ASSERT_EQ(changed.status, 200u) << json::serialize(changed.body);
    EXPECT_EQ(changed.text("name"), "new");
    EXPECT_EQ(changed.text("status"), "active");
    EXPECT_EQ(changed.body.at("scopes_granted").as_array().at(0).as_string(), "*");
    EXPECT_EQ(ask("PATCH", one(id), R"({"workspace":"other"})").code(), "bad_request");
    EXPECT_EQ(ask("PATCH", one(id), R"({"status":"active"})").code(), "bad_request");
    EXPECT_EQ(lines("connection.updated").size(), 1u);
}

TEST_F(Gate, MakesAConnectionActiveOnceItGetsItsCredential)
{
    const std::string id = add(github(""));
    const reply changed = ask("PATCH", one(id), "{" + with_secret + "}");
    ASSERT_EQ(changed.status, 200u) << json::serialize(changed.body);
    EXPECT_EQ(changed.text("status"), "active");
    EXPECT_FALSE(changed.body.at("connected_at").is_null());
}

TEST_F(Gate, AsksForTheCredentialAgainWhereAVariableSteersIt)
{
    const auto shop = [](const std::string& variables, const std::string& more) {
        return R"({"workspace":"acme","user":"ann","provider":"shop","variables":)" + variables +
               more + "}";
    };
    EXPECT_EQ(ask("POST", connections, shop("{}", "," + with_secret)).status, 422u);
    for (const char* bad : {R"({"shop":"a.evil"})", R"({"shop":"-a"})", R"({"shop":"a/b"})",
                            R"({"shop":""})", R"({"shop":"a","region":"mars"})"}) {
        EXPECT_EQ(ask("POST", connections, shop(bad, "," + with_secret)).code(), "invalid_request")
            << bad;
    }
    const std::string id = add(shop(R"({"shop":"mine"})", "," + with_secret));
    const reply refused = ask("PATCH", one(id), R"({"variables":{"shop":"theirs"}})");
    EXPECT_EQ(refused.status, 422u);
    EXPECT_EQ(refused.code(), "credential_required");
    EXPECT_EQ(ask("PATCH", one(id), R"({"variables":{"region":"us"}})").code(),
              "credential_required");
    EXPECT_EQ(ask("PATCH", one(id), R"({"variables":{"shop":"mine"}})").status, 200u);
    const reply moved =
        ask("PATCH", one(id), R"({"variables":{"shop":"theirs"},)" + with_secret + "}");
    ASSERT_EQ(moved.status, 200u);
    EXPECT_EQ(moved.body.at("variables").at("shop").as_string(), "theirs");

    const std::string bare = add(shop(R"({"shop":"mine"})", ""));
    EXPECT_EQ(ask("PATCH", one(bare), R"({"variables":{"shop":"other"}})").status, 200u)
        << "there is no credential to steer";
}

TEST_F(Gate, SwitchesAConnectionOffAndOn)
{
    const std::string id = add(github(with_secret));
    EXPECT_EQ(ask("POST", one(id, "deactivate")).text("status"), "inactive");
    EXPECT_EQ(ask("POST", one(id, "deactivate")).status, 200u);
    EXPECT_EQ(ask("PATCH", one(id), "{" + with_secret + "}").text("status"), "inactive");
    EXPECT_EQ(ask("POST", one(id, "activate")).text("status"), "active");
    const std::string bare = add(github(""));
    EXPECT_EQ(ask("POST", one(bare, "activate")).status, 409u);
    EXPECT_EQ(ask("POST", one(bare, "deactivate")).code(), "connection_status");
}

TEST_F(Gate, RevokesForGood)
{
    const std::string id = add(github(R"("name":"work",)" + with_secret));
    const reply revoked = ask("POST", one(id, "revoke"));
    ASSERT_EQ(revoked.status, 200u);
    EXPECT_EQ(revoked.text("status"), "revoked");
    EXPECT_EQ(ask("POST", one(id, "revoke") + "?wait=true").status, 200u);
    EXPECT_EQ(ask("POST", one(id, "revoke") + "?wait=perhaps").status, 400u);
    for (const auto& [method, action, body] :
         {std::tuple("POST", "activate", ""), std::tuple("POST", "deactivate", ""),
          std::tuple("PATCH", "", R"({"credential":{"secret":"planted-secret-2"}})")}) {
        const reply refused = ask(method, one(id, action), body);
        EXPECT_EQ(refused.status, 409u) << action;
        EXPECT_EQ(refused.code(), "connection_revoked") << action;
    }
    EXPECT_EQ(ask("GET", one(id)).text("status"), "revoked");
    EXPECT_EQ(lines("connection.revoked").size(), 2u);
    add(github(R"("name":"work",)" + with_secret));
}

TEST_F(Gate, RemovesAConnection)
{
    const std::string id = add(github(with_secret));
    const reply removed = ask("DELETE", one(id));
    EXPECT_EQ(removed.status, 204u);
    EXPECT_EQ(ask("GET", one(id)).status, 404u);
    EXPECT_EQ(ask("DELETE", one(id)).status, 404u);
    EXPECT_EQ(lines("connection.removed").size(), 1u);
}

TEST_F(Gate, DoesNothingThatTheTrailCannotHold)
{
    const std::string id = add(github(with_secret));
    writer_->broken = true;
    const auto refused = [&](std::string_view method, const std::string& target,
                             std::string_view body) {
        const reply answer = ask(method, target, body);
        EXPECT_EQ(answer.status, 503u) << method << ' ' << target;
        EXPECT_EQ(answer.code(), "audit_unavailable") << method << ' ' << target;
    };
    refused("POST", connections, github(with_secret));
    refused("PATCH", one(id), R"({"name":"new"})");
    refused("POST", one(id, "revoke"), "");
    refused("POST", one(id, "deactivate"), "");
    refused("DELETE", one(id), "");
    refused("POST", "/api/reload", "");
    refused("POST", "/api/runs", R"({"workspace":"acme","user":"ann","app":"a","run":"r"})");
    refused("DELETE", "/api/runs/r?workspace=acme", "");
    writer_->broken = false;
    const reply listed = ask("GET", connections);
    ASSERT_EQ(listed.body.at("items").as_array().size(), 1u);
    EXPECT_EQ(listed.body.at("items").as_array()[0].at("status").as_string(), "active");
    EXPECT_EQ(listed.body.at("items").as_array()[0].at("name").as_string(), "");
}

}  // namespace
}  // namespace sallyport::control
