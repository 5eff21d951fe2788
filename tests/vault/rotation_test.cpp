// Rotating keys under keepers that go on using them, on every store.
#include "vault/rotation.hpp"

#include <gtest/gtest.h>

#include "tests/vault/fixture.hpp"
#include "tests/vault/redis_server.hpp"
#include "vault/error.hpp"
#include "vault/keeper.hpp"
#include "vault/open_store.hpp"
#include "vault/places.hpp"

namespace sallyport::vault {
namespace {

constexpr const char* new_master_key =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

class Rotation : public testing::TestWithParam<std::string>, protected with_loop {
protected:
    static void TearDownTestSuite() { server_.reset(); }

    Rotation() : settings_(settings_in(directory_))
    {
        if (GetParam() == "redis") {
            if (!server_) {
                server_ = std::make_unique<redis_server>();
            }
            server_->empty();
            settings_.store = server_->url();
        }
        old_key_ = settings_.master_key;
        new_key_ = "file:" + write_file(directory_.file("new.key"), new_master_key);
        keeper_ = keeper::open(context_, settings_);
    }

    connection add(const std::string& workspace = "acme")
    {
        connection fresh = example_connection();
        fresh.workspace = workspace;
        const result<connection> added = ask(keeper_->add(fresh, one_secret("s3cret")));
        EXPECT_TRUE(added);
        return fresh;
    }

    // The value a worker would get, or why not.
    result<std::string> resolve(keeper& with, const std::string& id)
    {
        const auto one = with.make_resolver(context_);
        const auto found = ask(one->fetch(id));
        if (!found) {
            return found.error();
        }
        secret value;
        if (const result<void> opened = (*found)->open("secret", value); !opened) {
            return opened.error();
        }
        return std::string(value.reveal());
    }

    data_progress rotate(keeper& with, const std::string& workspace = "acme")
    {
        data_progress made;
        do {
            const auto step = ask(with.keys().rotating().rotate(workspace, made.generation));
            EXPECT_TRUE(step);
            made = step ? *step : data_progress{true};
        } while (!made.done);
        return made;
    }

    master_progress rotate_master(keeper& with)
    {
        master_progress made;
        do {
            const auto step = ask(with.keys().rotating().rotate_master());
            EXPECT_TRUE(step);
            made = step ? *step : master_progress{true};
        } while (!made.done);
        return made;
    }

    // What somebody else does to the store, while no keeper has it open.
    template <class Change>
    void behind_its_back(Change change)
    {
        keeper_.reset();
        {
            const std::unique_ptr<store> opened = open_store(context_, settings_.store);
            change(*opened);
        }
        keeper_ = keeper::open(context_, settings_);
    }

    static inline std::unique_ptr<redis_server> server_;
    temporary_directory directory_;
    settings settings_;
    std::string old_key_;
    std::string new_key_;
    std::unique_ptr<keeper> keeper_;
};

TEST_P(Rotation, SealsEveryRecordAnewAndDropsTheOldKey)
{
    std::vector<std::string> ids;
    for (int i = 0; i < 300; ++i) {
        ids.push_back(add().id);
    }
    const std::string neighbour = add("globex").id;
    ASSERT_TRUE(ask(keeper_->revoke(ids.back(), "")));
    const data_progress made = rotate(*keeper_);
    EXPECT_EQ(made.generation, 2u);
    EXPECT_EQ(made.resealed, 299u);
    EXPECT_FALSE(made.resumed);
    const auto keys = ask(keeper_->keys().show("acme"));
    ASSERT_EQ(keys->generations.size(), 1u);
    EXPECT_EQ(keys->generations.front().generation, 2u);
    EXPECT_EQ(keys->records.front(), 299u);
    EXPECT_EQ(ask(keeper_->keys().show("globex"))->generations.front().generation, 1u);
    EXPECT_EQ(*resolve(*keeper_, ids.front()), "s3cret");
    EXPECT_EQ(*resolve(*keeper_, neighbour), "s3cret");
    keeper_.reset();
    keeper_ = keeper::open(context_, settings_);
    EXPECT_EQ(*resolve(*keeper_, ids.front()), "s3cret");
}

TEST_P(Rotation, StartsAnewEachTimeAndEndsWhereItsAnswerWasLost)
{
    const std::string id = add().id;
    EXPECT_EQ(rotate(*keeper_).generation, 2u);
    const auto again = ask(keeper_->keys().rotating().rotate("acme", 2));
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->done);
    EXPECT_EQ(again->resealed, 0u);
    EXPECT_EQ(rotate(*keeper_).generation, 3u);
    EXPECT_EQ(*resolve(*keeper_, id), "s3cret");
    EXPECT_EQ(why(keeper_->keys().rotating().rotate("acme", 9)), errc::version_conflict);
}

TEST_P(Rotation, HasNothingToDoForAWorkspaceWithoutKeys)
{
    const data_progress made = rotate(*keeper_, "nobody");
    EXPECT_EQ(made.generation, 0u);
    EXPECT_TRUE(ask(keeper_->keys().show("nobody"))->generations.empty());
}

TEST_P(Rotation, FinishesOneThatWasCutOff)
{
    const std::string id = add().id;
    behind_its_back([&](store& opened) {
        envelope box;
        key_ring ring(read_master_keys(settings_), opened.keys(), box);
        ASSERT_TRUE(ask(ring.make("acme", 2)));
    });
    const std::string later = add().id;
    const data_progress made = rotate(*keeper_);
    EXPECT_TRUE(made.resumed);
    EXPECT_EQ(made.generation, 2u);
    EXPECT_EQ(made.resealed, 1u) << "the later one was sealed under the new key at once";
    EXPECT_EQ(ask(keeper_->keys().show("acme"))->generations.size(), 1u);
    EXPECT_EQ(*resolve(*keeper_, id), "s3cret");
    EXPECT_EQ(*resolve(*keeper_, later), "s3cret");
}

TEST_P(Rotation, KeepsTheOldKeyForRecordsThatDoNotOpen)
{
    const std::string id = add().id;
    const std::string other = add().id;
    std::string intact;
    behind_its_back([&](store& opened) {
        const auto found = ask(opened.load(id));
        ASSERT_TRUE(found);
        intact = found->sealed;
        std::string damaged = intact;
        damaged.back() = static_cast<char>(damaged.back() ^ 1);
        ASSERT_EQ(*ask(opened.keys().swap_sealed({{{id, intact}, damaged}})), 1u);
    });
    const data_progress made = rotate(*keeper_);
    EXPECT_EQ(made.damaged, 1u);
    EXPECT_EQ(made.resealed, 1u);
    EXPECT_EQ(resolve(*keeper_, id).error(), errc::corrupted);
    EXPECT_EQ(*resolve(*keeper_, other), "s3cret");
    behind_its_back([&](store& opened) {
        const std::string damaged = ask(opened.load(id))->sealed;
        ASSERT_EQ(*ask(opened.keys().swap_sealed({{{id, damaged}, intact}})), 1u);
    });
    EXPECT_EQ(*resolve(*keeper_, id), "s3cret") << "its key is still there";
    EXPECT_EQ(rotate(*keeper_).damaged, 0u);
    EXPECT_EQ(ask(keeper_->keys().show("acme"))->generations.size(), 1u);
}

TEST_P(Rotation, WrapsEveryKeyUnderTheActiveMasterKey)
{
    const std::string id = add().id;
    add("globex");
    settings_.master_key = new_key_;
    settings_.previous_master_keys = {old_key_};
    ASSERT_FALSE(why(keeper_->keys().change_masters(settings_)));
    EXPECT_EQ(*resolve(*keeper_, id), "s3cret");
    const master_progress made = rotate_master(*keeper_);
    EXPECT_EQ(made.rewrapped, 3u) << "two workspaces and the canary";
    EXPECT_EQ(made.total, 3u);
    EXPECT_EQ(rotate_master(*keeper_).rewrapped, 0u);
    EXPECT_EQ(*resolve(*keeper_, id), "s3cret");

    settings_.previous_master_keys.clear();
    keeper_.reset();
    keeper_ = keeper::open(context_, settings_);
    EXPECT_EQ(*resolve(*keeper_, id), "s3cret");
    keeper_.reset();
    settings_.master_key = old_key_;
    EXPECT_THROW(keeper::open(context_, settings_), boost::system::system_error);
}

TEST_P(Rotation, LeavesTheCanaryWhileAKeyIsUnderAnUnknownMasterKey)
{
    const std::string id = add().id;
    behind_its_back([&](store& opened) {
        envelope box;
        key_ring foreign(test_masters('x'), opened.keys(), box);
        ASSERT_TRUE(ask(foreign.make("globex", 1)));
    });
    settings_.master_key = new_key_;
    settings_.previous_master_keys = {old_key_};
    ASSERT_FALSE(why(keeper_->keys().change_masters(settings_)));
    const master_progress made = rotate_master(*keeper_);
    EXPECT_EQ(made.unknown, 1u);
    EXPECT_EQ(made.rewrapped, 1u);
    EXPECT_EQ(*resolve(*keeper_, id), "s3cret");
    EXPECT_EQ(why(keeper_->add(example_connection(), one_secret("still works"))), error_code());
    settings_.previous_master_keys.clear();
    keeper_.reset();
    EXPECT_THROW(keeper::open(context_, settings_), boost::system::system_error)
        << "a gate without the old key must notice that it is not done";
}

TEST_P(Rotation, RefusesMasterKeysThatDoNotOpenTheStore)
{
    const std::string id = add().id;
    settings_.master_key = new_key_;
    EXPECT_EQ(why(keeper_->keys().change_masters(settings_)), errc::wrong_master_key);
    EXPECT_EQ(*resolve(*keeper_, id), "s3cret");
    EXPECT_EQ(keeper_->keys().masters().size(), 1u);
    settings_.master_key = "file:" + directory_.file("nowhere");
    EXPECT_THROW(why(keeper_->keys().change_masters(settings_)), boost::system::system_error);
    EXPECT_EQ(*resolve(*keeper_, id), "s3cret");
}

TEST_P(Rotation, AShreddedWorkspaceIsEmptyAndCanBeUsedAgain)
{
    const std::string lost = add().id;
    const std::string neighbour = add("globex").id;
    const auto worker = keeper_->make_resolver(context_);
    ASSERT_TRUE(ask(worker->fetch(lost)));
    EXPECT_EQ(*ask(keeper_->keys().shred("acme", "shredded")), 1u);
    EXPECT_EQ(worker->cached(lost, boot_millis()), nullptr);
    EXPECT_EQ(resolve(*keeper_, lost).error(), errc::not_found);
    EXPECT_EQ(ask(keeper_->show(lost))->status, status::revoked);
    EXPECT_EQ(*resolve(*keeper_, neighbour), "s3cret");

    const std::string fresh = add().id;
    EXPECT_EQ(*resolve(*keeper_, fresh), "s3cret");
    EXPECT_EQ(ask(keeper_->keys().show("acme"))->generations.back().generation, 2u);
    EXPECT_EQ(rotate(*keeper_).generation, 3u);
    EXPECT_EQ(*resolve(*keeper_, fresh), "s3cret");
}

INSTANTIATE_TEST_SUITE_P(Every, Rotation, testing::Values("sqlite", "redis"),
                         [](const auto& which) { return which.param; });

}  // namespace
}  // namespace sallyport::vault
