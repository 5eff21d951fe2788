#include "proxy/answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/reference.hpp"
#include "tests/proxy/heads.hpp"
#include "tests/proxy/made_plan.hpp"

namespace sallyport::proxy {
namespace {

using testing::HasSubstr;

policy::provider_facts example()
{
    policy::provider_facts facts = facts_injecting({{in_query, "key", "{secret}"}});
    facts.strip.push_back({policy::carrier::place::query, "access_token"});
    return facts;
}

// A call that went out and now is answered.
struct answered_call {
    explicit answered_call(std::string target = "/example/v1/things?page=1",
                           policy::provider_facts facts = example(),
                           std::string_view gate = "gate:8080")
        : made(std::move(facts))
    {
        bytes = "GET " + target + " HTTP/1.1\r\nHost: " + std::string(gate) + "\r\n\r\n";
        EXPECT_EQ(read(bytes, head), head_state::complete);
        EXPECT_FALSE(admit(head, request));
        context.plan = made.plan.get();
        context.upstream = made.plan->find(
            request.way == way::reverse ? request.provider_host : std::string_view{}, 0);
        context.request = &request;
        context.gate_scheme = "http";
        context.call_id = "01CALL";
        context.date = "Tue, 18 Nov 2025 12:00:00 GMT";
    }
    answered_call(const answered_call&) = delete;

    std::string answer(const std::string& fields, const std::string& line = "HTTP/1.1 200 OK")
    {
        const std::string from = line + "\r\n" + fields + "\r\n";
        response_head answered;
        EXPECT_EQ(read(from, answered), head_state::complete) << from;
        EXPECT_EQ(frame_answer(answered, false, context.body, keep_alive), answer_fault::none);
        std::string out;
        write_answer_head(answered, context, out);
        return out;
    }

    std::string bytes;
    made_plan made;
    request_head head;
    admitted request;
    answer_context context;
    bool keep_alive = false;
};

constexpr std::string_view tail =
    "Date: Tue, 18 Nov 2025 12:00:00 GMT\r\nSallyport-Call-Id: 01CALL\r\n\r\n";

TEST(AnswerHead, IsWrittenAnew)
{
    answered_call call;
    EXPECT_EQ(call.answer("Content-Type: text/plain\r\nX-A: 1\r\nX-A: 2\r\n"
                          "Date: Mon, 17 Nov 2025 12:00:00 GMT\r\nContent-Length: 005\r\n",
                          "HTTP/1.0 201 Made it"),
              "HTTP/1.1 201 Made it\r\nContent-Type: text/plain\r\nX-A: 1\r\nX-A: 2\r\n"
              "Date: Mon, 17 Nov 2025 12:00:00 GMT\r\nSallyport-Call-Id: 01CALL\r\n"
              "Content-Length: 5\r\n\r\n");
}

TEST(AnswerHead, LeavesBehindWhatIsBetweenTheProviderAndTheGate)
{
    answered_call call;
    for (const std::string line :
         {"Connection: close", "Keep-Alive: timeout=5", "Proxy-Authenticate: Basic",
          "Proxy-Authentication-Info: x", "Proxy-Connection: close", "TE: trailers",
          "Trailer: X-Sum", "Upgrade: h2c", "Set-Cookie: a=1", "set-cookie: b=2",
          "Alt-Svc: h3=\":443\"", "Strict-Transport-Security: max-age=1", "Clear-Site-Data: \"*\"",
          "Sallyport-Call-Id: 01FAKE", "sallyport-anything: x",
          "Proxy-Status: sallyport; error=http_request_denied", "Connection: x-hop\r\nX-Hop: 1",
          "X-Hop: 1\r\nConnection: close, x-hop",
          "Connection: x-hop\r\nConnection: close\r\nX-Hop: 1"}) {
        EXPECT_EQ(call.answer(line + "\r\n"), "HTTP/1.1 200 OK\r\n" + std::string(tail)) << line;
    }
}

TEST(AnswerHead, PassesOnWhatIsTheCallersBusiness)
{
    answered_call call;
    for (const std::string line :
         {"WWW-Authenticate: Bearer error=\"invalid_token\"", "Retry-After: 5", "ETag: \"x\"",
          "Proxy-Status: cdn.example; error=connection_timeout", "Via: 1.1 cdn", "Age: 5",
          "Content-Encoding: gzip", "X-RateLimit-Remaining: 7", "Vary: *",
          "Cache-Control: no-store"}) {
        EXPECT_THAT(call.answer(line + "\r\n"), HasSubstr("\r\n" + line + "\r\n"));
    }
}

TEST(AnswerHead, GivesCookiesBackOnlyWhereTheFileSaysSo)
{
    policy::provider_facts facts = example();
    facts.cookies = true;
    answered_call call("/example/v1", std::move(facts));
    EXPECT_THAT(call.answer("Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"),
                HasSubstr("Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"));
}

TEST(AnswerHead, FramesTheBodyInItsOwnWords)
{
    answered_call call;
    EXPECT_THAT(call.answer("Content-Length: 0\r\n"), HasSubstr("\r\nContent-Length: 0\r\n"));
    EXPECT_THAT(call.answer("Content-Length: 7\r\n", "HTTP/1.1 304 Not Modified"),
                HasSubstr("\r\nContent-Length: 7\r\n"));
    EXPECT_EQ(call.answer("Content-Length: 0\r\n", "HTTP/1.1 204 No Content"),
              "HTTP/1.1 204 No Content\r\n" + std::string(tail));
    call.context.chunk = true;
    call.context.close = true;
    EXPECT_EQ(
        call.answer("Transfer-Encoding: chunked\r\n"),
        "HTTP/1.1 200 OK\r\nDate: Tue, 18 Nov 2025 12:00:00 GMT\r\nSallyport-Call-Id: 01CALL\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
}

TEST(AnswerHead, PassesAnInterimAnswerWithoutAddingAnything)
{
    answered_call call;
    call.context.close = true;
    EXPECT_EQ(call.answer("Link: </style.css>; rel=preload\r\nSet-Cookie: a=1\r\n",
                          "HTTP/1.1 103 Early Hints"),
              "HTTP/1.1 103 Early Hints\r\n"
              "Link: <http://gate:8080/example/style.css>; rel=preload\r\n\r\n");
}

TEST(AnswerHead, RewritesTheThreeFieldsThatHoldReferences)
{
    answered_call call;
    const std::string out = call.answer(
        "Location: /v1/other\r\nContent-Location: https://api.test/v1/x\r\n"
        "Link: </v1/things?page=2>; rel=\"next\"\r\nX-Next: https://api.test/v1/x\r\n");
    EXPECT_THAT(out, HasSubstr("\r\nLocation: http://gate:8080/example/v1/other\r\n"));
    EXPECT_THAT(out, HasSubstr("\r\nContent-Location: http://gate:8080/example/v1/x\r\n"));
    EXPECT_THAT(
        out, HasSubstr("\r\nLink: <http://gate:8080/example/v1/things?page=2>; rel=\"next\"\r\n"));
    EXPECT_THAT(out, HasSubstr("\r\nX-Next: https://api.test/v1/x\r\n"));
}

TEST(AnswerHead, LeavesReferencesAloneInTheForwardWay)
{
    answered_call call("http://api.test/v1/things");
    EXPECT_THAT(call.answer("Location: https://api.test/v1/other\r\nLink: </a>; rel=next\r\n"),
                HasSubstr("Location: https://api.test/v1/other\r\nLink: </a>; rel=next\r\n"));
}

TEST(Reference, PointsAtTheGateWhereItPointedAtTheProvider)
{
    const std::pair<std::string_view, std::string_view> table[] = {
        {"https://api.test/v1/x", "http://gate:8080/example/v1/x"},
        {"https://api.test", "http://gate:8080/example/"},
        {"https://api.test?x=1", "http://gate:8080/example/?x=1"},
        {"https://API.test:443/v1/x", "http://gate:8080/example/v1/x"},
        {"HTTPS://api.test/v1/x", "http://gate:8080/example/v1/x"},
        {"//api.test/v1/x", "http://gate:8080/example/v1/x"},
        {"https://user:pass@api.test/v1/x", "http://gate:8080/example/v1/x"},
        {"/v2/x", "http://gate:8080/example/v2/x"},
        {"other", "http://gate:8080/example/v1/other"},
        {"./other?x", "http://gate:8080/example/v1/other?x"},
        {"../up", "http://gate:8080/example/up"},
        {"?page=2", "http://gate:8080/example/v1/things?page=2"},
        {"", "http://gate:8080/example/v1/things?page=1"},
        {"#here", "http://gate:8080/example/v1/things?page=1#here"},
        {"/x?a=%20%2F&b#top", "http://gate:8080/example/x?a=%20%2F&b#top"},
        {"/a%2Fb/%41?x=%2f", "http://gate:8080/example/a%2Fb/%41?x=%2f"},
        {"https://api.test/group%2Fproject", "http://gate:8080/example/group%2Fproject"},
        {"b%2Fc", "http://gate:8080/example/v1/b%2Fc"},
        {"/a/./b/../c", "http://gate:8080/example/a/c"},
        {"/a/b/..", "http://gate:8080/example/a/"},
        {"/a/.", "http://gate:8080/example/a/"},
        {"../../../../x", "http://gate:8080/example/x"},
        {"/x//y/", "http://gate:8080/example/x//y/"},
        {".", "http://gate:8080/example/v1/"},
        {"..", "http://gate:8080/example/"},
        {"https://uploads.test/u", "http://gate:8080/example@uploads.test/u"},
        {"https://odd.test:8443/u", "http://gate:8080/example@odd.test:8443/u"},
        // Credential parameters stay inside.
        {"/x?key=s3cret", "http://gate:8080/example/x"},
        {"/x?key=s3cret&page=2", "http://gate:8080/example/x?page=2"},
        {"/x?page=2&access_token=t#f", "http://gate:8080/example/x?page=2#f"},
        {"/x?page=2&k%65y=s3cret", "http://gate:8080/example/x?page=2"},
        {"/x?", "http://gate:8080/example/x?"},
        // Not the provider's: as it came.
        {"https://evil.test/x?key=k", "https://evil.test/x?key=k"},
        {"https://api.test.evil.test/", "https://api.test.evil.test/"},
        {"https://api.test@evil.test/", "https://api.test@evil.test/"},
        {"//evil.test/x", "//evil.test/x"},
        {"http://api.test/x", "http://api.test/x"},
        {"https://api.test:444/x", "https://api.test:444/x"},
        {"https://odd.test/u", "https://odd.test/u"},
        {"mailto:a@api.test", "mailto:a@api.test"},
        {"https://[bad", "https://[bad"},
    };
    answered_call call;
    for (const auto& [reference, rewritten] : table) {
        EXPECT_EQ(rewrite_reference(reference, call.context), rewritten) << reference;
    }
}

TEST(Reference, IsResolvedAgainstTheHostThatAnswered)
{
    answered_call call("/example@uploads.test/u/1");
    EXPECT_EQ(rewrite_reference("2", call.context), "http://gate:8080/example@uploads.test/u/2");
    EXPECT_EQ(rewrite_reference("https://api.test/x", call.context), "http://gate:8080/example/x");
}

TEST(Reference, KnowsAProviderByItsAddressToo)
{
    policy::provider_facts facts = example();
    facts.base.host = "2001:db8::1";
    facts.hosts = {{"192.0.2.7", 443, {}}};
    answered_call call("/example/v1", std::move(facts));
    EXPECT_EQ(rewrite_reference("https://[2001:db8::1]/x", call.context),
              "http://gate:8080/example/x");
    EXPECT_EQ(rewrite_reference("/x", call.context), "http://gate:8080/example/x");
    EXPECT_EQ(rewrite_reference("https://192.0.2.7/x", call.context),
              "http://gate:8080/example@192.0.2.7/x");
}

TEST(Reference, IsRelativeForACallerThatNamedNoHost)
{
    answered_call call;
    call.request.authority = {};
    EXPECT_EQ(rewrite_reference("/v2/x", call.context), "/example/v2/x");
}

TEST(Link, RewritesEachReferenceOfTheField)
{
    answered_call call;
    const std::pair<std::string_view, std::string_view> table[] = {
        {"</a>; rel=\"next\", <https://evil.test/>; rel=\"last\"",
         "<http://gate:8080/example/a>; rel=\"next\", <https://evil.test/>; rel=\"last\""},
        {"</a?access_token=t&page=2>; rel=next", "<http://gate:8080/example/a?page=2>; rel=next"},
        {"</a>; title=\"see <b>\", </c>; rel=x",
         "<http://gate:8080/example/a>; title=\"see <b>\", <http://gate:8080/example/c>; rel=x"},
        {"</a>; title=\"a\\\"<b>\"", "<http://gate:8080/example/a>; title=\"a\\\"<b>\""},
        {"</a", "</a"},
        {"nothing", "nothing"},
        {"", ""},
    };
    for (const auto& [value, rewritten] : table) {
        EXPECT_EQ(rewrite_link(value, call.context), rewritten);
    }
}

TEST(ProxyStatus, TellsImpostorsFromOthers)
{
    for (const std::string_view value :
         {"sallyport", "Sallyport; error=x", " sallyport;error=x", "cdn, sallyport; error=x",
          "cdn; details=\"a, b\",sallyport", "\"sallyport\"; error=x", "cdn,\tsallyport",
          "cdn; details=\"\\\"\", sallyport",
          // A string left open in one line closes in the next one: the members are not told apart.
          "cdn; details=\"x", "\", sallyport; error=x"}) {
        EXPECT_TRUE(impersonates_us(value)) << value;
    }
    for (const std::string_view value :
         {"", "cdn", "sallyport2; error=x", "sallyport.cdn", "cdn; details=\"sallyport\"",
          "cdn; details=\"a, sallyport\"", "cdn; via=sallyport", "my-sallyport",
          "cdn; details=\"\\\", sallyport\""}) {
        EXPECT_FALSE(impersonates_us(value)) << value;
    }
}

}  // namespace
}  // namespace sallyport::proxy
