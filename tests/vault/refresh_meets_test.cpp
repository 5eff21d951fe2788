// Refreshes that meet other changes, other gates and a store that is away.
#include "tests/vault/refresh_fixture.hpp"
#include "vault/error.hpp"

namespace sallyport::vault {
namespace {

class RefreshMeets : public refresh_fixture {};

TEST_P(RefreshMeets, ARename)
{
    const connection stale = add();
    source_->holding = true;
    const auto refreshing = begin(stale);
    run_until([&] { return source_->asked == 1; });
    const auto rename = [](connection& record) { record.name = "post"; };
    ASSERT_TRUE(ask(keeper_->update(stale.id, rename, std::nullopt)));
    source_->release();
    run_until([&] { return refreshing->has_value(); });
    ASSERT_TRUE(**refreshing);
    const auto shown = ask(keeper_->show(stale.id));
    EXPECT_EQ(shown->name, "post");
    EXPECT_EQ(shown->credential_version, stale.credential_version + 1);
    EXPECT_EQ(stored(stale.id, "refresh_token"), "refresh1");
}

TEST_P(RefreshMeets, ARevocationAndLoses)
{
    const connection stale = add();
    source_->holding = true;
    const auto refreshing = begin(stale);
    run_until([&] { return source_->asked == 1; });
    ASSERT_TRUE(ask(keeper_->revoke(stale.id, "enough")));
    source_->release();
    run_until([&] { return refreshing->has_value(); });
    ASSERT_TRUE(**refreshing);
    EXPECT_EQ((**refreshing)->status, status::revoked);
    EXPECT_EQ(ask(keeper_->show(stale.id))->status, status::revoked);
    EXPECT_TRUE(ask(keeper_->open(stale.id))->fields.empty());
    ASSERT_EQ(told_.size(), 1u);
    EXPECT_EQ(told_.front().what, lifecycle_kind::orphaned);
    ASSERT_NE(told_.front().orphan, nullptr);
    EXPECT_EQ(field_of(*told_.front().orphan, "refresh_token"), "refresh1");
}

TEST_P(RefreshMeets, ARemovalAndLoses)
{
    const connection stale = add();
    source_->holding = true;
    const auto refreshing = begin(stale);
    run_until([&] { return source_->asked == 1; });
    ASSERT_TRUE(ask(keeper_->remove(stale.id)));
    source_->release();
    run_until([&] { return refreshing->has_value(); });
    ASSERT_FALSE(**refreshing);
    EXPECT_EQ((**refreshing).error(), errc::not_found);
    EXPECT_EQ(told(lifecycle_kind::orphaned), 1);
}

TEST_P(RefreshMeets, AnotherCredentialAndLeavesIt)
{
    const connection stale = add();
    source_->holding = true;
    const auto refreshing = begin(stale);
    run_until([&] { return source_->asked == 1; });
    ASSERT_TRUE(ask(keeper_->update(stale.id, {}, tokens_of("theirs", "theirs too"))));
    source_->release();
    run_until([&] { return refreshing->has_value(); });
    ASSERT_TRUE(**refreshing);
    EXPECT_EQ(stored(stale.id, "access_token"), "theirs");
    EXPECT_TRUE(told_.empty());
}

TEST_P(RefreshMeets, ARotationAndIsSealedUnderItsKey)
{
    const connection stale = add();
    source_->holding = true;
    const auto refreshing = begin(stale);
    run_until([&] { return source_->asked == 1; });
    data_progress made;
    while (!made.done) {
        const auto step = ask(keeper_->keys().rotating().rotate("acme", made.generation));
        ASSERT_TRUE(step);
        made = *step;
    }
    source_->release();
    run_until([&] { return refreshing->has_value(); });
    ASSERT_TRUE(**refreshing);
    EXPECT_EQ(stored(stale.id, "refresh_token"), "refresh1");
    const auto keys = ask(keeper_->keys().show("acme"));
    ASSERT_EQ(keys->generations.size(), 1u);
    EXPECT_EQ(keys->records.front(), 2u) << "the credential and how the refresh went, no more";
    EXPECT_EQ(ask(keeper_->refreshes(stale.id))->size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Every, RefreshMeets, testing::Values("sqlite", "redis"),
                         [](const auto& which) { return which.param; });

// Two gates on one Redis before one authorisation server.
class RefreshInAFleet : public testing::Test {
protected:
    RefreshInAFleet() : settings_(settings_in(directory_))
    {
        settings_.store = server_.url();
        settings_.refresh.timeout = milliseconds(500);
        for (auto& gate : gates_) {
            gate = keeper::open(context_, settings_);
            gate->use_tokens(source_, [](const lifecycle_event&) {});
        }
    }

    connection add()
    {
        connection fresh = example_connection();
        fresh.kind = "oauth2";
        fresh.expires_at = now_micros() - 1;
        return *run(context_, gates_[0]->add(fresh, tokens_of("access0", "refresh0")));
    }

    void run_until(const std::function<bool()>& condition)
    {
        const auto end = std::chrono::steady_clock::now() + test_limit;
        context_.restart();
        while (!condition() && std::chrono::steady_clock::now() < end) {
            context_.run_one_for(milliseconds(100));
        }
        ASSERT_TRUE(condition());
    }

    redis_server server_;
    temporary_directory directory_;
    settings settings_;
    boost::asio::io_context context_;
    std::shared_ptr<fake_tokens> source_ = std::make_shared<fake_tokens>();
    std::unique_ptr<keeper> gates_[2];
};

TEST_F(RefreshInAFleet, AsksOnceAndTheLoserReadsTheWinnersTokens)
{
    for (int round = 0; round < 5; ++round) {
        connection stale = add();
        source_ = std::make_shared<fake_tokens>();
        int waiting = 0;
        for (auto& gate : gates_) {
            gate->use_tokens(source_, [](const lifecycle_event&) {});
            for (int i = 0; i < 100; ++i) {
                ++waiting;
                boost::asio::co_spawn(context_, gate->refresh(stale.id, stale.credential_version),
                                      [&](std::exception_ptr bug, const result<connection>& fresh) {
                                          EXPECT_FALSE(bug);
                                          ASSERT_TRUE(fresh);
                                          EXPECT_EQ(fresh->credential_version,
                                                    stale.credential_version + 1);
                                          --waiting;
                                      });
            }
        }
        run_until([&] { return waiting == 0; });
        EXPECT_EQ(source_->asked, 1);
        for (auto& gate : gates_) {
            const auto opened = run(context_, gate->open(stale.id));
            ASSERT_TRUE(opened);
            EXPECT_EQ(field_of(opened->fields, "refresh_token"), "refresh1");
        }
    }
}

TEST_F(RefreshInAFleet, KeepsTheTokensForAStoreThatIsAway)
{
    const connection stale = add();
    boost::asio::steady_timer back(context_);
    source_->on_asked = [&](const connection&) {
        server_.stall();
        back.expires_after(milliseconds(2'500));
        back.async_wait([&](const error_code&) { server_.resume(); });
    };
    std::optional<result<connection>> outcome;
    boost::asio::co_spawn(context_, gates_[0]->refresh(stale.id, stale.credential_version),
                          [&](std::exception_ptr bug, result<connection> answer) {
                              EXPECT_FALSE(bug);
                              outcome.emplace(std::move(answer));
                          });
    run_until([&] { return outcome.has_value(); });
    ASSERT_TRUE(*outcome);
    const auto opened = run(context_, gates_[1]->open(stale.id));
    ASSERT_TRUE(opened);
    EXPECT_EQ(field_of(opened->fields, "refresh_token"), "refresh1");
    EXPECT_EQ(source_->asked, 1);
}

}  // namespace
}  // namespace sallyport::vault
