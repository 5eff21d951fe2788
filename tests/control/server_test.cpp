#include <sys/stat.h>

#include "control/listener.hpp"
#include "gate.hpp"

namespace sallyport::control {
namespace {

TEST_F(Gate, SaysThatItIsAliveAndReadyWithoutAToken)
{
    EXPECT_EQ(ask("GET", "/healthz", "", "").status, 200u);
    EXPECT_EQ(ask("GET", "/healthz", "", "no-such-token").status, 200u);
    const reply ready = ask("GET", "/readyz", "", "");
    EXPECT_EQ(ready.status, 200u);
    EXPECT_TRUE(ready.body.at("ready").as_bool());
}

TEST_F(Gate, SaysWhyItIsNotReady)
{
    not_ready_ = {"the vault does not answer"};
    const reply ready = ask("GET", "/readyz", "", "");
    EXPECT_EQ(ready.status, 503u);
    EXPECT_EQ(ready.code(), "not_ready");
    EXPECT_EQ(ready.body.at("reasons").as_array().at(0).as_string(), "the vault does not answer");
}

TEST_F(Gate, TellsStrangersNothingButThatATokenIsNeeded)
{
    for (const char* target : {"/api/runs", "/api/no/such/thing", "/metrics", "/"}) {
        const reply refused = ask("GET", target, "", "");
        EXPECT_EQ(refused.status, 401u) << target;
        EXPECT_EQ(refused.code(), "token_missing") << target;
    }
    EXPECT_EQ(ask("GET", "/api/runs", "", "admin-toke").code(), "token_invalid");
    EXPECT_EQ(ask("GET", "/api/runs", "", "admin-tokenx").code(), "token_invalid");
    const std::string raw = send_raw("GET /metrics HTTP/1.1\r\nHost: gate\r\n\r\n");
    EXPECT_NE(raw.find("WWW-Authenticate: Bearer\r\n"), std::string::npos);
    EXPECT_NE(raw.find("Content-Type: application/problem+json\r\n"), std::string::npos);
}

TEST_F(Gate, TellsAnUnknownPathFromAWrongMethod)
{
    EXPECT_EQ(ask("GET", "/api/nothing").code(), "not_found");
    EXPECT_EQ(ask("GET", "/api/runs/").code(), "not_found");
    EXPECT_EQ(ask("POST", "/api/connect/initiate", "{}").status, 404u);
    const reply wrong = ask("PUT", "/api/runs", "{}");
    EXPECT_EQ(wrong.status, 405u);
    EXPECT_EQ(wrong.code(), "method_not_allowed");
    const std::string raw = send_raw(
        "PUT /api/connect/connections/x HTTP/1.1\r\nHost: gate\r\n"
        "Authorization: Bearer admin-token\r\n\r\n");
    EXPECT_NE(raw.find("Allow: GET, PATCH, DELETE\r\n"), std::string::npos) << raw;
}

TEST_F(Gate, GivesAuditorsTheMetricsAndNothingElseHere)
{
    EXPECT_EQ(ask("GET", "/metrics", "", "auditor-token").status, 200u);
    const std::pair<const char*, const char*> others[] = {
        {"GET", "/api/connect/providers"},
        {"GET", "/api/connect/connections"},
        {"POST", "/api/connect/connections"},
        {"GET", "/api/runs?workspace=acme"},
        {"POST", "/api/runs"},
        {"DELETE", "/api/runs/r1?workspace=acme"},
        {"POST", "/api/connect/status"},
        {"POST", "/api/reload"},
        {"POST", "/api/connect/connections/conn_1/revoke"}};
    for (const auto& [method, target] : others) {
        const reply refused = ask(method, target, "", "auditor-token");
        EXPECT_EQ(refused.status, 403u) << method << ' ' << target;
        EXPECT_EQ(refused.code(), "forbidden") << method << ' ' << target;
    }
}

TEST_F(Gate, RefusesTokensSentTwiceOrInAnotherScheme)
{
    const std::string twice = send_raw(
        "GET /metrics HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer admin-token\r\n"
        "Authorization: Bearer admin-token\r\n\r\n");
    EXPECT_TRUE(twice.starts_with("HTTP/1.1 400 ")) << twice;
    const std::string basic =
        send_raw("GET /metrics HTTP/1.1\r\nHost: gate\r\nAuthorization: Basic admin-token\r\n\r\n");
    EXPECT_TRUE(basic.starts_with("HTTP/1.1 401 ")) << basic;
}

TEST_F(Gate, RefusesHeadsThatCanBeReadTwoWays)
{
    const std::string start = "POST /api/runs HTTP/1.1\r\nAuthorization: Bearer admin-token\r\n";
    EXPECT_TRUE(send_raw(start + "\r\n").starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(send_raw(start + "Host: a\r\nHost: b\r\n\r\n").starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(send_raw(start + "Host: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}")
                    .starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(
        send_raw(start + "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
            .starts_with("HTTP/1.1 411 "));
    EXPECT_TRUE(send_raw("GET /metrics\r\n\r\n").starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(send_raw("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(send_raw("GET http://gate/metrics HTTP/1.1\r\nHost: gate\r\n"
                         "Authorization: Bearer admin-token\r\n\r\n")
                    .starts_with("HTTP/1.1 400 "));
}

TEST_F(Gate, BoundsHeadsAndBodies)
{
    const std::string large_head = send_raw("GET /metrics HTTP/1.1\r\nHost: gate\r\nX: " +
                                            std::string(2 * head_bytes_max, 'x') + "\r\n\r\n");
    EXPECT_TRUE(large_head.starts_with("HTTP/1.1 431 ")) << large_head;
    const reply large_body = ask("POST", "/api/runs", std::string(body_bytes_max + 1, ' '));
    EXPECT_EQ(large_body.status, 413u);
    EXPECT_EQ(large_body.code(), "body_too_large");
    EXPECT_EQ(ask("POST", "/api/runs", std::string(body_bytes_max, ' ')).status, 400u);
}

TEST_F(Gate, KeepsAConnectionForFurtherRequests)
{
    const std::string one = "GET /healthz HTTP/1.1\r\nHost: gate\r\n\r\n";
    const std::string both = send_raw(one + one);
    const std::size_t second = both.find("HTTP/1.1 200 OK", 1);
    EXPECT_TRUE(both.starts_with("HTTP/1.1 200 OK")) << both;
    EXPECT_NE(second, std::string::npos) << both;
}

TEST_F(Gate, AsksForABodyThatWaitsToBeAskedFor)
{
    const std::string raw = send_raw(
        "POST /api/runs HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer admin-token\r\n"
        "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}");
    EXPECT_TRUE(raw.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 ")) << raw;
}

TEST_F(Gate, RefusesABodyThatIsNotOneStrictObject)
{
    std::string deep;
    for (int i = 0; i < 40; ++i) {
        deep += R"({"connects":[)";
    }
    for (const std::string& body :
         {std::string("{"), std::string("[]"), std::string("null"), std::string("{} {}"),
          std::string(R"({"run":"a","run":"b"})"), std::string("{\"run\":\"\xff\"}"),
          std::string(R"({"scopes":{"github":[],"github":[]}})"), deep, std::string("{'a':1}"),
          std::string(R"({"a":1,})"), std::string("\xef\xbb\xbf{}")}) {
        const reply refused = ask("POST", "/api/runs", body);
        EXPECT_EQ(refused.status, 400u) << body;
        EXPECT_EQ(refused.code(), "bad_request") << body;
    }
    EXPECT_EQ(ask("POST", "/api/reload", R"({"now":true})").code(), "bad_request");
}

TEST_F(Gate, RefusesAQueryThatNamesAParameterTwice)
{
    EXPECT_EQ(ask("GET", "/api/runs?workspace=acme&workspace=other").code(), "bad_request");
    EXPECT_EQ(ask("GET", "/api/runs?workspace=%61cme&user=a+b").status, 200u);
}

TEST_F(Gate, ReloadsForAnAdminOfEveryWorkspace)
{
    next_reload_.applied = true;
    next_reload_.problems = {{"a.yaml", 3, 1, "unknown key"}};
    const reply applied = ask("POST", "/api/reload");
    EXPECT_EQ(applied.status, 200u);
    EXPECT_TRUE(applied.body.at("applied").as_bool());
    EXPECT_EQ(applied.body.at("problems").as_array().at(0).as_string(), "a.yaml:3:1: unknown key");
    EXPECT_EQ(ask("POST", "/api/reload", "", "acme-admin-token").status, 403u);
    EXPECT_EQ(ask("POST", "/api/reload", "", "platform-token").status, 403u);
    EXPECT_EQ(lines("config.reloaded").size(), 1u);
}

TEST_F(Gate, SaysInTheTrailThatAReloadCameToNothing)
{
    next_reload_.applied = false;
    EXPECT_EQ(ask("POST", "/api/reload").code(), "invalid_configuration");
    const auto reloaded = lines("config.reloaded");
    ASSERT_EQ(reloaded.size(), 2u);
    EXPECT_EQ(reloaded[0].at("actor").as_string(), "token:admin#0");
    EXPECT_FALSE(reloaded[0].contains("code"));
    EXPECT_EQ(reloaded[1].at("code").as_string(), "invalid_configuration");
}

TEST_F(Gate, OpensItsSocketForItsOwnerAlone)
{
    struct stat status = {};
    ASSERT_EQ(::stat((directory_ / "control.sock").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST_F(Gate, RefusesToListenWithTls)
{
    settings chosen = settings_in(directory_);
    chosen.listen = {};
    chosen.listen.host = "127.0.0.1";
    chosen.listen.tls_certificate = "cert.pem";
    server other(context_, chosen, offered());
    try {
        other.open();
        FAIL() << "it listens";
    } catch (const std::runtime_error& why) {
        EXPECT_NE(std::string(why.what()).find("TLS is not built"), std::string::npos);
    }
}

}  // namespace
}  // namespace sallyport::control
