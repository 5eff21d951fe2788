#include "vault/redis_link.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "tests/vault/fixture.hpp"
#include "vault/error.hpp"
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

    std::shared_ptr<redis_site> site() const
    {
        const std::uint16_t port = acceptor_.local_endpoint().port();
        return std::make_shared<redis_site>(
            parse_redis_url("redis://127.0.0.1:" + std::to_string(port)), redis_settings());
    }

    int connections() const { return static_cast<int>(peers_.size()); }
    void say(const std::string& bytes) { asio::write(*peers_.back(), asio::buffer(bytes)); }
    void hang_up() { peers_.back()->close(); }
    // What the newest connection has sent since.
    std::string hear()
    {
        std::string bytes(peers_.empty() ? 0 : peers_.back()->available(), '\0');
        if (!bytes.empty()) {
            asio::read(*peers_.back(), asio::buffer(bytes));
        }
        return bytes;
    }

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

    bool hears(const std::string& part)
    {
        std::string heard;
        return until([&] {
            heard += server_.hear();
            return heard.find(part) != std::string::npos;
        });
    }

    // The first connection, or another one: greeted as by a master.
    void connect(int which = 1)
    {
        ASSERT_TRUE(until([&] { return server_.connections() == which; }));
        ASSERT_TRUE(hears("ROLE"));
        server_.say("*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
        ASSERT_TRUE(hears("PING"));
        server_.say("+PONG\r\n");
    }

    asio::io_context context_;
    scripted_server server_{context_};
    redis_link link_{context_, server_.site()};
};

TEST_F(RedisLink, GivesEveryAnswerToItsCommandInOrder)
{
    connect();
    const reply_slot first = ask({"GET", "a"});
    const reply_slot second = ask({"GET", "b"});
    ASSERT_TRUE(hears("$1\r\nb\r\n"));
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
    connect(2);
    ASSERT_TRUE(until([&] { return link_.trouble().empty(); }));
    const reply_slot next = ask({"GET", "other"});
    ASSERT_TRUE(hears("other"));
    server_.say("$5\r\nother\r\n");
    ASSERT_TRUE(until([&] { return next->has_value(); }));
    EXPECT_EQ((**next)->text, "other");
}

TEST_F(RedisLink, DropsTheConnectionWhenACallerIsCancelled)
{
    connect();
    asio::cancellation_signal stop;
    bool ended = false;
    asio::co_spawn(
        context_, link_.ask({"GET", "mine"}),
        asio::bind_cancellation_slot(
            stop.slot(), [&](std::exception_ptr, result<redis_reply>) { ended = true; }));
    const reply_slot beside = ask({"GET", "neighbour"});
    ASSERT_TRUE(hears("neighbour"));
    stop.emit(asio::cancellation_type::all);
    ASSERT_TRUE(until([&] { return ended && beside->has_value(); }));
    EXPECT_EQ((*beside)->error(), errc::unavailable);
    EXPECT_TRUE(until([&] { return server_.connections() == 2; }));
}

TEST_F(RedisLink, DropsAConnectionThatTalksUnasked)
{
    connect();
    const reply_slot asked = ask({"GET", "a"});
    ASSERT_TRUE(hears("GET"));
    server_.say("$-1\r\n");
    ASSERT_TRUE(until([&] { return asked->has_value(); }));
    server_.say("+surprise\r\n");
    EXPECT_TRUE(until([&] { return server_.connections() == 2; }));
}

TEST_F(RedisLink, DropsAConnectionThatIsNotRedisOrAsksForTooMuchRoom)
{
    int connections = 0;
    for (const char* bad :
         {"HTTP/1.1 400 Bad Request\r\n\r\n", "*2147483647\r\n", "*-7\r\n:1\r\n"}) {
        connect(++connections);
        const reply_slot asked = ask({"GET", "a"});
        ASSERT_TRUE(hears("GET"));
        server_.say(bad);
        ASSERT_TRUE(until([&] { return asked->has_value(); })) << bad;
        EXPECT_EQ((*asked)->error(), errc::unavailable) << bad;
    }
}

TEST_F(RedisLink, EndsWhatIsUnderWayWhenTheServerHangsUp)
{
    connect();
    const reply_slot asked = ask({"GET", "a"});
    ASSERT_TRUE(hears("GET"));
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
    EXPECT_EQ(to_string(plain.endpoints.at(0)), "cache.internal:7000");
    EXPECT_FALSE(plain.tls);
    EXPECT_EQ(plain.database, 3u);
    EXPECT_EQ(plain.password, nullptr);
    const redis_address full = parse_redis_url("redis://gate:p%40ss%2Fword@[::1]");
    EXPECT_EQ(to_string(full.endpoints.at(0)), "[::1]:6379");
    EXPECT_EQ(full.user, "gate");
    EXPECT_EQ(full.password->reveal(), "p@ss/word");
    EXPECT_EQ(parse_redis_url("redis://:only@localhost/").password->reveal(), "only");
    EXPECT_TRUE(parse_redis_url("rediss://cache.internal").tls);
}

TEST(RedisAddress, ReadsUrlsOfSentinels)
{
    const redis_address found =
        parse_redis_url("redis+sentinel://gate:word@one:26380,two,[::3]:7/prime/4");
    std::string all;
    for (const redis_endpoint& endpoint : found.endpoints) {
        all += to_string(endpoint) + " ";
    }
    EXPECT_EQ(all, "one:26380 two:26379 [::3]:7 ");
    EXPECT_EQ(found.master, "prime");
    EXPECT_EQ(found.user, "gate");
    EXPECT_EQ(found.password->reveal(), "word");
    EXPECT_EQ(found.database, 4u);
    EXPECT_FALSE(found.tls);
    EXPECT_TRUE(parse_redis_url("rediss+sentinel://one/prime").tls);
}

TEST(RedisAddress, RefusesOthersWithoutRepeatingThem)
{
    for (const char* bad :
         {"redis://", "redis://:hunter2@", "redis://user@host", "redis://h:0", "redis://h:99999",
          "redis://h/db", "redis://h/99999", "redis://h/1?x=hunter2", "http://:hunter2@h",
          "redis:hunter2", "redis://a,b", "redis+sentinel://:hunter2@a,b",
          "redis+sentinel://a,,b/m", "redis+sentinel://a,u:hunter2@b/m", "redis+sentinel://a/m/x",
          "redis+sentinel://a/m m", "redis://h ost", "redis+unix:/hunter2"}) {
        try {
            (void)parse_redis_url(bad);
            ADD_FAILURE() << bad;
        } catch (const boost::system::system_error& error) {
            EXPECT_EQ(error.code(), errc::misconfigured);
            EXPECT_EQ(std::string(error.what()).find("hunter2"), std::string::npos);
        }
    }
}

}  // namespace
}  // namespace sallyport::vault
