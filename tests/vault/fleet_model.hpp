// A store and a gate as far as fleet_view knows them: no Redis, no clock, no threads.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>

#include "vault/fleet_view.hpp"

namespace sallyport::vault {

constexpr std::int64_t lease_length = 1000;

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
        // A gate that has just begun takes the store as it finds it.
        if (change.kind == change_kind::connection_revoked && !view.vault().empty()) {
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

}  // namespace sallyport::vault
