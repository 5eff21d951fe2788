// Gates that share a real Redis: each with a control thread of its own, as in production.
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "tests/vault/redis_server.hpp"
#include "vault/core.hpp"
#include "vault/error.hpp"
#include "vault/keeper.hpp"

namespace sallyport::vault {
namespace {

namespace asio = boost::asio;
using found_connection = std::shared_ptr<const resolved>;

class gate {
public:
    explicit gate(const settings& with)
        : keeper_(keeper::open(control_, with)),
          resolver_(keeper_->make_resolver(worker_)),
          busy_(control_.get_executor()),
          thread_([this] { control_.run(); })
    {
    }
    ~gate()
    {
        freeze();
        resolver_.reset();
        keeper_.reset();
    }
    gate(const gate&) = delete;
    gate& operator=(const gate&) = delete;

    // From here on its control thread does nothing more, as if the machine had stopped.
    void freeze()
    {
        control_.stop();
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    template <class Make>
    auto ask(Make make)
    {
        using answer = decltype(run(control_, make(*keeper_)));
        std::promise<answer> given;
        asio::post(control_, [&] {
            asio::co_spawn(control_, make(*keeper_), [&](std::exception_ptr bug, answer got) {
                if (bug) {
                    given.set_exception(bug);
                } else {
                    given.set_value(std::move(got));
                }
            });
        });
        return given.get_future().get();
    }

    result<found_connection> fetch(const std::string& id)
    {
        return run(worker_, resolver_->fetch(id));
    }
    result<bool> run_live(const std::string& name)
    {
        return run(worker_, resolver_->fetch_run_live("acme", name));
    }
    std::string trouble()
    {
        std::promise<std::string> given;
        asio::post(control_, [&] { given.set_value(keeper_->trouble()); });
        return given.get_future().get();
    }
    resolver& cache() { return *resolver_; }

private:
    asio::io_context control_{1};
    asio::io_context worker_{1};
    std::unique_ptr<keeper> keeper_;
    std::unique_ptr<resolver> resolver_;
    asio::executor_work_guard<asio::io_context::executor_type> busy_;
    std::thread thread_;
};

class RedisFleet : public testing::Test {
protected:
    void begin(std::chrono::milliseconds lease, int gates = 2)
    {
        settings_.store = server_.url();
        settings_.lease = lease;
        for (int i = 0; i < gates; ++i) {
            gates_.push_back(std::make_unique<gate>(settings_));
        }
    }

    gate& at(std::size_t which) { return *gates_[which]; }

    connection add()
    {
        const connection fresh = example_connection();
        EXPECT_TRUE(at(0).ask([&](keeper& k) { return k.add(fresh, one_secret("value")); }));
        return fresh;
    }
    void revoke(gate& on, const std::string& id)
    {
        EXPECT_TRUE(on.ask([&](keeper& k) { return k.revoke(id, "left"); }));
    }
    bool settle(gate& on)
    {
        return on.ask([](keeper& k) { return k.settle(); }).has_value();
    }

    template <class Condition>
    static bool until(Condition holds)
    {
        const auto end = std::chrono::steady_clock::now() + test_limit;
        while (std::chrono::steady_clock::now() < end) {
            if (holds()) {
                return true;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return false;
    }
    static bool usable(const result<found_connection>& found)
    {
        return found && (*found)->good(boot_millis()) &&
               (*found)->record().status == status::active;
    }
    bool comes_back(gate& one, const std::string& id)
    {
        return until([&] { return usable(one.fetch(id)); });
    }
    // It answers again, and the answer is that the connection is revoked.
    bool is_revoked(gate& one, const std::string& id)
    {
        return until([&] {
            const auto found = one.fetch(id);
            return found && (*found)->record().status == status::revoked;
        });
    }

    std::string redis(const std::vector<std::string>& words) const
    {
        std::string text = "*" + std::to_string(words.size()) + "\r\n";
        for (const std::string& word : words) {
            text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
        }
        return server_.command(text);
    }
    void keep_a_copy() const
    {
        redis({"EVAL",
               "for _, k in ipairs(redis.call('KEYS', '*')) do "
               "redis.call('COPY', k, k, 'DB', 1, 'REPLACE') end",
               "0"});
    }
    // The store is what it was when the copy was made, under the feet of everybody connected.
    void go_back_to_the_copy() const { redis({"SWAPDB", "0", "1"}); }

    redis_server server_;
    temporary_directory directory_;
    settings settings_ = settings_in(directory_);
    std::vector<std::unique_ptr<gate>> gates_;
};

constexpr std::chrono::milliseconds long_lease{60'000};
constexpr std::chrono::milliseconds short_lease{300};

TEST_F(RedisFleet, RefusesEverywhereWhatOneGateRevokedOnceTheMessageIsThere)
{
    begin(long_lease, 3);
    const connection fresh = add();
    const auto entry = at(1).fetch(fresh.id);
    ASSERT_TRUE(usable(entry));
    ASSERT_TRUE(usable(at(2).fetch(fresh.id)));
    revoke(at(0), fresh.id);
    EXPECT_TRUE(until([&] { return !(*entry)->good(boot_millis()); }));
    EXPECT_TRUE(is_revoked(at(1), fresh.id));
    EXPECT_TRUE(is_revoked(at(2), fresh.id));
}

TEST_F(RedisFleet, KnowsOfEveryEndedRun)
{
    begin(long_lease);
    ASSERT_TRUE(at(1).run_live("r"));
    EXPECT_EQ(at(1).cache().cached_run_live("acme", "r", boot_millis()), 1);
    const unix_micros keep = now_micros() + 60'000'000;
    EXPECT_TRUE(at(0).ask([&](keeper& k) { return k.end_run("acme", "r", keep); }));
    EXPECT_TRUE(
        until([&] { return at(1).cache().cached_run_live("acme", "r", boot_millis()) == -1; }));
    const result<bool> live = at(1).run_live("r");
    ASSERT_TRUE(live);
    EXPECT_FALSE(*live);
}

TEST_F(RedisFleet, KeepsItsLeaseOverManyHeartbeats)
{
    begin(short_lease);
    const connection fresh = add();
    ASSERT_TRUE(comes_back(at(1), fresh.id));
    const auto entry = at(1).fetch(fresh.id);
    ASSERT_TRUE(usable(entry));
    const std::int64_t long_after = boot_millis() + 4 * short_lease.count();
    EXPECT_TRUE(until([&] { return boot_millis() > long_after; }));
    EXPECT_TRUE((*entry)->good(boot_millis())) << "it was cached once and is still good";
}

TEST_F(RedisFleet, GoesOnWhenItsConnectionsAreKilled)
{
    begin(long_lease);
    const connection one = add();
    const connection other = add();
    for (const char* kind : {"pubsub", "normal"}) {
        ASSERT_TRUE(comes_back(at(1), one.id));
        const auto entry = at(1).fetch(one.id);
        ASSERT_TRUE(entry);
        redis({"CLIENT", "KILL", "TYPE", kind});
        EXPECT_TRUE(until([&] { return !(*entry)->good(boot_millis()); })) << kind;
        EXPECT_TRUE(comes_back(at(1), one.id)) << kind;
    }
    EXPECT_TRUE(until(
        [&] { return at(0).ask([&](keeper& k) { return k.revoke(other.id, ""); }).has_value(); }));
    EXPECT_TRUE(is_revoked(at(1), other.id));
}

TEST_F(RedisFleet, HasNoLeaseWhileRedisHangsAndAnotherAfterwards)
{
    begin(short_lease);
    const connection fresh = add();
    ASSERT_TRUE(comes_back(at(1), fresh.id));
    const auto entry = at(1).fetch(fresh.id);
    ASSERT_TRUE(entry);
    server_.stall();
    const std::int64_t stalled = boot_millis();
    EXPECT_FALSE((*entry)->good(stalled + short_lease.count()));
    EXPECT_TRUE(until([&] { return !(*entry)->good(boot_millis()); }));
    EXPECT_EQ(at(1).fetch(fresh.id).error(), errc::unavailable);
    EXPECT_NE(at(1).trouble(), "");
    EXPECT_TRUE(until([&] { return at(1).cache().out_of_reach(boot_millis()); }));
    server_.resume();
    EXPECT_TRUE(comes_back(at(1), fresh.id));
    EXPECT_TRUE(until([&] { return at(1).trouble().empty(); }));
}

TEST_F(RedisFleet, PutsBackARevocationThatTheStoreForgot)
{
    begin(long_lease);
    const connection revoked = add();
    const connection removed = add();
    const connection off = add();
    const connection kept = add();
    ASSERT_TRUE(comes_back(at(0), kept.id));
    ASSERT_TRUE(comes_back(at(1), kept.id));
    keep_a_copy();
    revoke(at(0), revoked.id);
    EXPECT_TRUE(at(0).ask([&](keeper& k) { return k.remove(removed.id); }));
    EXPECT_TRUE(at(0).ask([&](keeper& k) {
        return k.update(
            off.id, [](connection& c) { c.status = status::inactive; }, std::nullopt);
    }));
    const unix_micros keep = now_micros() + 60'000'000;
    EXPECT_TRUE(at(0).ask([&](keeper& k) { return k.end_run("acme", "r", keep); }));
    ASSERT_TRUE(is_revoked(at(1), revoked.id));
    go_back_to_the_copy();
    // The next heartbeat finds it; until then what is cached is as it was.
    EXPECT_TRUE(until([&] {
        const auto found = at(1).ask([&](keeper& k) { return k.show(revoked.id); });
        return found && found->status == status::revoked;
    }));
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_TRUE(comes_back(at(i), kept.id));
        EXPECT_TRUE(is_revoked(at(i), revoked.id));
        EXPECT_EQ(at(i).fetch(removed.id).error(), errc::not_found);
        const auto switched = at(i).fetch(off.id);
        ASSERT_TRUE(switched);
        EXPECT_EQ((*switched)->record().status, status::inactive);
        const result<bool> live = at(i).run_live("r");
        ASSERT_TRUE(live);
        EXPECT_FALSE(*live);
        EXPECT_TRUE(until([&] { return at(i).trouble().empty(); }));
    }
    revoke(at(1), kept.id);
    EXPECT_TRUE(is_revoked(at(0), kept.id));
}

TEST_F(RedisFleet, GoesOnWithAnEmptiedStore)
{
    begin(long_lease);
    const connection fresh = add();
    ASSERT_TRUE(comes_back(at(1), fresh.id));
    const unix_micros keep = now_micros() + 60'000'000;
    EXPECT_TRUE(at(0).ask([&](keeper& k) { return k.end_run("acme", "r", keep); }));
    server_.empty();
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_TRUE(until([&] { return at(i).fetch(fresh.id).error() == errc::not_found; }));
        // Until its next heartbeat a gate takes the store for what it was.
        EXPECT_TRUE(until([&] {
            const result<bool> live = at(i).run_live("r");
            return live.has_value() && !*live;
        }));
        EXPECT_TRUE(until([&] { return at(i).trouble().empty(); }));
    }
    const connection again = example_connection();
    EXPECT_TRUE(until([&] {
        const auto added = at(0).ask([&](keeper& k) { return k.add(again, one_secret("v")); });
        return added || added.error() == errc::already_exists;
    })) << at(0).trouble();
    EXPECT_TRUE(comes_back(at(1), again.id));
    const gate restarted(settings_);
}

TEST_F(RedisFleet, IsSealedWhereTheStoreIsAnotherVault)
{
    begin(short_lease, 1);
    const connection fresh = add();
    ASSERT_TRUE(comes_back(at(0), fresh.id));
    redis({"HSET", "sallyport:vault", "id", "another"});
    EXPECT_TRUE(until([&] { return at(0).trouble().find("sealed") != std::string::npos; }));
    EXPECT_EQ(at(0).fetch(fresh.id).error(), errc::unavailable);
    EXPECT_FALSE(at(0).ask([&](keeper& k) { return k.revoke(fresh.id, ""); }));
    gate restarted(settings_);
    EXPECT_TRUE(comes_back(restarted, fresh.id));
}

TEST_F(RedisFleet, IsSealedWhereTheStoreLostMoreThanItKnows)
{
    begin(short_lease, 1);
    const connection fresh = add();
    keep_a_copy();
    revoke(at(0), fresh.id);
    gate late(settings_);
    ASSERT_TRUE(is_revoked(late, fresh.id));
    gates_.clear();
    go_back_to_the_copy();
    EXPECT_TRUE(until([&] { return late.trouble().find("sealed") != std::string::npos; }));
    EXPECT_EQ(late.fetch(fresh.id).error(), errc::unavailable);
}

TEST_F(RedisFleet, SettlesAsSoonAsEveryGateHasTakenTheChangeIn)
{
    begin(long_lease, 3);
    const connection fresh = add();
    const auto second = at(1).fetch(fresh.id);
    const auto third = at(2).fetch(fresh.id);
    ASSERT_TRUE(usable(second) && usable(third));
    const std::int64_t start = boot_millis();
    revoke(at(0), fresh.id);
    EXPECT_TRUE(settle(at(0)));
    EXPECT_FALSE((*second)->good(boot_millis()));
    EXPECT_FALSE((*third)->good(boot_millis()));
    EXPECT_LT(boot_millis() - start, long_lease.count()) << "nobody's lease had to end for it";
}

TEST_F(RedisFleet, WaitsOutTheLeaseOfAGateThatDoesNotAnswer)
{
    begin(short_lease);
    const connection fresh = add();
    ASSERT_TRUE(comes_back(at(1), fresh.id));
    ASSERT_TRUE(settle(at(0)));
    const auto entry = at(1).fetch(fresh.id);
    ASSERT_TRUE(usable(entry));
    at(1).freeze();
    revoke(at(0), fresh.id);
    EXPECT_TRUE(settle(at(0)));
    EXPECT_FALSE((*entry)->good(boot_millis()));
}

TEST_F(RedisFleet, DoesNotTakeTheWordOfAStoreThatHasLostWhatWasChanged)
{
    begin(std::chrono::milliseconds(1000));
    const connection fresh = add();
    ASSERT_TRUE(comes_back(at(0), fresh.id) && comes_back(at(1), fresh.id));
    keep_a_copy();
    revoke(at(0), fresh.id);
    go_back_to_the_copy();
    EXPECT_TRUE(settle(at(0)));
    EXPECT_EQ(redis({"HGET", "sallyport:connection:" + fresh.id, "status"}), "$7\r\nrevoked\r\n");
    EXPECT_FALSE(usable(at(1).fetch(fresh.id)));
}

TEST_F(RedisFleet, WaitsForAGateThatAnEmptiedStoreDoesNotList)
{
    begin(std::chrono::milliseconds(1500));
    const connection fresh = add();
    ASSERT_TRUE(comes_back(at(1), fresh.id));
    const auto entry = at(1).fetch(fresh.id);
    at(1).freeze();
    redis({"FLUSHALL"});
    EXPECT_TRUE(settle(at(0)));
    EXPECT_FALSE((*entry)->good(boot_millis()));
}

}  // namespace
}  // namespace sallyport::vault
