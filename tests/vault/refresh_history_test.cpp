// How refreshes went, as every gate tells it; and that none begins unrecorded. On every store.
#include "vault/refresh_history.hpp"

#include "tests/vault/refresh_fixture.hpp"
#include "vault/core.hpp"
#include "vault/error.hpp"
#include "vault/open_store.hpp"

namespace sallyport::vault {
namespace {

class RefreshHistory : public refresh_fixture {
protected:
    std::vector<refresh_outcome> outcomes(const std::string& id)
    {
        const auto read = ask(keeper_->refreshes(id));
        EXPECT_TRUE(read);
        return read ? *read : std::vector<refresh_outcome>();
    }
};

TEST_P(RefreshHistory, TellsOfSuccessFailureAndTheEnd)
{
    const connection stale = add();
    EXPECT_TRUE(outcomes(stale.id).empty());
    const auto fresh = ask(keeper_->refresh(stale.id, stale.credential_version));
    ASSERT_TRUE(fresh);
    source_->verdict = refresh_verdict::unavailable;
    source_->retry_after = seconds(7);
    EXPECT_EQ(why(keeper_->refresh(stale.id, fresh->credential_version)), errc::refresh_failed);
    kill();
    start();  // Another gate, which has failed at nothing yet.
    const auto seen = outcomes(stale.id);
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].what, lifecycle_kind::refreshed);
    EXPECT_EQ(seen[0].expires_at, fresh->expires_at);
    EXPECT_EQ(seen[0].reason, "");
    EXPECT_EQ(seen[1].what, lifecycle_kind::refresh_failed);
    EXPECT_EQ(seen[1].reason, "the provider gave no fresh tokens");
    EXPECT_GE(seen[1].retry_after, seconds(7));
    EXPECT_GE(seen[1].at, seen[0].at);

    const connection another = add();
    source_->verdict = refresh_verdict::rejected;
    ASSERT_TRUE(ask(keeper_->refresh(another.id, another.credential_version)));
    const auto end = outcomes(another.id);
    ASSERT_EQ(end.size(), 1u);
    EXPECT_EQ(end[0].what, lifecycle_kind::reauth_required);
    EXPECT_NE(end[0].reason, "");
}

TEST_P(RefreshHistory, KeepsTheNewestAndNoMore)
{
    kill();
    const auto shared = make_core(context_->get_executor(), open_store(*context_, settings_.store),
                                  test_masters(), milliseconds(1000));
    const std::string id = example_connection().id;
    const int count = static_cast<int>(outcomes_kept) + 5;
    for (int i = 0; i < count; ++i) {
        refresh_outcome one;
        one.at = i + 1;
        one.what = lifecycle_kind::refresh_failed;
        one.reason = std::string(2 * reason_bytes_max, 'r');
        ASSERT_FALSE(why(add_outcome(shared, id, "other", one)));
    }
    const auto kept = ask(read_outcomes(shared, id));
    ASSERT_TRUE(kept);
    ASSERT_EQ(kept->size(), outcomes_kept);
    EXPECT_EQ(kept->front().at, 6);
    EXPECT_EQ(kept->back().at, count);
    ASSERT_FALSE(why(forget_outcomes(shared, id)));
    EXPECT_TRUE(ask(read_outcomes(shared, id))->empty());
}

TEST_P(RefreshHistory, IsGoneWithTheConnection)
{
    const connection stale = add();
    ASSERT_TRUE(ask(keeper_->refresh(stale.id, stale.credential_version)));
    ASSERT_EQ(outcomes(stale.id).size(), 1u);
    ASSERT_TRUE(ask(keeper_->remove(stale.id)));
    EXPECT_TRUE(outcomes(stale.id).empty());
}

TEST_P(RefreshHistory, BeginsWithALineInTheTrailOrNotAtAll)
{
    std::vector<std::string> recorded;
    bool is_writable = false;
    keeper_->use_tokens(
        source_, [this](const lifecycle_event& event) { told_.push_back(event); },
        [&](const connection& about) {
            EXPECT_EQ(source_->asked, 0) << "before the provider is asked";
            recorded.push_back(about.id);
            return is_writable;
        });
    const connection stale = add();
    EXPECT_EQ(why(keeper_->refresh(stale.id, stale.credential_version)), errc::unrecorded);
    const auto worker = keeper_->make_resolver(*context_);
    const auto answer = run(*context_, worker->fetch_fresher(stale.id, stale.credential_version));
    EXPECT_EQ(answer.error, errc::unrecorded);
    EXPECT_EQ(source_->asked, 0);
    EXPECT_TRUE(told_.empty());
    EXPECT_TRUE(outcomes(stale.id).empty());
    EXPECT_EQ(ask(keeper_->notes().read("refresh_begun", stale.id)).error(), errc::not_found)
        << "none was begun";
    EXPECT_EQ(ask(keeper_->show(stale.id))->status, status::active);

    is_writable = true;
    ASSERT_TRUE(ask(keeper_->refresh(stale.id, stale.credential_version))) << "and at once";
    EXPECT_EQ(source_->asked, 1);
    EXPECT_EQ(recorded, std::vector<std::string>(3, stale.id));
}

TEST(RefreshOutcomes, ComeBackFromTheirText)
{
    const std::vector<refresh_outcome> some{
        {1, lifecycle_kind::refreshed, "", seconds(0), 99},
        {2, lifecycle_kind::refresh_failed, "\"quoted\"\n", seconds(30), 0},
        {3, lifecycle_kind::reauth_required, "gone", seconds(0), 0}};
    EXPECT_EQ(refresh_outcomes_from(to_text(some)), some);
    EXPECT_EQ(refresh_outcomes_from("[]"), std::vector<refresh_outcome>());
    for (const char* none : {"", "{}", "[1]", R"([{"what":"connection.orphaned"}])", "[{}]"}) {
        EXPECT_EQ(refresh_outcomes_from(none), std::nullopt) << none;
    }
}

TEST(RefreshOutcomes, HaveReasonsOfBoundedLength)
{
    lifecycle_event event;
    event.what = lifecycle_kind::refresh_failed;
    event.reason = std::string(reason_bytes_max - 1, 'r') + "\u00e9 and more";
    const refresh_outcome cut = outcome_of(event, 5);
    EXPECT_EQ(cut.reason.size(), reason_bytes_max);
    const auto read = refresh_outcomes_from(to_text({cut}));
    ASSERT_TRUE(read) << "although it was cut within a character";
    EXPECT_TRUE(read->front().reason.ends_with("r\uFFFD"));
}

INSTANTIATE_TEST_SUITE_P(Stores, RefreshHistory, testing::Values("sqlite", "redis"),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace sallyport::vault
