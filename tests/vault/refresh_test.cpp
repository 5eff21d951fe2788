// Refreshing through a keeper, on every store.
#include "vault/refresh.hpp"

#include "tests/vault/refresh_fixture.hpp"
#include "vault/error.hpp"

namespace sallyport::vault {
namespace {

class Refresh : public refresh_fixture {};

TEST_P(Refresh, AsksOnceHoweverManyWait)
{
    const connection stale = add();
    std::vector<std::shared_ptr<std::optional<result<connection>>>> all;
    for (int i = 0; i < 200; ++i) {
        all.push_back(begin(stale));
    }
    run_until([&] {
        return std::all_of(all.begin(), all.end(),
                           [](const auto& one) { return one->has_value(); });
    });
    EXPECT_EQ(source_->asked, 1);
    for (const auto& one : all) {
        ASSERT_TRUE(**one);
        EXPECT_EQ((**one)->credential_version, stale.credential_version + 1);
        EXPECT_EQ((**one)->status, status::active);
    }
    EXPECT_EQ(stored(stale.id, "access_token"), "access1");
    EXPECT_EQ(stored(stale.id, "refresh_token"), "refresh1");
    ASSERT_EQ(told_.size(), 1u);
    EXPECT_EQ(told_.front().what, lifecycle_kind::refreshed);
    EXPECT_EQ(told_.front().record.id, stale.id);
}

TEST_P(Refresh, GivesWorkersTheFreshOne)
{
    const connection stale = add();
    const auto worker = keeper_->make_resolver(*context_);
    const auto before = ask(worker->fetch(stale.id));
    ASSERT_TRUE(before);
    EXPECT_TRUE((*before)->refreshable());
    int waiting = 0;
    for (int i = 0; i < 200; ++i) {
        ++waiting;
        boost::asio::co_spawn(*context_, worker->fetch_fresher(stale.id, stale.credential_version),
                              [&](std::exception_ptr bug, fresher answer) {
                                  EXPECT_FALSE(bug);
                                  ASSERT_NE(answer.found, nullptr);
                                  secret token;
                                  ASSERT_TRUE(answer.found->open("access_token", token));
                                  EXPECT_EQ(token.reveal(), "access1");
                                  --waiting;
                              });
    }
    run_until([&] { return waiting == 0; });
    EXPECT_EQ(source_->asked, 1);
    const auto cached = worker->cached(stale.id, boot_millis());
    ASSERT_NE(cached, nullptr);
    EXPECT_EQ(cached->record().credential_version, stale.credential_version + 1);
}

TEST_P(Refresh, BeginsAheadWithoutKeepingAnyoneWaiting)
{
    const connection aging = add(seconds(60));
    const auto worker = keeper_->make_resolver(*context_);
    const auto found = ask(worker->fetch(aging.id));
    ASSERT_TRUE(found);
    EXPECT_EQ((*found)->attention_at, aging.expires_at - 120 * second);
    worker->begin_refresh(aging.id, aging.credential_version);
    run_until([&] { return told(lifecycle_kind::refreshed) == 1; });
    EXPECT_EQ(worker->cached(aging.id, boot_millis()), nullptr) << "what was cached is stale";
    const auto fresh = ask(worker->fetch(aging.id));
    ASSERT_TRUE(fresh);
    EXPECT_EQ((*fresh)->attention_at, (*fresh)->record().expires_at - 120 * second);
}

TEST_P(Refresh, LeavesWhatSomebodyElseHasRefreshed)
{
    const connection stale = add();
    ASSERT_TRUE(ask(keeper_->refresh(stale.id, stale.credential_version)));
    const auto again = ask(keeper_->refresh(stale.id, stale.credential_version));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->credential_version, stale.credential_version + 1);
    EXPECT_EQ(source_->asked, 1);
    const auto next = ask(keeper_->refresh(stale.id, again->credential_version));
    ASSERT_TRUE(next) << "asked for on purpose";
    EXPECT_EQ(next->credential_version, stale.credential_version + 2);
    EXPECT_EQ(source_->asked, 2);
}

TEST_P(Refresh, WaitsLongerWhereItFollowsAnotherClosely)
{
    connection now = *ask(keeper_->refresh(add().id, 0));
    for (int i = 0; i < 20; ++i) {
        const auto next = ask(keeper_->refresh(now.id, now.credential_version));
        ASSERT_TRUE(next);
        now = *next;
    }
    EXPECT_LE(source_->asked, 4) << "a provider that refuses every token is not a reason to storm";
}

TEST_P(Refresh, TakesWhatTheAnswerSaysIntoTheRecord)
{
    source_->more = [](fresh_tokens& tokens) {
        tokens.scopes = std::vector<std::string>{"read"};
        tokens.variables = {{"shard", "7"}};
        tokens.account = "ann@example.com";
    };
    const connection stale = add();
    const auto fresh = ask(keeper_->refresh(stale.id, stale.credential_version));
    ASSERT_TRUE(fresh);
    EXPECT_EQ(fresh->scopes_granted, std::vector<std::string>{"read"});
    EXPECT_EQ(fresh->variables.at("shard"), "7");
    EXPECT_EQ(fresh->variables.at("region"), "eu");
    EXPECT_EQ(fresh->account, "ann@example.com");
    EXPECT_EQ(fresh->connected_at, stale.connected_at);
    EXPECT_GT(fresh->refreshed_at, stale.connected_at);
    EXPECT_GT(fresh->expires_at, now_micros());
    const auto shown = ask(keeper_->show(stale.id));
    ASSERT_TRUE(shown);
    EXPECT_EQ(shown->version, fresh->version);
    EXPECT_EQ(shown->refreshed_at, fresh->refreshed_at);
}

TEST_P(Refresh, OfAGrantThatIsGoneAsksForAnotherAndDoesNotAskAgain)
{
    source_->verdict = refresh_verdict::rejected;
    const connection stale = add();
    for (int i = 0; i < 3; ++i) {
        const auto after = ask(keeper_->refresh(stale.id, stale.credential_version));
        ASSERT_TRUE(after);
        EXPECT_EQ(after->status, status::reauth_required);
        EXPECT_EQ(after->status_reason, "the provider no longer accepts the grant");
    }
    EXPECT_EQ(source_->asked, 1);
    EXPECT_EQ(told(lifecycle_kind::reauth_required), 1);
    kill();
    start();
    EXPECT_EQ(ask(keeper_->refresh(stale.id, stale.credential_version))->status,
              status::reauth_required);
    EXPECT_EQ(source_->asked, 1) << "nor by a gate that starts anew";
    const auto again = ask(keeper_->update(stale.id, {}, tokens_of("access0", "refresh0")));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->status, status::active);
    source_->verdict = refresh_verdict::fresh;
    const auto fresh = ask(keeper_->refresh(stale.id, again->credential_version));
    ASSERT_TRUE(fresh) << "another credential is another matter";
    EXPECT_EQ(fresh->credential_version, again->credential_version + 1);
}

TEST_P(Refresh, ThatFailsIsTriedAgainLater)
{
    source_->verdict = refresh_verdict::unavailable;
    source_->retry_after = seconds(40);
    const connection stale = add();
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(why(keeper_->refresh(stale.id, stale.credential_version)), errc::refresh_failed);
    }
    EXPECT_EQ(source_->asked, 1);
    EXPECT_EQ(told(lifecycle_kind::refresh_failed), 1);
    EXPECT_EQ(told_.front().retry_after, seconds(40));
    EXPECT_GE(keeper_->refresh_pause(stale.id), seconds(30));
    EXPECT_LE(keeper_->refresh_pause(stale.id), seconds(40));
    {
        const auto worker = keeper_->make_resolver(*context_);
        const auto answer =
            run(*context_, worker->fetch_fresher(stale.id, stale.credential_version));
        EXPECT_EQ(answer.error, errc::refresh_failed);
        EXPECT_GE(answer.retry_after, seconds(30));
    }
    EXPECT_EQ(ask(keeper_->show(stale.id))->status, status::active);
    kill();
    start();
    EXPECT_EQ(why(keeper_->refresh(stale.id, stale.credential_version)), errc::refresh_failed);
    EXPECT_EQ(source_->asked, 1) << "nor by a gate that starts anew";
}

TEST_P(Refresh, ThatFailsForAMomentSucceedsAfterIt)
{
    source_->verdict = refresh_verdict::unavailable;
    const connection stale = add();
    EXPECT_EQ(why(keeper_->refresh(stale.id, stale.credential_version)), errc::refresh_failed);
    source_->verdict = refresh_verdict::fresh;
    std::shared_ptr<std::optional<result<connection>>> trying;
    const auto end = std::chrono::steady_clock::now() + test_limit;
    do {
        trying = begin(stale);
        run_until([&] { return trying->has_value(); });
    } while (!**trying && std::chrono::steady_clock::now() < end);
    ASSERT_TRUE(**trying);
    EXPECT_EQ(source_->asked, 2);
}

TEST_P(Refresh, ThatHangsIsGivenUp)
{
    source_->holding = true;
    source_->loses_answers = true;
    const connection stale = add();
    EXPECT_EQ(why(keeper_->refresh(stale.id, stale.credential_version)), errc::refresh_failed);
    EXPECT_EQ(source_->asked, 1);
    ASSERT_EQ(told(lifecycle_kind::refresh_failed), 1);
}

TEST_P(Refresh, TakesAnAnswerThatComesAtTheVeryEnd)
{
    source_->holding = true;  // It answers when it is cancelled.
    const connection stale = add();
    const auto fresh = ask(keeper_->refresh(stale.id, stale.credential_version));
    ASSERT_TRUE(fresh) << "the old refresh token is worth nothing any more";
    EXPECT_EQ(stored(stale.id, "refresh_token"), "refresh1");
}

TEST_P(Refresh, CutOffBeforeItsAnswerWasStoredIsTriedOnce)
{
    const connection stale = add();
    source_->holding = true;
    const auto refreshing = begin(stale);
    run_until([&] { return source_->asked == 1; });
    kill();
    source_->forget_waiting();
    start();
    const auto after = ask(keeper_->refresh(stale.id, stale.credential_version));
    ASSERT_TRUE(after);
    EXPECT_EQ(after->status, status::reauth_required);
    EXPECT_NE(after->status_reason.find("cut off"), std::string::npos) << after->status_reason;
    EXPECT_EQ(source_->asked, 2);
    EXPECT_TRUE(ask(keeper_->refresh(stale.id, stale.credential_version)));
    EXPECT_EQ(source_->asked, 2);
}

TEST_P(Refresh, HasNothingToDoForOtherKinds)
{
    const auto fixed = ask(keeper_->add(example_connection("key"), one_secret("s3cret")));
    EXPECT_EQ(why(keeper_->refresh(fixed->id, fixed->credential_version)), errc::cannot_refresh);
    connection brief = example_connection("brief");
    brief.expires_at = now_micros() - 1;
    const auto added = ask(keeper_->add(brief, one_secret("s3cret")));
    const auto after = ask(keeper_->refresh(added->id, added->credential_version));
    ASSERT_TRUE(after);
    EXPECT_EQ(after->status, status::reauth_required);
    EXPECT_EQ(told(lifecycle_kind::reauth_required), 1);
    EXPECT_EQ(source_->asked, 0);
    EXPECT_EQ(why(keeper_->refresh("conn_00000000000000000000000000", 1)), errc::not_found);
}

TEST_P(Refresh, ThatIsImpossibleWaitsForTheTokensEnd)
{
    source_->verdict = refresh_verdict::impossible;
    const connection valid = add(seconds(60));
    EXPECT_EQ(why(keeper_->refresh(valid.id, valid.credential_version)), errc::cannot_refresh);
    EXPECT_EQ(ask(keeper_->show(valid.id))->status, status::active);
    const connection expired = add();
    EXPECT_EQ(ask(keeper_->refresh(expired.id, expired.credential_version))->status,
              status::reauth_required);
}

TEST_P(Refresh, LeavesConnectionsThatAreSwitchedOff)
{
    const connection stale = add();
    const auto off = [](connection& record) { record.status = status::inactive; };
    ASSERT_TRUE(ask(keeper_->update(stale.id, off, std::nullopt)));
    const auto after = ask(keeper_->refresh(stale.id, stale.credential_version));
    ASSERT_TRUE(after);
    EXPECT_EQ(after->status, status::inactive);
    EXPECT_EQ(source_->asked, 0);
}

TEST_P(Refresh, RefusesTokensThatCannotBeSent)
{
    source_->more = [](fresh_tokens& tokens) {
        tokens.fields = tokens_of("access\r\nX-Evil: 1", "refresh1");
    };
    const connection stale = add();
    EXPECT_EQ(why(keeper_->refresh(stale.id, stale.credential_version)), errc::refresh_failed);
    EXPECT_EQ(stored(stale.id, "access_token"), "access0");
    EXPECT_EQ(told(lifecycle_kind::refresh_failed), 1);
}

INSTANTIATE_TEST_SUITE_P(Every, Refresh, testing::Values("sqlite", "redis"),
                         [](const auto& which) { return which.param; });

}  // namespace
}  // namespace sallyport::vault
