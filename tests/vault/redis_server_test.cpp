// The Redis store and the vault on it, against a real server that dies, stalls and forgets.
#include <gtest/gtest.h>

#include <chrono>

#include "tests/vault/redis_server.hpp"
#include "vault/error.hpp"
#include "vault/keeper.hpp"
#include "vault/open_store.hpp"
#include "vault/redis_wire.hpp"

namespace sallyport::vault {
namespace {

namespace asio = boost::asio;

TEST(RedisServer, IsUnavailableWhileItIsGoneAndServesAgainAfterwards)
{
    redis_server server;
    asio::io_context context;
    const auto opened = open_store(context, server.url());
    const stored_connection fresh{example_connection(), "sealed"};
    ASSERT_TRUE(run(context, opened->insert(fresh)));
    server.kill();
    EXPECT_EQ(run(context, opened->load(fresh.record.id)).error(), errc::unavailable);
    EXPECT_NE(opened->trouble(), "");
    server.restart();
    const auto end = std::chrono::steady_clock::now() + test_limit;
    result<stored_connection> found = errc::unavailable;
    while (!found && std::chrono::steady_clock::now() < end) {
        context.restart();
        context.run_for(std::chrono::milliseconds(20));
        found = run(context, opened->load(fresh.record.id));
    }
    ASSERT_TRUE(found);
    EXPECT_EQ(found->sealed, "sealed");
    EXPECT_EQ(opened->trouble(), "");
}

TEST(RedisServer, IsUnavailableWhileItStallsInBoundedTime)
{
    redis_server server;
    asio::io_context context;
    const auto opened = open_store(context, server.url());
    EXPECT_EQ(run(context, opened->load("x")).error(), errc::not_found);
    server.stall();
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(run(context, opened->load("x")).error(), errc::unavailable);
    EXPECT_LT(std::chrono::steady_clock::now() - start,
              redis_wire::command_timeout + std::chrono::seconds(1));
    server.resume();
}

TEST(RedisServer, MayForgetItsScripts)
{
    redis_server server;
    asio::io_context context;
    const auto opened = open_store(context, server.url());
    ASSERT_TRUE(run(context, opened->insert({example_connection(), ""})));
    server.command("*2\r\n$6\r\nSCRIPT\r\n$5\r\nFLUSH\r\n");
    EXPECT_TRUE(run(context, opened->insert({example_connection(), ""})));
}

TEST(RedisServer, WantsThePasswordAndTheDatabaseOfTheUrl)
{
    redis_server server({"--requirepass", "hunter2"});
    asio::io_context context;
    const std::string at = "127.0.0.1:" + std::to_string(server.port());
    const auto opened = open_store(context, "redis://:hunter2@" + at + "/5");
    EXPECT_TRUE(run(context, opened->insert({example_connection(), ""})));
    const auto other = open_store(context, "redis://:hunter2@" + at);
    EXPECT_TRUE(run(context, other->list("", ""))->empty());
    const auto wrong = open_store(context, "redis://:wrong@" + at);
    EXPECT_EQ(run(context, wrong->load("x")).error(), errc::unavailable);
    EXPECT_NE(wrong->trouble().find("password"), std::string::npos);
    EXPECT_EQ(wrong->trouble().find("wrong"), std::string::npos);
}

TEST(RedisServer, IsRefusedOrWarnedAboutWhenItMayForget)
{
    asio::io_context context;
    const redis_server careless({"--appendonly", "no"});
    const auto first = open_store(context, careless.url());
    EXPECT_EQ(run(context, first->warnings()).error(), errc::misconfigured);
    EXPECT_NE(first->trouble().find("append-only"), std::string::npos);
    redis_settings reckless;
    reckless.accept_data_loss = true;
    const auto accepted = open_store(context, careless.url(), reckless);
    const auto none = run(context, accepted->warnings());
    ASSERT_TRUE(none && none->size() == 1);
    EXPECT_NE(none->front().find("append-only"), std::string::npos);
    const redis_server hasty({"--appendonly", "yes", "--appendfsync", "everysec"});
    const auto second = open_store(context, hasty.url());
    const auto weak = run(context, second->warnings());
    ASSERT_TRUE(weak && weak->size() == 1);
    EXPECT_NE(weak->front().find("appendfsync"), std::string::npos);
}

TEST(RedisServer, KeepsAVaultFromStartToRestart)
{
    const redis_server server;
    const temporary_directory directory;
    settings settings = settings_in(directory);
    settings.store = server.url();
    asio::io_context context;
    const connection fresh = example_connection();
    {
        const auto keeper = keeper::open(context, settings);
        ASSERT_TRUE(run(context, keeper->add(fresh, one_secret("value"))));
        EXPECT_TRUE(keeper->warnings().empty());
    }
    const auto keeper = keeper::open(context, settings);
    const auto resolver = keeper->make_resolver(context);
    const auto found = run(context, resolver->fetch(fresh.id));
    ASSERT_TRUE(found);
    secret value;
    ASSERT_TRUE((*found)->open("secret", value));
    EXPECT_EQ(value.reveal(), "value");
    EXPECT_FALSE((*found)->good(boot_millis() + settings.lease.count()));
    ASSERT_TRUE(run(context, keeper->revoke(fresh.id, "")));
    EXPECT_FALSE((*found)->good(boot_millis()));
    write_file(directory.file("master.key"), std::string(64, 'b'));
    try {
        (void)keeper::open(context, settings);
        ADD_FAILURE() << "another master key was taken";
    } catch (const boost::system::system_error& error) {
        EXPECT_EQ(error.code(), errc::wrong_master_key);
    }
}

// Two gates on one Redis.
class Fleet : public testing::Test {
protected:
    Fleet()
    {
        settings_.store = server_.url();
        settings_.lease = std::chrono::milliseconds(300);
        first_ = keeper::open(context_, settings_);
        second_ = keeper::open(context_, settings_);
    }

    redis_server server_;
    temporary_directory directory_;
    settings settings_ = settings_in(directory_);
    boost::asio::io_context context_;
    std::unique_ptr<keeper> first_;
    std::unique_ptr<keeper> second_;
};

TEST_F(Fleet, StopsUsingWhatAnotherGateRevokedWithinTheLease)
{
    const connection fresh = example_connection();
    ASSERT_TRUE(run(context_, first_->add(fresh, one_secret("value"))));
    const auto resolver = second_->make_resolver(context_);
    ASSERT_TRUE(run(context_, resolver->fetch(fresh.id)));
    ASSERT_TRUE(run(context_, first_->revoke(fresh.id, "")));
    const std::int64_t revoked_at = boot_millis();
    EXPECT_EQ(resolver->cached(fresh.id, revoked_at + settings_.lease.count()), nullptr);
    const auto again = run(context_, resolver->fetch(fresh.id));
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)->record().status, status::revoked);
    secret value;
    EXPECT_EQ((*again)->open("secret", value).error(), errc::not_found);
}

TEST_F(Fleet, AgreesOnTheFirstKeyOfAWorkspace)
{
    const connection one = example_connection();
    const connection other = example_connection();
    int done = 0;
    const auto finish = [&done](std::exception_ptr, result<connection> added) {
        done += added ? 1 : 100;
    };
    boost::asio::co_spawn(context_, first_->add(one, one_secret("one")), finish);
    boost::asio::co_spawn(context_, second_->add(other, one_secret("other")), finish);
    const auto end = std::chrono::steady_clock::now() + test_limit;
    context_.restart();
    while (done < 2 && std::chrono::steady_clock::now() < end) {
        context_.run_one_for(std::chrono::milliseconds(20));
    }
    ASSERT_EQ(done, 2);
    const auto crossed = second_->make_resolver(context_);
    secret value;
    const auto found = run(context_, crossed->fetch(one.id));
    ASSERT_TRUE(found);
    ASSERT_TRUE((*found)->open("secret", value));
    EXPECT_EQ(value.reveal(), "one");
}

TEST_F(Fleet, LetsOneOfTwoConcurrentChangesGoAfterTheOther)
{
    const connection fresh = example_connection();
    ASSERT_TRUE(run(context_, first_->add(fresh, one_secret("value"))));
    int done = 0;
    const auto finish = [&done](std::exception_ptr, result<connection> changed) {
        done += changed ? 1 : 100;
    };
    const auto extend = [](connection& record) { record.account += "x"; };
    for (int i = 0; i < 4; ++i) {
        boost::asio::co_spawn(context_, first_->update(fresh.id, extend, std::nullopt), finish);
        boost::asio::co_spawn(context_, second_->update(fresh.id, extend, std::nullopt), finish);
    }
    const auto end = std::chrono::steady_clock::now() + test_limit;
    context_.restart();
    while (done < 8 && std::chrono::steady_clock::now() < end) {
        context_.run_one_for(std::chrono::milliseconds(20));
    }
    ASSERT_EQ(done, 8);
    EXPECT_EQ(run(context_, first_->show(fresh.id))->account, "xxxxxxxx");
}

}  // namespace
}  // namespace sallyport::vault
