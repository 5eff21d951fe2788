// One suite for the keys of every store.
#include "vault/key_store.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/vault/fixture.hpp"
#include "tests/vault/redis_server.hpp"
#include "vault/envelope.hpp"
#include "vault/error.hpp"
#include "vault/key_place.hpp"
#include "vault/open_store.hpp"
#include "vault/places.hpp"

namespace sallyport::vault {
namespace {

class KeyStore : public testing::TestWithParam<std::string>, protected with_loop {
protected:
    static void TearDownTestSuite() { server_.reset(); }

    KeyStore()
    {
        std::string where = "sqlite:" + directory_.file("vault.db");
        if (GetParam() == "redis") {
            if (!server_) {
                server_ = std::make_unique<redis_server>();
            }
            server_->empty();
            where = server_->url();
        }
        store_ = open_store(context_, where);
    }

    key_store& keys() { return store_->keys(); }

    // What no one can open, but the store takes for sealed under that generation.
    std::string sealed_under(const connection& record, std::uint32_t generation)
    {
        const std::string key = connection_key(record.id);
        return box_.seal(secret(std::string(key_bytes, 'k')),
                         {record.workspace, record.id, generation, 7, sealed_kind::fixed},
                         {key, sealed_field}, "text");
    }

    stored_connection insert(std::uint32_t generation, const std::string& workspace = "acme",
                             const std::string& name = "")
    {
        stored_connection fresh{example_connection(name), ""};
        fresh.record.workspace = workspace;
        fresh.sealed = sealed_under(fresh.record, generation);
        EXPECT_FALSE(why(store_->insert(fresh)));
        return fresh;
    }

    static inline std::unique_ptr<redis_server> server_;
    temporary_directory directory_;
    std::unique_ptr<store> store_;
    envelope box_;
};

TEST_P(KeyStore, KeepsTheFirstKeyOfAGeneration)
{
    EXPECT_EQ(why(keys().load("acme", 1)), errc::not_found);
    EXPECT_TRUE(ask(keys().of("acme"))->empty());
    EXPECT_FALSE(why(keys().insert({"acme", 1, std::string("k\0y", 3)})));
    EXPECT_EQ(why(keys().insert({"acme", 1, "other"})), errc::already_exists);
    EXPECT_EQ(*ask(keys().load("acme", 1)), std::string("k\0y", 3));
}

TEST_P(KeyStore, ShowsAWorkspacesGenerationsByNumber)
{
    for (const std::uint32_t generation : {9u, 10u, 1u}) {
        ASSERT_FALSE(why(keys().insert({"acme", generation, std::to_string(generation)})));
    }
    ASSERT_FALSE(why(keys().insert({"globex", 4, "other"})));
    const auto found = ask(keys().of("acme"));
    ASSERT_EQ(found->size(), 3u);
    EXPECT_EQ(found->front().generation, 1u);
    EXPECT_EQ(found->back().generation, 10u);
    EXPECT_EQ(found->back().wrapped, "10");
    EXPECT_EQ(found->back().workspace, "acme");
    ASSERT_FALSE(why(keys().drop_below("acme", 10)));
    EXPECT_EQ(ask(keys().of("acme"))->size(), 1u);
    EXPECT_EQ(ask(keys().of("globex"))->size(), 1u);
}

TEST_P(KeyStore, ListsEveryKeyPageByPage)
{
    std::set<std::pair<std::string, std::uint32_t>> put;
    for (std::uint32_t i = 0; i < 700; ++i) {
        const std::string workspace = i == 0 ? "" : "w" + std::to_string(i / 2);
        ASSERT_FALSE(why(keys().insert({workspace, i + 1, "key"})));
        put.emplace(workspace, i + 1);
    }
    std::set<std::pair<std::string, std::uint32_t>> seen;
    std::size_t pages = 0;
    std::string after;
    do {
        const auto found = ask(keys().list(after));
        ASSERT_TRUE(found);
        for (const wrapped_key& one : found->items) {
            seen.emplace(one.workspace, one.generation);
        }
        after = found->next;
        ++pages;
    } while (!after.empty());
    EXPECT_EQ(seen, put);
    EXPECT_GT(pages, 1u);
}

TEST_P(KeyStore, ListsInOrderNoMoreThanAskedFor)
{
    std::vector<std::pair<std::string, std::uint32_t>> put;
    for (std::uint32_t i = 0; i < 301; ++i) {
        const std::string workspace = i == 0 ? "" : "w" + std::to_string(i / 2);
        ASSERT_FALSE(why(keys().insert({workspace, i + 1, "key"})));
        put.emplace_back(workspace, i + 1);
    }
    std::sort(put.begin(), put.end());
    for (const std::size_t limit : {std::size_t{1}, std::size_t{50}, std::size_t{400}}) {
        std::vector<std::pair<std::string, std::uint32_t>> seen;
        key_place after;
        std::size_t size = 0;
        do {
            const auto found = ask(keys().list_in_order(after, limit));
            ASSERT_TRUE(found);
            size = found->size();
            for (const wrapped_key& one : *found) {
                seen.emplace_back(one.workspace, one.generation);
                after = place_of(one);
            }
        } while (size == limit);
        EXPECT_EQ(seen, put) << limit;
    }
}

TEST_P(KeyStore, SwapsOnlyTheKeyThatWasRead)
{
    ASSERT_FALSE(why(keys().insert({"acme", 1, std::string("a\0b", 3)})));
    ASSERT_FALSE(why(keys().insert({"globex", 2, "c"})));
    const std::vector<key_swap> swaps = {{{"acme", 1, std::string("a\0b", 3)}, "new"},
                                         {{"globex", 2, "changed meanwhile"}, "never"},
                                         {{"initech", 1, ""}, "never"}};
    EXPECT_EQ(*ask(keys().swap(swaps)), 1u);
    EXPECT_EQ(*ask(keys().load("acme", 1)), "new");
    EXPECT_EQ(*ask(keys().load("globex", 2)), "c");
    EXPECT_EQ(why(keys().load("initech", 1)), errc::not_found);
}

TEST_P(KeyStore, WritesNothingSealedUnderAnotherThanTheNewestGeneration)
{
    stored_connection fresh{example_connection(), ""};
    fresh.sealed = sealed_under(fresh.record, 1);
    EXPECT_EQ(why(store_->insert(fresh)), errc::version_conflict) << "there is no key at all";
    ASSERT_FALSE(why(keys().insert({"acme", 1, "one"})));
    ASSERT_FALSE(why(store_->insert(fresh)));
    ASSERT_FALSE(why(keys().insert({"acme", 2, "two"})));

    fresh.record.name = "renamed";
    EXPECT_FALSE(why(store_->replace(fresh, 1))) << "what is sealed stays as it is";
    fresh.sealed = sealed_under(fresh.record, 1);
    EXPECT_EQ(why(store_->replace(fresh, 2)), errc::version_conflict);
    fresh.sealed = sealed_under(fresh.record, 2);
    EXPECT_FALSE(why(store_->replace(fresh, 2)));
    stored_connection late{example_connection(), ""};
    late.sealed = sealed_under(late.record, 1);
    EXPECT_EQ(why(store_->insert(late)), errc::version_conflict);
    late.sealed = sealed_under(late.record, 300);
    EXPECT_EQ(why(store_->insert(late)), errc::version_conflict);
}

// A replica that takes over may have neither the new key nor the records resealed under it. The
// embedded store does not forget, and takes the caller's word.
TEST_P(KeyStore, AStoreThatForgetsDropsNoKeyThatARecordNeeds)
{
    const bool forgets = GetParam() == "redis";
    ASSERT_FALSE(why(keys().insert({"acme", 1, "one"})));
    insert(1);
    ASSERT_FALSE(why(keys().insert({"acme", 2, "two"})));
    EXPECT_EQ(why(keys().drop_below("acme", 2)),
              forgets ? error_code(errc::version_conflict) : error_code());
    EXPECT_EQ(ask(keys().of("acme"))->size(), forgets ? 2u : 1u);
    EXPECT_EQ(why(keys().drop_below("acme", 3)),
              forgets ? error_code(errc::not_found) : error_code());
}

TEST_P(KeyStore, ListsTheSealedRecordsOfOneWorkspacePageByPage)
{
    ASSERT_FALSE(why(keys().insert({"acme", 1, "one"})));
    ASSERT_FALSE(why(keys().insert({"globex", 1, "one"})));
    std::set<std::string> put;
    for (int i = 0; i < 600; ++i) {
        put.insert(insert(1).record.id);
    }
    insert(1, "globex");
    ASSERT_FALSE(why(store_->insert({example_connection(), ""})));
    std::set<std::string> seen;
    std::string after;
    do {
        const auto found = ask(keys().list_sealed("acme", after));
        ASSERT_TRUE(found);
        for (const sealed_record& one : found->items) {
            EXPECT_EQ(envelope::generation_of(one.sealed), 1u);
            seen.insert(one.id);
        }
        after = found->next;
    } while (!after.empty());
    EXPECT_EQ(seen, put);
}

TEST_P(KeyStore, ASwapOvertakesWhoeverReadTheRecordBefore)
{
    ASSERT_FALSE(why(keys().insert({"acme", 1, "one"})));
    const stored_connection one = insert(1);
    const stored_connection other = insert(1);
    ASSERT_FALSE(why(keys().insert({"acme", 2, "two"})));
    const std::string fresh = sealed_under(one.record, 2);
    const std::vector<sealed_swap> swaps = {{{one.record.id, one.sealed}, fresh},
                                            {{other.record.id, "changed meanwhile"}, "never"},
                                            {{example_connection().id, "gone"}, "never"}};
    EXPECT_EQ(*ask(keys().swap_sealed(swaps)), 1u);
    EXPECT_EQ(ask(store_->load(one.record.id))->sealed, fresh);
    EXPECT_EQ(ask(store_->load(one.record.id))->record.version, 2u);
    EXPECT_EQ(ask(store_->load(other.record.id))->sealed, other.sealed);
    EXPECT_EQ(why(store_->replace(one, 1)), errc::version_conflict);
}

TEST_P(KeyStore, ShreddingLeavesTombstonesAndNoKey)
{
    ASSERT_FALSE(why(keys().insert({"acme", 1, "one"})));
    ASSERT_FALSE(why(keys().insert({"globex", 1, "one"})));
    std::vector<std::string> ids;
    for (int i = 0; i < 300; ++i) {
        ids.push_back(insert(1, "acme", "name " + std::to_string(i)).record.id);
    }
    const stored_connection neighbour = insert(1, "globex");
    ASSERT_FALSE(why(store_->revoke(ids.front(), "before")));
    ASSERT_FALSE(why(keys().insert({"acme", 2, "two"})));

    EXPECT_EQ(*ask(keys().shred("acme", "gone for good")), 299u);
    for (const std::uint32_t generation : {1u, 2u}) {
        EXPECT_EQ(why(keys().load("acme", generation)), errc::not_found);
    }
    for (const std::string& id : ids) {
        const auto found = ask(store_->load(id));
        ASSERT_TRUE(found);
        EXPECT_EQ(found->record.status, status::revoked);
        EXPECT_TRUE(found->sealed.empty());
        EXPECT_EQ(found->record.status_reason, id == ids.front() ? "before" : "gone for good");
    }
    EXPECT_EQ(ask(store_->load(neighbour.record.id))->sealed, neighbour.sealed);
    EXPECT_FALSE(why(keys().load("globex", 1)));
    EXPECT_EQ(*ask(keys().shred("acme", "again")), 0u);
    EXPECT_FALSE(why(store_->insert({example_connection("name 1"), ""}))) << "names are free";
}

TEST_P(KeyStore, AShreddedGenerationIsNeverUsedAgain)
{
    ASSERT_FALSE(why(keys().insert({"acme", 2, "two"})));
    ASSERT_FALSE(why(keys().shred("acme", "")));
    EXPECT_EQ(why(keys().insert({"acme", 2, "again"})), errc::already_exists);
    const auto left = ask(keys().of("acme"));
    ASSERT_EQ(left->size(), 1u);
    EXPECT_EQ(left->front().generation, 2u);
    EXPECT_TRUE(left->front().wrapped.empty());
    stored_connection late{example_connection(), ""};
    late.sealed = sealed_under(late.record, 2);
    EXPECT_EQ(why(store_->insert(late)), errc::version_conflict);
}

INSTANTIATE_TEST_SUITE_P(Every, KeyStore, testing::Values("sqlite", "redis"),
                         [](const auto& which) { return which.param; });

}  // namespace
}  // namespace sallyport::vault
