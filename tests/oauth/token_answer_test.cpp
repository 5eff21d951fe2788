// Answers in the shapes that providers are known to give.
#include "oauth/token_answer.hpp"

#include <gmock/gmock.h>

#include "base/encoding.hpp"
#include "tests/oauth/shipped.hpp"

namespace sallyport::oauth {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using vault::refresh_answer;
using vault::refresh_verdict;

constexpr unix_micros second = 1'000'000;

refresh_answer read(std::string_view provider, const net::http_answer& answer,
                    std::string variant = {})
{
    vault::connection record = connection_at(provider);
    record.variant = std::move(variant);
    return read_token_answer(facts_of(provider), record, answer, noon);
}

refresh_answer read(std::string_view provider, std::string_view body, unsigned status = 200)
{
    return read(provider, json_answer(body, status));
}

std::string field(const refresh_answer& answer, std::string_view name)
{
    return std::string(find_field(answer.tokens.fields, name));
}

TEST(TokenAnswer, IsReadWhereItIsAsTheStandardHasIt)
{
    const refresh_answer got = read("gmail", R"({"access_token":"ya29.a","expires_in":3599,
        "refresh_token":"1//r","scope":"openid https://mail.google.com/","token_type":"Bearer"})");

    ASSERT_EQ(got.verdict, refresh_verdict::fresh) << got.reason;
    EXPECT_EQ(field(got, "access_token"), "ya29.a");
    EXPECT_EQ(field(got, "refresh_token"), "1//r");
    EXPECT_EQ(got.tokens.expires_at, noon + 3599 * second);
    ASSERT_TRUE(got.tokens.scopes);
    EXPECT_THAT(*got.tokens.scopes, ElementsAre("https://mail.google.com/", "openid"));
}

TEST(TokenAnswer, WithoutAScopeGrantsWhatWasAsked)
{
    const refresh_answer got = read("notion", R"({"access_token":"ntn_1","token_type":"bearer",
        "bot_id":"b-1","workspace_id":"w-1","owner":{"type":"user"}})");

    ASSERT_EQ(got.verdict, refresh_verdict::fresh) << got.reason;
    EXPECT_FALSE(got.tokens.scopes);
    EXPECT_EQ(got.tokens.variables.at("workspace_id"), "w-1");
    EXPECT_FALSE(got.tokens.variables.contains("owner"));
    EXPECT_EQ(got.tokens.expires_at, 0);
}

TEST(TokenAnswer, WithAnEmptyScopeGrantsNothing)
{
    const refresh_answer got =
        read("github", R"({"access_token":"gho_1","scope":"","token_type":"bearer"})");
    ASSERT_TRUE(got.tokens.scopes);
    EXPECT_THAT(*got.tokens.scopes, IsEmpty());
}

TEST(TokenAnswer, SplitsScopesByCommasToo)
{
    const refresh_answer got =
        read("github", R"({"access_token":"gho_1","scope":"repo,gist","token_type":"bearer"})");
    ASSERT_TRUE(got.tokens.scopes);
    EXPECT_THAT(*got.tokens.scopes, ElementsAre("gist", "repo"));
}

TEST(TokenAnswer, MayBeAFormWhereItSaysSo)
{
    net::http_answer form;
    form.status = 200;
    form.headers.emplace_back("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    form.body = "access_token=gho_1&scope=repo%2Cgist&token_type=bearer";
    EXPECT_EQ(field(read("github", form), "access_token"), "gho_1");

    form.headers.front().second = "text/plain";
    EXPECT_EQ(read("github", form).verdict, refresh_verdict::unavailable);
    form.headers.front().second = "application/x-www-form-urlencoded";
    form.body += "&access_token=gho_2";
    EXPECT_EQ(read("github", form).verdict, refresh_verdict::unavailable);
}

constexpr std::string_view slack_answer = R"({"ok":true,"access_token":"xoxb-1",
    "token_type":"bot","scope":"commands,incoming-webhook","bot_user_id":"U0KRQLJ9H",
    "team":{"name":"Softball","id":"T9TK3CUKW"},"enterprise":null,
    "authed_user":{"id":"U1234","scope":"chat:write","access_token":"xoxp-1",
    "refresh_token":"xoxe-1","expires_in":43200,"token_type":"user"}})";

TEST(TokenAnswer, OfSlackHoldsTwoTokens)
{
    const refresh_answer bot = read("slack", json_answer(slack_answer), "bot");
    EXPECT_EQ(field(bot, "access_token"), "xoxb-1");
    EXPECT_EQ(field(bot, "refresh_token"), "");
    EXPECT_THAT(*bot.tokens.scopes, ElementsAre("commands", "incoming-webhook"));
    EXPECT_EQ(bot.tokens.variables.at("team.id"), "T9TK3CUKW");

    const refresh_answer user = read("slack", json_answer(slack_answer), "user");
    EXPECT_EQ(field(user, "access_token"), "xoxp-1");
    EXPECT_EQ(field(user, "refresh_token"), "xoxe-1");
    EXPECT_THAT(*user.tokens.scopes, ElementsAre("chat:write"));
    EXPECT_EQ(user.tokens.expires_at, noon + 43200 * second);
}

TEST(TokenAnswer, NeverTakesTheBotsTokenForTheUsers)
{
    const auto without_user = json_answer(
        R"({"ok":true,"access_token":"xoxb-1","token_type":"bot","authed_user":{"id":"U1"}})");
    EXPECT_EQ(read("slack", without_user, "user").verdict, refresh_verdict::unavailable);

    const auto refreshed = json_answer(
        R"({"ok":true,"access_token":"xoxp-2","token_type":"user","scope":"chat:write"})");
    EXPECT_EQ(field(read("slack", refreshed, "user"), "access_token"), "xoxp-2");
}

TEST(TokenAnswer, SetsTheVariablesThatTheProviderDeclares)
{
    const refresh_answer got = read("salesforce", R"({"access_token":"00D!x",
        "instance_url":"https://acme.my.salesforce.com","id":"https://login.salesforce.com/id/1",
        "signature":"x=","token_type":"Bearer"})");
    ASSERT_EQ(got.verdict, refresh_verdict::fresh) << got.reason;
    EXPECT_EQ(got.tokens.variables.at("instance_url"), "https://acme.my.salesforce.com");
}

TEST(TokenAnswer, CannotSendTheCredentialElsewhere)
{
    for (const char* place : {"https://evil.example", "https://evil.example/.salesforce.com",
                              "https://acme.salesforce.com@evil.example", ""}) {
        const refresh_answer got =
            read("salesforce",
                 R"({"access_token":"00D!x","instance_url":")" + std::string(place) + "\"}");
        EXPECT_EQ(got.verdict, refresh_verdict::unavailable) << place;
        EXPECT_TRUE(got.tokens.fields.empty());
    }
}

TEST(TokenAnswer, KeepsNumbersOfTheAnswerAsText)
{
    const refresh_answer got =
        read("hubspot", R"({"access_token":"a","refresh_token":"r","hub_id":62515})");
    EXPECT_EQ(got.tokens.variables.at("hub_id"), "62515");
    // The file knows how long a token lives where the answer is silent.
    EXPECT_EQ(got.tokens.expires_at, noon + 1800 * second);
}

TEST(TokenAnswer, ReadsInstagramsPermissions)
{
    const refresh_answer got = read("instagram",
                                    R"({"access_token":"IG","user_id":17841,"permissions":
                                    ["instagram_business_basic","instagram_business_manage"]})");
    ASSERT_EQ(got.verdict, refresh_verdict::fresh) << got.reason;
    EXPECT_EQ(got.tokens.scopes->size(), 2u);
}

TEST(TokenAnswer, TellsTheAccountFromAnIdToken)
{
    const std::string claims = to_base64url(R"({"sub":"42","email":"ann@example.com"})");
    const refresh_answer got =
        read("gmail", R"({"access_token":"a","id_token":"e30.)" + claims + R"(.c2ln"})");
    EXPECT_EQ(got.tokens.account, "ann@example.com");
    EXPECT_EQ(read("gmail", R"({"access_token":"a","id_token":"e30.%%%.x"})").tokens.account, "");
}

struct lifetime {
    const char* member;
    unix_micros expected;
    refresh_verdict verdict = refresh_verdict::fresh;
};

TEST(TokenAnswer, BelievesOnlyLifetimesThatMakeSense)
{
    const unix_micros longest = noon + lifetime_max.count() * second;
    const lifetime cases[] = {
        {R"("expires_in":60)", noon + 60 * second},
        {R"("expires_in":"60")", noon + 60 * second},
        {R"("expires_in":60.0)", noon + 60 * second},
        {R"("expires_in":null)", 0},
        {R"("expires_in":0)", 0},
        {R"("expires_in":99999999999)", longest},
        {R"("expires_in":9223372036854775807)", longest},
        {R"("expires_in":-1)", 0, refresh_verdict::unavailable},
        {R"("expires_in":"soon")", 0, refresh_verdict::unavailable},
        {R"("expires_in":[1])", 0, refresh_verdict::unavailable},
        {R"("expires_at":"2026-02-02T02:40:00Z")", noon},
        {R"("expires_at":1770000060)", noon + 60 * second},
        {R"("expires_at":"never")", 0, refresh_verdict::unavailable},
    };
    for (const lifetime& one : cases) {
        const refresh_answer got =
            read("intercom", R"({"access_token":"a",)" + std::string(one.member) + "}");
        EXPECT_EQ(got.verdict, one.verdict) << one.member;
        if (one.verdict == refresh_verdict::fresh) {
            EXPECT_EQ(got.tokens.expires_at, one.expected) << one.member;
        }
    }
}

TEST(TokenAnswer, IsNoneWhereItsTokenCannotBeUsed)
{
    const std::string large(token_bytes_max + 1, 'a');
    for (const std::string& body :
         {std::string(R"({})"), std::string(R"([])"), std::string(R"({"access_token":""})"),
          std::string(R"({"access_token":7})"), std::string(R"({"access_token":"a\u000ab"})"),
          std::string(R"({"access_token":"ä"})"), R"({"access_token":")" + large + "\"}",
          std::string(R"({"access_token":"a","access_token":"b"})"),
          std::string(R"({"access_token":"a","token_type":"mac"})"),
          std::string(R"({"access_token":"a","refresh_token":"b\u0000"})"),
          std::string(R"({"access_token":"a")"), std::string("<html>hello</html>"),
          std::string()}) {
        const refresh_answer got = read("gmail", body);
        EXPECT_EQ(got.verdict, refresh_verdict::unavailable) << body.substr(0, 60);
        EXPECT_TRUE(got.tokens.fields.empty());
        EXPECT_FALSE(got.reason.empty());
    }
}

struct refusal_case {
    const char* provider;
    unsigned status;
    const char* body;
    refresh_verdict verdict;
};

TEST(Refusal, IsUnderstoodInEveryKnownSpelling)
{
    constexpr auto rejected = refresh_verdict::rejected;
    constexpr auto unavailable = refresh_verdict::unavailable;
    const refusal_case cases[] = {
        {"gmail", 400, R"({"error":"invalid_grant","error_description":"expired"})", rejected},
        {"outlook", 400, R"({"error":"invalid_grant","error_codes":[70008]})", rejected},
        {"github", 200, R"({"error":"bad_refresh_token"})", rejected},
        {"github", 200, R"({"error":"bad_verification_code"})", rejected},
        {"github", 200, R"({"error":"incorrect_client_credentials"})", unavailable},
        {"slack", 200, R"({"ok":false,"error":"invalid_refresh_token"})", rejected},
        {"slack", 200, R"({"ok":false,"error":"token_revoked"})", rejected},
        {"slack", 200, R"({"ok":false,"error":"ratelimited"})", unavailable},
        {"slack", 200, R"({"ok":false})", unavailable},
        {"hubspot", 400, R"({"status":"BAD_REFRESH_TOKEN","message":"x"})", rejected},
        {"facebook", 400, R"({"error":{"message":"x","type":"OAuthException","code":190}})",
         rejected},
        {"facebook", 400, R"({"error":{"message":"x","type":"OAuthException","code":4}})",
         unavailable},
        {"twitter", 400,
         R"({"error":"invalid_request","error_description":"Value passed for the token was invalid."})",
         rejected},
        {"jira", 403,
         R"({"error":"unauthorized_client","error_description":"refresh_token is invalid"})",
         rejected},
        {"jira", 401, R"({"error":"unauthorized_client","error_description":"no"})", unavailable},
        {"linear", 401, R"({"error":"invalid_client"})", unavailable},
        {"tiktok", 200, R"({"error":"invalid_grant","log_id":"1"})", rejected},
        {"gmail", 500, R"({"error":"invalid_grant"})", unavailable},
        {"gmail", 429, R"({"error":"invalid_grant"})", unavailable},
        {"gmail", 302, "", unavailable},
        {"gmail", 400, "<html>", unavailable},
        {"gmail", 403, R"({"error":"something_new"})", unavailable},
    };
    for (const refusal_case& one : cases) {
        const refresh_answer got = read(one.provider, one.body, one.status);
        EXPECT_EQ(got.verdict, one.verdict) << one.provider << " " << one.body;
        EXPECT_FALSE(got.reason.empty());
        EXPECT_TRUE(got.tokens.fields.empty());
    }
}

TEST(Refusal, RepeatsNothingThatTheProviderSaid)
{
    const refresh_answer got = read(
        "gmail", R"({"error":"s3cret","error_description":"s3cret","error_uri":"s3cret"})", 400);
    EXPECT_THAT(got.reason, Not(HasSubstr("s3cret")));
    EXPECT_THAT(read("linear", R"({"error":"invalid_client"})", 401).reason,
                HasSubstr("OAuth client"));
}

TEST(RetryAfter, IsReadInBothFormsAndBounded)
{
    const auto after = [](std::string_view value) {
        net::http_answer answer;
        answer.headers.emplace_back("retry-after", value);
        return read_retry_after(answer, noon).count();
    };
    EXPECT_EQ(after("30"), 30);
    EXPECT_EQ(after("Mon, 02 Feb 2026 02:41:00 GMT"), 60);
    EXPECT_EQ(after("Mon, 02 Feb 2026 02:39:00 GMT"), 0);
    EXPECT_EQ(after("999999999999999999999999"), retry_after_max.count());
    EXPECT_EQ(after("99999"), retry_after_max.count());
    EXPECT_EQ(after("-5"), 0);
    EXPECT_EQ(after("soon"), 0);
    EXPECT_EQ(after("Mon, 02 Xxx 2026 02:41:00 GMT"), 0);
}

TEST(GrantedScopes, AreThoseThatTheUserGranted)
{
    const auto told = [](const char* body, unsigned status = 200) {
        return read_granted_scopes(json_answer(body, status));
    };
    EXPECT_THAT(told(R"({"data": [{"permission": "email", "status": "granted"},
        {"permission": "pages_show_list", "status": "declined"},
        {"permission": "public_profile", "status": "granted"}]})"),
                ::testing::Optional(::testing::ElementsAre("email", "public_profile")));
    EXPECT_THAT(told(R"({"data": []})"), ::testing::Optional(::testing::IsEmpty()));
    for (const char* body : {"", "{}", R"({"data": {}})", R"({"data": [7]})",
                             R"({"error": {"code": 190}, "data": []})",
                             R"({"data": [], "paging": {"next": "https://a.example/"}})"}) {
        EXPECT_EQ(told(body), std::nullopt) << body;
    }
    EXPECT_EQ(told(R"({"data": []})", 500), std::nullopt);
}

}  // namespace
}  // namespace sallyport::oauth
