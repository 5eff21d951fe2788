#include "oauth/device.hpp"

#include <gtest/gtest.h>

#include "oauth/error.hpp"
#include "tests/oauth/shipped.hpp"

namespace sallyport::oauth {
namespace {

using state = device_poll::state;

TEST(Device, IsAskedForWithTheClientsProof)
{
    const policy::provider_facts& github = facts_of("github");
    const auto request = device_request(github, connection_at("github"), make_client(github),
                                        {"repo", "gist"}, noon);
    ASSERT_TRUE(request);
    EXPECT_EQ(std::string_view(request->url), "https://github.com/login/device/code");
    EXPECT_EQ(body_of(*request), (texts{{"client_id", "client-1"},
                                        {"client_secret", "client secret/1"},
                                        {"scope", "repo gist"}}));
    EXPECT_EQ(device_request(facts_of("slack"), connection_at("slack"), client(), {}, noon).error(),
              errc::not_offered);
}

// RFC 8628, 3.2.
TEST(Device, IsReadAsTheStandardHasIt)
{
    const auto got = read_device_answer(json_answer(R"({"device_code":"GmRhm","user_code":
        "WDJB-MJHT","verification_uri":"https://example.com/device","expires_in":1800,
        "interval":7,"verification_uri_complete":"https://example.com/device?c=WDJB-MJHT"})"),
                                        noon);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->complete_uri, "https://example.com/device?c=WDJB-MJHT");
    EXPECT_EQ(std::string_view(got->device_code), "GmRhm");
    EXPECT_EQ(got->user_code, "WDJB-MJHT");
    EXPECT_EQ(got->interval.count(), 7);
    EXPECT_EQ(got->expires_at, noon + 1800LL * 1'000'000);
}

TEST(Device, IsBoundedWhateverTheServerSays)
{
    const auto got = read_device_answer(json_answer(R"({"device_code":"G","user_code":"W",
        "verification_url":"https://example.com/d","verification_uri_complete":"javascript:x",
        "expires_in":99999999,"interval":99999})"),
                                        noon);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->interval, device_interval_max);
    EXPECT_EQ(got->complete_uri, "");
    EXPECT_EQ(got->expires_at, noon + device_lifetime_max.count() * 1'000'000);
    for (const char* body :
         {"{}", "[]", "", R"({"device_code":"a","user_code":"b"})",
          R"({"device_code":"a","user_code":"b","verification_uri":"javascript:x"})",
          R"({"device_code":"a","user_code":"b\n","verification_uri":"https://a/"})"}) {
        EXPECT_EQ(read_device_answer(json_answer(body), noon).error(), errc::not_offered) << body;
    }
}

TEST(Device, IsPolledUntilTheUserHasDecided)
{
    const policy::provider_facts& github = facts_of("github");
    const vault::connection record = connection_at("github");
    const auto poll = [&](const char* body, unsigned status = 200) {
        return read_poll_answer(github, record, json_answer(body, status), noon);
    };
    EXPECT_EQ(poll(R"({"error":"authorization_pending"})").now, state::pending);
    EXPECT_EQ(poll(R"({"error":"slow_down"})", 400).now, state::slow_down);
    EXPECT_EQ(poll("<html>", 502).now, state::slow_down);
    EXPECT_EQ(poll(R"({"error":"access_denied"})").now, state::denied);
    EXPECT_EQ(poll(R"({"error":"expired_token"})", 400).now, state::expired);
    const device_poll refused = poll(R"({"error":"invalid_grant"})", 400);
    EXPECT_EQ(refused.now, state::settled);
    EXPECT_EQ(refused.answer.verdict, vault::refresh_verdict::rejected);
    const device_poll granted = poll(R"({"access_token":"gho_1","token_type":"bearer"})");
    EXPECT_EQ(granted.now, state::settled);
    EXPECT_EQ(granted.answer.verdict, vault::refresh_verdict::fresh);

    const auto request = device_poll_request(github, record, make_client(github), "GmRhm", noon);
    ASSERT_TRUE(request);
    EXPECT_EQ(body_of(*request).at("grant_type"), "urn:ietf:params:oauth:grant-type:device_code");
    EXPECT_EQ(body_of(*request).at("device_code"), "GmRhm");
}

}  // namespace
}  // namespace sallyport::oauth
