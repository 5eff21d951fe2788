#include "proxy/call_meter.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sallyport::proxy {
namespace {

using namespace std::chrono_literals;

constexpr policy::call_rate ten_a_second{.requests = 10, .per = 1000ms};
const call_meter::time begin = call_meter::time() + 1h;

TEST(CallMeter, LetsAsManyThroughAtOnceAsInOnePeriod)
{
    call_meter meter;
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(meter.take(ten_a_second, begin), 0ns) << i;
    }
    EXPECT_EQ(meter.take(ten_a_second, begin), 100ms);
    EXPECT_EQ(meter.take(ten_a_second, begin + 99ms), 1ms) << "what is refused counts for nothing";
    EXPECT_EQ(meter.take(ten_a_second, begin + 100ms), 0ns);
    EXPECT_EQ(meter.take(ten_a_second, begin + 100ms), 100ms);
}

TEST(CallMeter, FillsEvenlyAndNoFurtherThanFull)
{
    call_meter meter;
    const auto burst = [&](call_meter::time when) {
        int through = 0;
        while (meter.take(ten_a_second, when) == 0ns) {
            ++through;
        }
        return through;
    };
    EXPECT_EQ(burst(begin), 10);
    EXPECT_EQ(burst(begin + 350ms), 3);
    EXPECT_EQ(burst(begin + 400ms), 1);
    EXPECT_FALSE(meter.is_idle(begin + 1399ms));
    EXPECT_TRUE(meter.is_idle(begin + 1400ms));
    EXPECT_EQ(burst(begin + 24h), 10);
}

TEST(CallMeter, FollowsALimitThatIsChanged)
{
    call_meter meter;
    const policy::call_rate once_a_day{.requests = 1, .per = 24h};
    EXPECT_EQ(meter.take(once_a_day, begin), 0ns);
    EXPECT_EQ(meter.take(once_a_day, begin), 24h);
    EXPECT_EQ(meter.take(ten_a_second, begin), 100ms) << "no emptier than empty";
    EXPECT_EQ(meter.take(ten_a_second, begin + 50ms), 50ms);
    EXPECT_EQ(meter.take(ten_a_second, begin + 100ms), 0ns);
    EXPECT_EQ(meter.take(ten_a_second, begin + 100ms), 100ms);
}

TEST(CallMeter, CountsForAllThreads)
{
    call_meter meter;
    const policy::call_rate rate{.requests = 1000, .per = 1000ms};
    std::atomic<int> through = 0;
    std::vector<std::thread> workers;
    for (int i = 0; i < 4; ++i) {
        workers.emplace_back([&] {
            for (int call = 0; call < 1000; ++call) {
                through += meter.take(rate, begin) == 0ns ? 1 : 0;
            }
        });
    }
    for (std::thread& worker : workers) {
        worker.join();
    }
    EXPECT_EQ(through, 1000);
}

TEST(CallMeters, GiveEveryWorkerTheSameAndLetGoOfTheIdle)
{
    call_meters meters;
    const auto mine = meters.find("conn_a", begin);
    EXPECT_EQ(meters.find("conn_a", begin), mine);
    EXPECT_NE(meters.find("conn_b", begin), mine);
    EXPECT_EQ(mine->take(ten_a_second, begin), 0ns);
    const std::weak_ptr<call_meter> idle = meters.find("conn_idle", begin);
    const std::weak_ptr<call_meter> busy = meters.find("conn_busy", begin);
    EXPECT_EQ(busy.lock()->take({.requests = 1, .per = 24h}, begin), 0ns);
    for (std::size_t i = 0; i < call_meters::tidied_from; ++i) {
        meters.find("conn_" + std::to_string(i), begin + 1h);
    }
    EXPECT_TRUE(idle.expired());
    EXPECT_FALSE(busy.expired()) << "or its limit would begin anew";
    EXPECT_EQ(meters.find("conn_a", begin + 1h), mine) << "somebody holds it";
}

}  // namespace
}  // namespace sallyport::proxy
