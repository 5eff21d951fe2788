// What a gate knows of the store it shares, and what follows from it: the heart of the promise that
// what was revoked on one gate is refused on every other within the lease (SECURITY.md 4.5).
//
// It decides; redis_fleet does. It is told what arrived on the two connections and answers through
// fleet_effects. No I/O and no clock in here, so every order of events can be tried in a test.
//
// The argument, in four steps:
// 1. A change counts, notes and publishes itself (redis_announce.hpp), so the messages on one
//    subscription carry consecutive epochs, each naming the mark of the one before.
// 2. A heartbeat asks the store, by the data connection, to publish a nonce with its epoch and
//    mark to this gate's own channel. When that comes back on the subscription, everything
//    published before it has come before it. If it then says what the messages said, all changes up
//    to the moment the heartbeat was SENT have bitten here: the lease runs from that moment.
// 3. If anything else happens (a connection lost, a gap) the lease ends at once, and before there
//    is another one everything cached is stale.
// 4. A store whose history is not the one this gate has seen (restored, failed over to a replica
//    that lagged, emptied) may have forgotten revocations. The gate then has no lease until it has
//    put back what it remembers; where it cannot know that this is all, it is sealed for good.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vault/fleet_change.hpp"

namespace sallyport::vault {

// What the view brings about.
class fleet_effects {
public:
    virtual ~fleet_effects() = default;
    virtual void changed(const fleet_change& change) = 0;  // What it is about is stale.
    virtual void everything_changed() = 0;
    // Milliseconds of boot_millis(); 0: there is no lease.
    virtual void lease_until(std::int64_t end) = 0;
};

// Where the store stands.
struct fleet_position {
    std::string vault;  // The store's id; "-": it has none.
    std::uint64_t epoch = 0;
    std::string mark;
};

// The changes from `first` to `last` as the store remembers them.
struct fleet_report {
    fleet_position position;
    bool has_connections = false;
    std::map<std::uint64_t, fleet_change> history;
};

class fleet_view {
public:
    static constexpr std::size_t remembered_max = 65536;  // changes
    static constexpr std::size_t heartbeats_max = 64;     // under way

    enum class state {
        apart,     // Something was lost or never was there: waits for a nonce.
        joining,   // Hears the store again; whether it went on from where it was is to be examined.
        together,  // Each nonce gives a lease.
        doubtful,  // The store contradicts what is remembered: to be examined.
        healed,    // What was lost has been put back: waits for a nonce.
        sealed     // Never again.
    };

    fleet_view(fleet_effects& effects, std::int64_t lease_length)
        : effects_(effects), length_(lease_length)
    {
    }

    // Either connection was lost.
    void lost();
    void heartbeat_sent(std::string nonce, std::int64_t now);

    // On the subscription.
    void heard(const fleet_change& change);
    void heard_nonce(std::string_view nonce, const fleet_position& store);

    // A change of this gate's own that the store acknowledged, maybe before or without its message.
    void acknowledged(const fleet_change& change);

    // True: read the store's history over `wanted()` and judge it.
    bool to_be_examined() const noexcept;
    struct range {
        std::uint64_t first;
        std::uint64_t last;  // below first: nothing
    };
    range wanted(const fleet_position& store) const;

    struct judgement {
        enum class kind { go_on, found, found_again, put_back, seal };
        kind what = kind::go_on;
        std::vector<fleet_change> changes;  // to put back: the last one of each thing
        std::uint64_t above = 0;            // which epoch the store must be raised
        std::string why;                    // it is sealed
    };
    // found: the store is new, give it an id. found_again: it was emptied; give it vault() again.
    // After those and put_back: done(), when all was carried out.
    judgement judge(const fleet_report& report);
    void done();

    state where() const noexcept { return state_; }
    const std::string& vault() const noexcept { return vault_; }  // "": not known yet
    const std::string& why_sealed() const noexcept { return why_sealed_; }
    std::uint64_t seen() const noexcept { return at_.epoch; }  // All up to it has bitten here.
    // No store that says less than this is the one we know.
    std::uint64_t highest() const noexcept { return at_.epoch > own_ ? at_.epoch : own_; }
    std::size_t remembered() const noexcept { return memory_.size(); }

private:
    struct heartbeat {
        std::string nonce;
        std::int64_t sent;
        std::uint64_t floor;  // highest() when it was sent
    };
    // A change, by its epoch and its mark.
    struct point {
        std::uint64_t epoch = 0;
        std::string mark{no_mark};
    };

    void become(state next);
    void join(const fleet_position& store, point from);
    void grant(std::int64_t sent);
    void remember(const fleet_change& change);
    bool remembers_otherwise(const fleet_change& change) const;
    bool remembers_all_after(const point& from) const;
    bool has_all_remembered(const fleet_report& report) const;
    std::vector<fleet_change> last_of_each(std::uint64_t after) const;
    std::optional<point> last_in_common(const fleet_report& report) const;
    judgement judge_junction(const fleet_report& report);
    judgement judge_doubt(const fleet_report& report);
    judgement put_back(point from);
    judgement put_back(point from, judgement::kind what, std::initializer_list<change_kind> only);
    judgement seal(std::string why);

    fleet_effects& effects_;
    const std::int64_t length_;
    state state_ = state::apart;
    std::string vault_;
    point at_;                   // the last change heard of in order
    std::uint64_t own_ = 0;      // the highest epoch acknowledged to this gate
    point junction_;             // joining, healed: where what the store says must go on from
    point before_join_;          // joining: at_, should this come to nothing
    std::uint64_t lost_to_ = 0;  // healed: what is remembered from the junction to here is past
    std::int64_t lease_ = 0;
    std::deque<heartbeat> heartbeats_;
    std::map<std::uint64_t, fleet_change> memory_;
    std::string why_sealed_;
};

}  // namespace sallyport::vault
