// The decisions behind the lease, one by one. fleet_property_test tries them in every order.
#include "vault/fleet_view.hpp"

#include <gtest/gtest.h>

#include "tests/vault/fleet_model.hpp"

namespace sallyport::vault {
namespace {

// One gate and its nonces, by hand.
class OneGate : public testing::Test {
protected:
    void nonce(const fleet_position& store, std::int64_t sent)
    {
        const std::string name = std::to_string(++nonces_);
        gate_.view.heartbeat_sent(name, sent);
        gate_.view.heard_nonce(name, store);
    }

    fleet_report report_of(const model_store& store) const
    {
        return {store.position, !store.emptied, store.history};
    }

    model_store store_;
    model_gate gate_;
    int nonces_ = 0;
};

TEST_F(OneGate, CountsTheLeaseFromWhenTheHeartbeatWasSent)
{
    EXPECT_EQ(gate_.lease, 0);
    nonce(store_.position, 5000);
    EXPECT_EQ(gate_.lease, 5000 + lease_length);
    nonce(store_.position, 5100);
    EXPECT_EQ(gate_.lease, 5100 + lease_length);
    gate_.view.heard_nonce("never sent", store_.position);
    EXPECT_EQ(gate_.lease, 5100 + lease_length);
    gate_.view.lost();
    EXPECT_EQ(gate_.lease, 0);
}

TEST_F(OneGate, HasNoLeaseWhileTheStoreGoesOnUnheard)
{
    nonce(store_.position, 1);
    store_.announce(change_kind::connection, "a");
    gate_.cached.insert("b");
    nonce(store_.position, 2);
    EXPECT_EQ(gate_.lease, 0);
    EXPECT_TRUE(gate_.cached.empty());
    ASSERT_TRUE(gate_.view.to_be_examined());
    EXPECT_EQ(gate_.view.judge(report_of(store_)).what, fleet_view::judgement::kind::go_on);
    nonce(store_.position, 3);
    EXPECT_EQ(gate_.lease, 3 + lease_length);
}

TEST_F(OneGate, PutsBackWhatAStoreThatWentBackHasLost)
{
    nonce(store_.position, 1);
    const model_store before = store_;
    gate_.view.heard(store_.announce(change_kind::connection_revoked, "a"));
    gate_.view.heard(store_.announce(change_kind::connection_off, "b"));
    gate_.view.heard(store_.announce(change_kind::connection, "b"));
    gate_.view.lost();
    nonce(before.position, 2);
    EXPECT_EQ(gate_.lease, 0);
    const auto judged = gate_.view.judge(report_of(before));
    ASSERT_EQ(judged.what, fleet_view::judgement::kind::put_back);
    ASSERT_EQ(judged.changes.size(), 1u);
    EXPECT_EQ(judged.changes[0].what, "a");
    EXPECT_EQ(judged.above, 3u);
}

TEST_F(OneGate, IsSealedWhereTheStoreLostMoreThanItKnows)
{
    store_.announce(change_kind::connection, "a");
    const model_store before = store_;
    store_.announce(change_kind::connection_revoked, "b");
    nonce(store_.position, 1);
    gate_.view.lost();
    nonce(before.position, 2);
    EXPECT_EQ(gate_.view.judge(report_of(before)).what, fleet_view::judgement::kind::seal);
    EXPECT_NE(gate_.view.why_sealed(), "");
    nonce(store_.position, 3);
    EXPECT_EQ(gate_.lease, 0);
}

TEST_F(OneGate, IsSealedByAnotherVaultAndByOneThatLostItsName)
{
    nonce(store_.position, 1);
    model_store nameless = store_;
    nameless.position.vault = "-";
    nonce(nameless.position, 2);
    EXPECT_EQ(gate_.view.judge(report_of(nameless)).what, fleet_view::judgement::kind::seal);

    model_gate other;
    other.view.heartbeat_sent("1", 1);
    other.view.heard_nonce("1", store_.position);
    store_.position.vault = "another";
    other.view.heartbeat_sent("2", 2);
    other.view.heard_nonce("2", store_.position);
    EXPECT_EQ(other.view.judge(report_of(store_)).what, fleet_view::judgement::kind::seal);
    EXPECT_EQ(other.lease, 0);
}

TEST_F(OneGate, FindsAForkThatReachedTheSameEpoch)
{
    nonce(store_.position, 1);
    model_store fork = store_;
    gate_.view.heard(store_.announce(change_kind::connection_revoked, "a"));
    fork.announce(change_kind::connection, "b");
    gate_.view.lost();
    nonce(fork.position, 2);
    EXPECT_EQ(gate_.lease, 0);
    const auto judged = gate_.view.judge(report_of(fork));
    ASSERT_EQ(judged.what, fleet_view::judgement::kind::put_back);
    EXPECT_EQ(judged.changes.size(), 1u);
}

// Its own change was acknowledged, but its message never came; and the store that had not got it
// has been changed by others meanwhile.
TEST_F(OneGate, PutsBackWhatItDidItselfThoughTheStoreWentOnWithoutIt)
{
    nonce(store_.position, 1);
    model_store fork = store_;
    gate_.view.acknowledged(store_.announce(change_kind::connection_revoked, "a"));
    fork.announce(change_kind::connection, "b");
    fork.announce(change_kind::connection, "b");
    gate_.view.lost();
    nonce(fork.position, 2);
    EXPECT_EQ(gate_.view.judge(report_of(fork)).what, fleet_view::judgement::kind::go_on);
    EXPECT_EQ(gate_.lease, 0);
    ASSERT_TRUE(gate_.view.to_be_examined());
    const auto judged = gate_.view.judge(report_of(fork));
    ASSERT_EQ(judged.what, fleet_view::judgement::kind::put_back);
    ASSERT_EQ(judged.changes.size(), 1u);
    EXPECT_EQ(judged.changes[0].what, "a");
}

TEST(FleetChange, ReadsOnlyWhatAScriptAnnounces)
{
    const auto change = parse_change("12 aa bb r acme/r1 1763633315000042");
    ASSERT_TRUE(change);
    EXPECT_EQ(change->epoch, 12u);
    EXPECT_EQ(change->before, "aa");
    EXPECT_EQ(change->mark, "bb");
    EXPECT_EQ(change->kind, change_kind::run_ended);
    EXPECT_EQ(change->what, "acme/r1");
    EXPECT_EQ(change->keep_until, 1'763'633'315'000'042);
    EXPECT_TRUE(parse_change("1 - bb x conn_1"));
    for (const char* wrong :
         {"", "1", "x - b c d", "0 - b c d", "1 - b q d", "1 - b c", "1 - b c d e", "1 - b r d",
          "1 - b r d x", "-1 - b c d", "99999999999999999999 - b c d", "1  b c d"}) {
        EXPECT_FALSE(parse_change(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace sallyport::vault
