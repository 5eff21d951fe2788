// The lists of a Redis store that was written, or is still written to, by programs which keep no
// order.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/vault/redis_server.hpp"
#include "vault/key_place.hpp"
#include "vault/open_store.hpp"

namespace sallyport::vault {
namespace {

class RedisLists : public testing::Test, protected with_loop {
protected:
    RedisLists() : store_(open_store(context_, server_.url())) {}

    std::string insert(const std::string& workspace, const std::string& user)
    {
        stored_connection fresh{example_connection(), ""};
        fresh.record.workspace = workspace;
        fresh.record.user = user;
        EXPECT_FALSE(why(store_->insert(fresh)));
        return fresh.record.id;
    }

    std::vector<std::string> listed(const std::string& workspace, const std::string& user)
    {
        const auto found = ask(store_->list(workspace, user));
        EXPECT_TRUE(found);
        std::vector<std::string> ids;
        for (const connection& one : *found) {
            ids.push_back(one.id);
        }
        return ids;
    }

    void put_run(const std::string& name)
    {
        const unix_micros now = now_micros();
        EXPECT_FALSE(why(store_->put_run({"acme", name, "ann", "x", now, now + 60'000'000, 0})));
    }

    redis_server server_;
    std::unique_ptr<store> store_;
};

TEST_F(RedisLists, AreMadeUpForWhereNoOrderWasKept)
{
    std::vector<std::string> acme;
    std::vector<std::string> bobs;
    for (int i = 0; i < 600; ++i) {  // More than one step of a scan.
        acme.push_back(insert("acme", i % 3 == 0 ? "bob" : "ann"));
        if (i % 3 == 0) {
            bobs.push_back(acme.back());
        }
    }
    const std::string foreign = insert("globex", "bob");
    put_run("b");
    put_run("a");
    ASSERT_FALSE(why(store_->keys().insert({"acme", 1, "key"})));
    for (const char* const key :
         {"sallyport:listed:acme", "sallyport:listed:globex",
          "sallyport:listed:", "sallyport:listed-runs:acme", "sallyport:listed-keys"}) {
        ASSERT_EQ(server_.ask({"DEL", key}), ":1\r\n") << key;
    }
    std::sort(acme.begin(), acme.end());
    std::sort(bobs.begin(), bobs.end());
    EXPECT_EQ(listed("acme", "bob"), bobs);
    EXPECT_EQ(listed("acme", ""), acme);
    bobs.push_back(foreign);
    std::sort(bobs.begin(), bobs.end());
    EXPECT_EQ(listed("", "bob"), bobs);
    EXPECT_EQ(listed("", "").size(), acme.size() + 1);
    const auto runs = ask(store_->list_runs("acme", "", 10));
    ASSERT_TRUE(runs);
    ASSERT_EQ(runs->size(), 2u);
    EXPECT_EQ(runs->front().run, "a");
    const auto keys = ask(store_->keys().list_in_order(key_place(), 10));
    ASSERT_TRUE(keys);
    ASSERT_EQ(keys->size(), 1u);
    EXPECT_EQ(keys->front().workspace, "acme");
}

TEST_F(RedisLists, LoseNothingThatAnotherProgramAddsOrRemoves)
{
    const std::string kept = insert("acme", "ann");
    const std::string removed = insert("acme", "ann");
    std::vector<std::string> left = {kept};
    // As a program does that keeps no order: the record and its set, nothing else.
    server_.ask({"DEL", "sallyport:connection:" + removed});
    server_.ask({"SREM", "sallyport:connections:acme", removed});
    for (int i = 0; i < 2; ++i) {
        const std::string added = insert("acme", "ann");
        left.push_back(added);
        for (const char* const key : {"sallyport:listed:acme", "sallyport:listed:"}) {
            EXPECT_EQ(server_.ask({"ZREM", key, "*/" + added, "ann/" + added}), ":2\r\n");
        }
    }
    std::sort(left.begin(), left.end());
    EXPECT_EQ(listed("acme", ""), left);
    EXPECT_EQ(listed("acme", "ann"), left);
    EXPECT_EQ(listed("", ""), left);
    EXPECT_EQ(server_.ask({"ZCARD", "sallyport:listed:acme"}), ":6\r\n");
    EXPECT_EQ(server_.ask({"ZCARD", "sallyport:listed:"}), ":6\r\n");
}

TEST_F(RedisLists, LeaveNothingBehind)
{
    const std::string id = insert("acme", "ann");
    put_run("r");
    EXPECT_FALSE(why(store_->remove(id)));
    EXPECT_FALSE(why(store_->end_run("acme", "r", now_micros() + 1'000'000)));
    for (const char* const key :
         {"sallyport:listed:acme", "sallyport:listed:", "sallyport:listed-runs:acme"}) {
        EXPECT_EQ(server_.ask({"EXISTS", key}), ":0\r\n") << key;
    }
}

}  // namespace
}  // namespace sallyport::vault
