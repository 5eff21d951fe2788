// The decisions behind the lease, driven by random orders of events against a model of a store and
// its gates: messages late, connections lost, stores that go back or are emptied.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "tests/vault/fleet_model.hpp"

namespace sallyport::vault {
namespace {

constexpr int connections_max = 8;

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

}  // namespace
}  // namespace sallyport::vault
