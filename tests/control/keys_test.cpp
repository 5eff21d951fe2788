// Who may rotate, shred, back up and restore, and what stands in the trail afterwards.
#include "gate.hpp"

namespace sallyport::control {
namespace {

constexpr const char* a_connection =
    R"({"workspace": "acme", "user": "ann", "provider": "github", "kind": "bearer",
        "scopes_granted": ["*"], "credential": {"secret": "planted-secret-1"}})";

class Keys : public Gate {};

TEST_F(Keys, AreRotatedForAWorkspaceInSteps)
{
    const std::string id = add(a_connection);
    json::object body{{"workspace", "acme"}};
    reply step;
    do {
        step = ask("POST", "/api/keys/rotate", json::serialize(body));
        ASSERT_EQ(step.status, 200u) << json::serialize(step.body);
        body["generation"] = step.body.at("generation");
    } while (!step.body.at("done").as_bool());
    EXPECT_EQ(step.body.at("generation").as_int64(), 2);
    EXPECT_EQ(step.body.at("resealed").as_int64(), 1);
    const reply shown = ask("GET", "/api/keys?workspace=acme");
    ASSERT_EQ(shown.body.at("items").as_array().size(), 1u);
    EXPECT_EQ(shown.body.at("items").at(0).at("records").as_int64(), 1);
    const auto written = lines("key.rotated");
    ASSERT_GE(written.size(), 2u);
    EXPECT_EQ(written.back().at("workspace").as_string(), "acme");
    EXPECT_EQ(written.back().at("count").as_int64(), 1);
}

TEST_F(Keys, ShowWhichMasterKeyWrapsThem)
{
    add(a_connection);
    const reply all = ask("GET", "/api/keys");
    ASSERT_EQ(all.status, 200u);
    EXPECT_EQ(all.body.at("items").as_array().size(), 2u) << "the canary and acme's";
    const json::array masters = all.body.at("master_keys").as_array();
    ASSERT_EQ(masters.size(), 1u);
    for (const json::value& one : all.body.at("items").as_array()) {
        EXPECT_EQ(one.at("master_key"), masters.front());
    }
    const reply rotated = ask("POST", "/api/keys/rotate", R"({"master": true})");
    EXPECT_EQ(rotated.body.at("rewrapped").as_int64(), 0);
    EXPECT_EQ(rotated.body.at("already").as_int64(), 2);
    EXPECT_TRUE(rotated.body.at("done").as_bool());
}

TEST_F(Keys, BelongToAdministratorsOfTheirWorkspaces)
{
    struct attempt {
        const char* method;
        const char* target;
        const char* body;
        bool everywhere;  // takes a token for all workspaces
    };
    constexpr attempt attempts[] = {
        {"GET", "/api/keys", "", true},
        {"GET", "/api/keys?workspace=globex", "", true},
        {"POST", "/api/keys/rotate", R"({"master": true})", true},
        {"POST", "/api/keys/rotate", R"({"workspace": "globex"})", true},
        {"POST", "/api/keys/shred", R"({"workspace": "globex", "confirm": "globex"})", true},
        {"GET", "/api/vault/backup?part=keys", "", true},
        {"POST", "/api/vault/restore", R"({"items": []})", true},
        {"POST", "/api/keys/rotate", R"({"workspace": "acme"})", false},
        {"GET", "/api/keys?workspace=acme", "", false},
    };
    for (const attempt& one : attempts) {
        for (const char* token : {"platform-token", "auditor-token"}) {
            EXPECT_EQ(ask(one.method, one.target, one.body, token).status, 403u) << one.target;
        }
        const unsigned status = ask(one.method, one.target, one.body, "acme-admin-token").status;
        EXPECT_EQ(status, one.everywhere ? 403u : 200u) << one.target << one.body;
        EXPECT_EQ(ask(one.method, one.target, one.body).status, 200u) << one.target << one.body;
    }
}

TEST_F(Keys, AreNotTouchedByARequestThatIsUnclear)
{
    for (const char* body :
         {"{}", R"({"master": false})", R"({"master": true, "workspace": "acme"})",
          R"({"workspace": "a/b"})", R"({"workspace": "acme", "generation": 0})",
          R"({"workspace": "acme", "generation": -1})",
          R"({"workspace": "acme", "generation": 1.5})",
          R"({"workspace": "acme", "generation": "1"})", R"({"workspace": "acme", "more": 1})"}) {
        EXPECT_EQ(ask("POST", "/api/keys/rotate", body).status, 400u) << body;
    }
    EXPECT_EQ(ask("POST", "/api/keys/shred", R"({"workspace": "acme"})").status, 400u);
    EXPECT_EQ(ask("POST", "/api/keys/shred", R"({"workspace": "acme", "confirm": "acne"})").status,
              422u);
    EXPECT_EQ(ask("GET", "/api/vault/backup?part=secrets").status, 400u);
    EXPECT_EQ(ask("POST", "/api/vault/restore", R"({"items": [{"key": {}}]})").code(),
              "invalid_backup");
    EXPECT_EQ(ask("POST", "/api/vault/restore", R"({"items": 1})").status, 400u);
    EXPECT_TRUE(lines("key.rotated").empty());
    EXPECT_TRUE(lines("key.shredded").empty());
}

TEST_F(Keys, AreNotTouchedWhileTheTrailCannotBeWritten)
{
    const std::string id = add(a_connection);
    writer_->broken = true;
    EXPECT_EQ(ask("POST", "/api/keys/rotate", R"({"workspace": "acme"})").status, 503u);
    EXPECT_EQ(ask("POST", "/api/keys/rotate", R"({"master": true})").status, 503u);
    EXPECT_EQ(ask("POST", "/api/keys/shred", R"({"workspace": "acme", "confirm": "acme"})").status,
              503u);
    EXPECT_EQ(ask("GET", "/api/vault/backup?part=keys").status, 503u);
    EXPECT_EQ(ask("POST", "/api/vault/restore", R"({"items": []})").status, 503u);
    writer_->broken = false;
    EXPECT_EQ(ask("GET", "/api/keys?workspace=acme").body.at("items").at(0).at("generation"), 1);
    EXPECT_EQ(ask("GET", "/api/connect/connections/" + id).text("status"), "active");
}

TEST_F(Keys, ThatAreShreddedTakeTheConnectionsWithThem)
{
    const std::string id = add(a_connection);
    const reply done =
        ask("POST", "/api/keys/shred", R"({"workspace": "acme", "confirm": "acme"})");
    ASSERT_EQ(done.status, 200u);
    EXPECT_EQ(done.body.at("revoked").as_int64(), 1);
    EXPECT_EQ(ask("GET", "/api/connect/connections/" + id).text("status"), "revoked");
    EXPECT_TRUE(
        ask("GET", "/api/keys?workspace=acme").body.at("items").at(0).at("shredded").as_bool());
    ASSERT_EQ(lines("key.shredded").size(), 2u);
    EXPECT_EQ(lines("key.shredded").back().at("count").as_int64(), 1);
}

TEST_F(Keys, ComeBackFromABackupOnlyWhereNothingElseStands)
{
    const std::string id = add(a_connection);
    json::array items;
    for (const char* part : {"keys", "connections", "runs"}) {
        const reply page = ask("GET", std::string("/api/vault/backup?part=") + part);
        ASSERT_EQ(page.status, 200u);
        for (const json::value& one : page.body.at("items").as_array()) {
            items.push_back(one);
        }
    }
    ASSERT_EQ(items.size(), 2u);
    const std::string body = json::serialize(json::object{{"items", items}});
    const reply again = ask("POST", "/api/vault/restore", body);
    EXPECT_EQ(again.status, 200u);
    EXPECT_EQ(again.body.at("present").as_int64(), 2);
    ASSERT_EQ(ask("DELETE", "/api/connect/connections/" + id).status, 204u);
    EXPECT_EQ(ask("POST", "/api/vault/restore", body).body.at("added").as_int64(), 1);
    EXPECT_EQ(ask("GET", "/api/connect/connections/" + id).text("status"), "active");
    ASSERT_EQ(ask("POST", "/api/connect/connections/" + id + "/deactivate").status, 200u);
    const reply refused = ask("POST", "/api/vault/restore", body);
    EXPECT_EQ(refused.status, 409u);
    EXPECT_EQ(ask("GET", "/api/connect/connections/" + id).text("status"), "inactive");
}

}  // namespace
}  // namespace sallyport::control
