#include <gtest/gtest.h>

#include "config/catalogue_file.hpp"
#include "tests/config/block_problems.hpp"
#include "tests/config/settings_directory.hpp"

namespace sallyport::config {
namespace {

std::string problems_of(std::string_view text, policy::provider_facts& facts)
{
    return block_problems(read_webhooks, text, facts);
}

TEST(WebhooksBlock, BecomesFacts)
{
    policy::provider_facts facts;
    EXPECT_EQ(problems_of(R"(webhooks:
  signature: {header: X-Slack-Signature, prefix: "v0=", encoding: hex}
  timestamp: {header: X-Slack-Request-Timestamp}
  signed: "v0:{timestamp}:{body}"
  id: {json: event_id}
  event: {json: event.type}
  tolerance: 2m
  challenge: true
)",
                          facts),
              "");
    ASSERT_TRUE(facts.webhooks);
    EXPECT_EQ(facts.webhooks->signature.header, "X-Slack-Signature");
    EXPECT_EQ(facts.webhooks->signature_prefix, "v0=");
    EXPECT_EQ(facts.webhooks->signed_text, "v0:{timestamp}:{body}");
    EXPECT_EQ(facts.webhooks->event.json, "event.type");
    EXPECT_EQ(facts.webhooks->tolerance, std::chrono::minutes(2));
    EXPECT_TRUE(facts.webhooks->answers_challenge);
}

TEST(WebhooksBlock, SaysWhereItIsWrong)
{
    policy::provider_facts facts;
    EXPECT_EQ(problems_of(R"(webhooks:
  proof: rsa
  signature: {prefix: "v0="}
  signed: "{timestamp}:{id}"
  id: {header: X-Id, json: id}
  colour: red
)",
                          facts),
              "p.yaml:2:10: expected hmac_sha256 or shared_token\n"
              "p.yaml:3:14: the key \"header\" is missing\n"
              "p.yaml:5:7: expected either a header or the json member that holds it\n"
              "p.yaml:4:11: {timestamp} is not told by an event\n"
              "p.yaml:4:11: a signature that does not cover {body} proves nothing\n"
              "p.yaml:6:3: unknown key \"colour\"\n");
}

using WebhookSettings = SettingsTest;

TEST_F(WebhookSettings, HoldTheKeysAndNotTheirSpelling)
{
    directory->write("hooks.secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    directory->write("github.hook", "It's a Secret to Everybody\n");
    const loaded_settings loaded = directory->load(R"(
webhooks:
  deliver:
    - url: https://platform.example.com/hooks
      secret: file:hooks.secret
      workspaces: [acme]
      events: [connection.revoked]
  accept: {github: "file:github.hook"}
  stream: redis://127.0.0.1:6379
)");
    ASSERT_TRUE(loaded.problems.empty());
    const control::webhook_settings& found = loaded.settings.control.webhooks;
    ASSERT_EQ(found.deliver.size(), 1u);
    EXPECT_EQ(found.deliver[0].secret.size(), 24u);
    EXPECT_EQ(found.deliver[0].workspaces, std::vector<std::string>{"acme"});
    EXPECT_EQ(found.accept.at("github"), "It's a Secret to Everybody");
}

TEST_F(WebhookSettings, NameWhatIsWrongWithThem)
{
    directory->write("short.secret", "short");
    EXPECT_EQ(directory->problems(
                  R"(webhooks: {deliver: [{url: "http://x.test", secret: "file:short.secret"}]})"),
              "1:28: expected an https:// URL\n"
              "1:53: expected at least 16 bytes, or whsec_ and their base 64");
    EXPECT_EQ(directory->problems(R"(webhooks: {accept: {github: "file:short.secret"}})"),
              "1:20: events need somewhere to go: set webhooks.stream to a redis:// URL");
}

}  // namespace
}  // namespace sallyport::config
