// The vault behind sentinels: the master is found, lost, and found again.
#include <gtest/gtest.h>

#include "tests/vault/redis_server.hpp"
#include "vault/error.hpp"
#include "vault/open_store.hpp"

namespace sallyport::vault {
namespace {

namespace asio = boost::asio;

class RedisSentinel : public testing::Test {
protected:
    RedisSentinel()
    {
        until([this] { return replica_stands(); });
    }

    static std::vector<std::string> options(std::uint16_t master = 0)
    {
        std::vector<std::string> out = {"--appendonly", "yes", "--repl-diskless-sync-delay", "0"};
        if (master != 0) {
            out.emplace_back("--replicaof");
            out.push_back("127.0.0.1 " + std::to_string(master));
        }
        return out;
    }

    static std::vector<std::string> watching(std::uint16_t master)
    {
        return {"sentinel monitor prime 127.0.0.1 " + std::to_string(master) + " 1",
                "sentinel down-after-milliseconds prime 300",
                "sentinel failover-timeout prime 2000"};
    }

    bool replica_stands() const
    {
        const std::string replicas = sentinel_.ask({"SENTINEL", "REPLICAS", "prime"});
        const std::string role = replica_.ask({"ROLE"});
        return replicas.starts_with("*1") && role.find("connected") != std::string::npos;
    }

    template <class Condition>
    void until(Condition holds)
    {
        const auto end = std::chrono::steady_clock::now() + test_limit;
        while (!holds()) {
            ASSERT_LT(std::chrono::steady_clock::now(), end);
            context_.restart();
            context_.run_for(std::chrono::milliseconds(20));
        }
    }

    bool replicated(const std::string& id) const
    {
        return replica_.ask({"EXISTS", "sallyport:connection:" + id}).starts_with(":1");
    }

    std::string url(const std::string& sentinels, const std::string& name = "/prime") const
    {
        return "redis+sentinel://" + sentinels + "127.0.0.1:" + std::to_string(sentinel_.port()) +
               name;
    }

    asio::io_context context_;
    redis_server master_{options()};
    redis_server replica_{options(master_.port())};
    redis_server sentinel_{watching(master_.port()), redis_server::kind::sentinel};
};

TEST_F(RedisSentinel, FollowsTheMasterThroughFailovers)
{
    // The first sentinel is gone: the next is asked.
    const auto opened = open_store(context_, url("127.0.0.1:1,"));
    const connection first = example_connection();
    ASSERT_TRUE(run(context_, opened->insert({first, "sealed"})));
    until([&] { return replicated(first.id); });

    // On request: the old master lives on as a replica, and must not be used as one.
    until([&] { return sentinel_.ask({"SENTINEL", "FAILOVER", "prime"}).starts_with("+OK"); });
    until([&] { return master_.ask({"ROLE"}).find("slave") != std::string::npos; });
    const connection second = example_connection();
    until([&] {
        const auto inserted = run(context_, opened->insert({second, "sealed"}));
        return inserted || inserted.error() == errc::already_exists;
    });
    EXPECT_TRUE(replicated(second.id));  // It is the master now.
    EXPECT_TRUE(run(context_, opened->load(first.id)));
    EXPECT_EQ(opened->trouble(), "");

    // By its death.
    until([&] {
        return master_.ask({"EXISTS", "sallyport:connection:" + second.id}).starts_with(":1");
    });
    replica_.kill();
    until([&] { return run(context_, opened->revoke(second.id, "")).has_value(); });
    EXPECT_EQ(run(context_, opened->load(second.id))->record.status, status::revoked);
}

TEST_F(RedisSentinel, SaysWhatIsWrongWithTheNameAndTheServers)
{
    const auto unknown = open_store(context_, url("", "/nobody"));
    EXPECT_FALSE(run(context_, unknown->load("x")));
    EXPECT_NE(unknown->trouble().find("knows no master of the name"), std::string::npos);

    const auto replica = open_store(context_, replica_.url());
    EXPECT_FALSE(run(context_, replica->load("x")));
    EXPECT_NE(replica->trouble().find("is a replica"), std::string::npos);

    const auto sentinel = open_store(context_, sentinel_.url());
    EXPECT_FALSE(run(context_, sentinel->load("x")));
    EXPECT_NE(sentinel->trouble().find("is a sentinel"), std::string::npos);

    const auto master = open_store(
        context_, "redis+sentinel://127.0.0.1:" + std::to_string(master_.port()) + "/prime");
    EXPECT_FALSE(run(context_, master->load("x")));
    EXPECT_NE(master->trouble().find("as a sentinel"), std::string::npos) << master->trouble();
}

TEST_F(RedisSentinel, NeverUsesAMasterThatWasMadeAReplica)
{
    const auto opened = open_store(context_, master_.url());
    const connection fresh = example_connection();
    ASSERT_TRUE(run(context_, opened->insert({fresh, "sealed"})));
    sentinel_.kill();
    ASSERT_TRUE(replica_.ask({"REPLICAOF", "NO", "ONE"}).starts_with("+OK"));
    const std::string port = std::to_string(replica_.port());
    ASSERT_TRUE(master_.ask({"REPLICAOF", "127.0.0.1", port}).starts_with("+OK"));
    EXPECT_EQ(run(context_, opened->revoke(fresh.id, "")).error(), errc::unavailable);
    EXPECT_EQ(run(context_, opened->load(fresh.id)).error(), errc::unavailable);
    EXPECT_NE(opened->trouble().find("is a replica"), std::string::npos) << opened->trouble();
}

}  // namespace
}  // namespace sallyport::vault
