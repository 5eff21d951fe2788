#include "net/pool.hpp"

#include <gtest/gtest.h>

#include "net/error.hpp"
#include "tests/net/loop.hpp"

namespace sallyport::net {
namespace {

using std::chrono::milliseconds;

destination to(const std::string& host)
{
    destination out;
    out.host = host;
    return out;
}

TEST(Lane, HandsOutTheConnectionUsedLast)
{
    loop on;
    lane kept(to("api.test"));
    EXPECT_EQ(kept.take(), nullptr);
    auto [first, first_peer] = on.pair();
    auto [last, last_peer] = on.pair();
    kept.give(first);
    kept.give(last);
    EXPECT_EQ(kept.idle(), 2u);
    EXPECT_EQ(kept.take(), last);
    EXPECT_EQ(kept.take(), first);
    EXPECT_EQ(kept.take(), nullptr);
    last_peer->put({"works"});
    EXPECT_FALSE(on.run(last->fill()));
    EXPECT_EQ(last->pending(), "works");
}

TEST(Lane, ClosesAnIdleConnectionOnWhichAByteArrives)
{
    loop on;
    lane kept(to("api.test"));
    auto [ours, peer] = on.pair();
    kept.give(ours);
    peer->put({"HTTP/1.1 200 OK\r\n"});
    EXPECT_TRUE(on.run_until([&] { return kept.idle() == 0; }));
    EXPECT_FALSE(ours->is_open());
    EXPECT_EQ(kept.take(), nullptr);
}

TEST(Lane, ForgetsAnIdleConnectionThePeerCloses)
{
    loop on;
    lane kept(to("api.test"));
    auto [ours, peer] = on.pair();
    kept.give(ours);
    peer->close();
    EXPECT_TRUE(on.run_until([&] { return kept.idle() == 0; }));
    EXPECT_FALSE(ours->is_open());
}

TEST(Lane, KeepsNoConnectionWithBytesOnIt)
{
    loop on;
    lane kept(to("api.test"));
    auto [ours, peer] = on.pair();
    peer->put({"too much"});
    EXPECT_FALSE(on.run(ours->fill()));
    kept.give(ours);
    EXPECT_EQ(kept.idle(), 0u);
    EXPECT_FALSE(ours->is_open());
}

TEST(Lane, NeverHandsOutAConnectionWhoseByteIsStillInTheKernel)
{
    loop on;
    lane kept(to("api.test"));
    auto [ours, peer] = on.pair();
    peer->put({"x"});
    kept.give(ours);
    EXPECT_TRUE(on.run_until([&] { return kept.idle() == 0; }));
    EXPECT_FALSE(ours->is_open());
}

TEST(Lane, HoldsOnlySoMany)
{
    loop on;
    lane kept(to("api.test"));
    std::vector<stream::pointer> peers;
    for (std::size_t i = 0; i < lane::idle_max + 3; ++i) {
        auto [ours, peer] = on.pair();
        kept.give(ours);
        peers.push_back(peer);
    }
    EXPECT_EQ(kept.idle(), lane::idle_max);
    EXPECT_EQ(on.run(peers.back()->fill()), errc::closed);
}

TEST(Lane, KeepsNothingOnceClosed)
{
    loop on;
    lane kept(to("api.test"));
    auto [idle, idle_peer] = on.pair();
    auto [used, used_peer] = on.pair();
    kept.give(idle);
    kept.close();
    EXPECT_EQ(kept.idle(), 0u);
    EXPECT_FALSE(idle->is_open());
    kept.give(used);
    EXPECT_EQ(kept.idle(), 0u);
    EXPECT_FALSE(used->is_open());
}

TEST(Pool, KeepsWhatHasAnotherKeyApart)
{
    loop on;
    pool all;
    const auto make = [] { return to("api.test"); };
    const auto one = all.find("acme\nconn_1\n1", make);
    const auto two = all.find("other\nconn_1\n1", make);
    EXPECT_NE(one, two);
    EXPECT_EQ(all.find("acme\nconn_1\n1", make), one);
    EXPECT_NE(one->slot(), two->slot()) << "nor do they share a TLS session";
    auto [ours, peer] = on.pair();
    one->give(ours);
    EXPECT_EQ(two->take(), nullptr);
    EXPECT_EQ(all.idle(), 1u);
}

TEST(Pool, ClosesTheLanesOfAConnection)
{
    loop on;
    pool all;
    const auto make = [] { return to("api.test"); };
    auto [first, first_peer] = on.pair();
    auto [second, second_peer] = on.pair();
    auto [third, third_peer] = on.pair();
    const auto revoked = all.find("acme\nconn_1\n1\na", make);
    revoked->give(first);
    all.find("acme\nconn_1\n2\nb", make)->give(second);
    all.find("acme\nconn_2\n1\na", make)->give(third);
    all.close_prefix("acme\nconn_1\n");
    EXPECT_FALSE(first->is_open());
    EXPECT_FALSE(second->is_open());
    EXPECT_TRUE(third->is_open());
    EXPECT_EQ(all.idle(), 1u);
    EXPECT_NE(all.find("acme\nconn_1\n1\na", make), revoked);
    all.close_all();
    EXPECT_FALSE(third->is_open());
    EXPECT_EQ(all.idle(), 0u);
}

TEST(Pool, ForgetsUnusedLanesPastItsLimit)
{
    loop on;
    pool all;
    const auto make = [] { return to("api.test"); };
    auto [ours, peer] = on.pair();
    all.find("busy", make)->give(ours);
    const auto held = all.find("held", make);
    const std::weak_ptr<lane> unused = all.find("unused", make);
    for (std::size_t i = 0; i <= pool::lanes_max; ++i) {
        all.find(std::to_string(i), make);
    }
    EXPECT_TRUE(unused.expired());
    EXPECT_EQ(all.find("busy", make)->idle(), 1u);
    EXPECT_EQ(all.find("held", make), held);
    auto [late, late_peer] = on.pair();
    held->give(late);
    all.close_prefix("held");
    EXPECT_FALSE(late->is_open());
}

}  // namespace
}  // namespace sallyport::net
