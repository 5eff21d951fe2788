#include "vault/refresh_plan.hpp"

#include <gtest/gtest.h>

#include "vault/resolver.hpp"

namespace sallyport::vault {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr unix_micros second = 1'000'000;
constexpr unix_micros now = 1'763'633'315 * second;

TEST(RefreshPlan, LooksAfterATokenAheadOfItsEnd)
{
    connection record;
    EXPECT_EQ(attention_of(record, true, seconds(120)), resolved::never);
    record.expires_at = now;
    EXPECT_EQ(attention_of(record, true, seconds(120)), now - 120 * second);
    EXPECT_EQ(attention_of(record, false, seconds(120)), now) << "it only ends";
    record.refreshed_at = now - 3600 * second;
    EXPECT_EQ(attention_of(record, true, seconds(120)), now - 120 * second);
    record.refreshed_at = now - 60 * second;
    EXPECT_EQ(attention_of(record, true, seconds(120)), now - 30 * second) << "halfway";
}

TEST(RefreshPlan, HasExpiredAtTheVeryMoment)
{
    connection record;
    EXPECT_FALSE(has_expired(record, now));
    record.expires_at = now;
    EXPECT_TRUE(has_expired(record, now));
    EXPECT_FALSE(has_expired(record, now - 1));
}

TEST(RefreshPlan, BacksOffTwiceAsLongEachTimeUpToALimit)
{
    std::optional<refresh_pause> pause;
    unix_micros before = 0;
    for (unsigned i = 1; i <= 30; ++i) {
        pause = after_failure(pause, 7, seconds(0), now, 0.999);
        EXPECT_EQ(pause->count, i);
        EXPECT_GE(pause->until - now, before);
        EXPECT_LE(pause->until - now, backoff_max.count() * second);
        before = pause->until - now;
    }
    EXPECT_GE(before, 299 * second);
    EXPECT_EQ(after_failure(pause, 8, seconds(0), now, 0).count, 1u) << "of another credential";
}

TEST(RefreshPlan, LeavesHalfOfTheWaitToChance)
{
    EXPECT_EQ(after_failure({}, 7, seconds(0), now, 0).until, now + second / 2);
    EXPECT_GT(after_failure({}, 7, seconds(0), now, 0.9).until, now + 9 * second / 10);
}

TEST(RefreshPlan, HonoursRetryAfterWithinReason)
{
    EXPECT_EQ(after_failure({}, 7, seconds(90), now, 0).until, now + 90 * second);
    EXPECT_EQ(after_failure({}, 7, seconds(1'000'000), now, 0).until,
              now + retry_after_max.count() * second);
    EXPECT_GE(after_failure({}, 7, seconds(-5), now, 0).until, now);
}

TEST(RefreshPlan, SlowsDownWhereRefreshesFollowEachOther)
{
    EXPECT_EQ(after_success({}, 7, 0, now).count, 0u) << "the first";
    EXPECT_EQ(after_success({}, 7, now - 3600 * second, now).count, 0u) << "an hour ago";
    std::optional<refresh_pause> pause;
    for (std::uint64_t i = 1; i <= 10; ++i) {
        pause = after_success(pause, 7 + i, now - second, now);
        EXPECT_EQ(pause->count, i);
    }
    EXPECT_EQ(pause->until, now + young_max.count() * second);
}

TEST(RefreshPlan, WaitsAMinuteAfterARejection)
{
    const refresh_pause pause = after_rejection(7, now);
    EXPECT_EQ(pause.until, now + 60 * second);
    EXPECT_EQ(pause.why, refresh_pause::cause::rejected);
}

TEST(RefreshPlan, ReadsTheNotesItWrites)
{
    for (const auto why : {refresh_pause::cause::failed, refresh_pause::cause::rejected,
                           refresh_pause::cause::young}) {
        const refresh_pause pause{why, 42, now, 3};
        EXPECT_EQ(refresh_pause_from(to_text(pause)), pause);
    }
    for (const char* text : {"", "f", "x 1 2 3", "f 1 2", "f 1 2 3 4", "f 1 2 x", "f  1 2 3"}) {
        EXPECT_FALSE(refresh_pause_from(text)) << text;
    }
}

}  // namespace
}  // namespace sallyport::vault
