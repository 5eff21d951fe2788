// Around connecting: what the public listener serves, trying out, disconnecting.
#include "connecting.hpp"

#include "tests/net/certificates.hpp"

#include "control/held_credential.hpp"
#include "control/precondition.hpp"
#include "control/webhook_inbox.hpp"

namespace sallyport::control {
namespace {

TEST_F(Connecting, AnswersSoManyCallbacksASecond)
{
    std::string all;
    for (unsigned i = 0; i <= callbacks_per_second_max; ++i) {
        all += "GET /api/connect/callback?state=x HTTP/1.1\r\nHost: a\r\n\r\n";
    }
    all += "GET /api/connect/callback?state=x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    // They may fall into two seconds: then no more than both may have.
    const std::string heard = visit(all + all + all);
    EXPECT_NE(heard.find("HTTP/1.1 429 "), std::string::npos);
    EXPECT_NE(heard.find("Retry-After: 1\r\n"), std::string::npos);
}

TEST_F(Connecting, LetsAWebhookAloneBeLargeOutside)
{
    const auto post = [this](const std::string& request, std::size_t bytes) {
        return visit(request + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " +
                     std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, ' '));
    };
    const std::string webhook = "POST /api/connect/webhooks/local";
    EXPECT_TRUE(has_status(post(webhook, webhook_body_bytes_max), 404));
    EXPECT_TRUE(has_status(post(webhook, webhook_body_bytes_max + 1), 413));
    const std::string callback = "GET /api/connect/callback?state=x";
    EXPECT_TRUE(has_status(post(callback, public_body_bytes_max + 1), 413));
}

TEST_F(Connecting, ServesNothingElseOutside)
{
    for (const char* target :
         {"/healthz", "/api/runs", "/api/connect/providers", "/metrics", "/"}) {
        const std::string refused =
            visit("GET " + std::string(target) +
                  " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer admin-token\r\n"
                  "Connection: close\r\n\r\n");
        EXPECT_TRUE(has_status(refused, 404)) << target << refused;
    }
    EXPECT_TRUE(has_status(
        visit("POST /api/connect/webhooks/local HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
              "Connection: close\r\n\r\n{}"),
        404));
    EXPECT_EQ(ask("GET", "/api/connect/callback?state=x").status, 405u);
}

TEST_F(Connecting, TriesAConnectionOut)
{
    const std::string id = connect();
    const reply works = ask("POST", "/api/connect/connections/" + id + "/test");
    ASSERT_EQ(works.status, 200u) << json::serialize(works.body);
    EXPECT_TRUE(works.body.at("ok").as_bool());
    EXPECT_EQ(json::serialize(works.body.at("scopes")), R"(["things:read","things:write"])");
    EXPECT_NE(provider_->requests().back().find("Authorization: Bearer planted-secret-1\r\n"),
              std::string::npos);
    EXPECT_EQ(lines("connection.tested").back().at("status").as_int64(), 200);
}

TEST_F(Connecting, LearnsFromATestThatACredentialIsRefused)
{
    const std::string id = add(R"({"workspace": "acme", "user": "ann", "provider": "local",
        "kind": "api_key", "credential": {"secret": "planted-secret-1"}})");
    me_status_ = 503;
    EXPECT_FALSE(ask("POST", "/api/connect/connections/" + id + "/test").body.at("ok").as_bool());
    EXPECT_EQ(status_of(id), "active");
    me_status_ = 401;
    const reply refused = ask("POST", "/api/connect/connections/" + id + "/test");
    EXPECT_FALSE(refused.body.at("ok").as_bool());
    EXPECT_EQ(status_of(id), "error");
    me_status_ = 200;
    EXPECT_TRUE(ask("POST", "/api/connect/connections/" + id + "/test").body.at("ok").as_bool());
    EXPECT_EQ(status_of(id), "active");
}

TEST_F(Connecting, LearnsFromATestThatATokenWithNothingToRenewItIsDead)
{
    const std::string id = add(R"({"workspace": "acme", "user": "ann", "provider": "local",
        "kind": "oauth2", "credential": {"access_token": "planted-secret-1"}})");
    const std::string renewable = connect();
    me_status_ = 401;
    EXPECT_EQ(ask("POST", "/api/connect/connections/" + id + "/test").status, 200u);
    EXPECT_EQ(status_of(id), "reauth_required");
    EXPECT_EQ(ask("POST", "/api/connect/connections/" + renewable + "/test").status, 200u);
    EXPECT_EQ(status_of(renewable), "active");
}

TEST_F(Connecting, NotesTheTokensBeforeTheyAreRevokedHere)
{
    const std::string id = connect();
    EXPECT_EQ(ask("POST", "/api/connect/connections/" + id + "/revoke").text("status"), "revoked");
    const auto left = notes(revocation_kind);
    ASSERT_EQ(left.size(), 1u);
    const auto held = read_held(left[0].text);
    ASSERT_TRUE(held);
    EXPECT_EQ(held->record.id, id);
    EXPECT_EQ(held->record.credential_version, 1u);
    ASSERT_GE(held->fields.size(), 2u);
    ASSERT_EQ(told_.size(), 1u);
    EXPECT_EQ(told_[0], left[0].id);
    EXPECT_EQ(ask("POST", "/api/connect/connections/" + id + "/revoke").status, 200u);
    EXPECT_EQ(notes(revocation_kind).size(), 1u);
}

TEST_F(Connecting, DisconnectsTheUsersOwnConnections)
{
    const std::string first = connect();
    const std::string second = connect();
    const std::string shared = add(R"({"workspace": "acme", "user": "ann", "provider": "local",
        "kind": "api_key", "shared": true, "credential": {"secret": "planted-secret-1"}})");
    const std::string others = add(R"({"workspace": "acme", "user": "bob", "provider": "local",
        "kind": "api_key", "credential": {"secret": "planted-secret-1"}})");
    EXPECT_EQ(
        ask("DELETE", "/api/connect/local?workspace=acme&user=ann", "", "platform-token").status,
        204u);
    EXPECT_EQ(status_of(first), "revoked");
    EXPECT_EQ(status_of(second), "revoked");
    EXPECT_EQ(status_of(shared), "active");
    EXPECT_EQ(status_of(others), "active");
    EXPECT_EQ(lines("connection.revoked").size(), 2u);
    EXPECT_EQ(ask("DELETE", "/api/connect/local?workspace=acme").status, 400u);
}

TEST_F(Connecting, BindsAChangeToNoVersionWhereAnyWillDo)
{
    request call{.gate = gate_, .client = "unix", .named = {}};
    vault::connection record;
    record.version = 7;
    for (const char* const any : {"*", " * "}) {
        call.fields = {{"If-Match", any}};
        EXPECT_FALSE(bound_to(call, record).version);
        EXPECT_FALSE(bound_to(call, record).refusal);
    }
    call.fields = {{"If-Match", "\"7\""}};
    EXPECT_EQ(bound_to(call, record).version, 7u);
}

TEST_F(Connecting, RefreshesWhenAskedTo)
{
    const std::string id = connect();
    EXPECT_EQ(ask("POST", "/api/connect/connections/" + id + "/deactivate").status, 200u);
    EXPECT_EQ(ask("POST", "/api/connect/connections/" + id + "/refresh").code(),
              "connection_status");
    const std::string key = add(R"({"workspace": "acme", "user": "ann", "provider": "local",
        "kind": "api_key", "credential": {"secret": "planted-secret-1"}})");
    EXPECT_EQ(ask("POST", "/api/connect/connections/" + key + "/refresh").code(), "cannot_refresh");
}

TEST_F(Connecting, ListensWithTlsWhereTheAddressSaysSo)
{
    const net::pem_files files = net::test_certificates().issue("public", "IP:127.0.0.1");
    settings with_tls = chosen_;
    with_tls.public_listen.front().tls_certificate = files.certificate;
    with_tls.public_listen.front().tls_key = files.key;
    std::unique_ptr<public_server> listening;
    std::string where;
    on_control_thread([&] {
        listening = std::make_unique<public_server>(context_, with_tls, gate_);
        where = listening->open().front();
    });
    ASSERT_TRUE(where.starts_with("https://127.0.0.1:")) << where;
    net::http_client browser(context_);
    net::http_request visit_it;
    visit_it.method = "GET";
    visit_it.url = where + "/api/connect/callback?state=x";
    visit_it.private_addresses = true;
    visit_it.tls = *net::make_client_context(net::test_certificates().ca());
    auto visiting = browser.ask(visit_it, std::chrono::seconds(20));
    const result<net::http_answer> page = run(std::move(visiting));
    on_control_thread([&] { listening->stop(); });
    ASSERT_TRUE(page) << page.error().message();
    EXPECT_EQ(page->status, 400u);
    EXPECT_NE(page->body.find("does not work"), std::string::npos);
    EXPECT_TRUE(has_status(come_back("state=x"), 400)) << "the other listener goes on";
}

}  // namespace
}  // namespace sallyport::control
