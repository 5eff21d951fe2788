// When a change is certain: who is in the fleet, and until when each may still use what was before.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <algorithm>

#include "vault/error.hpp"
#include "vault/redis_fleet.hpp"
#include "vault/redis_fleet_scripts.hpp"
#include "vault/resolver.hpp"

namespace sallyport::vault {

namespace asio = boost::asio;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds first_pause{2};
constexpr std::chrono::milliseconds pause_max{50};
constexpr std::chrono::milliseconds settle_patience{2000};  // without a lease
constexpr int settle_attempts_max = 4;

const redis_script& gates_script()
{
    static const redis_script script(redis_scripts::gates);
    return script;
}

const redis_script& forget_script()
{
    static const redis_script script(redis_scripts::forget_gate);
    return script;
}

}  // namespace

// Notes by our own clock since when each entry has stood: a lease that was granted before an entry
// was first seen has surely ended one lease after that.
task<redis_fleet::gate_list> redis_fleet::list_gates(std::shared_ptr<redis_fleet> self)
{
    auto asking = self->commands_->call(&gates_script(), words(), words());
    const result<redis_reply> reply = co_await std::move(asking);
    if (!reply) {
        co_return reply.error();
    }
    const std::int64_t now = boot_millis();
    if (!all_texts(*reply, 1)) {
        co_return errc::corrupted;
    }
    const std::optional<std::uint64_t> epoch = parse_epoch(reply->elements[0].text);
    if (!epoch) {
        co_return errc::corrupted;
    }
    gate_list found;
    found.epoch = *epoch;
    std::map<std::string, sighting> seen;
    for (std::size_t i = 1; i + 1 < reply->elements.size(); i += 2) {
        const std::string& gate = reply->elements[i].text;
        const std::string& entry = reply->elements[i + 1].text;
        const auto known = self->sightings_.find(gate);
        const bool same = known != self->sightings_.end() && known->second.entry == entry;
        const sighting it{entry, same ? known->second.since : now};
        seen.emplace(gate, it);

        const std::string_view text = entry;
        const std::size_t first = text.find(' ');
        const std::size_t second = text.find(' ', first + 1);
        const auto acknowledged = parse_epoch(text.substr(0, first));
        const auto lease = first == std::string_view::npos
                               ? std::nullopt
                               : parse_epoch(text.substr(first + 1, second - first - 1));
        const auto longest = static_cast<std::uint64_t>(lease_longest.count());
        const auto length = static_cast<std::int64_t>(std::min(lease.value_or(longest), longest));
        found.gates[gate] = {acknowledged.value_or(0), it.since + length + settle_margin.count()};
    }
    self->sightings_ = std::move(seen);
    co_return found;
}

task<void> redis_fleet::forget_gates(std::shared_ptr<redis_fleet> self)
{
    auto listing = list_gates(self);
    const result<gate_list> listed = co_await std::move(listing);
    if (!listed) {
        co_return listed.error();
    }
    const std::chrono::milliseconds limit = gate_forgotten;
    const std::int64_t before = boot_millis() - limit.count();
    const std::map<std::string, sighting> seen = self->sightings_;
    for (const auto& [gate, sighted] : seen) {
        if (sighted.since < before) {
            words arguments = {gate, sighted.entry};
            auto forgetting =
                self->commands_->change(&forget_script(), words(), std::move(arguments));
            const result<void> forgotten = co_await std::move(forgetting);
            if (!forgotten) {
                co_return forgotten.error();
            }
        }
    }
    co_return result<void>();
}

bool redis_fleet::is_together() const
{
    return !view_ || view_->where() == fleet_view::state::together;
}

// What a store says that is not known to have what was changed is no answer: it may have gone back,
// and what it lost is being put back.
task<redis_fleet::gate_list> redis_fleet::list_when_together(std::shared_ptr<redis_fleet> self)
{
    const std::int64_t end = boot_millis() + settle_patience.count();
    asio::steady_timer timer(self->context_);
    for (;;) {
        const std::uint64_t losses = self->losses_;
        if (self->is_together()) {
            auto listing = list_gates(self);
            result<gate_list> listed = co_await std::move(listing);
            if (!listed) {
                co_return listed.error();
            }
            const std::uint64_t least = self->view_ ? self->view_->highest() : 0;
            if (self->is_together() && losses == self->losses_ && listed->epoch >= least) {
                listed->losses = losses;
                co_return listed;
            }
        }
        if (self->stopped_ || boot_millis() >= end) {
            co_return errc::unavailable;
        }
        timer.expires_after(first_pause);
        const auto [stopped] = co_await timer.async_wait(as_result);
        if (stopped) {
            co_return errc::unavailable;
        }
    }
}

// Returns when each of these gates has said so, or has surely no lease of before the list.
task<void> redis_fleet::await_gates(std::shared_ptr<redis_fleet> self, gate_list first)
{
    // A gate that has a lease from before the store was lost may be missing from the list.
    std::int64_t longest = self->lease_.count();
    for (const auto& [gate, listed] : first.gates) {
        const sighting& it = self->sightings_[gate];
        longest = std::max(longest, listed.free_at - it.since - settle_margin.count());
    }
    const std::int64_t strangers_free_at =
        self->together_at_ == 0 ? 0 : self->together_at_ + longest + settle_margin.count();
    std::map<std::string, listed_gate> waiting = std::move(first.gates);
    std::chrono::milliseconds pause = first_pause;
    asio::steady_timer timer(self->context_);
    for (;;) {
        const std::int64_t now = boot_millis();
        std::erase_if(waiting, [&](const auto& one) {
            return one.second.acknowledged >= first.epoch || now >= one.second.free_at;
        });
        if (waiting.empty() && now >= strangers_free_at) {
            break;
        }
        timer.expires_after(pause);
        const auto [stopped] = co_await timer.async_wait(as_result);
        if (stopped || self->stopped_) {
            co_return errc::unavailable;
        }
        pause = std::min(pause * 2, pause_max);
        auto again = list_gates(self);
        const result<gate_list> listed = co_await std::move(again);
        if (!listed) {
            continue;
        }
        for (auto& [gate, known] : waiting) {
            const auto fresh = listed->gates.find(gate);
            if (fresh != listed->gates.end()) {
                known.acknowledged = fresh->second.acknowledged;
            }
        }
    }
    // A worker that had looked just before the change arrived has sent by now.
    timer.expires_after(settle_margin);
    const auto [ignored] = co_await timer.async_wait(as_result);
    static_cast<void>(ignored);
    co_return result<void>();
}

// From the beginning where the store may have gone back meanwhile.
task<void> redis_fleet::settle(std::shared_ptr<redis_fleet> self)
{
    for (int attempt = 0; attempt < settle_attempts_max; ++attempt) {
        auto listing = list_when_together(self);
        const result<gate_list> first = co_await std::move(listing);
        if (!first) {
            co_return first.error();
        }
        auto waiting = await_gates(self, *first);
        const result<void> waited = co_await std::move(waiting);
        if (!waited) {
            co_return waited.error();
        }
        if (self->is_together() && first->losses == self->losses_) {
            co_return result<void>();
        }
    }
    co_return errc::unavailable;
}

}  // namespace sallyport::vault
