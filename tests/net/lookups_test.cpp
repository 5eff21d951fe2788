#include "net/lookups.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "net/error.hpp"

namespace sallyport::net {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

// Names whose servers do not answer until they are told to; all others are found at once.
class Lookups : public testing::Test {
protected:
    ~Lookups() override { let_go(); }

    lookups::addresses look(const std::string& host)
    {
        std::unique_lock lock(lock_);
        ++looked_[host];
        begun_.notify_all();
        if (slow_.contains(host)) {
            may_end_.wait(lock, [this] { return let_go_; });
        }
        return host == "nowhere.example" ? lookups::addresses()
                                         : lookups::addresses{boost::asio::ip::address_v4(7)};
    }

    void ask(const std::string& host, std::chrono::milliseconds limit = 30s)
    {
        boost::asio::co_spawn(io_, names_.find(host, clock::now() + limit),
                              [this, host](std::exception_ptr bug, auto got) {
                                  EXPECT_FALSE(bug);
                                  ++answered_;
                                  outcome_[host] = got ? error_code() : got.error();
                              });
    }

    void run_until_answered(std::size_t number)
    {
        const auto deadline = clock::now() + 30s;
        while (answered_ < number && clock::now() < deadline) {
            io_.restart();
            io_.run_one_until(deadline);
        }
        ASSERT_EQ(answered_, number);
    }

    void wait_until_begun(const std::set<std::string>& hosts)
    {
        io_.restart();
        io_.poll();
        std::unique_lock lock(lock_);
        ASSERT_TRUE(begun_.wait_for(lock, 30s, [&] {
            return std::all_of(hosts.begin(), hosts.end(),
                               [this](const auto& one) { return looked_.contains(one); });
        }));
    }

    void let_go()
    {
        const std::lock_guard lock(lock_);
        let_go_ = true;
        may_end_.notify_all();
    }

    std::size_t times_looked(const std::string& host)
    {
        const std::lock_guard lock(lock_);
        return looked_[host];
    }

    std::mutex lock_;
    std::condition_variable may_end_, begun_;
    bool let_go_ = false;
    std::set<std::string> slow_;
    std::map<std::string, std::size_t> looked_;
    std::size_t answered_ = 0;
    std::map<std::string, error_code> outcome_;
    boost::asio::io_context io_{1};
    lookups names_{io_, [this](const std::string& host) { return look(host); }};
};

TEST_F(Lookups, FindWhatThereIs)
{
    ask("api.example");
    ask("nowhere.example");
    ask("192.0.2.1");
    run_until_answered(3);
    EXPECT_FALSE(outcome_["api.example"]);
    EXPECT_EQ(outcome_["nowhere.example"], errc::resolve_failed);
    EXPECT_FALSE(outcome_["192.0.2.1"]);
    EXPECT_EQ(times_looked("192.0.2.1"), 0u);
}

TEST_F(Lookups, OfASlowDomainDoNotKeepTheOthersWaiting)
{
    std::set<std::string> first;
    for (std::size_t i = 0; i < lookups_max; ++i) {
        const std::string host = "t" + std::to_string(i) + ".slow.example";
        slow_.insert(host);
        if (i < lookups_of_domain_max) {
            first.insert(host);
        }
        ask(host);
    }
    wait_until_begun(first);
    ask("api.quick.test");
    run_until_answered(1);
    EXPECT_FALSE(outcome_["api.quick.test"]);
    EXPECT_EQ(times_looked("t" + std::to_string(lookups_of_domain_max) + ".slow.example"), 0u);
    let_go();
    run_until_answered(lookups_max + 1);
}

TEST_F(Lookups, OfOneNameAreMadeOnceForAllWhoAsk)
{
    slow_.insert("api.slow.example");
    for (int i = 0; i < 5; ++i) {
        ask("api.slow.example");
    }
    wait_until_begun({"api.slow.example"});
    ask("api.slow.example", 1ms);
    run_until_answered(1);
    EXPECT_EQ(outcome_["api.slow.example"], errc::timed_out);
    let_go();
    run_until_answered(6);
    EXPECT_FALSE(outcome_["api.slow.example"]);
    EXPECT_EQ(times_looked("api.slow.example"), 1u);
}

TEST_F(Lookups, ThatNobodyWaitsForAnyMoreAreNotMade)
{
    std::set<std::string> all;
    for (std::size_t i = 0; i < lookups_of_domain_max; ++i) {
        all.insert("t" + std::to_string(i) + ".slow.example");
    }
    slow_ = all;
    for (const std::string& host : all) {
        ask(host);
    }
    wait_until_begun(all);
    ask("late.slow.example", 1ms);
    run_until_answered(1);
    EXPECT_EQ(outcome_["late.slow.example"], errc::timed_out);
    let_go();
    run_until_answered(all.size() + 1);
    ask("other.slow.example");
    run_until_answered(all.size() + 2);
    EXPECT_EQ(times_looked("late.slow.example"), 0u);
}

TEST_F(Lookups, HaveABoundOnThoseThatWait)
{
    std::set<std::string> begun;
    for (std::size_t i = 0; i < lookups_of_domain_max + lookups_waiting_max; ++i) {
        const std::string host = "t" + std::to_string(i) + ".slow.example";
        slow_.insert(host);
        if (i < lookups_of_domain_max) {
            begun.insert(host);
        }
        ask(host);
    }
    wait_until_begun(begun);
    ask("one.more.slow.example");
    run_until_answered(1);
    EXPECT_EQ(outcome_["one.more.slow.example"], errc::resolve_failed);
    let_go();
    run_until_answered(lookups_of_domain_max + lookups_waiting_max + 1);
}

TEST_F(Lookups, AskTheSystem)
{
    EXPECT_FALSE(lookups::ask_system("localhost").empty());
    EXPECT_TRUE(lookups::ask_system("no such name").empty());
}

}  // namespace
}  // namespace sallyport::net
