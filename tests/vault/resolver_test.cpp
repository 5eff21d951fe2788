#include "vault/resolver.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <thread>

#include "tests/vault/fake_store.hpp"
#include "tests/vault/fixture.hpp"
#include "vault/clock_cache.hpp"
#include "vault/core.hpp"
#include "vault/error.hpp"
#include "vault/keeper.hpp"

namespace sallyport::vault {
namespace {

namespace asio = boost::asio;
using found_connection = std::shared_ptr<const resolved>;

// A resolver over a store that can be held up, on one context for control and worker.
class Resolver : public testing::Test {
protected:
    Resolver()
    {
        auto made = std::make_unique<fake_store>(context_);
        store_ = made.get();
        core_ = make_core(context_.get_executor(), std::move(made), test_masters(),
                          std::chrono::milliseconds(1000));
        resolver_ = make_worker_resolver(core_, context_);
        store_->put(record_);
    }

    // Starts a fetch and runs until nothing is ready any more.
    std::shared_ptr<std::optional<result<found_connection>>> start(const std::string& id)
    {
        auto outcome = std::make_shared<std::optional<result<found_connection>>>();
        asio::co_spawn(context_, resolver_->fetch(id),
                       [outcome](std::exception_ptr, result<found_connection> found) {
                           outcome->emplace(std::move(found));
                       });
        settle();
        return outcome;
    }

    void settle()
    {
        context_.restart();
        context_.poll();
    }

    temporary_directory directory_;
    asio::io_context context_;
    fake_store* store_ = nullptr;
    std::shared_ptr<core> core_;
    std::unique_ptr<resolver> resolver_;
    connection record_ = [] {
        connection inactive = example_connection();
        inactive.status = status::inactive;
        return inactive;
    }();
};

TEST_F(Resolver, AsksTheStoreOnceForManyWaiters)
{
    store_->hold();
    const auto first = start(record_.id);
    const auto second = start(record_.id);
    EXPECT_EQ(store_->questions(), 1);
    EXPECT_FALSE(*first);
    store_->release();
    settle();
    ASSERT_TRUE(*first && **first && *second && **second);
    EXPECT_EQ((**first)->get(), (**second)->get());
    EXPECT_EQ(store_->questions(), 1);
    EXPECT_EQ(resolver_->cached(record_.id, boot_millis()), ***first);
}

TEST_F(Resolver, DiscardsAnAnswerThatAChangeHasOvertaken)
{
    store_->hold();
    const auto asked = start(record_.id);
    core_->connections.move(record_.id);
    record_.account = "changed";
    store_->release();
    store_->put(record_);
    settle();
    ASSERT_TRUE(*asked && **asked);
    EXPECT_EQ((**asked).value()->record().account, "changed");
    EXPECT_EQ(store_->questions(), 2);
}

TEST_F(Resolver, DoesNotJoinAQuestionFromBeforeAChange)
{
    store_->hold();
    const auto early = start(record_.id);
    core_->connections.move(record_.id);
    const auto late = start(record_.id);
    EXPECT_EQ(store_->questions(), 2);
    store_->release();
    settle();
    ASSERT_TRUE(*late && **late);
    ASSERT_TRUE(*early && **early);
}

TEST_F(Resolver, GivesUpOnARecordThatNeverStopsChanging)
{
    store_->on_load = [this](const std::string& id) { core_->connections.move(id); };
    const auto asked = start(record_.id);
    ASSERT_TRUE(*asked);
    ASSERT_FALSE(**asked);
    EXPECT_EQ((**asked).error(), errc::unavailable);
}

TEST_F(Resolver, TakesAnEntryOutOfUseTheMomentItsEpochMoves)
{
    const auto asked = start(record_.id);
    ASSERT_TRUE(*asked && **asked);
    const found_connection entry = ***asked;
    EXPECT_TRUE(entry->good(boot_millis()));
    core_->connections.move(record_.id);
    EXPECT_FALSE(entry->good(boot_millis()));
    EXPECT_EQ(resolver_->cached(record_.id, boot_millis()), nullptr);
}

TEST_F(Resolver, TakesEveryEntryOutOfUseWhenAllEpochsMove)
{
    const auto asked = start(record_.id);
    ASSERT_TRUE(*asked && **asked);
    core_->connections.move_all();
    EXPECT_FALSE((***asked)->good(boot_millis()));
}

TEST_F(Resolver, UsesNothingBeyondTheLease)
{
    const auto asked = start(record_.id);
    ASSERT_TRUE(*asked && **asked);
    const std::int64_t end = boot_millis() + 60'000;
    core_->lease_until(end);
    EXPECT_TRUE((***asked)->good(end - 1));
    EXPECT_FALSE((***asked)->good(end));
    EXPECT_NE(resolver_->cached(record_.id, end - 1), nullptr);
    EXPECT_EQ(resolver_->cached(record_.id, end), nullptr);
    EXPECT_FALSE(resolver_->out_of_reach(end + 999));
    EXPECT_TRUE(resolver_->out_of_reach(end + 1000));
    core_->lease_until(end + 500);
    EXPECT_NE(resolver_->cached(record_.id, end), nullptr)
        << "what was cached is as good as before";
}

TEST_F(Resolver, WaitsAWhileForALeaseBeforeItAsks)
{
    core_->lease_until(0);
    const auto asked = start(record_.id);
    EXPECT_FALSE(*asked);
    EXPECT_EQ(store_->questions(), 0);
    core_->lease_until(lease::forever);
    settle();
    ASSERT_TRUE(*asked && **asked);
    EXPECT_EQ(store_->questions(), 1);
}

TEST_F(Resolver, SaysThatTheVaultCannotBeAskedWhereNoLeaseCanBeHad)
{
    core_->lease_until(0);
    EXPECT_EQ(run(context_, resolver_->fetch(record_.id)).error(), errc::unavailable);
    EXPECT_EQ(run(context_, resolver_->fetch_run_live("acme", "r")).error(), errc::unavailable);
    EXPECT_EQ(store_->questions(), 0);
}

TEST_F(Resolver, DoesNotRememberThatSomethingIsMissing)
{
    const connection other = example_connection();
    EXPECT_EQ((**start(other.id)).error(), errc::not_found);
    connection later = other;
    later.status = status::inactive;
    store_->put(later);
    EXPECT_TRUE((**start(other.id)).has_value());
}

TEST_F(Resolver, SaysThatTheStoreDoesNotAnswer)
{
    store_->fail_with = errc::unavailable;
    EXPECT_EQ((**start(record_.id)).error(), errc::unavailable);
    EXPECT_EQ(resolver_->cached(record_.id, boot_millis()), nullptr);
}

TEST_F(Resolver, AnswersNobodyOnceItIsGone)
{
    store_->hold();
    const auto asked = start(record_.id);
    resolver_.reset();
    store_->release();
    settle();
    EXPECT_FALSE(*asked);
}

TEST_F(Resolver, LetsACancelledCallerGoAndCachesTheAnswerAllTheSame)
{
    store_->hold();
    asio::cancellation_signal stop;
    error_code ended;
    asio::co_spawn(context_, resolver_->fetch(record_.id),
                   asio::bind_cancellation_slot(
                       stop.slot(), [&](std::exception_ptr thrown, result<found_connection>) {
                           try {
                               std::rethrow_exception(thrown);
                           } catch (const boost::system::system_error& error) {
                               ended = error.code();
                           }
                       }));
    settle();
    stop.emit(asio::cancellation_type::all);
    settle();
    EXPECT_EQ(ended, asio::error::operation_aborted);
    store_->release();
    settle();
    EXPECT_NE(resolver_->cached(record_.id, boot_millis()), nullptr);
}

TEST_F(Resolver, KnowsWhichRunsHaveEnded)
{
    EXPECT_EQ(resolver_->cached_run_live("acme", "r", boot_millis()), -1);
    const result<bool> live = run(context_, resolver_->fetch_run_live("acme", "r"));
    ASSERT_TRUE(live);
    EXPECT_TRUE(*live);
    EXPECT_EQ(resolver_->cached_run_live("acme", "r", boot_millis()), 1);
    core_->lease_until(boot_millis() + 60'000);
    EXPECT_EQ(resolver_->cached_run_live("acme", "r", boot_millis() + 60'000), -1);
    store_->ended = true;
    core_->runs.move(run_name("acme", "r"));
    EXPECT_EQ(resolver_->cached_run_live("acme", "r", boot_millis()), -1);
    EXPECT_FALSE(*run(context_, resolver_->fetch_run_live("acme", "r")));
    EXPECT_EQ(resolver_->cached_run_live("acme", "r", boot_millis()), 0);
    EXPECT_EQ(resolver_->cached_run_live(std::string(200, 'a'), "r", boot_millis()), -1);
    store_->fail_with = errc::unavailable;
    EXPECT_EQ(run(context_, resolver_->fetch_run_live("acme", "s")).error(), errc::unavailable);
}

TEST(ClockCache, ForgetsWhatWasNotUsedLately)
{
    clock_cache<int> cache(3);
    cache.put("a", 1);
    cache.put("b", 2);
    cache.put("c", 3);
    ASSERT_NE(cache.find("a"), nullptr);
    cache.put("d", 4);
    EXPECT_EQ(cache.size(), 3u);
    EXPECT_NE(cache.find("a"), nullptr);
    EXPECT_EQ(cache.find("b"), nullptr);
    EXPECT_EQ(*cache.find("d"), 4);
    cache.put("d", 5);
    EXPECT_EQ(*cache.find("d"), 5);
    for (int i = 0; i < 1000; ++i) {
        cache.put(std::to_string(i), i);
        ASSERT_EQ(*cache.find(std::to_string(i)), i);
    }
    EXPECT_EQ(cache.size(), 3u);
}

// The real thing: two workers and the control thread, each its own, under constant change.
TEST(ResolverThreads, NeverUseAConnectionAfterItsRevocationHasReturned)
{
    const temporary_directory directory;
    asio::io_context control(1);
    const auto keeper = keeper::open(control, settings_in(directory));
    auto busy = asio::make_work_guard(control);
    std::atomic<bool> revoked = false;
    std::atomic<bool> stop = false;
    std::atomic<int> uses = 0;
    std::atomic<int> wrong = 0;
    connection fresh = example_connection();
    ASSERT_TRUE(run(control, keeper->add(fresh, one_secret("value"))));

    const auto work = [&] {
        asio::io_context worker(1);
        const auto resolver = keeper->make_resolver(worker);
        secret value;
        while (!stop) {
            const bool too_late = revoked.load();
            found_connection entry = resolver->cached(fresh.id, boot_millis());
            if (!entry) {
                const auto found = run(worker, resolver->fetch(fresh.id));
                entry = found ? *found : nullptr;
            }
            const bool usable = entry && entry->open("secret", value) && entry->good(boot_millis());
            uses += usable ? 1 : 0;
            wrong += usable && too_late ? 1 : 0;
        }
    };
    std::thread first(work);
    std::thread second(work);
    std::thread controller([&] { control.run(); });
    const auto on_control = [&](auto make) {
        std::promise<bool> done;
        asio::post(control, [&] {
            asio::co_spawn(control, make(), [&](std::exception_ptr, auto answer) {
                done.set_value(answer.has_value());
            });
        });
        return done.get_future().get();
    };
    for (int i = 0; i < 50; ++i) {
        EXPECT_TRUE(on_control([&] { return keeper->update(fresh.id, nullptr, one_secret("v")); }));
    }
    while (uses < 1000) {
        std::this_thread::yield();
    }
    EXPECT_TRUE(on_control([&] { return keeper->revoke(fresh.id, ""); }));
    revoked = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop = true;
    first.join();
    second.join();
    busy.reset();
    controller.join();
    EXPECT_GE(uses.load(), 1000);
    EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace sallyport::vault
