// Until when a gate may use what it has cached: one deadline for all of its workers.
//
// Threading: set on the control thread, read by the workers. A worker reads the deadline BEFORE the
// epoch of what it wants to use: a deadline that has been extended meanwhile then shows it the
// epochs as they were moved before the extension.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

namespace sallyport::vault {

class lease {
public:
    static constexpr std::int64_t forever = std::numeric_limits<std::int64_t>::max();

    lease(std::int64_t length, std::int64_t now) : length_(length), last_(now) {}

    bool holds(std::int64_t now) const noexcept
    {
        return now < until_.load(std::memory_order_acquire);
    }

    // True once the last lease ended longer ago than a whole one lasts: what is under way cannot be
    // confirmed any more.
    bool lost_for_long(std::int64_t now) const noexcept
    {
        const std::int64_t last = last_.load(std::memory_order_relaxed);
        return !holds(now) && now >= last && now - last >= length_;
    }

    // 0: there is none.
    void set(std::int64_t until, std::int64_t now) noexcept
    {
        const std::int64_t before = until_.load(std::memory_order_relaxed);
        if (until != 0) {
            last_.store(until, std::memory_order_relaxed);
        } else if (before > now) {
            last_.store(now, std::memory_order_relaxed);
        }
        until_.store(until, std::memory_order_release);
    }

    // None: it never ends.
    std::optional<std::chrono::milliseconds> left(std::int64_t now) const noexcept
    {
        const std::int64_t until = until_.load(std::memory_order_acquire);
        if (until == forever) {
            return std::nullopt;
        }
        return std::chrono::milliseconds(until > now ? until - now : 0);
    }

    // When it ended, or will end; in the beginning, when that was.
    std::int64_t last() const noexcept { return last_.load(std::memory_order_relaxed); }

private:
    const std::int64_t length_;
    std::atomic<std::int64_t> until_ = 0;
    std::atomic<std::int64_t> last_;
};

}  // namespace sallyport::vault
