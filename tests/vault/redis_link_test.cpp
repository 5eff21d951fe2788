#include "vault/redis_link.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "tests/vault/redis_server.hpp"
#include "vault/error.hpp"
#include "vault/keeper.hpp"
#include "vault/open_store.hpp"
#include "vault/redis_wire.hpp"

namespace sallyport::vault {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// A server that says what the test tells it to, whatever it was asked.
class scripted_server {
public:
    explicit scripted_server(asio::io_context& context)
        : context_(context), acceptor_(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0))
    {
        accept();
    }

    redis_address address() const
    {
        redis_address at;
        at.host = "127.0.0.1";
        at.port = acceptor_.local_endpoint().port();
        return at;
    }

    int connections() const { return static_cast<int>(peers_.size()); }
    void say(const std::string& bytes) { asio::write(*peers_.back(), asio::buffer(bytes)); }
    void hang_up() { peers_.back()->close(); }

private:
    void accept()
    {
        acceptor_.async_accept(context_, [this](const error_code& failed, tcp::socket peer) {
            if (!failed) {
                peers_.push_back(std::make_unique<tcp::socket>(std::move(peer)));
                accept();
            }
        });
    }

    asio::io_context& context_;
    tcp::acceptor acceptor_;
    std::vector<std::unique_ptr<tcp::socket>> peers_;
};

using reply_slot = std::shared_ptr<std::optional<result<redis_reply>>>;

class RedisLink : public testing::Test {
protected:
    reply_slot ask(std::vector<std::string> words)
    {
        auto slot = std::make_shared<std::optional<result<redis_reply>>>();
        asio::co_spawn(context_, link_.ask(std::move(words)),
                       [slot](std::exception_ptr, result<redis_reply> reply) {
                           slot->emplace(std::move(reply));
                       });
        return slot;
    }

    template <class Condition>
    bool until(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds(10))
    {
        const auto end = std::chrono::steady_clock::now() + limit;
        context_.restart();
        while (!condition() && std::chrono::steady_clock::now() < end) {
            context_.run_one_for(std::chrono::milliseconds(20));
        }
        return condition();
    }

    void connect()
    {
        ASSERT_TRUE(until([&] { return server_.connections() == 1; }));
        server_.say("+PONG\r\n");
    }

    asio::io_context context_;
    scripted_server server_{context_};
    redis_link link_{context_, server_.address()};
};

TEST_F(RedisLink, GivesEveryAnswerToItsCommandInOrder)
{
    connect();
    const reply_slot first = ask({"GET", "a"});
    const reply_slot second = ask({"GET", "b"});
    ASSERT_TRUE(until([&] { return link_.trouble().empty(); }));
    server_.say("$3\r\none\r\n*3\r\n:7\r\n$-1\r\n+OK\r\n");
    ASSERT_TRUE(until([&] { return *first && *second; }));
    EXPECT_EQ((**first)->text, "one");
    ASSERT_EQ((**second)->elements.size(), 3u);
    EXPECT_EQ((**second)->elements[0].number, 7);
    EXPECT_EQ((**second)->elements[1].type, redis_reply::kind::nothing);
    EXPECT_EQ((**second)->elements[2].text, "OK");
}

TEST_F(RedisLink, DropsTheConnectionWhenACommandTimesOutAndNeverUsesALateAnswer)
{
    connect();
    const reply_slot late = ask({"GET", "secret-of-one"});
    ASSERT_TRUE(until([&] { return late->has_value(); }));
    EXPECT_EQ((*late)->error(), errc::unavailable);
    EXPECT_FALSE(link_.trouble().empty());
    ASSERT_TRUE(until([&] { return server_.connections() == 2; }));
    server_.say("+PONG\r\n");
    ASSERT_TRUE(until([&] { return link_.trouble().empty(); }));
    const reply_slot next = ask({"GET", "other"});
    server_.say("$5\r\nother\r\n");
    ASSERT_TRUE(until([&] { return next->has_value(); }));
    EXPECT_EQ((**next)->text, "other");
}

TEST_F(RedisLink, DropsTheConnectionWhenACallerIsCancelled)
{
    connect();
    asio::cancellation_signal stop;
    bool ended = false;
    asio::co_spawn(context_, link_.ask({"GET", "mine"}),
                   asio::bind_cancellation_slot(
                       stop.slot(),
                       [&](std::exception_ptr, result<redis_reply>) { ended = true; }));
    const reply_slot beside = ask({"GET", "neighbour"});
    until([] { return false; }, std::chrono::milliseconds(50));
    stop.emit(asio::cancellation_type::all);
    ASSERT_TRUE(until([&] { return ended && beside->has_value(); }));
    EXPECT_EQ((*beside)->error(), errc::unavailable);
    EXPECT_TRUE(until([&] { return server_.connections() == 2; }));
}

TEST_F(RedisLink, DropsAConnectionThatTalksUnasked)
{
    connect();
    ASSERT_TRUE(until([&] { return link_.trouble().empty(); }));
    server_.say("+surprise\r\n");
    EXPECT_TRUE(until([&] { return server_.connections() == 2; }));
}

TEST_F(RedisLink, DropsAConnectionThatIsNotRedisOrAsksForTooMuchRoom)
{
    for (const char* bad : {"HTTP/1.1 400 Bad Request\r\n\r\n", "*2147483647\r\n", "*-7\r\n:1\r\n"}) {
        const int before = server_.connections();
        ASSERT_TRUE(until([&] { return server_.connections() > 0; }));
        server_.say("+PONG\r\n");
        ASSERT_TRUE(until([&] { return link_.trouble().empty(); }));
        const reply_slot asked = ask({"GET", "a"});
        server_.say(bad);
        ASSERT_TRUE(until([&] { return asked->has_value(); })) << bad;
        EXPECT_EQ((*asked)->error(), errc::unavailable) << bad;
        ASSERT_TRUE(until([&] { return server_.connections() > std::max(before, 1); }));
    }
}

TEST_F(RedisLink, EndsWhatIsUnderWayWhenTheServerHangsUp)
{
    connect();
    const reply_slot asked = ask({"GET", "a"});
    until([] { return false; }, std::chrono::milliseconds(20));
    server_.hang_up();
    ASSERT_TRUE(until([&] { return asked->has_value(); }));
    EXPECT_EQ((*asked)->error(), errc::unavailable);
}

TEST_F(RedisLink, TakesNoMoreCommandsThanItsPipelineHolds)
{
    connect();
    std::vector<reply_slot> slots;
    for (std::size_t i = 0; i < redis_wire::pipeline_max + 10; ++i) {
        slots.push_back(ask({"PING"}));
    }
    ASSERT_TRUE(until([&] { return slots.back()->has_value(); }));
    EXPECT_EQ((*slots.back())->error(), errc::unavailable);
    EXPECT_FALSE(slots.front()->has_value());
}

TEST(RedisAddress, ReadsUrls)
{
    const redis_address plain = parse_redis_url("redis://cache.internal:7000/3");
    EXPECT_EQ(plain.host, "cache.internal");
    EXPECT_EQ(plain.port, 7000);
    EXPECT_EQ(plain.database, 3u);
    EXPECT_EQ(plain.password, nullptr);
    const redis_address full = parse_redis_url("redis://gate:p%40ss%2Fword@[::1]");
    EXPECT_EQ(full.host, "::1");
    EXPECT_EQ(full.port, 6379);
    EXPECT_EQ(full.user, "gate");
    EXPECT_EQ(full.password->reveal(), "p@ss/word");
    EXPECT_EQ(parse_redis_url("redis://:only@localhost/").password->reveal(), "only");
}

TEST(RedisAddress, RefusesOthersWithoutRepeatingThem)
{
    for (const char* bad : {"redis://", "redis://:hunter2@", "redis://user@host", "redis://h:0",
                            "redis://h:99999", "redis://h/db", "redis://h/99999", "redis://h/1?x=hunter2",
                            "http://:hunter2@h", "redis:hunter2"}) {
        try {
            (void)parse_redis_url(bad);
            ADD_FAILURE() << bad;
        } catch (const boost::system::system_error& error) {
            EXPECT_EQ(error.code(), errc::misconfigured);
            EXPECT_EQ(std::string(error.what()).find("hunter2"), std::string::npos);
        }
    }
}

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

TEST(RedisServer, IsWarnedAboutWhenItMayForget)
{
    asio::io_context context;
    const redis_server careless({"--appendonly", "no"});
    const auto first = open_store(context, careless.url());
    const auto none = run(context, first->warnings());
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

}  // namespace
}  // namespace sallyport::vault
