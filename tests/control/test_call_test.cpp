#include "control/test_call.hpp"

#include <gtest/gtest.h>

#include "base/time.hpp"
#include "net/sigv4.hpp"
#include "vault/error.hpp"

namespace sallyport::control {
namespace {

using place = policy::injection::place;

class TestCall : public testing::Test {
protected:
    TestCall()
    {
        facts_.id = "shop";
        facts_.base.host = "{shop}.shop.example";
        facts_.variables = {{"shop", "host", "", "", "The shop"},
                            {"version", "path", "v 1", "[a-z0-9 ]+", "The version"}};
        facts_.about.test.request = "GET https://{shop}.shop.example/{version}/me";
        record_.kind = "api_key";
        record_.variables = {{"shop", "blue"}};
    }

    result<net::http_request> ask(policy::injection one, vault::credential fields)
    {
        facts_.credentials = {{record_.kind, {std::move(one)}}};
        return test_request(policy::provider(facts_), record_, fields, noon);
    }
    static std::string field(const net::http_request& request, std::string_view name)
    {
        for (const auto& [each, value] : request.headers) {
            if (each == name) {
                return std::string(value);
            }
        }
        return "";
    }
    static constexpr unix_micros noon = 1'440'938'160'000'000;  // 2015-08-30T12:36:00Z
    static vault::credential secret(std::string_view value)
    {
        vault::credential fields;
        fields.push_back({"secret", vault::secret(value)});
        return fields;
    }

    policy::provider_facts facts_;
    vault::connection record_;
};

TEST_F(TestCall, PutsTheCredentialWhereCallsHaveIt)
{
    const auto header = ask({place::header, "X-Key", "Key {secret}"}, secret("s&1"));
    ASSERT_TRUE(header);
    EXPECT_EQ(header->method, "GET");
    EXPECT_EQ(header->url, "https://blue.shop.example/v%201/me");
    EXPECT_EQ(header->headers.front().first, "X-Key");
    EXPECT_EQ(header->headers.front().second, "Key s&1");
    EXPECT_FALSE(header->private_addresses);
    EXPECT_FALSE(header->plain_http);

    EXPECT_EQ(ask({place::query, "key", "{secret}"}, secret("s&1"))->url,
              "https://blue.shop.example/v%201/me?key=s%261");
    EXPECT_EQ(ask({place::path, "", "/bot{secret}"}, secret("s/1"))->url,
              "https://blue.shop.example/bots%2F1/v%201/me");
    EXPECT_EQ(ask({place::cookie, "sid", "{secret}"}, secret("s"))->headers.front().second,
              "sid=s");
}

TEST_F(TestCall, PutsTheCredentialIntoTheBody)
{
    facts_.about.test.request = "POST https://{shop}.shop.example/me";
    facts_.about.test.body = R"({"deep": {"key": 1}, "key": "the caller's"})";
    const auto asked = ask({place::body, "key", "{secret}"}, secret("s\"1"));
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->body, R"({"deep":{"key":1},"key":"s\"1"})");
    EXPECT_EQ(field(*asked, "Content-Type"), "application/json");
    facts_.about.test.body.clear();
    EXPECT_EQ(ask({place::body, "key", "{secret}"}, secret("s"))->body, R"({"key":"s"})");
    facts_.about.test.body = "[]";
    EXPECT_EQ(ask({place::body, "key", "{secret}"}, secret("s")).error(),
              vault::errc::invalid_credential);
}

TEST_F(TestCall, SignsWhereTheKindSigns)
{
    record_.kind = "custom";
    record_.variables["region"] = "eu-central-1";
    facts_.variables.push_back({"region", "path", "", "", "The region"});
    policy::credential_kind signing{"custom", {}};
    signing.sign = {"s3", "{region}"};
    facts_.credentials = {signing};
    const auto ask_with = [&](std::string_view session) {
        vault::credential fields;
        fields.push_back({"access_key_id", vault::secret("AKIDEXAMPLE")});
        fields.push_back({"secret_access_key", vault::secret("wJalr")});
        if (!session.empty()) {
            fields.push_back({"session_token", vault::secret(session)});
        }
        return test_request(policy::provider(facts_), record_, fields, noon);
    };
    const auto asked = ask_with("session-1");
    ASSERT_TRUE(asked);
    EXPECT_EQ(field(*asked, "X-Amz-Date"), "20150830T123600Z");
    EXPECT_EQ(field(*asked, "X-Amz-Security-Token"), "session-1");
    const std::string hash = net::sigv4_hash("");
    EXPECT_EQ(field(*asked, "X-Amz-Content-Sha256"), hash);
    const std::string head =
        "GET /v%201/me HTTP/1.1\r\nHost: blue.shop.example\r\nAccept: application/json\r\n"
        "X-Amz-Date: 20150830T123600Z\r\nX-Amz-Content-Sha256: " +
        hash + "\r\nX-Amz-Security-Token: session-1\r\n";
    EXPECT_EQ(field(*asked, "Authorization"),
              net::sigv4_authorization(head, {"AKIDEXAMPLE", "wJalr"}, {"s3", "eu-central-1"}, hash,
                                       "20150830T123600Z"));
    EXPECT_EQ(field(*ask_with(""), "X-Amz-Security-Token"), "");
    for (const auto& [name, value] : asked->headers) {
        EXPECT_EQ(value.find("wJalr"), value.npos) << name;
    }
    record_.variables["region"] = "eu/../x";
    EXPECT_EQ(ask_with("").error(), vault::errc::invalid_credential);
}

TEST_F(TestCall, MakesBasicOfItsHalves)
{
    record_.kind = "basic";
    vault::credential fields;
    fields.push_back({"username", vault::secret("ann")});
    fields.push_back({"password", vault::secret("pw")});
    const auto asked = ask({place::header, "Authorization", "Basic {basic}"}, std::move(fields));
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->headers.front().second, "Basic YW5uOnB3");
}

TEST_F(TestCall, GoesNowhereWithAVariableThatDoesNotFit)
{
    for (const char* shop : {"evil.example/", "a.b", "", "a@b", "-x"}) {
        record_.variables["shop"] = shop;
        const auto refused = ask({place::header, "X-Key", "{secret}"}, secret("s"));
        ASSERT_FALSE(refused) << shop;
        EXPECT_EQ(refused.error(), vault::errc::invalid_credential);
    }
    record_.variables.clear();
    EXPECT_FALSE(ask({place::header, "X-Key", "{secret}"}, secret("s")));
}

TEST_F(TestCall, LeavesOutNoPartOfACredential)
{
    EXPECT_EQ(ask({place::header, "X-Key", "{secret}{other}"}, secret("s")).error(),
              vault::errc::invalid_credential);
    EXPECT_EQ(ask({place::header, "X-Key", "{secret}"}, secret("a\r\nb")).error(),
              vault::errc::invalid_credential);
    EXPECT_EQ(ask({place::body, "key", "{secret}"}, secret("")).error(), vault::errc::not_found)
        << "a GET has no body";
    facts_.about.test.request.clear();
    EXPECT_EQ(ask({place::header, "X-Key", "{secret}"}, secret("s")).error(),
              vault::errc::not_found);
}

TEST_F(TestCall, IsJudgedByWhatTheFileExpects)
{
    const auto judge = [](const char* expect, unsigned status, std::string_view body) {
        policy::test_call test;
        test.expect = expect;
        net::http_answer got;
        got.status = status;
        got.body = body;
        return judge_test(test, got);
    };
    EXPECT_TRUE(judge("", 204, "").is_ok);
    EXPECT_FALSE(judge("", 302, "").is_ok);
    EXPECT_FALSE(judge("", 0, "").is_ok);
    EXPECT_TRUE(judge("", 401, "").is_rejected);
    EXPECT_FALSE(judge("", 403, "").is_rejected);
    EXPECT_TRUE(judge("ok == true", 200, R"({"ok": true})").is_ok);
    EXPECT_FALSE(judge("ok == true", 200, R"({"ok": false})").is_ok);
    EXPECT_FALSE(judge("ok == true", 200, "<html>").is_ok);
    EXPECT_TRUE(judge("user.id not null (why)", 200, R"({"user": {"id": 1}})").is_ok);
    EXPECT_FALSE(judge("user.id not null (why)", 200, R"({"user": {"id": null}})").is_ok);
    EXPECT_FALSE(judge("user.id not null (why)", 200, R"({"user": 1})").is_ok);
    EXPECT_TRUE(judge("a list in words", 200, "").is_ok);
}

}  // namespace
}  // namespace sallyport::control
