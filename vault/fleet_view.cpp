#include "vault/fleet_view.hpp"

#include <algorithm>

#include "vault/redis_announce.hpp"

namespace sallyport::vault {
namespace {

constexpr std::string_view no_vault = "-";

// What a change is about: a later one of the same thing makes up for it.
std::string thing_of(const fleet_change& change)
{
    switch (change.kind) {
        case change_kind::run_ended: return "run " + change.what;
        case change_kind::workspace: return "workspace " + change.what;
        default: return "connection " + change.what;
    }
}

bool takes_away(const fleet_change& change) noexcept
{
    return change.kind != change_kind::connection && change.kind != change_kind::healed;
}

bool holds(const fleet_report& report, std::uint64_t epoch, const std::string& mark)
{
    const auto found = report.history.find(epoch);
    return epoch == 0 ? mark == no_mark
                      : found != report.history.end() && found->second.mark == mark;
}

// True where the first change of all that there were was to make an emptied store a vault again.
bool begins_anew(const fleet_report& report)
{
    return std::any_of(report.history.begin(), report.history.end(), [](const auto& entry) {
        return entry.second.before == no_mark && entry.second.kind == change_kind::healed;
    });
}

}  // namespace

void fleet_view::become(state next)
{
    if (state_ == state::sealed) {
        return;
    }
    if (state_ == state::joining && next != state::together && next != state::joining) {
        at_ = before_join_;
    }
    state_ = next;
    if (next != state::together) {
        lease_ = 0;
        effects_.lease_until(0);
    }
}

void fleet_view::lost()
{
    heartbeats_.clear();
    become(state_ == state::doubtful ? state::doubtful : state::apart);
}

void fleet_view::heartbeat_sent(std::string nonce, std::int64_t now)
{
    heartbeats_.push_back({std::move(nonce), now, highest()});
    if (heartbeats_.size() > heartbeats_max) {
        heartbeats_.pop_front();
    }
}

void fleet_view::heard(const fleet_change& change)
{
    effects_.changed(change);
    if (state_ == state::sealed || vault_.empty()) {
        return;
    }
    const bool next = change.epoch > at_.epoch && change.before == at_.mark;
    if (next && !remembers_otherwise(change)) {
        remember(change);
        at_ = {change.epoch, change.mark};
    } else if (state_ == state::together || state_ == state::joining) {
        become(state::apart);
    }
}

void fleet_view::heard_nonce(std::string_view nonce, const fleet_position& store)
{
    const auto sent = std::find_if(heartbeats_.begin(), heartbeats_.end(),
                                   [nonce](const heartbeat& one) { return one.nonce == nonce; });
    if (sent == heartbeats_.end()) {
        return;
    }
    const heartbeat beat = *sent;
    heartbeats_.erase(heartbeats_.begin(), sent + 1);
    if (state_ == state::sealed || state_ == state::doubtful) {
        return;
    }
    if (vault_.empty() && store.vault != no_vault) {
        vault_ = store.vault;
        at_ = {store.epoch, store.mark};
    }
    if (store.vault != vault_ || store.epoch < beat.floor || store.epoch < at_.epoch) {
        become(state::doubtful);
    } else if (state_ == state::healed) {
        join(store, junction_);
    } else if (store.epoch != at_.epoch) {
        join(store, state_ == state::joining ? junction_ : at_);
    } else if (store.mark != at_.mark) {
        become(state::doubtful);
    } else if (state_ != state::joining) {
        if (state_ == state::apart) {
            effects_.everything_changed();
            become(state::together);
        }
        grant(beat.sent);
    }
}

// From here on every message counts again; what was missed is taken to have changed everything.
void fleet_view::join(const fleet_position& store, point from)
{
    if (state_ != state::joining) {
        before_join_ = at_;
        lost_to_ = state_ == state::healed ? lost_to_ : 0;
    }
    junction_ = std::move(from);
    become(state::joining);
    at_ = {store.epoch, store.mark};
    effects_.everything_changed();
}

void fleet_view::grant(std::int64_t sent)
{
    if (sent + length_ > lease_) {
        lease_ = sent + length_;
        effects_.lease_until(lease_);
    }
}

void fleet_view::acknowledged(const fleet_change& change)
{
    effects_.changed(change);
    if (state_ == state::sealed || vault_.empty()) {
        return;
    }
    if (remembers_otherwise(change)) {
        become(state::doubtful);
        return;
    }
    remember(change);
    own_ = std::max(own_, change.epoch);
}

void fleet_view::remember(const fleet_change& change)
{
    memory_.insert_or_assign(change.epoch, change);
    if (memory_.size() > remembered_max) {
        memory_.erase(memory_.begin());
    }
}

bool fleet_view::remembers_otherwise(const fleet_change& change) const
{
    const auto known = memory_.find(change.epoch);
    return known != memory_.end() && known->second.mark != change.mark;
}

// True if memory leads from there to the highest epoch without a gap.
bool fleet_view::remembers_all_after(const point& from) const
{
    point last = from;
    for (auto at = memory_.upper_bound(from.epoch); at != memory_.end() && at->first <= highest();
         ++at) {
        if (at->second.before != last.mark) {
            return false;
        }
        last = {at->first, at->second.mark};
    }
    return last.epoch == highest();
}

std::vector<fleet_change> fleet_view::last_of_each(std::uint64_t after) const
{
    std::map<std::string, const fleet_change*> last;
    for (auto at = memory_.upper_bound(after); at != memory_.end(); ++at) {
        last[thing_of(at->second)] = &at->second;
    }
    std::vector<fleet_change> found;
    for (const auto& [thing, change] : last) {
        if (takes_away(*change)) {
            found.push_back(*change);
        }
    }
    return found;
}

bool fleet_view::to_be_examined() const noexcept
{
    return state_ == state::joining || state_ == state::doubtful;
}

fleet_view::range fleet_view::wanted(const fleet_position& store) const
{
    const std::uint64_t oldest = store.epoch < history_max ? 1 : store.epoch - history_max + 1;
    if (state_ == state::joining) {
        return {std::max(oldest, junction_.epoch), at_.epoch};
    }
    const std::uint64_t known = memory_.empty() ? at_.epoch : memory_.begin()->first - 1;
    return {std::max(oldest, known), store.epoch};
}

fleet_view::judgement fleet_view::judge(const fleet_report& report)
{
    switch (state_) {
        case state::joining: return judge_junction(report);
        case state::doubtful: return judge_doubt(report);
        default: return {};
    }
}

fleet_view::judgement fleet_view::judge_junction(const fleet_report& report)
{
    if (report.position.vault != vault_ || !holds(report, junction_.epoch, junction_.mark)) {
        become(state::doubtful);
        return {};
    }
    if (lost_to_ > junction_.epoch) {
        memory_.erase(memory_.upper_bound(junction_.epoch), memory_.upper_bound(lost_to_));
    }
    if (!has_all_remembered(report)) {
        become(state::doubtful);
        return {};
    }
    for (const auto& [epoch, change] : report.history) {
        if (epoch > junction_.epoch && epoch <= at_.epoch) {
            remember(change);
        }
    }
    become(state::together);
    return {};
}

// False where the store went on without what was acknowledged but never heard, or without what was
// heard while an earlier join came to nothing.
bool fleet_view::has_all_remembered(const fleet_report& report) const
{
    const std::uint64_t last = report.history.empty() ? 0 : report.history.rbegin()->first;
    return std::all_of(memory_.upper_bound(junction_.epoch), memory_.end(), [&](const auto& entry) {
        const auto& [epoch, change] = entry;
        return epoch <= last ? holds(report, epoch, change.mark)
                             : epoch <= at_.epoch || epoch <= own_;
    });
}

// The last change that this gate and the store have alike.
std::optional<fleet_view::point> fleet_view::last_in_common(const fleet_report& report) const
{
    if (holds(report, at_.epoch, at_.mark) && own_ <= at_.epoch) {
        return at_;
    }
    for (auto at = memory_.rbegin(); at != memory_.rend(); ++at) {
        const fleet_change& change = at->second;
        if (change.epoch > highest()) {
            continue;
        }
        if (holds(report, change.epoch, change.mark)) {
            return point{change.epoch, change.mark};
        }
        if (holds(report, change.epoch - 1, change.before)) {
            return point{change.epoch - 1, change.before};
        }
    }
    if (holds(report, at_.epoch, at_.mark)) {
        return at_;
    }
    return std::nullopt;
}

fleet_view::judgement fleet_view::judge_doubt(const fleet_report& report)
{
    const fleet_position& store = report.position;
    if (store.vault == no_vault && vault_.empty()) {
        return {judgement::kind::found, {}, 0, {}};
    }
    if (vault_.empty()) {
        become(state::apart);
        return {};
    }
    if (store.vault == no_vault && report.has_connections) {
        return seal("the store has lost its identity, but holds connections");
    }
    if (store.vault == no_vault) {
        return put_back({}, judgement::kind::found_again, {change_kind::run_ended});
    }
    if (store.vault != vault_) {
        return seal("the store is another vault than the one this gate started with");
    }
    if (const std::optional<point> common = last_in_common(report)) {
        return remembers_all_after(*common)
                   ? put_back(*common)
                   : seal("the store has lost changes of which this gate does not know all");
    }
    // Another gate has found it empty and made it this vault again.
    if (begins_anew(report)) {
        return put_back({}, judgement::kind::put_back, {change_kind::run_ended});
    }
    // So much has changed since that the store no longer knows what this gate saw last. What may
    // have been undone in the meantime is left alone; these cannot be.
    if (store.epoch >= highest() + history_max) {
        return put_back({}, judgement::kind::put_back,
                        {change_kind::run_ended, change_kind::connection_revoked});
    }
    return seal("the store went back further than this gate remembers");
}

fleet_view::judgement fleet_view::put_back(point from)
{
    lost_to_ = memory_.empty() ? highest() : std::max(highest(), memory_.rbegin()->first);
    judgement out{judgement::kind::put_back, last_of_each(from.epoch), highest(), {}};
    junction_ = std::move(from);
    return out;
}

fleet_view::judgement fleet_view::put_back(point from, judgement::kind what,
                                           std::initializer_list<change_kind> only)
{
    judgement out = put_back(std::move(from));
    out.what = what;
    std::erase_if(out.changes, [only](const fleet_change& change) {
        return std::find(only.begin(), only.end(), change.kind) == only.end();
    });
    return out;
}

void fleet_view::done()
{
    if (state_ == state::doubtful) {
        become(vault_.empty() ? state::apart : state::healed);
    }
}

fleet_view::judgement fleet_view::seal(std::string why)
{
    why_sealed_ = why;
    effects_.everything_changed();
    become(state::sealed);
    return {judgement::kind::seal, {}, 0, std::move(why)};
}

}  // namespace sallyport::vault
