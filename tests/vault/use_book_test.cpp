// When connections were last used: from a worker's mark to what every gate shows, on every store.
#include "vault/use_book.hpp"

#include <thread>

#include "tests/vault/fake_store.hpp"
#include "tests/vault/refresh_fixture.hpp"
#include "vault/core.hpp"
#include "vault/error.hpp"

namespace sallyport::vault {
namespace {

// A clock in milliseconds beside one in microseconds.
constexpr unix_micros slack = 2'000;

class LastUse : public refresh_fixture {
protected:
    connection add_active() { return add(seconds(3600)); }

    // As a call does.
    void use(const std::string& id)
    {
        const auto worker = keeper_->make_resolver(*context_);
        const auto found = ask(worker->fetch(id));
        ASSERT_TRUE(found);
        (*found)->used(boot_millis());
    }

    unix_micros shown(const std::string& id)
    {
        const auto record = ask(keeper_->show(id));
        return record ? record->last_used_at : -1;
    }
};

TEST_P(LastUse, IsShownAtOnceByTheGateThatServedTheCall)
{
    const connection added = add_active();
    EXPECT_EQ(shown(added.id), 0);
    const unix_micros before = now_micros();
    use(added.id);
    const unix_micros used = shown(added.id);
    EXPECT_GE(used, before - slack);
    EXPECT_LE(used, now_micros() + slack);
    EXPECT_EQ(shown(added.id), used) << "the same each time";
    const auto listed = ask(keeper_->list("acme", ""));
    ASSERT_TRUE(listed && listed->size() == 1);
    EXPECT_EQ(listed->front().last_used_at, used);
    const auto changed = ask(keeper_->update(
        added.id, [](connection& one) { one.account = "b"; }, std::nullopt));
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->last_used_at, used);
}

TEST_P(LastUse, IsKeptOverARestartAndMovesNothingElse)
{
    const connection added = add_active();
    use(added.id);
    const unix_micros used = shown(added.id);
    ASSERT_TRUE(ask(keeper_->save_uses()));
    kill();
    start();
    EXPECT_EQ(shown(added.id), used);
    const auto after = ask(keeper_->show(added.id));
    ASSERT_TRUE(after);
    EXPECT_EQ(after->version, added.version);
    EXPECT_EQ(after->updated_at, added.updated_at);
    EXPECT_EQ(stored(added.id, "access_token"), "access0");
}

TEST_P(LastUse, LeavesWhatIsCachedGood)
{
    const connection added = add_active();
    const auto worker = keeper_->make_resolver(*context_);
    const auto found = ask(worker->fetch(added.id));
    ASSERT_TRUE(found);
    (*found)->used(boot_millis());
    ASSERT_TRUE(ask(keeper_->save_uses()));
    EXPECT_EQ(worker->cached(added.id, boot_millis()), *found);
}

TEST_P(LastUse, IsGoneWithTheConnection)
{
    connection added = add_active();
    const auto worker = keeper_->make_resolver(*context_);
    const auto found = ask(worker->fetch(added.id));
    ASSERT_TRUE(found);
    (*found)->used(boot_millis());
    ASSERT_TRUE(ask(keeper_->save_uses()));
    ASSERT_TRUE(ask(keeper_->remove(added.id)));
    (*found)->used(boot_millis() + 1);  // by a call that was under way
    connection again = example_connection();
    again.id = added.id;
    ASSERT_TRUE(ask(keeper_->add(again, one_secret("another"))));
    ASSERT_TRUE(ask(keeper_->save_uses()));
    EXPECT_EQ(shown(added.id), 0);
}

TEST_P(LastUse, OfManyWorkersIsTheLatest)
{
    const connection added = add_active();
    std::vector<std::unique_ptr<resolver>> workers;
    std::vector<std::shared_ptr<const resolved>> entries;
    for (int i = 0; i < 4; ++i) {
        workers.push_back(keeper_->make_resolver(*context_));
        const auto found = ask(workers.back()->fetch(added.id));
        ASSERT_TRUE(found);
        entries.push_back(*found);
    }
    std::vector<std::thread> threads;
    for (const auto& entry : entries) {
        threads.emplace_back([entry] {
            for (int i = 0; i < 10'000; ++i) {
                entry->used(boot_millis());
            }
        });
    }
    for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(ask(keeper_->save_uses()));
    }
    for (std::thread& one : threads) {
        one.join();
    }
    const unix_micros now = now_micros();
    entries.front()->used(boot_millis());
    EXPECT_GE(shown(added.id), now - slack);
}

INSTANTIATE_TEST_SUITE_P(Stores, LastUse, testing::Values("sqlite", "redis"),
                         [](const auto& tested) { return tested.param; });

TEST(UseBook, HandsOutNoMarkBeyondItsLimitAndForgetsWhatNobodyHas)
{
    use_book book;
    const auto kept = book.mark_of("kept");
    for (std::size_t i = 1; i < use_book::connections_max; ++i) {
        ASSERT_NE(book.mark_of(std::to_string(i)), nullptr);
    }
    EXPECT_EQ(book.mark_of("one too many"), nullptr);
    EXPECT_EQ(book.mark_of("kept"), kept) << "those that have one keep it";
    EXPECT_TRUE(book.unsaved("").empty());
    EXPECT_EQ(book.size(), 1u);
    EXPECT_NE(book.mark_of("one too many"), nullptr);
}

TEST(UseBook, OffersWhatWasUsedInPagesAndOnce)
{
    use_book book;
    const std::size_t count = use_book::saved_at_once + 10;
    for (std::size_t i = 0; i < count; ++i) {
        *book.mark_of(std::to_string(1'000 + i)) = boot_millis();
    }
    const auto first = book.unsaved("");
    ASSERT_EQ(first.size(), use_book::saved_at_once);
    const auto rest = book.unsaved(first.back().id);
    EXPECT_EQ(rest.size(), 10u);
    book.saved(first);
    EXPECT_EQ(book.unsaved("").size(), 10u) << "what was not taken is offered again";
    book.saved(rest);
    EXPECT_TRUE(book.unsaved("").empty());
    EXPECT_EQ(book.size(), 0u);
}

TEST(UseBook, OffersAgainWhatTheStoreDidNotTake)
{
    boost::asio::io_context context;
    auto made = std::make_unique<fake_store>(context);
    fake_store& store = *made;
    const auto shared = make_core(context.get_executor(), std::move(made), test_masters(),
                                  std::chrono::milliseconds(1000));
    *shared->uses.mark_of("one") = boot_millis();
    store.fail_with = errc::unavailable;
    EXPECT_EQ(run(context, save_uses(shared)).error(), errc::unavailable);
    store.fail_with = {};
    EXPECT_TRUE(run(context, save_uses(shared)));
    EXPECT_TRUE(run(context, save_uses(shared)));
    ASSERT_EQ(store.uses.size(), 1u) << "late, and once";
    EXPECT_EQ(store.uses.front().id, "one");
}

}  // namespace
}  // namespace sallyport::vault
