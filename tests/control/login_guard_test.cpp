#include "control/login_guard.hpp"

#include <gtest/gtest.h>

namespace sallyport::control {
namespace {

using namespace std::chrono_literals;

class LoginGuard : public testing::Test {
protected:
    void be_wrong(const std::string& client, unsigned times)
    {
        for (unsigned i = 0; i < times; ++i) {
            guard_.was_wrong(client + ":" + std::to_string(1024 + i), now_);
        }
    }
    bool shut_out(const std::string& client) { return guard_.wait_of(client, now_).has_value(); }

    login_guard guard_;
    login_guard::clock::time_point now_{1h};
};

TEST_F(LoginGuard, KeepsWhoWasWrongTooOftenWaiting)
{
    be_wrong("10.0.0.1", login_guard::wrong_of_client_max - 1);
    EXPECT_FALSE(shut_out("10.0.0.1:9"));
    be_wrong("10.0.0.1", 1);
    EXPECT_TRUE(shut_out("10.0.0.1:9"));
    EXPECT_TRUE(shut_out("10.0.0.1:10"));
    EXPECT_FALSE(shut_out("10.0.0.2:9"));
}

TEST_F(LoginGuard, SaysHowLongItLasts)
{
    be_wrong("10.0.0.1", login_guard::wrong_of_client_max);
    now_ += 20s;
    EXPECT_EQ(guard_.wait_of("10.0.0.1:1", now_), 40s);
    now_ += 39s + 500ms;
    EXPECT_EQ(guard_.wait_of("10.0.0.1:1", now_), 1s);
    now_ += 1s;
    EXPECT_FALSE(shut_out("10.0.0.1:1"));
}

TEST_F(LoginGuard, BoundsTheAttemptsOfAllTogether)
{
    for (unsigned i = 0; i < login_guard::wrong_of_all_max; ++i) {
        guard_.was_wrong("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ":1",
                         now_);
    }
    EXPECT_TRUE(shut_out("192.0.2.1:1"));
    now_ += login_guard::window;
    EXPECT_FALSE(shut_out("192.0.2.1:1"));
}

TEST_F(LoginGuard, TellsIpv6AndSocketsApart)
{
    be_wrong("[2001:db8::1]", login_guard::wrong_of_client_max);
    EXPECT_TRUE(shut_out("[2001:db8::1]:7"));
    EXPECT_FALSE(shut_out("[2001:db8:0:1::1]:7"));
    EXPECT_FALSE(shut_out("unix"));
    // Whoever has one address of a /64 has them all.
    EXPECT_TRUE(shut_out("[2001:db8::2]:7"));
}

}  // namespace
}  // namespace sallyport::control
