#include "vault/sealed_body.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"
#include "vault/error.hpp"
#include "vault/keeper.hpp"

namespace sallyport::vault {
namespace {

constexpr body_place here{"acme", "01ARYZ6S41TSV4RRFFQ69G5FAV", "request"};

class SealedBody : public testing::Test, protected with_loop {
protected:
    SealedBody() : keeper_(keeper::open(context_, settings_in(directory_))) { add_connection(); }

    void add_connection()
    {
        connection fresh = example_connection();
        fresh.id.clear();
        ASSERT_TRUE(ask(keeper_->add(fresh, one_secret("a secret"))));
    }
    data_key key() { return *ask(keeper_->keys().body_key("acme")); }
    void rotate()
    {
        std::uint32_t generation = 0;
        for (bool done = false; !done;) {
            const auto made = ask(keeper_->keys().rotating().rotate("acme", generation));
            ASSERT_TRUE(made);
            generation = made->generation;
            done = made->done;
        }
        ASSERT_TRUE(ask(keeper_->keys().renew_body_key("acme")));
    }

    temporary_directory directory_;
    std::unique_ptr<keeper> keeper_;
    envelope box_;
};

TEST_F(SealedBody, OpensInItsPlace)
{
    const std::string sealed = seal_body(box_, key(), here, "the body");
    EXPECT_EQ(sealed.find("the body"), std::string::npos);
    const auto opened = open_body(box_, key(), here, sealed);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->reveal(), "the body");
}

TEST_F(SealedBody, OpensNowhereElse)
{
    const std::string sealed = seal_body(box_, key(), here, "the body");
    for (const body_place& other :
         {body_place{"umbrella", here.call_id, here.side},
          body_place{here.workspace, "01ARYZ6S41TSV4RRFFQ69G5FAW", here.side},
          body_place{here.workspace, here.call_id, "response"}}) {
        EXPECT_EQ(open_body(box_, key(), other, sealed).error(), errc::corrupted);
    }
    std::string changed = sealed;
    changed.back() ^= 1;
    EXPECT_EQ(open_body(box_, key(), here, changed).error(), errc::corrupted);
}

TEST_F(SealedBody, HoldsTheLargestThatIsCaptured)
{
    const std::string text(std::size_t{65} << 10, 'x');
    const std::string sealed = seal_body(box_, key(), here, text);
    ASSERT_TRUE(open_body(box_, key(), here, sealed));
}

TEST_F(SealedBody, OutlivesARotationWhichChangesTheKeyForLaterOnes)
{
    const data_key before = key();
    const std::string sealed = seal_body(box_, before, here, "the body");
    rotate();
    EXPECT_GT(key().generation, before.generation);
    const auto old = ask(keeper_->keys().body_key("acme", *envelope::generation_of(sealed)));
    ASSERT_TRUE(old);
    EXPECT_TRUE(open_body(box_, *old, here, sealed));
}

TEST_F(SealedBody, IsNoiseOnceItsWorkspaceIsShredded)
{
    const std::uint32_t generation = key().generation;
    ASSERT_TRUE(ask(keeper_->keys().shred("acme", "gone")));
    EXPECT_EQ(ask(keeper_->keys().body_key("acme", generation)).error(), errc::not_found);
    EXPECT_EQ(ask(keeper_->keys().body_key("acme")).error(), errc::not_found)
        << "nor is what was under way sealed under a key of later";
}

TEST_F(SealedBody, HasAnotherKeyInAWorkspaceThatBeganAnew)
{
    const std::string sealed = seal_body(box_, key(), here, "the body");
    ASSERT_TRUE(ask(keeper_->keys().shred("acme", "gone")));
    add_connection();
    const data_key fresh = key();
    EXPECT_NE(fresh.generation, *envelope::generation_of(sealed));
    EXPECT_EQ(open_body(box_, fresh, here, sealed).error(), errc::corrupted);
}

TEST_F(SealedBody, IsNotReadableWithTheKeyOfTheCredentials)
{
    const auto keys = ask(keeper_->keys().show("acme"));
    ASSERT_TRUE(keys);
    EXPECT_EQ(keys->generations.size(), 1u);
    (void)key();
    EXPECT_EQ(ask(keeper_->keys().show("acme"))->generations.size(), 1u);
    EXPECT_EQ(ask(keeper_->keys().show("acme/bodies"))->generations.size(), 1u);
}

TEST_F(SealedBody, ItsKeyIsInABackup)
{
    (void)key();
    const auto kept = ask(keeper_->keys().back_up("keys", ""));
    ASSERT_TRUE(kept);
    std::size_t found = 0;
    for (const backup_item& item : kept->items) {
        const auto read = from_backup(to_backup(std::get<wrapped_key>(item)));
        ASSERT_TRUE(read);
        found += std::get<wrapped_key>(*read).workspace == "acme/bodies" ? 1 : 0;
    }
    EXPECT_EQ(found, 1u);
}

}  // namespace
}  // namespace sallyport::vault
