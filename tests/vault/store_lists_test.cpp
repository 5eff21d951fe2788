// What every store lists: in order, from anywhere, whatever changes meanwhile.
#include <algorithm>

#include "tests/vault/store_fixture.hpp"

namespace sallyport::vault {
namespace {

class StoreLists : public Store {};

TEST_P(StoreLists, ListsWhatStandsAllTheWhileOnceHoweverTheListChanges)
{
    std::vector<std::string> ids;
    for (int i = 0; i < 40; ++i) {
        ids.push_back(insert().record.id);
    }
    std::sort(ids.begin(), ids.end());
    std::vector<std::string> seen;
    std::string after;
    for (std::size_t page = 0; page < 8; ++page) {
        const auto found = ask(store_->list("acme", "ann", after, 6));
        ASSERT_TRUE(found);
        for (const connection& one : *found) {
            seen.push_back(one.id);
        }
        after = found->empty() ? after : found->back().id;
        // One that was seen goes (the cursor itself every time), one that was not comes.
        ASSERT_FALSE(why(store_->remove(after)));
        insert();
    }
    for (const std::string& id : ids) {
        EXPECT_EQ(std::count(seen.begin(), seen.end(), id), 1) << id;
    }
}

TEST_P(StoreLists, ListsByWorkspaceAndUser)
{
    const stored_connection first = insert("a");
    stored_connection bobs{example_connection("b"), ""};
    bobs.record.user = "bob";
    stored_connection foreign{example_connection("c"), ""};
    foreign.record.workspace = "globex";
    ASSERT_FALSE(why(store_->insert(bobs)));
    ASSERT_FALSE(why(store_->insert(foreign)));
    const auto count = [&](const char* workspace, const char* user) {
        const auto found = ask(store_->list(workspace, user));
        return found ? found->size() : 999;
    };
    EXPECT_EQ(count("acme", "ann"), 1u);
    EXPECT_EQ(count("acme", ""), 2u);
    EXPECT_EQ(count("globex", ""), 1u);
    EXPECT_EQ(count("", ""), 3u);
    EXPECT_EQ(count("", "ann"), 2u);
    EXPECT_EQ(count("nobody", ""), 0u);
    const auto own = ask(store_->list("acme", "ann"));
    ASSERT_TRUE(own);
    EXPECT_EQ(own->front().id, first.record.id);
    ASSERT_FALSE(why(store_->remove(first.record.id)));
    EXPECT_EQ(count("acme", "ann"), 0u);
}

TEST_P(StoreLists, ListsFromBehindAnIdAndNoMoreThanAskedFor)
{
    std::vector<std::string> ids;
    for (int i = 0; i < 150; ++i) {
        stored_connection one{example_connection(), ""};
        one.record.user = i % 3 == 0 ? "bob" : "ann";
        ids.push_back(one.record.id);
        ASSERT_FALSE(why(store_->insert(one)));
    }
    std::sort(ids.begin(), ids.end());
    std::vector<std::string> seen;
    std::string after;
    for (;;) {
        const auto page = ask(store_->list("acme", "", after, 40));
        ASSERT_TRUE(page);
        if (page->empty()) {
            break;
        }
        EXPECT_LE(page->size(), 40u);
        for (const connection& one : *page) {
            seen.push_back(one.id);
        }
        after = seen.back();
    }
    EXPECT_EQ(seen, ids);
    const auto bobs = ask(store_->list("acme", "bob", ids[30], 7));
    ASSERT_TRUE(bobs);
    ASSERT_EQ(bobs->size(), 7u);
    EXPECT_GT(bobs->front().id, ids[30]);
    EXPECT_EQ(bobs->front().user, "bob");
}

TEST_P(StoreLists, ListsHundredsInTheOrderOfTheirIds)
{
    for (int i = 0; i < 300; ++i) {
        stored_connection one{example_connection(), ""};
        ASSERT_FALSE(why(store_->insert(one)));
    }
    const auto found = ask(store_->list("acme", ""));
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 300u);
    EXPECT_TRUE(std::is_sorted(found->begin(), found->end(),
                               [](const auto& a, const auto& b) { return a.id < b.id; }));
}

TEST_P(StoreLists, ListsRunsPageByPage)
{
    std::vector<std::string> names;
    for (int i = 0; i < 300; ++i) {
        names.push_back("r" + std::to_string(i));
        ASSERT_FALSE(why(store_->put_run(live_run(names.back()))));
    }
    ASSERT_FALSE(why(store_->end_run("acme", "r7", now_micros() + 60 * second)));
    names.erase(names.begin() + 7);
    std::sort(names.begin(), names.end());
    for (const std::size_t limit : {std::size_t{7}, std::size_t{128}, std::size_t{1000}}) {
        std::vector<std::string> seen;
        std::string after;
        for (;;) {
            const auto page = ask(store_->list_runs("acme", after, limit));
            ASSERT_TRUE(page);
            for (const run_record& one : *page) {
                seen.push_back(one.run);
            }
            if (page->size() < limit) {
                break;
            }
            after = seen.back();
        }
        EXPECT_EQ(seen, names) << limit;
    }
    EXPECT_EQ(ask(store_->list_runs("globex", "", 10))->size(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Every, StoreLists, testing::Values("sqlite", "redis"),
                         [](const auto& which) { return which.param; });

}  // namespace
}  // namespace sallyport::vault
