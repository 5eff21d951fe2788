// One suite for every store: what the rest of the vault relies on.
#include "vault/store.hpp"

#include "tests/vault/store_fixture.hpp"

namespace sallyport::vault {
namespace {

TEST_P(Store, GivesBackWhatWasInserted)
{
    stored_connection fresh{example_connection("work"), std::string("a\0b\xff", 4)};
    connection& record = fresh.record;
    record.shared = true;
    record.variant = "bot";
    record.scopes_granted = {"repo", "user:email"};
    record.scopes_requested = {"repo"};
    record.variables = {{"region", "eu"}};
    record.account = "ann@example.com";
    record.settings_json = R"({"timeout":"30s"})";
    record.status_reason = "because \"x\"";
    record.created_at = 1'763'633'315'000'042;
    record.expires_at = 1'863'633'315'000'042;
    record.credential_version = 7;
    ASSERT_FALSE(why(store_->insert(fresh)));
    const result<stored_connection> found = ask(store_->load(record.id));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->sealed, fresh.sealed);
    EXPECT_EQ(found->record.workspace, "acme");
    EXPECT_EQ(found->record.name, "work");
    EXPECT_TRUE(found->record.shared);
    EXPECT_EQ(found->record.variant, "bot");
    EXPECT_EQ(found->record.status, status::active);
    EXPECT_EQ(found->record.status_reason, record.status_reason);
    EXPECT_EQ(found->record.scopes_granted, record.scopes_granted);
    EXPECT_EQ(found->record.scopes_requested, record.scopes_requested);
    EXPECT_EQ(found->record.variables, record.variables);
    EXPECT_EQ(found->record.account, record.account);
    EXPECT_EQ(found->record.settings_json, record.settings_json);
    EXPECT_EQ(found->record.created_at, record.created_at);
    EXPECT_EQ(found->record.expires_at, record.expires_at);
    EXPECT_EQ(found->record.version, 1u);
    EXPECT_EQ(found->record.credential_version, 7u);
}

TEST_P(Store, SaysThatAConnectionDoesNotExist)
{
    const std::string id = example_connection().id;
    EXPECT_EQ(why(store_->load(id)), errc::not_found);
    EXPECT_EQ(why(store_->revoke(id, "")), errc::not_found);
    EXPECT_EQ(why(store_->remove(id)), errc::not_found);
    stored_connection changed{example_connection(), ""};
    EXPECT_EQ(why(store_->replace(changed, 1)), errc::not_found);
}

TEST_P(Store, RefusesAnIdThatIsTaken)
{
    stored_connection again = insert("first");
    again.record.name = "second";
    EXPECT_EQ(why(store_->insert(again)), errc::already_exists);
}

TEST_P(Store, RefusesANameThatALiveConnectionOfTheSameOwnerHas)
{
    const stored_connection first = insert("work");
    stored_connection second_one{example_connection("work"), ""};
    EXPECT_EQ(why(store_->insert(second_one)), errc::already_exists);
    second_one.record.user = "bob";
    EXPECT_FALSE(why(store_->insert(second_one)));
    stored_connection other{example_connection("home"), ""};
    ASSERT_FALSE(why(store_->insert(other)));
    other.record.name = "work";
    EXPECT_EQ(why(store_->replace(other, 1)), errc::already_exists);
    ASSERT_TRUE(ask(store_->revoke(first.record.id, "")));
    EXPECT_FALSE(why(store_->replace(other, 1)));
}

TEST_P(Store, FreesTheNameOfARenamedOrRemovedConnection)
{
    stored_connection first = insert("work");
    first.record.name = "home";
    ASSERT_FALSE(why(store_->replace(first, 1)));
    const stored_connection next = insert("work");
    ASSERT_FALSE(why(store_->remove(next.record.id)));
    insert("work");
}

TEST_P(Store, TakesAnyNumberOfConnectionsWithoutAName)
{
    insert("");
    insert("");
    const auto all = ask(store_->list("acme", "ann"));
    ASSERT_TRUE(all);
    EXPECT_EQ(all->size(), 2u);
}

TEST_P(Store, ReplacesOnlyTheVersionThatWasRead)
{
    stored_connection changed = insert();
    changed.record.account = "first";
    changed.sealed = "other";
    ASSERT_FALSE(why(store_->replace(changed, 1)));
    changed.record.account = "second";
    EXPECT_EQ(why(store_->replace(changed, 1)), errc::version_conflict);
    const auto found = ask(store_->load(changed.record.id));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->record.account, "first");
    EXPECT_EQ(found->record.version, 2u);
    EXPECT_EQ(found->sealed, "other");
}

TEST_P(Store, KeepsATombstoneOfARevokedConnection)
{
    const stored_connection fresh = insert("work");
    const auto before = ask(store_->revoke(fresh.record.id, "left the company"));
    ASSERT_TRUE(before);
    EXPECT_EQ(before->status, status::active);
    const auto found = ask(store_->load(fresh.record.id));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->record.status, status::revoked);
    EXPECT_EQ(found->record.status_reason, "left the company");
    EXPECT_EQ(found->record.version, 2u);
    EXPECT_GT(found->record.updated_at, 0);
    EXPECT_EQ(found->sealed, "");
    const auto again = ask(store_->revoke(fresh.record.id, "another reason"));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->status, status::revoked);
    const auto still = ask(store_->load(fresh.record.id));
    ASSERT_TRUE(still);
    EXPECT_EQ(still->record.status_reason, "left the company");
    EXPECT_EQ(still->record.version, 2u);
}

TEST_P(Store, LetsARevocationWinOverAReplacementUnderWay)
{
    stored_connection changed = insert();
    ASSERT_TRUE(ask(store_->revoke(changed.record.id, "")));
    EXPECT_EQ(why(store_->replace(changed, 1)), errc::version_conflict);
}

TEST_P(Store, RevokesAndRemovesOnlyTheVersionAskedFor)
{
    const stored_connection fresh = insert("work");
    const std::string id = fresh.record.id;
    ASSERT_FALSE(why(store_->replace(fresh, 1)));  // Somebody was faster.
    EXPECT_EQ(why(store_->revoke(id, "late", 1)), errc::version_conflict);
    EXPECT_EQ(why(store_->remove(id, 1)), errc::version_conflict);
    EXPECT_EQ(ask(store_->load(id))->sealed, fresh.sealed);
    EXPECT_EQ(ask(store_->load(id))->record.status, status::active);
    EXPECT_FALSE(why(store_->revoke(id, "in time", 2)));
    EXPECT_EQ(why(store_->revoke(id, "late", 2)), errc::version_conflict);
    EXPECT_EQ(ask(store_->load(id))->record.status_reason, "in time");
    EXPECT_EQ(why(store_->remove(id, 2)), errc::version_conflict);
    EXPECT_FALSE(why(store_->remove(id, 3)));
    EXPECT_EQ(why(store_->remove(id, 3)), errc::not_found);
    EXPECT_EQ(why(store_->revoke(id, "", 3)), errc::not_found);
}

TEST_P(Store, KeepsTheLatestUseAndMovesNothingElse)
{
    const stored_connection fresh = insert();
    const std::string& id = fresh.record.id;
    EXPECT_EQ(ask(store_->load(id))->record.last_used_at, 0);
    EXPECT_FALSE(why(store_->save_uses({{id, 2'000'000'000'000'001}})));
    EXPECT_FALSE(why(store_->save_uses({{id, 1'900'000'000'000'000}})));
    const auto loaded = ask(store_->load(id));
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->record.last_used_at, 2'000'000'000'000'001);
    EXPECT_EQ(loaded->record.version, fresh.record.version);
    EXPECT_EQ(loaded->record.updated_at, fresh.record.updated_at);
    EXPECT_EQ(loaded->sealed, fresh.sealed);
    const auto listed = ask(store_->list("acme", ""));
    ASSERT_TRUE(listed && listed->size() == 1);
    EXPECT_EQ(listed->front().last_used_at, 2'000'000'000'000'001);
    const auto page = ask(store_->contents().list_connections(""));
    ASSERT_TRUE(page && page->items.size() == 1);
    EXPECT_EQ(page->items.front().record.last_used_at, 2'000'000'000'000'001);
    ASSERT_FALSE(why(store_->replace(*loaded, loaded->record.version)));
    EXPECT_EQ(ask(store_->load(id))->record.last_used_at, 2'000'000'000'000'001);
}

TEST_P(Store, KeepsManyUsesAtOnceAndTheOneOfATombstone)
{
    std::vector<connection_use> uses;
    for (int i = 0; i < 600; ++i) {
        uses.push_back({insert().record.id, 1'000'000 + i});
    }
    ASSERT_FALSE(why(store_->save_uses(uses)));
    ASSERT_TRUE(ask(store_->revoke(uses.back().id, "gone")));
    for (const connection_use& one : uses) {
        EXPECT_EQ(ask(store_->load(one.id))->record.last_used_at, one.at);
    }
}

TEST_P(Store, ForgetsTheUseWithTheConnection)
{
    const stored_connection fresh = insert();
    const std::string& id = fresh.record.id;
    EXPECT_FALSE(why(store_->save_uses({{id, 5'000'000}})));
    ASSERT_FALSE(why(store_->remove(id)));
    EXPECT_FALSE(why(store_->save_uses({{id, 6'000'000}}))) << "nothing to note is no failure";
    EXPECT_EQ(ask(store_->load(id)).error(), errc::not_found);
    ASSERT_FALSE(why(store_->insert(fresh)));
    EXPECT_EQ(ask(store_->load(id))->record.last_used_at, 0);
}

TEST_P(Store, ListsLiveRunsUntilTheyEnd)
{
    ASSERT_FALSE(why(store_->put_run(live_run("r1"))));
    ASSERT_FALSE(why(store_->put_run(live_run("r2"))));
    EXPECT_EQ(why(store_->put_run(live_run("r1"))), errc::already_exists);
    auto live = ask(store_->list_runs("acme"));
    ASSERT_TRUE(live);
    ASSERT_EQ(live->size(), 2u);
    EXPECT_EQ(live->front().run, "r1");
    EXPECT_EQ(live->front().user, "ann");
    EXPECT_EQ(live->front().app, "mailer");
    EXPECT_GT(live->front().started_at, 0);
    EXPECT_GT(live->front().expires_at, now_micros());
    EXPECT_FALSE(*ask(store_->run_ended("acme", "r1")));
    ASSERT_FALSE(why(store_->end_run("acme", "r1", now_micros() + 60 * second)));
    EXPECT_TRUE(*ask(store_->run_ended("acme", "r1")));
    EXPECT_FALSE(*ask(store_->run_ended("globex", "r1")));
    live = ask(store_->list_runs("acme"));
    ASSERT_TRUE(live);
    EXPECT_EQ(live->size(), 1u);
    EXPECT_EQ(ask(store_->list_runs("globex"))->size(), 0u);
}

TEST_P(Store, KeepsTheNameOfAnEndedRunFromComingBackToLife)
{
    ASSERT_FALSE(why(store_->end_run("acme", "minted-elsewhere", now_micros() + 60 * second)));
    EXPECT_TRUE(*ask(store_->run_ended("acme", "minted-elsewhere")));
    EXPECT_EQ(why(store_->put_run(live_run("minted-elsewhere"))), errc::already_exists);
    ASSERT_FALSE(why(store_->end_run("acme", "minted-elsewhere", 0)));
    EXPECT_TRUE(*ask(store_->run_ended("acme", "minted-elsewhere")));
}

TEST_P(Store, ForgetsRunsThatHaveExpired)
{
    run_record old = live_run("old");
    old.expires_at = now_micros() - second;
    ASSERT_FALSE(why(store_->put_run(old)));
    EXPECT_EQ(ask(store_->list_runs("acme"))->size(), 0u);
    EXPECT_FALSE(why(store_->put_run(live_run("old"))));
    EXPECT_EQ(ask(store_->list_runs("acme"))->size(), 1u);
}

TEST_P(Store, HasNoTroubleAndGivesNoWarningWhenAllIsWell)
{
    insert();
    EXPECT_EQ(store_->trouble(), "");
    const auto warnings = ask(store_->warnings());
    ASSERT_TRUE(warnings);
    EXPECT_TRUE(warnings->empty());
}

TEST_P(Store, KeepsEverythingWhenItIsOpenedAgain)
{
    const stored_connection fresh = insert("work");
    ASSERT_FALSE(why(store_->keys().insert({"acme", 1, "wrapped"})));
    ASSERT_FALSE(why(store_->end_run("acme", "r", now_micros() + 60 * second)));
    store_.reset();
    store_ = open_store(context_, where_);
    EXPECT_EQ(ask(store_->load(fresh.record.id))->sealed, fresh.sealed);
    EXPECT_EQ(*ask(store_->keys().load("acme", 1)), "wrapped");
    EXPECT_TRUE(*ask(store_->run_ended("acme", "r")));
}

INSTANTIATE_TEST_SUITE_P(Every, Store, testing::Values("sqlite", "redis"),
                         [](const auto& which) { return which.param; });

}  // namespace
}  // namespace sallyport::vault
