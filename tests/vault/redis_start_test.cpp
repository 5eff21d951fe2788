// How a gate starts on a Redis that is not as it should be: it says what is wrong, in bounded time,
// and repeats nothing of the password.
#include <gtest/gtest.h>

#include <sstream>

#include "tests/vault/redis_server.hpp"
#include "vault/error.hpp"
#include "vault/keeper.hpp"
#include "vault/redis_durability.hpp"
#include "vault/redis_refusal.hpp"

namespace sallyport::vault {
namespace {

namespace asio = boost::asio;

const std::vector<std::string> durable = {"--appendonly", "yes", "--appendfsync", "always"};

std::vector<std::string> durable_and(std::initializer_list<std::string> more)
{
    std::vector<std::string> out = durable;
    out.insert(out.end(), more);
    return out;
}

class RedisStart : public testing::Test {
protected:
    static std::string at(const redis_server& server, const std::string& login = "",
                          const std::string& database = "")
    {
        return "redis://" + login + "127.0.0.1:" + std::to_string(server.port()) + database;
    }

    // Why a gate does not start; "" if it does. Its warnings are in warnings_.
    std::string failure(const std::string& url, bool accept_data_loss = false)
    {
        settings settings = settings_in(directory_);
        settings.store = url;
        settings.redis.accept_data_loss = accept_data_loss;
        asio::io_context context;
        const auto begun = std::chrono::steady_clock::now();
        std::string why;
        try {
            warnings_ = keeper::open(context, settings)->warnings();
        } catch (const boost::system::system_error& error) {
            why = error.what();
        }
        EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
        EXPECT_EQ(why.find("hunter2"), std::string::npos) << why;
        return why;
    }

    void expect_failure(const std::string& url, const std::string& part)
    {
        const std::string why = failure(url);
        EXPECT_NE(why.find(part), std::string::npos) << why;
    }

    void expect_warning(const std::string& part)
    {
        std::string all;
        for (const std::string& warning : warnings_) {
            all += warning + "\n";
        }
        EXPECT_NE(all.find(part), std::string::npos) << all;
    }

    temporary_directory directory_;
    std::vector<std::string> warnings_;
};

TEST_F(RedisStart, FailsAtOnceWhereNobodyListens)
{
    expect_failure("redis://127.0.0.1:1", "Redis at 127.0.0.1:1 cannot be reached");
    expect_failure("redis://nobody.invalid", "the host name cannot be resolved");
}

TEST_F(RedisStart, FailsInBoundedTimeOnASilentServer)
{
    const redis_server server;
    server.stall();
    expect_failure(server.url(), "does not answer in time");
    server.resume();
    EXPECT_EQ(failure(server.url()), "");
}

TEST_F(RedisStart, SaysWhatIsWrongWithTheLogin)
{
    const redis_server locked(durable_and({"--requirepass", "hunter2"}));
    expect_failure(at(locked), "asks for a password");
    expect_failure(at(locked, ":hunter2x@"), "does not accept the user or the password");
    expect_failure(at(locked, "nobody:hunter2@"), "does not accept the user or the password");
    EXPECT_EQ(failure(at(locked, ":hunter2@")), "");
    const redis_server open;
    expect_failure(at(open, ":hunter2@"), "has no password set");
    expect_failure(at(open, "", "/99"), "has no database with the number");
    EXPECT_EQ(failure(at(open, "", "/15")), "");
}

TEST_F(RedisStart, RefusesARedisThatMayForgetARevocationUnlessThatIsAccepted)
{
    const redis_server forgetful({"--appendonly", "no"});
    expect_failure(forgetful.url(), "appendonly no");
    expect_failure(forgetful.url(), "vault.redis.accept_data_loss");
    EXPECT_EQ(failure(forgetful.url(), true), "");
    expect_warning("appendonly no");
    const redis_server lazy({"--appendonly", "yes", "--appendfsync", "no"});
    expect_failure(lazy.url(), "appendfsync no");
    const redis_server evicting(durable_and({"--maxmemory-policy", "allkeys-lru"}));
    expect_failure(evicting.url(), "maxmemory-policy allkeys-lru");
    const redis_server hasty({"--appendonly", "yes", "--appendfsync", "everysec"});
    EXPECT_EQ(failure(hasty.url()), "");
    expect_warning("appendfsync everysec");
}

// The line an operator is told to use, from the page that tells it.
std::vector<std::string> documented_user()
{
    std::ifstream page(SALLYPORT_SOURCE_DIR "/README.md");
    std::string line;
    while (std::getline(page, line) && line.find("ACL SETUSER sallyport") == std::string::npos) {
    }
    std::istringstream in(line);
    return {std::istream_iterator<std::string>(in), std::istream_iterator<std::string>()};
}

class RedisUser : public RedisStart {
protected:
    void set_user(const std::vector<std::string>& more)
    {
        user_.insert(user_.end(), more.begin(), more.end());
        const std::vector<std::string_view> words(user_.begin(), user_.end());
        ASSERT_TRUE(server_.ask(words).starts_with("+OK"));
    }

    std::string url() const { return at(server_, "sallyport:PASSWORD@"); }

    redis_server server_;
    std::vector<std::string> user_ = documented_user();
};

TEST_F(RedisUser, MayDoWithTheDocumentedAclAllThatAGateDoes)
{
    set_user({});
    settings settings = settings_in(directory_);
    settings.store = url();
    asio::io_context context;
    const auto keeper = keeper::open(context, settings);
    EXPECT_TRUE(keeper->warnings().empty());
    const connection fresh = example_connection("name");
    ASSERT_TRUE(run(context, keeper->add(fresh, one_secret("value"))));
    EXPECT_TRUE(run(context, keeper->update(
                                 fresh.id, [](connection& changed) { changed.name = "other"; },
                                 one_secret("next"))));
    EXPECT_EQ(run(context, keeper->list("", ""))->size(), 1u);
    EXPECT_TRUE(run(context, keeper->revoke(fresh.id, "reason")));
    EXPECT_TRUE(run(context, keeper->remove(fresh.id)));
    run_record started;
    started.workspace = "acme";
    started.run = "run";
    started.expires_at = now_micros() + 60'000'000;
    EXPECT_TRUE(run(context, keeper->start_run(started)));
    EXPECT_EQ(run(context, keeper->list_runs("acme"))->size(), 1u);
    EXPECT_TRUE(run(context, keeper->end_run("acme", "run", started.expires_at)));
    EXPECT_EQ(keeper->trouble(), "");
    EXPECT_TRUE(server_.ask({"AUTH", "sallyport", "PASSWORD"}).starts_with("+OK"));
}

TEST_F(RedisUser, IsToldWhichCommandOrKeyItMayNotUse)
{
    set_user({"-role"});
    expect_failure(url(), "run ROLE");
    set_user({"+role", "-hget"});
    expect_failure(url(), "run HGET");
    set_user({"+hget", "resetkeys", "~other:*"});
    expect_failure(url(), "use the keys sallyport:*");
    set_user({"~sallyport:*", "-config"});
    EXPECT_EQ(failure(url()), "");
    expect_warning("CONFIG GET is not permitted");
    set_user({"-info"});
    EXPECT_EQ(failure(url()), "");
    expect_warning("INFO is not permitted");
}

TEST(RedisDurability, WarnsWhereReplicasMayMissWhatWasAcknowledged)
{
    const std::string sound = "aof_enabled:1\r\nmaxmemory_policy:noeviction\r\n";
    EXPECT_TRUE(judge({sound + "connected_slaves:0\r\n", "always", "0"}).warnings.empty());
    EXPECT_TRUE(judge({sound + "connected_slaves:1\r\n", "always", "1"}).warnings.empty());
    const redis_judgement split = judge({sound + "connected_slaves:2\r\n", "always", "0"});
    ASSERT_EQ(split.warnings.size(), 1u);
    EXPECT_NE(split.warnings[0].find("min-replicas-to-write 0"), std::string::npos);
    EXPECT_TRUE(split.refusals.empty());
}

TEST(RedisRefusal, NamesEachMisfortuneAndRepeatsNothingOfTheError)
{
    for (const auto& [error, part] :
         {std::pair("LOADING Redis is loading the dataset in memory", "loading its data"),
          std::pair("DENIED Redis is running in protected mode", "protected mode"),
          std::pair("MISCONF Redis is configured to save", "write its data to disk"),
          std::pair("OOM command not allowed", "out of memory"),
          std::pair("NOREPLICAS Not enough good replicas", "min-replicas-to-write"),
          std::pair("ERR max number of clients reached", "maxclients"),
          std::pair("MOVED 1 127.0.0.1:1", "Redis Cluster"),
          std::pair("READONLY You can't write", "is a replica"),
          std::pair("ERR Error running script: -READONLY You can't", "is a replica"),
          std::pair("MASTERDOWN Link with MASTER is down", "is a replica"),
          std::pair("BUSY Redis is busy", "busy"),
          std::pair("NOPERM this user has no permissions to access one of the channels",
                    "channels"),
          std::pair("ERR The user executing the script can't run this command", "scripts"),
          std::pair("ERR unknown command 'AUTH', with args beginning with: 'hunter2'",
                    "does not know the command EVALSHA"),
          std::pair("WHATEVER hunter2", "refuses the command EVALSHA")}) {
        redis_reply reply;
        reply.type = redis_reply::kind::error;
        reply.text = error;
        const std::string sentence = why_refused(reply, "EVALSHA");
        EXPECT_NE(sentence.find(part), std::string::npos) << sentence;
        EXPECT_EQ(sentence.find("hunter2"), std::string::npos) << sentence;
    }
}

}  // namespace
}  // namespace sallyport::vault
