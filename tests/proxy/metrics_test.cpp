#include "proxy/metrics.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <set>
#include <thread>

#include "proxy/refusal.hpp"

namespace sallyport::proxy {
namespace {

TEST(Metrics, SortDurationsByPowersOfTwo)
{
    using times = histogram<std::uint64_t>;
    EXPECT_EQ(times::bucket_of(0), 0u);
    EXPECT_EQ(times::bucket_of(32), 0u);
    for (std::size_t n = 0; n < times::bounds; ++n) {
        EXPECT_EQ(times::bucket_of(times::bound_us(n)), n);
        EXPECT_EQ(times::bucket_of(times::bound_us(n) + 1), n + 1);
    }
    EXPECT_EQ(times::bucket_of(std::numeric_limits<std::uint64_t>::max()), times::bounds);
}

TEST(Metrics, NameEveryWayACallMayEnd)
{
    std::set<std::string_view> names;
    std::size_t last = 0;
    for (std::size_t i = 0; i < outcomes && !outcome_name(i).empty(); ++i) {
        EXPECT_TRUE(names.insert(outcome_name(i)).second) << outcome_name(i);
        last = i;
    }
    EXPECT_EQ(outcome_of(""), 0u);
    for (std::size_t i = 1; i <= last; ++i) {
        EXPECT_EQ(outcome_of(outcome_name(i)), i);
    }
    EXPECT_EQ(outcome_name(outcome_of(to_string(code::overloaded))), "overloaded");
    EXPECT_EQ(outcome_of("a code of tomorrow"), outcomes - 1);
    EXPECT_EQ(outcome_name(outcomes - 1), "other");
    EXPECT_EQ(outcome_name(outcomes - 2), "");
}

TEST(Metrics, NumberEachProviderOnceAndNoMoreThanTheLimit)
{
    provider_register numbers;
    EXPECT_EQ(numbers.number_of(""), 0u);
    EXPECT_EQ(numbers.number_of("github"), 1u);
    EXPECT_EQ(numbers.number_of("gmail"), 2u);
    EXPECT_EQ(numbers.number_of("github"), 1u);
    for (std::size_t i = 0; i < 2 * provider_register::providers_max; ++i) {
        EXPECT_LT(numbers.number_of("p" + std::to_string(i)), provider_register::providers_max);
    }
    EXPECT_EQ(numbers.number_of("one too many"), 0u);
    EXPECT_EQ(numbers.names().size(), provider_register::providers_max);
}

TEST(Metrics, AddUpOverWorkersWithDifferentProviders)
{
    worker_metrics first, second;
    first.prepare(3);
    second.prepare(2);
    first.of(2).calls[1][0].add(5);
    first.of(1).request_bytes.add(7);
    second.of(1).request_bytes.add(8);
    second.of(0).calls[0][3].add();
    first.own.trail_lines.add(2);
    second.own.trail_lines.add(3);
    observe(first.own.gate_time, 100);
    observe(second.own.gate_time, -1);
    metrics_totals sum;
    sum.add(first);
    sum.add(second);
    ASSERT_EQ(sum.providers.size(), 3u);
    EXPECT_EQ(sum.providers[2].calls[1][0], 5u);
    EXPECT_EQ(sum.providers[1].request_bytes, 15u);
    EXPECT_EQ(sum.providers[0].calls[0][3], 1u);
    EXPECT_EQ(sum.all.trail_lines, 5u);
    EXPECT_EQ(sum.all.gate_time.sum_us, 100u);
    const auto& buckets = sum.all.gate_time.buckets;
    EXPECT_EQ(std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0}), 2u);
}

TEST(Metrics, KeepWhatWasCountedWhenProvidersAreAdded)
{
    worker_metrics one;
    one.prepare(2);
    one.of(1).calls[0][0].add();
    one.prepare(5);
    one.prepare(1);
    EXPECT_EQ(one.of(1).calls[0][0].value(), 1u);
    EXPECT_NE(one.find(4), nullptr);
    EXPECT_EQ(one.find(5), nullptr);
}

TEST(Metrics, AreReadWhileTheirWorkerWrites)
{
    worker_metrics one;
    constexpr std::uint64_t calls = 100'000;
    std::thread worker([&] {
        for (std::uint64_t i = 0; i < calls; ++i) {
            one.of(0).calls[1][0].add();
        }
    });
    std::uint64_t last = 0;
    while (last < calls) {
        metrics_totals sum;
        sum.add(one);
        ASSERT_GE(sum.providers[0].calls[1][0], last);
        last = sum.providers[0].calls[1][0];
    }
    worker.join();
    EXPECT_EQ(last, calls);
}

}  // namespace
}  // namespace sallyport::proxy
