#include "proxy/outgoing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/proxy/heads.hpp"
#include "tests/proxy/made_plan.hpp"

namespace sallyport::proxy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr std::string_view secret = "s3cret-Value";

// One call written out.
struct written {
    write_fault fault = write_fault::none;
    std::string text;
    std::vector<std::string> stripped;

    std::string request_line() const { return text.substr(0, text.find("\r\n")); }
    std::vector<std::string> values(std::string_view name) const
    {
        request_head head;
        EXPECT_EQ(read(text, head), head_state::complete) << text;
        EXPECT_EQ(head.size, text.size());
        std::vector<std::string> out;
        for (const field& candidate : head.fields) {
            if (std::equal(candidate.name.begin(), candidate.name.end(), name.begin(), name.end(),
                           [](char a, char b) { return (a | 0x20) == (b | 0x20); })) {
                out.emplace_back(candidate.value);
            }
        }
        return out;
    }
    std::size_t times(std::string_view part) const
    {
        std::size_t count = 0;
        for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
            ++count;
        }
        return count;
    }
};

const fields_in_clear api_key{{"secret", std::string(secret)}};

written write(const made_plan& made, const std::string& start_line, const std::string& fields,
              const fields_in_clear& credential = api_key, const token_place* token = nullptr)
{
    const std::string bytes = start_line + " HTTP/1.1\r\nHost: gate\r\n" + fields + "\r\n";
    request_head head;
    EXPECT_EQ(read(bytes, head), head_state::complete) << bytes;
    admitted request;
    const refusal refused = admit(head, request);
    EXPECT_FALSE(refused) << refused.detail;
    const fake_resolved resolved(made.connection, credential);
    vault::secret scratch;
    outgoing call;
    call.head = &head;
    call.request = &request;
    call.plan = made.plan.get();
    call.upstream = made.plan->find("", 0);
    call.credential = &resolved;
    call.scratch = &scratch;
    call.token = token;
    const trace_context trace = trace_of(head);
    call.trace = &trace;
    written out;
    std::vector<std::string_view> stripped;
    out.fault = write_request_head(call, out.text, stripped);
    out.stripped.assign(stripped.begin(), stripped.end());
    return out;
}

made_plan bearer_provider()
{
    return made_plan(facts_injecting({{in_header, "Authorization", "Bearer {secret}"}}));
}

TEST(OutgoingHead, IsWrittenAnew)
{
    const made_plan made = bearer_provider();
    const written out =
        write(made, "GET /example/v1/x?a=1&b=%20", "Accept: */*\r\nX-A: 1\r\nx-a: 2\r\n");
    ASSERT_EQ(out.fault, write_fault::none);
    EXPECT_EQ(
        out.text,
        "GET /v1/x?a=1&b=%20 HTTP/1.1\r\nHost: api.test\r\nAccept: */*\r\nX-A: 1\r\nx-a: 2\r\n"
        "Via: 1.1 sallyport\r\nAuthorization: Bearer s3cret-Value\r\n\r\n");
}

TEST(OutgoingHead, CarriesATraceOnAsASpanOfItsOwn)
{
    const std::string fields = "tracestate: a=b\r\nTraceparent: " + example_parent + "\r\n";
    const written out = write(bearer_provider(), "GET /example/x", fields);
    EXPECT_EQ(out.times(example_parent.substr(0, 36)) + out.times("tracestate: a=b\r\n"), 2u);
    EXPECT_EQ(out.times(example_parent), 0u);
    EXPECT_EQ(write(bearer_provider(), "GET /example/x", "tracestate: a\r\n").times("trace"), 0u);
}

TEST(OutgoingHead, FramesTheBodyInItsOwnWords)
{
    const made_plan made = bearer_provider();
    const auto framing_of = [&](const std::string& line, const std::string& fields) {
        const written out = write(made, line, fields);
        return std::pair(out.values("content-length"), out.values("transfer-encoding"));
    };
    using none = std::vector<std::string>;
    EXPECT_EQ(framing_of("POST /example/x", "Content-Length: 0007\r\n"),
              std::pair(none{"7"}, none{}));
    EXPECT_EQ(framing_of("POST /example/x", "Transfer-Encoding: CHUNKED\r\n"),
              std::pair(none{}, none{"chunked"}));
    EXPECT_EQ(framing_of("POST /example/x", ""), std::pair(none{"0"}, none{}));
    EXPECT_EQ(framing_of("PUT /example/x", "Content-Length: 0\r\n"), std::pair(none{"0"}, none{}));
    EXPECT_EQ(framing_of("GET /example/x", ""), std::pair(none{}, none{}));
    EXPECT_EQ(framing_of("DELETE /example/x", "Content-Length: 3\r\n"),
              std::pair(none{"3"}, none{}));
}

TEST(OutgoingHead, CountsDownTheForwardsOfOptions)
{
    const made_plan made = bearer_provider();
    const std::string field = "Max-Forwards: 10\r\n";
    EXPECT_THAT(write(made, "OPTIONS /example/x", field).values("max-forwards"), ElementsAre("9"));
    EXPECT_THAT(write(made, "GET /example/x", field).values("max-forwards"), ElementsAre("10"));
}

TEST(OutgoingHead, LeavesBehindWhatIsBetweenTheCallerAndTheGate)
{
    const made_plan made = bearer_provider();
    const std::string kept_here[] = {
        "Connection: keep-alive",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: close",
        "Proxy-Authorization: Bearer t",
        "Proxy-Anything: x",
        "TE: trailers",
        "Trailer: X-Sum",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQ",
        "Expect: 100-continue",
        "Connection-Id: conn_1",
        "Sallyport-Call-Id: x",
        "sallyport-anything: x",
        "Cookie: session=1",
        "Transfer_Encoding: chunked",
        "Authorization_: Bearer x",
        "X_Forwarded_For: x",
        "Content_Length: 5",
    };
    for (const std::string& line : kept_here) {
        const written out = write(made, "GET /example/x", line + "\r\n");
        ASSERT_EQ(out.fault, write_fault::none);
        EXPECT_EQ(out.text,
                  "GET /x HTTP/1.1\r\nHost: api.test\r\nVia: 1.1 sallyport\r\n"
                  "Authorization: Bearer s3cret-Value\r\n\r\n")
            << line;
        EXPECT_THAT(out.stripped, IsEmpty()) << line;
    }
}

TEST(OutgoingHead, LeavesBehindWhatConnectionNamesButNothingOfOurs)
{
    const made_plan made = bearer_provider();
    const written out =
        write(made, "POST /example/x",
              "Connection: x-hop, Authorization, host, via, content-length, X-Other\r\n"
              "X-Hop: 1\r\nx-other: 2\r\nX-Kept: 3\r\nContent-Length: 5\r\n");
    EXPECT_THAT(out.values("x-hop"), IsEmpty());
    EXPECT_THAT(out.values("x-other"), IsEmpty());
    EXPECT_THAT(out.values("x-kept"), ElementsAre("3"));
    EXPECT_THAT(out.values("host"), ElementsAre("api.test"));
    EXPECT_THAT(out.values("via"), ElementsAre("1.1 sallyport"));
    EXPECT_THAT(out.values("content-length"), ElementsAre("5"));
    EXPECT_THAT(out.values("authorization"), ElementsAre("Bearer s3cret-Value"));
}

TEST(OutgoingHead, ReplacesTheCallersOwnCredential)
{
    policy::provider_facts facts =
        facts_injecting({{in_header, "Authorization", "Bearer {secret}"}});
    facts.credentials.push_back({"custom", {{in_header, "X-Api-Key", "{secret}"}}});
    facts.strip.push_back({policy::carrier::place::header, "X-Goog-Api-Key"});
    facts.strip.push_back({policy::carrier::place::query, "access_token"});
    const made_plan made(std::move(facts));
    const written out = write(made, "GET /example/x?access_token=mine&b=1",
                              "authorization: Bearer mine\r\nX-API-KEY: mine\r\n"
                              "x-goog-api-key: mine\r\n");
    EXPECT_EQ(out.request_line(), "GET /x?b=1 HTTP/1.1");
    EXPECT_THAT(out.values("authorization"), ElementsAre("Bearer s3cret-Value"));
    EXPECT_THAT(out.text, Not(HasSubstr("mine")));
    EXPECT_THAT(out.stripped, UnorderedElementsAre("authorization", "x-api-key", "x-goog-api-key",
                                                   "access_token"));
}

TEST(OutgoingHead, DoesNotCallTheRunTokensPlaceAForeignCarrier)
{
    const made_plan made = bearer_provider();
    const token_place& place = made.provider->places.front();
    const written out =
        write(made, "GET /example/x", "Authorization: Bearer the.run.token\r\n", api_key, &place);
    EXPECT_THAT(out.text, Not(HasSubstr("the.run.token")));
    EXPECT_THAT(out.stripped, IsEmpty());
}

TEST(OutgoingHead, AddsStaticFieldsWhereTheCallerSendsNone)
{
    policy::provider_facts facts =
        facts_injecting({{in_header, "Authorization", "Bearer {secret}"}});
    facts.headers = {{"X-Api-Version", "2"}, {"User-Agent", "sallyport"}};
    vault::connection record;
    record.settings_json =
        R"({"headers": {"X-Team": "7", "X-Api-Version": "3", "Authorization": "mine", "Host": "x"}})";
    const made_plan made(std::move(facts), record);
    const written none = write(made, "GET /example/x", "");
    EXPECT_THAT(none.values("x-api-version"), ElementsAre("3"))
        << "the connection's own goes first";
    EXPECT_THAT(none.values("x-team"), ElementsAre("7"));
    EXPECT_THAT(none.values("user-agent"), ElementsAre("sallyport"));
    EXPECT_THAT(none.values("host"), ElementsAre("api.test"));
    EXPECT_THAT(none.values("authorization"), ElementsAre("Bearer s3cret-Value"));

    const written own = write(made, "GET /example/x", "x-api-version: 1\r\n");
    EXPECT_THAT(own.values("x-api-version"), ElementsAre("1"));
}

TEST(OutgoingHead, AddsAStaticFieldThatTheCallersConnectionFieldNames)
{
    policy::provider_facts facts =
        facts_injecting({{in_header, "Authorization", "Bearer {secret}"}});
    facts.headers = {{"X-Api-Version", "2"}};
    const made_plan made(std::move(facts));
    const written out =
        write(made, "GET /example/x", "Connection: x-api-version\r\nX-Api-Version: 1\r\n");
    EXPECT_THAT(out.values("x-api-version"), ElementsAre("2"));
}

TEST(OutgoingHead, PutsTheCredentialIntoEachPlaceOnce)
{
    struct {
        policy::injection injection;
        std::string holds;
    } const table[] = {
        {{in_header, "X-Api-Key", "{secret}"}, "\r\nX-Api-Key: s3cret-Value\r\n"},
        {{in_header, "Authorization", "Token token={secret}"},
         "\r\nAuthorization: Token token=s3cret-Value\r\n"},
        {{in_query, "key", "{secret}"}, "GET /v1/x?key=s3cret-Value HTTP/1.1\r\n"},
        {{in_cookie, "sid", "{secret}"}, "\r\nCookie: sid=s3cret-Value\r\n"},
        {{in_path, "", "/bot{secret}"}, "GET /bots3cret-Value/v1/x HTTP/1.1\r\n"},
    };
    for (const auto& row : table) {
        const made_plan made(facts_injecting({row.injection}));
        const written out = write(made, "GET /example/v1/x", "");
        EXPECT_EQ(out.fault, write_fault::none);
        EXPECT_THAT(out.text, HasSubstr(row.holds));
        EXPECT_EQ(out.times(secret), 1u) << out.text;
    }
}

TEST(OutgoingHead, FillsSeveralPlacesOfOneCredential)
{
    const made_plan made(facts_injecting({{in_header, "X-Key", "{key}"},
                                          {in_header, "X-Secret", "{secret}"},
                                          {in_query, "app", "{app id}"}}));
    const written out = write(made, "GET /example/x?a=1", "",
                              {{"key", "k1"}, {"secret", "s1"}, {"app id", "a&b=c d/\xc3\xa9"}});
    EXPECT_EQ(out.request_line(), "GET /x?a=1&app=a%26b%3Dc%20d%2F%C3%A9 HTTP/1.1");
    EXPECT_THAT(out.values("x-key"), ElementsAre("k1"));
    EXPECT_THAT(out.values("x-secret"), ElementsAre("s1"));
}

TEST(OutgoingHead, EncodesUserAndPasswordForBasic)
{
    const made_plan made(facts_injecting({{in_header, "Authorization", "Basic {basic}"}}));
    const written out =
        write(made, "GET /example/x", "", {{"username", "Aladdin"}, {"password", "open sesame"}});
    EXPECT_THAT(out.values("authorization"), ElementsAre("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
}

TEST(OutgoingHead, TakesTheAccessTokenForTheSecret)
{
    const made_plan made = bearer_provider();
    EXPECT_THAT(write(made, "GET /example/x", "", {{"access_token", "at"}}).values("authorization"),
                ElementsAre("Bearer at"));
}

TEST(OutgoingHead, FillsVariablesBesideTheSecret)
{
    policy::provider_facts facts = facts_injecting(
        {{in_header, "X-Account", "{account}/{region}"}, {in_header, "X-Key", "{secret}"}});
    facts.variables = {{"account", "path", "", "", ""}, {"region", "path", "eu", "", ""}};
    vault::connection record;
    record.variables = {{"account", "a7"}};
    const made_plan made(facts, record);
    EXPECT_THAT(write(made, "GET /example/x", "").values("x-account"), ElementsAre("a7/eu"));

    const made_plan unset(facts);
    EXPECT_EQ(write(unset, "GET /example/x", "").fault, write_fault::credential);
}

TEST(OutgoingHead, RefusesACredentialThatCannotBeSent)
{
    const injections everywhere[] = {
        {{in_header, "X-Api-Key", "{secret}"}},
        {{in_query, "key", "{secret}"}},
        {{in_cookie, "sid", "{secret}"}},
        {{in_path, "", "/bot{secret}"}},
    };
    for (const injections& inject : everywhere) {
        const made_plan made(facts_injecting(inject));
        for (const std::string& value :
             {std::string("a\r\nX-Evil: 1"), std::string("a\nb"), std::string("a\rb"),
              std::string("a\0b", 3), std::string("a\x7f"), std::string()}) {
            EXPECT_EQ(write(made, "GET /example/x", "", {{"secret", value}}).fault,
                      write_fault::credential);
        }
        EXPECT_EQ(write(made, "GET /example/x", "", {{"other", "x"}}).fault,
                  write_fault::credential);
    }
    const made_plan basic(facts_injecting({{in_header, "Authorization", "Basic {basic}"}}));
    EXPECT_EQ(write(basic, "GET /example/x", "", {{"username", "u"}, {"password", "p\n"}}).fault,
              write_fault::credential);
    EXPECT_EQ(write(basic, "GET /example/x", "", {{"username", "u\n"}, {"password", "p"}}).fault,
              write_fault::credential);
    EXPECT_EQ(write(basic, "GET /example/x", "", {{"password", "p"}}).fault,
              write_fault::credential);
    EXPECT_EQ(write(basic, "GET /example/x", "", {{"username", "u"}}).fault,
              write_fault::credential);
}

TEST(OutgoingHead, RefusesACookieThatWouldEndEarly)
{
    const made_plan made(facts_injecting({{in_cookie, "sid", "{secret}"}}));
    EXPECT_EQ(write(made, "GET /example/x", "", {{"secret", "a; admin=1"}}).fault,
              write_fault::credential);
}

TEST(OutgoingHead, EscapesAPathSecretThatWouldChangeTheTarget)
{
    const made_plan made(facts_injecting({{in_path, "", "/bot{secret}"}}));
    const std::pair<std::string, std::string> table[] = {
        {"123:AA-b_c.~", "123:AA-b_c.~"}, {"a b", "a%20b"}, {"a?b#c", "a%3Fb%23c"},
        {"a/../b", "a%2F..%2Fb"},         {"a%b", "a%25b"}, {"a\\\xff", "a%5C%FF"},
    };
    for (const auto& [value, sent] : table) {
        EXPECT_EQ(write(made, "GET /example/x", "", {{"secret", value}}).request_line(),
                  "GET /bot" + sent + "/x HTTP/1.1");
    }
}

TEST(OutgoingQuery, KeepsItsQuestionMarkOnlyWithSomethingBehindIt)
{
    const made_plan made(facts_injecting({{in_query, "key", "{secret}"}}));
    EXPECT_EQ(write(made, "GET /example/x", "").request_line(), "GET /x?key=s3cret-Value HTTP/1.1");
    EXPECT_EQ(write(made, "GET /example/x?", "").request_line(),
              "GET /x?key=s3cret-Value HTTP/1.1");
    EXPECT_EQ(write(made, "GET /example/x?key=mine", "").request_line(),
              "GET /x?key=s3cret-Value HTTP/1.1");
    EXPECT_EQ(write(made, "GET /example/x?a&key=mine", "").request_line(),
              "GET /x?a&key=s3cret-Value HTTP/1.1");

    const made_plan header(facts_injecting({{in_header, "X-Key", "{secret}"}}));
    EXPECT_EQ(write(header, "GET /example/x?", "").request_line(), "GET /x? HTTP/1.1");
    policy::provider_facts facts = facts_injecting({{in_header, "X-Key", "{secret}"}});
    facts.strip.push_back({policy::carrier::place::query, "key"});
    const made_plan stripping(std::move(facts));
    EXPECT_EQ(write(stripping, "GET /example/x?key=mine", "").request_line(), "GET /x HTTP/1.1");
}

TEST(OutgoingCookies, TravelOnlyWhereTheFileSaysSo)
{
    policy::provider_facts facts = facts_injecting({{in_cookie, "sid", "{secret}"}});
    facts.cookies = true;
    const made_plan made(std::move(facts));
    const written out = write(made, "GET /example/x",
                              "Cookie: a=1; sid=mine;b=\"2\"\r\ncookie: sid = mine ; c\r\n");
    EXPECT_THAT(out.values("cookie"), ElementsAre("a=1; b=\"2\"; c; sid=s3cret-Value"));
}

TEST(OutgoingFields, StayHereOrTravelOn)
{
    for (const std::string_view name : {"host", "HOST", "te", "upgrade", "proxy-x", "sallyport-x",
                                        "a_b", "_", "keep-alive", "trailer", "expect"}) {
        EXPECT_TRUE(stays_here(name, {})) << name;
    }
    for (const std::string_view name : {"accept", "user-agent", "te2", "hosts", "x-host", "proxy",
                                        "connection-ids", "range", "if-match", "origin"}) {
        EXPECT_FALSE(stays_here(name, {})) << name;
        EXPECT_TRUE(stays_here(name, name)) << name;
    }
}

}  // namespace
}  // namespace sallyport::proxy
