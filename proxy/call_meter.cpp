#include "proxy/call_meter.hpp"

#include <algorithm>

namespace sallyport::proxy {

namespace {

std::int64_t nanoseconds_of(call_meter::time when) noexcept
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count();
}

}  // namespace

std::chrono::nanoseconds call_meter::take(const policy::call_rate& rate, time when) noexcept
{
    const std::int64_t now = nanoseconds_of(when);
    const std::int64_t one = std::chrono::nanoseconds(rate.per).count() / rate.requests;
    const std::int64_t whole = one * rate.requests;
    std::int64_t full_at = full_at_.load(std::memory_order_relaxed);
    for (;;) {
        // No emptier than empty: the limit may have been another one before.
        const std::int64_t begin = std::clamp(full_at, now, now + whole);
        const std::int64_t wait = std::max<std::int64_t>(begin + one - now - whole, 0);
        const std::int64_t next = wait == 0 ? begin + one : begin;
        if (next == full_at ||
            full_at_.compare_exchange_weak(full_at, next, std::memory_order_relaxed)) {
            return std::chrono::nanoseconds(wait);
        }
    }
}

bool call_meter::is_idle(time now) const noexcept
{
    return full_at_.load(std::memory_order_relaxed) <= nanoseconds_of(now);
}

std::shared_ptr<call_meter> call_meters::find(const std::string& connection_id,
                                              call_meter::time now)
{
    const std::lock_guard hold(lock_);
    const auto found = meters_.find(connection_id);
    if (found != meters_.end()) {
        return found->second;
    }
    if (meters_.size() >= tidy_at_) {
        // One that somebody else holds too may be about to count.
        std::erase_if(meters_, [&](const auto& one) {
            return one.second.use_count() == 1 && one.second->is_idle(now);
        });
        tidy_at_ = std::max(tidied_from, 2 * meters_.size());
    }
    if (meters_.size() >= meters_max) {
        return nullptr;
    }
    return meters_.emplace(connection_id, std::make_shared<call_meter>()).first->second;
}

}  // namespace sallyport::proxy
