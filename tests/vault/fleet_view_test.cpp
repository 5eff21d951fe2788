// The decisions behind the lease, driven by random orders of events against a model of a store and
// its gates: messages late, connections lost, stores that go back or are emptied.
#include "vault/fleet_view.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <random>
#include <set>

#include "vault/redis_announce.hpp"

namespace sallyport::vault {
namespace {

constexpr std::int64_t lease_length = 1000;
constexpr int connections_max = 8;

// A store as its scripts leave it.
struct model_store {
    fleet_position position{"vault", 0, "-"};
    std::map<std::uint64_t, fleet_change> history;
    std::set<std::string> revoked;
    bool emptied = false;

    fleet_change announce(change_kind kind, const std::string& what)
    {
        static std::uint64_t marks = 0;
        fleet_change change{
            position.epoch + 1, position.mark, "m" + std::to_string(++marks), kind, what, 0};
        position.epoch = change.epoch;
        position.mark = change.mark;
        history[change.epoch] = change;
        return change;
    }
};

// A gate: its view, its cache and what is under way to it.
struct model_gate final : fleet_effects {
    struct arrival {
        std::string nonce;  // "": a change
        fleet_change change;
        fleet_position position;
    };
    struct load {
        std::string id;
        std::uint64_t stamp;
        bool live;
    };

    void changed(const fleet_change& change) override
    {
        ++stamps;  // Coarser than the epochs are: all slots are one.
        if (change.kind == change_kind::connection) {
            return;
        }
        cached.erase(change.what);
        if (change.kind == change_kind::connection_revoked) {
            known.insert(change.what);
        }
    }
    void everything_changed() override
    {
        ++stamps;
        cached.clear();
    }
    void lease_until(std::int64_t end) override { lease = end; }

    bool uses(const std::string& id, std::int64_t now) const
    {
        return now < lease && cached.contains(id);
    }

    fleet_view view{*this, lease_length};
    std::int64_t lease = 0;
    std::uint64_t stamps = 0;
    std::set<std::string> cached;
    std::set<std::string> known;  // revocations it has been told of
    std::deque<arrival> stream;   // on the subscription
    std::deque<std::string> heartbeats;
    std::deque<load> loads;
    std::deque<fleet_change> acknowledgements;
    bool asks = false;     // The data connection stands.
    bool listens = false;  // So does the subscription.
    int nonces = 0;
};

class World {
public:
    World(unsigned seed, bool may_forget) : random_(seed), may_forget_(may_forget), kept_(store_)
    {
        gates_.resize(3);
        for (auto& gate : gates_) {
            gate = std::make_unique<model_gate>();
        }
    }

    void run(int steps)
    {
        for (int i = 0; i < steps; ++i) {
            step();
            check();
        }
    }

    // Everything arrives and nothing more breaks: who is not sealed must have a lease.
    void calm_down()
    {
        for (int round = 0; round < 12; ++round) {
            for (auto& gate : gates_) {
                connect(*gate);
                beat(*gate);
                while (!gate->heartbeats.empty()) {
                    execute(*gate);
                }
                while (!gate->stream.empty()) {
                    deliver(*gate);
                }
                while (!gate->acknowledgements.empty()) {
                    acknowledge(*gate);
                }
                examine(*gate);
                check();
            }
        }
        for (auto& gate : gates_) {
            sealed += gate->view.where() == fleet_view::state::sealed ? 1 : 0;
            EXPECT_TRUE(gate->view.where() == fleet_view::state::sealed || now_ < gate->lease);
        }
    }

    int uses = 0, heals = 0, sealed = 0;

private:
    int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
    model_gate& any() { return *gates_[static_cast<std::size_t>(pick(3))]; }
    std::string any_connection() { return "c" + std::to_string(pick(connections_max) + made_); }

    void step()
    {
        model_gate& gate = any();
        const int what = pick(may_forget_ ? 1010 : 1000);
        if (what < 120) {
            now_ += pick(120);
        } else if (what < 300) {
            beat(gate);
        } else if (what < 450) {
            execute(gate);
        } else if (what < 700) {
            deliver(gate);
        } else if (what < 800) {
            begin_load(gate);
        } else if (what < 880) {
            end_load(gate);
        } else if (what < 900) {
            revoke(gate);
        } else if (what < 910) {
            change(gate);
        } else if (what < 930) {
            acknowledge(gate);
        } else if (what < 960) {
            start_anew_if_sealed();
            connect(any());
        } else if (what < 966) {
            lose(gate, true);
        } else if (what < 972) {
            lose(gate, false);
        } else if (what < 1000) {
            examine(gate);
        } else if (what < 1005) {
            kept_ = store_;
        } else if (what < 1008) {
            fail_over();
        } else {
            empty();
        }
    }

    void check()
    {
        for (const auto& gate : gates_) {
            for (const auto& id : gate->cached) {
                if (!gate->uses(id, now_)) {
                    continue;
                }
                ++uses;
                const auto revoked = acknowledged_.find(id);
                if (!may_forget_ && revoked != acknowledged_.end()) {
                    ASSERT_LT(now_, revoked->second + lease_length) << "beyond the lease";
                }
                ASSERT_FALSE(gate->known.contains(id)) << "a gate forgot what it was told";
            }
        }
    }

    void publish(const fleet_change& change)
    {
        for (auto& gate : gates_) {
            if (gate->listens) {
                gate->stream.push_back({"", change, {}});
            }
        }
    }

    void beat(model_gate& gate)
    {
        if (gate.asks && gate.heartbeats.size() < 4) {
            const std::string nonce = "n" + std::to_string(++gate.nonces);
            gate.view.heartbeat_sent(nonce, now_);
            gate.heartbeats.push_back(nonce);
        }
    }

    void execute(model_gate& gate)
    {
        if (gate.heartbeats.empty()) {
            return;
        }
        if (gate.listens) {
            gate.stream.push_back({gate.heartbeats.front(), {}, store_.position});
        }
        gate.heartbeats.pop_front();
    }

    void deliver(model_gate& gate)
    {
        if (gate.stream.empty()) {
            return;
        }
        const model_gate::arrival next = gate.stream.front();
        gate.stream.pop_front();
        if (next.nonce.empty()) {
            gate.view.heard(next.change);
        } else {
            gate.view.heard_nonce(next.nonce, next.position);
        }
    }

    void begin_load(model_gate& gate)
    {
        if (gate.asks) {
            const std::string id = any_connection();
            gate.loads.push_back(
                {id, gate.stamps, !store_.emptied && !store_.revoked.contains(id)});
        }
    }

    void end_load(model_gate& gate)
    {
        if (!gate.loads.empty()) {
            const model_gate::load& found = gate.loads.front();
            if (found.live && found.stamp == gate.stamps) {
                gate.cached.insert(found.id);
            }
            gate.loads.pop_front();
        }
    }

    bool fenced_off(const model_gate& gate) const
    {
        return !gate.view.vault().empty() && (gate.view.vault() != store_.position.vault ||
                                              gate.view.highest() > store_.position.epoch);
    }

    void revoke(model_gate& gate)
    {
        const std::string id = any_connection();
        if (!gate.asks || fenced_off(gate) || store_.revoked.contains(id)) {
            return;
        }
        store_.revoked.insert(id);
        const fleet_change change = store_.announce(change_kind::connection_revoked, id);
        publish(change);
        gate.acknowledgements.push_back(change);
        made_ += pick(2);
    }

    void change(model_gate& gate)
    {
        if (gate.asks && !fenced_off(gate)) {
            publish(store_.announce(change_kind::connection, any_connection()));
        }
    }

    void acknowledge(model_gate& gate)
    {
        if (!gate.acknowledgements.empty()) {
            const fleet_change change = gate.acknowledgements.front();
            gate.acknowledgements.pop_front();
            acknowledged_.emplace(change.what, now_);
            gate.view.acknowledged(change);
        }
    }

    void start_anew_if_sealed()
    {
        auto& gate = gates_[static_cast<std::size_t>(pick(3))];
        if (gate->view.where() == fleet_view::state::sealed) {
            ++sealed;
            gate = std::make_unique<model_gate>();
        }
    }

    void connect(model_gate& gate) { gate.asks = gate.listens = true; }

    void lose(model_gate& gate, bool data)
    {
        if (data) {
            gate.asks = false;
            gate.heartbeats.clear();
            gate.loads.clear();
            gate.acknowledgements.clear();
            ++gate.stamps;  // Questions under way fail.
        } else {
            gate.listens = false;
            gate.stream.clear();
        }
        gate.view.lost();
    }

    void examine(model_gate& gate)
    {
        if (!gate.asks || !gate.view.to_be_examined()) {
            return;
        }
        fleet_report report;
        report.position = store_.position;
        report.has_connections = !store_.emptied;
        const fleet_view::range wanted = gate.view.wanted(store_.position);
        for (const auto& [epoch, change] : store_.history) {
            if (epoch >= wanted.first && epoch <= wanted.last) {
                report.history[epoch] = change;
            }
        }
        const fleet_view::judgement judged = gate.view.judge(report);
        using kind = fleet_view::judgement::kind;
        if (judged.what == kind::found) {
            store_.position.vault = "vault";
            gate.view.done();
            return;
        }
        if (judged.what != kind::put_back && judged.what != kind::found_again) {
            return;
        }
        ++heals;
        for (const fleet_change& lost : judged.changes) {
            if (store_.revoked.insert(lost.what).second) {
                publish(store_.announce(lost.kind, lost.what));
            }
        }
        if (pick(4) == 0) {
            lose(gate, pick(2) == 0);  // In the middle of it.
            return;
        }
        const bool lost_its_id = store_.position.vault == "-";
        store_.position.vault = gate.view.vault();
        if (store_.position.epoch < judged.above || lost_its_id) {
            store_.position.epoch = std::max(store_.position.epoch, judged.above);
            publish(store_.announce(change_kind::healed, "-"));
        }
        gate.view.done();
    }

    // To a replica that had not got everything.
    void fail_over()
    {
        store_ = kept_;
        for (auto& gate : gates_) {
            lose(*gate, true);
            lose(*gate, false);
        }
    }

    void empty()
    {
        store_ = model_store();
        store_.position.vault = "-";
        store_.emptied = true;
        kept_ = store_;
    }

    std::mt19937 random_;
    const bool may_forget_;
    model_store store_;
    model_store kept_;
    std::vector<std::unique_ptr<model_gate>> gates_;
    std::map<std::string, std::int64_t> acknowledged_;
    std::int64_t now_ = 1;
    int made_ = 0;
};

TEST(FleetView, NeverUsesWhatWasRevokedBeyondTheLeaseWhateverIsLostOrLate)
{
    int uses = 0;
    for (unsigned seed = 0; seed < 200; ++seed) {
        World world(seed, false);
        world.run(3000);
        world.calm_down();
        ASSERT_FALSE(testing::Test::HasFatalFailure()) << "seed " << seed;
        EXPECT_EQ(world.sealed, 0) << "seed " << seed;
        uses += world.uses;
    }
    EXPECT_GT(uses, 100'000) << "the world is too quiet to show anything";
}

TEST(FleetView, NeverUsesAgainWhatItKnowsRevokedThoughTheStoreForgets)
{
    int uses = 0;
    int heals = 0;
    int sealed = 0;
    for (unsigned seed = 0; seed < 300; ++seed) {
        World world(seed, true);
        world.run(3000);
        world.calm_down();
        ASSERT_FALSE(testing::Test::HasFatalFailure()) << "seed " << seed;
        uses += world.uses;
        heals += world.heals;
        sealed += world.sealed;
    }
    EXPECT_GT(uses, 10'000);
    EXPECT_GT(heals, 100);
    EXPECT_GT(sealed, 10);
}

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
