// Against the examples that AWS publishes: its signature test suite (service "service") and the
// examples of the S3 API reference.
#include "net/sigv4.hpp"

#include <gmock/gmock.h>

#include "proxy/outgoing.hpp"
#include "proxy/signing.hpp"
#include "tests/proxy/heads.hpp"
#include "tests/proxy/made_plan.hpp"

namespace sallyport::proxy {
namespace {

using net::sigv4_authorization;
using net::sigv4_canonical_request;
using net::sigv4_hash;
using net::sigv4_key;
using net::sigv4_scope;
using net::sigv4_time;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr unix_micros example_time = 1'440'938'160'000'000;  // 2015-08-30T12:36:00Z
constexpr sigv4_key example_key{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
constexpr sigv4_scope example_scope{"service", "us-east-1"};
constexpr std::string_view example_fields =
    "Host:example.amazonaws.com\r\nX-Amz-Date:20150830T123600Z\r\n";

std::string signature_of(const std::string& line, const std::string& fields = {},
                         std::string_view body = {})
{
    const std::string head = line + " HTTP/1.1\r\n" + std::string(example_fields) + fields;
    const std::string made =
        sigv4_authorization(head, example_key, example_scope, sigv4_hash(body), "20150830T123600Z");
    const std::size_t at = made.find("Signature=");
    return at == made.npos ? made : made.substr(at + 10);
}

TEST(SigV4, WritesItsTimeAndHash)
{
    EXPECT_EQ(sigv4_time(example_time), "20150830T123600Z");
    EXPECT_EQ(sigv4_hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(SigV4, SignsThePlainestRequest)
{
    const std::string head = "GET / HTTP/1.1\r\n" + std::string(example_fields);

    EXPECT_EQ(sigv4_canonical_request(head, example_scope, sigv4_hash("")),
              "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
              "host;x-amz-date\n"
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(
        sigv4_authorization(head, example_key, example_scope, sigv4_hash(""), "20150830T123600Z"),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(SigV4, AgreesWithTheTestSuite)
{
    // get-vanilla-query-order-key-case, get-vanilla-empty-query-key, post-vanilla,
    // post-x-www-form-urlencoded
    EXPECT_EQ(signature_of("GET /?Param2=value2&Param1=value1"),
              "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    EXPECT_EQ(signature_of("GET /?Param1=value1"),
              "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb");
    EXPECT_EQ(signature_of("POST /"),
              "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    EXPECT_EQ(signature_of("POST /", "Content-Type:application/x-www-form-urlencoded\r\n",
                           "Param1=value1"),
              "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}

// Amazon S3 API reference, "Examples: signature calculations".
TEST(SigV4, AgreesWithTheExamplesOfS3)
{
    const sigv4_key key{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
    const auto signature = [&](const std::string& line) {
        const std::string head = line +
                                 " HTTP/1.1\r\nHost: examplebucket.s3.amazonaws.com\r\n"
                                 "x-amz-date: 20130524T000000Z\r\nx-amz-content-sha256: " +
                                 sigv4_hash("") + "\r\n";
        const std::string made =
            sigv4_authorization(head, key, {"s3", "us-east-1"}, sigv4_hash(""), "20130524T000000Z");
        return made.substr(made.find("Signature=") + 10);
    };
    EXPECT_EQ(signature("GET /?lifecycle"),
              "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    EXPECT_EQ(signature("GET /?max-keys=2&prefix=J"),
              "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SigV4, EncodesThePathTwiceButForS3)
{
    const auto path = [](std::string_view service) {
        const std::string made =
            sigv4_canonical_request("GET /a%20b/(c) HTTP/1.1\r\n", {service, "r"}, "x");
        return made.substr(4, made.find('\n', 4) - 4);
    };
    EXPECT_EQ(path("s3"), "/a%20b/%28c%29");
    EXPECT_EQ(path("service"), "/a%2520b/%28c%29");
}

TEST(SigV4, JoinsAndTrimsFields)
{
    const std::string made = sigv4_canonical_request(
        "GET / HTTP/1.1\r\nHost: a\r\nX-Amz-Meta-A:  b   c \r\nx-amz-meta-a: d\r\nX-Other: e\r\n",
        example_scope, "x");
    EXPECT_THAT(made, HasSubstr("\nx-amz-meta-a:b c,d\n"));
    EXPECT_THAT(made, Not(HasSubstr("x-other")));
}

TEST(SigV4, SignsNothingWithoutAHost)
{
    EXPECT_EQ(sigv4_authorization("GET / HTTP/1.1\r\n", example_key, example_scope, "x",
                                  "20150830T123600Z"),
              "");
    EXPECT_EQ(sigv4_authorization("", example_key, example_scope, "x", "2015"), "");
}

// --- in a call -----------------------------------------------------------------------------------

policy::provider_facts facts_signing(const std::string& service, const std::string& region)
{
    policy::provider_facts facts = facts_injecting({});
    facts.credentials.front().kind = "custom";
    facts.credentials.front().sign.service = service;
    facts.credentials.front().sign.region = region;
    return facts;
}

made_plan signing_provider(const std::string& service, const std::string& region = "{region}")
{
    policy::provider_facts facts = facts_signing(service, region);
    facts.variables.emplace_back().name = "region";
    vault::connection record;
    record.variables["region"] = "eu-central-1";
    return made_plan(std::move(facts), std::move(record));
}

const fields_in_clear keys{{"access_key_id", "AKIDEXAMPLE"},
                           {"secret_access_key", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}};

struct signed_call {
    write_fault fault = write_fault::none;
    std::string text;
    std::vector<std::string> stripped;
    bool in_pieces = false;
};

signed_call send(const made_plan& made, const std::string& line, const std::string& fields,
                 const fields_in_clear& credential = keys, std::string_view body = {})
{
    const std::string bytes = line + " HTTP/1.1\r\nHost: gate\r\n" + fields + "\r\n";
    request_head head;
    EXPECT_EQ(read(bytes, head), head_state::complete);
    admitted request;
    EXPECT_FALSE(admit(head, request));
    const fake_resolved resolved(made.connection, credential);
    vault::secret scratch;
    outgoing call;
    call.head = &head;
    call.request = &request;
    call.plan = made.plan.get();
    call.upstream = made.plan->find("", 0);
    call.credential = &resolved;
    call.scratch = &scratch;
    call.payload_hash = payload_hash(*made.plan, *call.upstream, head, body);
    call.now = example_time;
    signed_call out;
    std::vector<std::string_view> stripped;
    out.fault = write_request_head(call, out.text, stripped);
    out.stripped.assign(stripped.begin(), stripped.end());
    out.in_pieces = is_signed_in_pieces(*made.plan, *call.upstream, head);
    return out;
}

TEST(SignedCall, IsSignedAsItGoesOut)
{
    const made_plan made = signing_provider("service");
    const signed_call out = send(made, "POST /example/v1?a=b",
                                 "Content-Length: 2\r\nX-Amz-Target: T.Do\r\n", keys, "{}");

    ASSERT_EQ(out.fault, write_fault::none);
    const std::size_t field = out.text.find("Authorization: ");
    ASSERT_NE(field, out.text.npos);
    EXPECT_EQ(out.text.substr(field + 15, out.text.size() - field - 19),
              sigv4_authorization(
                  out.text.substr(0, field), {"AKIDEXAMPLE", keys.at("secret_access_key")},
                  {"service", "eu-central-1"}, sigv4_hash("{}"), "20150830T123600Z"));
    EXPECT_THAT(out.text, HasSubstr("SignedHeaders=host;x-amz-date;x-amz-target,"));
    EXPECT_THAT(out.text, HasSubstr("X-Amz-Date: 20150830T123600Z\r\n"));
    EXPECT_THAT(out.text, Not(HasSubstr(keys.at("secret_access_key"))));
}

TEST(SignedCall, LosesTheCallersOwnSignature)
{
    const made_plan made = signing_provider("s3");
    const signed_call out = send(
        made,
        "GET /example/o?X-Amz-Signature=1&x=2&X-Amz-Credential=c&x-amz-date=3&AWSAccessKeyId=4",
        "Authorization: AWS4-HMAC-SHA256 Credential=theirs/x\r\nX-Amz-Date: 1\r\n"
        "X-Amz-Security-Token: theirs\r\nX-Amz-Content-Sha256: theirs\r\n");

    ASSERT_EQ(out.fault, write_fault::none);
    EXPECT_THAT(out.text, testing::StartsWith("GET /o?x=2 HTTP/1.1\r\n"));
    EXPECT_THAT(out.text, Not(HasSubstr("theirs")));
    EXPECT_THAT(out.text, HasSubstr("X-Amz-Content-Sha256: UNSIGNED-PAYLOAD\r\n"));
    EXPECT_EQ(out.stripped.size(), 8u);
}

TEST(SignedCall, BearsASessionTokenWhereThereIsOne)
{
    fields_in_clear session = keys;
    session["session_token"] = "session+/=";
    const made_plan made = signing_provider("service", "us-east-1");
    const signed_call out = send(made, "GET /example/", "", session);
    EXPECT_THAT(out.text, HasSubstr("X-Amz-Security-Token: session+/=\r\n"));
    EXPECT_THAT(out.text, HasSubstr("SignedHeaders=host;x-amz-date;x-amz-security-token,"));
    EXPECT_THAT(out.text, HasSubstr("/20150830/us-east-1/service/aws4_request"));
}

TEST(SignedCall, FailsClosedWithoutAWholeKey)
{
    const made_plan made = signing_provider("service");
    for (const fields_in_clear& broken :
         {fields_in_clear{}, fields_in_clear{{"access_key_id", "A"}},
          fields_in_clear{{"access_key_id", "A B"}, {"secret_access_key", "s"}},
          fields_in_clear{
              {"access_key_id", "A"}, {"secret_access_key", "s"}, {"session_token", "a\nb"}}}) {
        const signed_call out = send(made, "GET /example/", "", broken);
        EXPECT_EQ(out.fault, write_fault::credential);
        EXPECT_THAT(out.text, Not(HasSubstr("Authorization")));
    }
}

TEST(SignedCall, TakesOnlyPiecesThatNobodySigned)
{
    const std::string signed_pieces =
        "X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\n";
    const std::string plain_pieces = "X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n";
    const made_plan s3 = signing_provider("s3");
    const made_plan other = signing_provider("service");

    EXPECT_TRUE(send(s3, "PUT /example/o", signed_pieces).in_pieces);
    EXPECT_TRUE(send(other, "PUT /example/o", plain_pieces).in_pieces);
    const signed_call kept = send(s3, "PUT /example/o", plain_pieces);
    EXPECT_FALSE(kept.in_pieces);
    EXPECT_THAT(kept.text, HasSubstr(plain_pieces));
    EXPECT_FALSE(send(other, "PUT /example/o", "").in_pieces);
}

TEST(SignedCall, NeedsARegionThatIsOne)
{
    EXPECT_NE(signing_provider("s3").plan, nullptr);
    const policy::provider_facts facts = facts_signing("s3", "{region}");
    EXPECT_EQ(made_plan(facts).plan, nullptr);
    vault::connection record;
    record.variables["region"] = "eu/../x";
    EXPECT_EQ(made_plan(facts, record).plan, nullptr);
}

TEST(SignedCall, FindsARunTokenWhereAnSdkPutsTheNameOfItsKey)
{
    const made_plan made = signing_provider("s3");
    const std::string bytes =
        "GET /example/o HTTP/1.1\r\nHost: gate\r\nAuthorization: AWS4-HMAC-SHA256 "
        "Credential=head.claims.sig/20150830/x/s3/aws4_request, SignedHeaders=host, "
        "Signature=0\r\n\r\n";
    request_head head;
    ASSERT_EQ(read(bytes, head), head_state::complete);
    admitted request;
    ASSERT_FALSE(admit(head, request));
    presented_token token;
    const refusal refused = find_token(head, request, {made.provider}, token);
    EXPECT_FALSE(refused);
    EXPECT_EQ(token.text, "head.claims.sig");
    ASSERT_NE(token.place, nullptr);
}

}  // namespace
}  // namespace sallyport::proxy
