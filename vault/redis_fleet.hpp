// A gate's part in the fleet that shares one Redis: its two connections, the heartbeats that keep
// its lease, and what puts a store right that went back. fleet_view decides; this carries out.
//
// The data connection asks and changes, the other only listens. When either is lost there is no
// lease until both have been heard again, since they may now lead to another server.
//
// Threading: the io_context's thread. Lifetime: shared with its own coroutines, which end after
// stop(); the holder is asked for each time and may be gone.
// Limits:    a heartbeat every heartbeat_longest or a quarter of the lease; a gate that does not
//            hear its own nonce for as long as its lease (silence_least at least) dials anew.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "vault/fleet_view.hpp"
#include "vault/lease_holder.hpp"
#include "vault/redis_announce.hpp"
#include "vault/redis_commands.hpp"
#include "vault/redis_dial.hpp"
#include "vault/redis_key_store.hpp"

namespace sallyport::vault {

class redis_fleet final : public std::enable_shared_from_this<redis_fleet>,
                          public change_witness,
                          private fleet_effects {
public:
    static constexpr std::chrono::milliseconds heartbeat_longest{250};
    static constexpr std::chrono::milliseconds silence_least{1000};
    static constexpr std::chrono::milliseconds lease_longest{60'000};  // that a gate is believed
    // A gate that has not moved its entry for so long is struck off the list.
    static constexpr std::chrono::minutes gate_forgotten{5};
    // Added to what is waited for: a millisecond's rounding, and a worker between its last look and
    // its send.
    static constexpr std::chrono::milliseconds settle_margin{20};

    static std::shared_ptr<redis_fleet> make(boost::asio::io_context& context,
                                             std::shared_ptr<redis_site> site);

    redis_commands& commands() noexcept { return *commands_; }
    key_store& keys() noexcept { return *keys_; }

    // From here on the holder has a lease, whenever one can be had.
    void start(std::weak_ptr<lease_holder> holder, std::chrono::milliseconds lease);
    void stop();

    void add_fence(words& arguments) const override;
    void acknowledged(const std::string& message) override;

    // Returns once no gate of the fleet can use what was changed before the call.
    static task<void> settle(std::shared_ptr<redis_fleet> self);

    // Why there is no lease; empty: there is one, or none was asked for.
    std::string trouble() const;

private:
    // A gate's entry, and since when (boot_millis) it has stood as it does.
    struct sighting {
        std::string entry;
        std::int64_t since = 0;
    };
    struct listed_gate {
        std::uint64_t acknowledged = 0;
        std::int64_t free_at = 0;  // when its lease has surely ended
    };
    struct gate_list {
        std::uint64_t epoch = 0;
        std::uint64_t losses = 0;  // losses_ when it was made
        std::map<std::string, listed_gate> gates;
    };

    redis_fleet(boost::asio::io_context& context, std::shared_ptr<redis_site> site);

    static boost::asio::awaitable<void> keep(std::shared_ptr<redis_fleet> self);
    static task<void> beat(std::shared_ptr<redis_fleet> self);
    static task<void> examine(std::shared_ptr<redis_fleet> self);
    static task<fleet_report> report(std::shared_ptr<redis_fleet> self);
    static task<void> carry_out(std::shared_ptr<redis_fleet> self, fleet_view::judgement what);
    static task<void> put_back(std::shared_ptr<redis_fleet> self, fleet_change change);
    static task<gate_list> list_gates(std::shared_ptr<redis_fleet> self);
    static task<gate_list> list_when_together(std::shared_ptr<redis_fleet> self);
    static task<void> await_gates(std::shared_ptr<redis_fleet> self, gate_list first);
    static task<void> forget_gates(std::shared_ptr<redis_fleet> self);
    bool is_together() const;

    void connection_lost();
    void pushed(const redis_reply& reply);
    void take_nonce(std::string_view text);
    void wake();
    void listen_again_if_deaf();

    void changed(const fleet_change& change) override;
    void everything_changed() override;
    void lease_until(std::int64_t end) override;

    boost::asio::io_context& context_;
    std::shared_ptr<redis_site> site_;
    const std::string gate_;  // this start of this gate
    std::unique_ptr<redis_commands> commands_;
    std::unique_ptr<redis_link> listener_;
    std::unique_ptr<key_store> keys_;
    std::weak_ptr<lease_holder> holder_;
    std::optional<fleet_view> view_;
    boost::asio::steady_timer pause_;
    std::chrono::milliseconds lease_{0};
    std::map<std::string, sighting> sightings_;
    std::uint64_t beats_ = 0;
    std::uint64_t losses_ = 0;      // of connections
    std::int64_t heard_at_ = 0;     // a nonce of our own, or since when there should have been one
    std::int64_t together_at_ = 0;  // when the store was last found again; 0: never lost
    bool had_lease_ = false;
    std::int64_t granted_ = 0;  // 0: no lease
    bool wanted_ = false;       // a heartbeat, soon
    bool stopped_ = false;
};

}  // namespace sallyport::vault
