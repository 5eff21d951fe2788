// Keys in a fleet: two gates on one Redis, of which one rotates or shreds while the other works.
#include <gtest/gtest.h>

#include "tests/vault/fixture.hpp"
#include "tests/vault/redis_server.hpp"
#include "vault/keeper.hpp"

namespace sallyport::vault {
namespace {

class TwoGates : public testing::Test, protected with_loop {
protected:
    TwoGates() : settings_(settings_in(directory_))
    {
        settings_.store = server_.url();
        first_ = keeper::open(context_, settings_);
        second_ = keeper::open(context_, settings_);
    }

    std::string resolve(keeper& with, const std::string& id)
    {
        const auto one = with.make_resolver(context_);
        const auto found = ask(one->fetch(id));
        secret value;
        return found && (*found)->open("secret", value) ? std::string(value.reveal()) : "";
    }

    void rotate(keeper& with)
    {
        data_progress made;
        while (!made.done) {
            const auto step = ask(with.keys().rotating().rotate("acme", made.generation));
            ASSERT_TRUE(step);
            made = *step;
        }
    }

    redis_server server_;
    temporary_directory directory_;
    settings settings_;
    std::unique_ptr<keeper> first_;
    std::unique_ptr<keeper> second_;
};

TEST_F(TwoGates, OneSealsUnderTheKeyThatTheOtherHasJustMade)
{
    const auto before = ask(second_->add(example_connection(), one_secret("before")));
    ASSERT_TRUE(before);
    EXPECT_EQ(resolve(*second_, before->id), "before") << "and so it remembers generation 1";
    rotate(*first_);
    const auto after = ask(second_->add(example_connection(), one_secret("after")));
    ASSERT_TRUE(after);
    ASSERT_TRUE(ask(second_->update(before->id, {}, one_secret("changed"))));
    const auto keys = ask(first_->keys().show("acme"));
    ASSERT_EQ(keys->generations.size(), 1u);
    EXPECT_EQ(keys->generations.front().generation, 2u);
    EXPECT_EQ(keys->records.front(), 2u);
    for (keeper* gate : {first_.get(), second_.get()}) {
        EXPECT_EQ(resolve(*gate, before->id), "changed");
        EXPECT_EQ(resolve(*gate, after->id), "after");
    }
}

TEST_F(TwoGates, WritersAndReadersMeetARotationAnywhere)
{
    std::vector<std::string> ids;
    for (int i = 0; i < 20; ++i) {
        ids.push_back(ask(first_->add(example_connection(), one_secret("value")))->id);
    }
    for (int round = 0; round < 5; ++round) {
        // All three are under way at once on one thread: every await is a place to meet.
        int open = 0;
        const auto finished = [&](std::exception_ptr bug, auto outcome) {
            EXPECT_FALSE(bug);
            EXPECT_TRUE(outcome);
            --open;
        };
        std::vector<std::unique_ptr<resolver>> readers;
        for (const std::string& id : ids) {
            readers.push_back(second_->make_resolver(context_));
            boost::asio::co_spawn(context_, readers.back()->fetch(id), finished);
            boost::asio::co_spawn(context_, second_->update(id, {}, one_secret("value")), finished);
            boost::asio::co_spawn(context_, second_->add(example_connection(), one_secret("more")),
                                  finished);
            open += 3;
        }
        for (keeper* gate : {first_.get(), second_.get()}) {
            boost::asio::co_spawn(context_, gate->keys().rotating().rotate("acme", 0), finished);
            ++open;
        }
        context_.restart();
        while (open > 0) {
            ASSERT_GT(context_.run_one_for(test_limit), 0u);
        }
        rotate(*first_);
    }
    const auto keys = ask(first_->keys().show("acme"));
    ASSERT_EQ(keys->generations.size(), 1u);
    EXPECT_EQ(keys->records.front(), 120u) << "20, and 20 more in each round";
    EXPECT_EQ(keys->unknown_generation, 0u);
    first_ = keeper::open(context_, settings_);
    const auto everything = ask(first_->list("acme", ""));
    ASSERT_EQ(everything->size(), 120u);
    for (const connection& one : *everything) {
        EXPECT_NE(resolve(*first_, one.id), "");
    }
}

TEST_F(TwoGates, OneNoticesThatTheOtherShreddedAndNeverSealsUnderTheLostKey)
{
    const auto before = ask(second_->add(example_connection(), one_secret("before")));
    ASSERT_TRUE(before);
    ASSERT_TRUE(ask(first_->keys().shred("acme", "")));
    const auto after = ask(second_->add(example_connection(), one_secret("after")));
    ASSERT_TRUE(after);
    EXPECT_EQ(resolve(*first_, after->id), "after");
    EXPECT_EQ(ask(second_->show(before->id))->status, status::revoked);
}

}  // namespace
}  // namespace sallyport::vault
