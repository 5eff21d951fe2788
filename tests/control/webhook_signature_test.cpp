#include "control/webhook_signature.hpp"

#include <gtest/gtest.h>

#include <map>

namespace sallyport::control {
namespace {

using policy::webhook_facts;

// 2021-02-25T17:20:30Z, the moment of the example of Standard Webhooks.
constexpr std::int64_t example_time = 1614265330;
constexpr unix_micros example_now = example_time * 1'000'000;

struct sent {
    std::map<std::string, std::string, std::less<>> headers;
    std::string body;
};

webhook_event read(const webhook_facts& facts, std::string_view secret, const sent& what,
                   unix_micros now = example_now)
{
    const header_lookup headers = [&](std::string_view name) -> std::optional<std::string_view> {
        const auto found = what.headers.find(name);
        return found == what.headers.end() ? std::nullopt
                                           : std::optional<std::string_view>(found->second);
    };
    return read_webhook(facts, secret, headers, what.body, now);
}

webhook_facts standard()
{
    webhook_facts facts;
    facts.signature = {"webhook-signature", "v1", ""};
    facts.encoding = webhook_facts::text_encoding::base64;
    facts.signed_text = "{id}.{timestamp}.{body}";
    facts.secret_prefix = "whsec_";
    facts.timestamp = {"webhook-timestamp", "", ""};
    facts.id = {"webhook-id", "", ""};
    facts.event = {"", "", "type"};
    return facts;
}

// The test vector published with Standard Webhooks.
constexpr std::string_view standard_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
sent standard_event()
{
    return {{{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"},
             {"webhook-timestamp", "1614265330"},
             {"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}},
            R"({"test": 2432232314})"};
}

webhook_facts github()
{
    webhook_facts facts;
    facts.signature = {"X-Hub-Signature-256", "", ""};
    facts.signature_prefix = "sha256=";
    facts.event = {"X-GitHub-Event", "", ""};
    return facts;
}

TEST(WebhookSignature, AgreesWithThePublishedExampleOfStandardWebhooks)
{
    const webhook_event event = read(standard(), standard_secret, standard_event());
    EXPECT_EQ(event.verdict, webhook_verdict::genuine);
    EXPECT_EQ(event.id, "msg_p5jXN8AQM9LWM0D4loKWxJek");
}

// The example of GitHub's page on validating deliveries.
TEST(WebhookSignature, AgreesWithThePublishedExampleOfGitHub)
{
    const sent event = {
        {{"x-hub-signature-256",
          "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
         {"x-github-event", "push"}},
        "Hello, World!"};
    const webhook_event found = read(github(), "It's a Secret to Everybody", event);
    EXPECT_EQ(found.verdict, webhook_verdict::genuine);
    EXPECT_EQ(found.kind, "push");
    EXPECT_FALSE(found.id.empty());
}

TEST(WebhookSignature, IsRefusedWhereOneByteDiffers)
{
    const sent good = standard_event();
    for (std::size_t i = 0; i < good.body.size(); ++i) {
        sent changed = good;
        changed.body[i] = static_cast<char>(changed.body[i] ^ 1);
        EXPECT_EQ(read(standard(), standard_secret, changed).verdict, webhook_verdict::forged);
    }
    sent other_id = good;
    other_id.headers["webhook-id"] += "x";
    EXPECT_EQ(read(standard(), standard_secret, other_id).verdict, webhook_verdict::forged);
    sent other_time = good;
    other_time.headers["webhook-timestamp"] = "1614265331";
    EXPECT_EQ(read(standard(), standard_secret, other_time).verdict, webhook_verdict::forged);
    EXPECT_EQ(read(standard(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx", good).verdict,
              webhook_verdict::forged);
}

TEST(WebhookSignature, IsRefusedWithoutASecretThatCanBeOne)
{
    EXPECT_EQ(read(standard(), "not-prefixed", standard_event()).verdict, webhook_verdict::forged);
    EXPECT_EQ(read(standard(), "whsec_", standard_event()).verdict, webhook_verdict::forged);
    webhook_facts token = github();
    token.proof = webhook_facts::proof_kind::shared_token;
    token.signature = {"X-Gitlab-Token", "", ""};
    EXPECT_EQ(read(token, "", {{{"x-gitlab-token", ""}}, "{}"}).verdict, webhook_verdict::forged);
}

TEST(WebhookSignature, IsMissingWhereTheHeaderIsNotThere)
{
    sent bare = standard_event();
    bare.headers.erase("webhook-signature");
    EXPECT_EQ(read(standard(), standard_secret, bare).verdict, webhook_verdict::unsigned_);
    bare.headers["webhook-signature"] = "v2,abcd";
    EXPECT_EQ(read(standard(), standard_secret, bare).verdict, webhook_verdict::unsigned_);
}

TEST(WebhookSignature, HoldsForOneOfSeveralWhileASecretIsRotated)
{
    sent both = standard_event();
    both.headers["webhook-signature"] =
        "v1,AAAASsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OEA= " + both.headers["webhook-signature"];
    EXPECT_EQ(read(standard(), standard_secret, both).verdict, webhook_verdict::genuine);
}

TEST(WebhookSignature, IsStaleBeyondTheTolerance)
{
    const auto at = [](std::int64_t seconds) {
        return read(standard(), standard_secret, standard_event(),
                    (example_time + seconds) * 1'000'000)
            .verdict;
    };
    EXPECT_EQ(at(300), webhook_verdict::genuine);
    EXPECT_EQ(at(-300), webhook_verdict::genuine);
    EXPECT_EQ(at(301), webhook_verdict::stale);
    EXPECT_EQ(at(-301), webhook_verdict::stale);
}

TEST(WebhookSignature, ReadsAListOfMembersAndTimesInMilliseconds)
{
    webhook_facts facts;
    facts.signature = {"Stripe-Signature", "v1", ""};
    facts.timestamp = {"Stripe-Signature", "t", ""};
    facts.signed_text = "{timestamp}.{body}";
    facts.id = {"", "", "id"};
    facts.event = {"", "", "data.kind"};
    const std::string body = R"({"id": "evt_1", "data": {"kind": "charge"}})";
    // From Python's hmac, over "1614265330000." and the body.
    const std::string proof = "9f681a87bf2a07c86437b49eca3d935a11a290242fb2fd0b3ee7decf7b4de930";
    const sent event = {{{"stripe-signature", "t=1614265330000,v1=" + proof + ",v0=00"}}, body};
    const webhook_event found = read(facts, "whsec_test", event);
    EXPECT_EQ(found.verdict, webhook_verdict::genuine);
    EXPECT_EQ(found.id, "evt_1");
    EXPECT_EQ(found.kind, "charge");
}

TEST(WebhookSignature, OfOursReadsAsStandardWebhooksHaveIt)
{
    webhook_facts own = standard();
    own.secret_prefix.clear();
    sent ours;
    ours.body = R"({"type": "connection.revoked"})";
    ours.headers["webhook-id"] = "msg_1";
    ours.headers["webhook-timestamp"] = "1614265330000";
    ours.headers["webhook-signature"] =
        sign_webhook("a secret of ours", "msg_1", example_time * 1000, ours.body);
    const webhook_event read_back = read(own, "a secret of ours", ours);
    EXPECT_EQ(read_back.verdict, webhook_verdict::genuine);
    EXPECT_EQ(read_back.kind, "connection.revoked");
}

TEST(WebhookSignature, TellsAChallengeOnlyWhereTheFileSaysSoAndItIsSigned)
{
    webhook_facts facts = standard();
    facts.secret_prefix.clear();
    sent asked;
    asked.body = R"({"type": "url_verification", "challenge": "3eZbrw1a"})";
    asked.headers["webhook-id"] = "m";
    asked.headers["webhook-timestamp"] = std::to_string(example_time);
    asked.headers["webhook-signature"] = sign_webhook("key", "m", example_time, asked.body);
    EXPECT_EQ(read(facts, "key", asked).challenge, "");
    facts.answers_challenge = true;
    EXPECT_EQ(read(facts, "key", asked).challenge, "3eZbrw1a");
    EXPECT_EQ(read(facts, "other", asked).challenge, "");
}

TEST(WebhookSignature, RefusesAGenuineEventWithoutTheIdThatTheFilePromises)
{
    webhook_facts facts = github();
    facts.proof = webhook_facts::proof_kind::shared_token;
    facts.signature_prefix.clear();
    facts.id = {"", "", "event.id"};
    const auto verdict = [&](const char* body) {
        return read(facts, "token", {{{"x-hub-signature-256", "token"}}, body}).verdict;
    };
    EXPECT_EQ(verdict(R"({"event": {"id": 17}})"), webhook_verdict::genuine);
    EXPECT_EQ(verdict(R"({"event": {"id": ["x"]}})"), webhook_verdict::malformed);
    EXPECT_EQ(verdict(R"({"event": {"id": "a\nb"}})"), webhook_verdict::malformed);
    EXPECT_EQ(verdict(R"({"event": 5})"), webhook_verdict::malformed);
    EXPECT_EQ(verdict("not json"), webhook_verdict::malformed);
}

// Otherwise whoever saw one could send it again under another id.
TEST(WebhookSignature, TakesNoIdFromAHeaderThatIsNotSigned)
{
    webhook_facts facts = github();
    facts.id = {"X-GitHub-Delivery", "", ""};
    sent event = {{{"x-hub-signature-256",
                    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
                   {"x-github-delivery", "one"}},
                  "Hello, World!"};
    const std::string first = read(facts, "It's a Secret to Everybody", event).id;
    event.headers["x-github-delivery"] = "two";
    EXPECT_EQ(read(facts, "It's a Secret to Everybody", event).id, first);
}

}  // namespace
}  // namespace sallyport::control
