#include "vault/rotation.hpp"

#include <algorithm>

#include "vault/error.hpp"
#include "vault/places.hpp"

namespace sallyport::vault {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::uint32_t canary_generation = 1;

}  // namespace

rotation::rotation(key_store& store, key_ring& ring, envelope& box)
    : store_(store), ring_(ring), box_(box)
{
}

// A step works on a copy of the pass and puts it back: two callers at once may do some work twice,
// which does no harm, and neither finds the other's half.
task<master_progress> rotation::rotate_master()
{
    master_pass pass = master_;
    const clock::time_point end = clock::now() + step_time;
    do {
        auto rewrapping = rewrap_page(&pass);
        const result<void> rewrapped = co_await std::move(rewrapping);
        if (!rewrapped) {
            co_return rewrapped.error();
        }
    } while (!pass.so_far.done && clock::now() < end);
    master_ = pass.so_far.done ? master_pass() : pass;
    co_return pass.so_far;
}

task<void> rotation::rewrap_page(master_pass* pass)
{
    auto listing = store_.list(pass->after);
    const result<page<wrapped_key>> keys = co_await std::move(listing);
    if (!keys) {
        co_return keys.error();
    }
    std::vector<key_swap> swaps;
    for (const wrapped_key& one : keys->items) {
        if (one.wrapped.empty() || one.workspace.empty()) {
            continue;
        }
        ++pass->so_far.total;
        if (ring_.is_under_active(one)) {
            continue;
        }
        result<std::string> fresh = ring_.rewrap(one);
        if (fresh) {
            swaps.push_back({one, std::move(*fresh)});
        } else {
            ++(fresh.error() == errc::wrong_master_key ? pass->so_far.unknown
                                                       : pass->so_far.damaged);
        }
    }
    if (!swaps.empty()) {
        pass->dirty = true;
        auto swapping = store_.swap(std::move(swaps));
        const result<std::uint64_t> swapped = co_await std::move(swapping);
        if (!swapped) {
            co_return swapped.error();
        }
        pass->so_far.rewrapped += *swapped;
    }
    pass->after = keys->next;
    if (!pass->after.empty()) {
        co_return result<void>();
    }
    if (!pass->dirty) {
        auto ending = rewrap_canary(pass);
        result<void> ended = co_await std::move(ending);
        co_return ended;
    }
    pass->dirty = false;
    pass->so_far.total = 0;
    pass->so_far.unknown = 0;
    pass->so_far.damaged = 0;
    co_return result<void>();
}

task<void> rotation::rewrap_canary(master_pass* pass)
{
    ++pass->so_far.total;
    pass->so_far.done = true;
    auto loading = store_.load("", canary_generation);
    result<std::string> found = co_await std::move(loading);
    if (!found) {
        co_return found.error();
    }
    const wrapped_key canary{"", canary_generation, std::move(*found)};
    if (ring_.is_under_active(canary) || pass->so_far.unknown + pass->so_far.damaged > 0) {
        co_return result<void>();
    }
    result<std::string> fresh = ring_.rewrap(canary);
    if (!fresh) {
        co_return fresh.error();
    }
    std::vector<key_swap> swaps(1, key_swap{canary, std::move(*fresh)});
    auto swapping = store_.swap(std::move(swaps));
    const result<std::uint64_t> swapped = co_await std::move(swapping);
    if (!swapped) {
        co_return swapped.error();
    }
    pass->so_far.rewrapped += *swapped;
    if (*swapped == 0) {  // Another gate was faster, whatever it did: look again.
        pass->so_far.done = false;
        pass->so_far.total = 0;
    }
    co_return result<void>();
}

task<data_progress> rotation::rotate(std::string workspace, std::uint32_t generation)
{
    data_progress chosen;
    auto choosing = choose_generation(workspace, generation, &chosen);
    const result<void> made = co_await std::move(choosing);
    if (!made) {
        co_return made.error();
    }
    const auto known = passes_.find(workspace);
    data_pass pass;
    pass.so_far = chosen;
    if (known != passes_.end() && known->second.so_far.generation == chosen.generation) {
        pass = known->second;
    }
    if (chosen.done) {
        pass.so_far.done = true;
        passes_.erase(workspace);
        co_return pass.so_far;
    }
    const clock::time_point end = clock::now() + step_time;
    do {
        auto resealing = reseal_page(workspace, &pass);
        const result<void> resealed = co_await std::move(resealing);
        if (!resealed) {
            co_return resealed.error();
        }
    } while (!pass.so_far.done && clock::now() < end);
    if (pass.so_far.done) {
        passes_.erase(workspace);
        co_return pass.so_far;
    }
    if (passes_.size() >= passes_max) {
        passes_.erase(passes_.begin());  // Its pass begins anew.
    }
    passes_.insert_or_assign(workspace, pass);
    co_return pass.so_far;
}

// The generation to seal under: made now, unless a rotation is under way. Done where there is
// nothing to leave behind.
task<void> rotation::choose_generation(std::string workspace, std::uint32_t generation,
                                       data_progress* into)
{
    auto asking = store_.of(workspace);
    const result<std::vector<wrapped_key>> keys = co_await std::move(asking);
    if (!keys) {
        co_return keys.error();
    }
    if (keys->empty() || keys->back().wrapped.empty()) {
        into->done = true;
        co_return result<void>();
    }
    const std::uint32_t newest = keys->back().generation;
    if (generation > newest) {
        co_return errc::version_conflict;
    }
    const bool under_way = std::any_of(keys->begin(), keys->end() - 1,
                                       [](const wrapped_key& one) { return !one.wrapped.empty(); });
    into->generation = newest;
    into->resumed = generation == 0 && under_way;
    into->done = generation != 0 && !under_way;
    if (generation != 0 || under_way) {
        co_return result<void>();
    }
    into->generation = newest + 1;
    auto making = ring_.make(workspace, newest + 1);
    const result<data_key> made = co_await std::move(making);
    if (!made) {
        co_return made.error();
    }
    co_return result<void>();
}

task<void> rotation::reseal_page(std::string workspace, data_pass* pass)
{
    auto listing = store_.list_sealed(workspace, pass->after);
    result<page<sealed_record>> records = co_await std::move(listing);
    if (!records) {
        co_return records.error();
    }
    std::vector<sealed_swap> swaps;
    for (sealed_record& one : records->items) {
        ++pass->so_far.total;
        const std::uint32_t under = envelope::generation_of(one.sealed).value_or(0);
        if (under >= pass->so_far.generation) {
            continue;
        }
        auto resealing = reseal(workspace, pass->so_far.generation, one);
        result<std::string> fresh = co_await std::move(resealing);
        if (fresh) {
            swaps.push_back({std::move(one), std::move(*fresh)});
        } else if (fresh.error() == errc::corrupted) {
            ++pass->so_far.damaged;
        } else {
            co_return fresh.error();
        }
    }
    if (!swaps.empty()) {
        pass->dirty = true;
        auto swapping = store_.swap_sealed(std::move(swaps));
        const result<std::uint64_t> swapped = co_await std::move(swapping);
        if (!swapped) {
            co_return swapped.error();
        }
        pass->so_far.resealed += *swapped;
    }
    pass->after = records->next;
    if (!pass->after.empty()) {
        co_return result<void>();
    }
    pass->so_far.done = !pass->dirty;
    if (pass->dirty) {
        pass->dirty = false;
        pass->so_far.total = 0;
        pass->so_far.damaged = 0;
    } else if (pass->so_far.damaged == 0) {
        auto dropping = store_.drop_below(workspace, pass->so_far.generation);
        const result<void> dropped = co_await std::move(dropping);
        if (dropped == errc::version_conflict) {
            pass->so_far.done = false;  // The store took resealed records back: all over again.
            pass->so_far.total = 0;
            co_return result<void>();
        }
        if (!dropped) {
            co_return dropped.error();
        }
        ring_.forget(workspace);
    }
    co_return result<void>();
}

// errc::corrupted where the record does not open, or its key is gone.
task<std::string> rotation::reseal(std::string workspace, std::uint32_t generation,
                                   sealed_record old)
{
    const std::uint32_t under = envelope::generation_of(old.sealed).value_or(0);
    auto finding_old = ring_.find(workspace, under);
    const result<data_key> before = co_await std::move(finding_old);
    if (!before) {
        co_return before.error() == errc::not_found ? error_code(errc::corrupted) : before.error();
    }
    auto finding_new = ring_.find(workspace, generation);
    const result<data_key> fresh = co_await std::move(finding_new);
    if (!fresh) {
        co_return fresh.error();
    }
    const std::string key = sealed_key(old.id);
    const label what{workspace, old.id, generation, 0, sealed_kind::fixed};
    const place where{key, sealed_field};
    co_return box_.reseal(*before->key, *fresh->key, what, where, old.sealed);
}

}  // namespace sallyport::vault
