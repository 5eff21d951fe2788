// Connecting with a code that a user types in elsewhere.
#include "control/device_flow.hpp"

#include "connecting.hpp"

#include "control/authorization.hpp"

namespace sallyport::control {
namespace {

class DeviceFlow : public Connecting {
protected:
    std::string begin()
    {
        const reply begun = initiate(R"("scopes": ["things:read"], "grant": "device_code")");
        EXPECT_EQ(begun.status, 200u) << json::serialize(begun.body);
        EXPECT_EQ(begun.text("user_code"), "WDJB-MJHT");
        EXPECT_EQ(begun.text("verification_uri"), "https://local.example/device");
        EXPECT_EQ(begun.text("authorize_url"), "https://local.example/device");
        return begun.text("connection_id");
    }

    // The gate's poller comes by, this much later.
    bool ask_later(std::chrono::microseconds later)
    {
        const std::string id = notes(device_kind).at(0).id;
        return run(ask_about_device(gate_, id, now_micros() + later.count()));
    }
};

TEST_F(DeviceFlow, AsksWhenItIsTimeAndGetsTheTokens)
{
    const std::string id = begin();
    EXPECT_EQ(status_of(id), "pending");
    EXPECT_FALSE(ask_later(std::chrono::seconds(6)));
    grant(tokens_);
    EXPECT_TRUE(ask_later(std::chrono::seconds(8)));
    EXPECT_EQ(status_of(id), "active");
    EXPECT_TRUE(notes(device_kind).empty());
    EXPECT_TRUE(notes(connecting_kind).empty());
    const std::string asked = provider_->requests().back();
    EXPECT_NE(asked.find("device_code=planted-password"), std::string::npos);
    EXPECT_NE(asked.find("client_secret=planted-secret-2"), std::string::npos);
}

TEST_F(DeviceFlow, IsOneQuestionAtATimeInTheFleet)
{
    begin();
    const std::string id = notes(device_kind).at(0).id;
    auto claiming = keeper_->notes().claim("device:" + id, std::chrono::seconds(60));
    ASSERT_TRUE(run(std::move(claiming)).value());
    const std::size_t before = provider_->requests().size();
    EXPECT_FALSE(ask_later(std::chrono::seconds(8)));
    EXPECT_EQ(provider_->requests().size(), before);
}

TEST_F(DeviceFlow, WaitsOnAndMoreSlowlyWhereItIsTold)
{
    const std::string id = begin();
    grant(R"({"error": "slow_down"})");
    EXPECT_TRUE(ask_later(std::chrono::seconds(8)));
    EXPECT_EQ(status_of(id), "pending");
    const auto told = read_authorization(notes(device_kind).at(0).text);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->device.interval.count(), 12);
    EXPECT_GT(told->device.next, now_micros() + 10'000'000);
}

TEST_F(DeviceFlow, EndsWithTheCodeAndLeavesTheConnectionAsItWas)
{
    const std::string id = begin();
    EXPECT_TRUE(ask_later(std::chrono::seconds(601)));
    EXPECT_EQ(status_of(id), "added");
    EXPECT_EQ(shown(id).at("status_reason").as_string(),
              "The authorisation was not finished in time.");
    EXPECT_EQ(lines("connection.authorized").back().at("code").as_string(),
              "authorization_expired");
}

TEST_F(DeviceFlow, IsOverOnceItWasCancelled)
{
    const std::string id = begin();
    const std::string note = notes(device_kind).at(0).id;
    EXPECT_EQ(ask("POST", "/api/connect/connections/" + id + "/cancel").status, 200u);
    EXPECT_TRUE(notes(device_kind).empty());
    grant(tokens_);
    EXPECT_FALSE(run(ask_about_device(gate_, note, now_micros() + 8'000'000)));
    EXPECT_EQ(status_of(id), "added");
}

TEST_F(DeviceFlow, HasNoBrowserThatComesBack)
{
    const reply refused =
        initiate(R"("grant": "device_code", "return_url": "https://app.example/done")");
    EXPECT_EQ(refused.status, 422u);
    EXPECT_EQ(initiate(R"("grant": "password")").status, 422u);
    EXPECT_TRUE(notes(device_kind).empty());
}

}  // namespace
}  // namespace sallyport::control
