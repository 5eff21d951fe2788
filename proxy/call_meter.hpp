// Counts the calls of connections that have a rate_limit, over all workers of the gate. Each gate
// of a fleet counts its own.
//
// Threading: any. Counting takes no lock; finding a connection's meter does, which a worker does
// once per fetch of the connection. A connection without a limit has no meter.
// Lifetime: the meters outlive the workers; a meter is shared by those who have found it.
// Limits: meters_max. What has not been called for long needs no meter: it is let go of.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "policy/call_rate.hpp"

namespace sallyport::proxy {

class call_meter {
public:
    using time = std::chrono::steady_clock::time_point;

    // Takes one call. Zero: it may go; otherwise how long until one may.
    std::chrono::nanoseconds take(const policy::call_rate& rate, time now) noexcept;
    // True once it says the same as a new one.
    bool is_idle(time now) const noexcept;

private:
    std::atomic<std::int64_t> full_at_{0};  // when the bucket is full again, of steady_clock
};

class call_meters {
public:
    static constexpr std::size_t meters_max = std::size_t{1} << 20;
    static constexpr std::size_t tidied_from = 1024;  // fewer are not worth looking through

    // Null: there are too many.
    std::shared_ptr<call_meter> find(const std::string& connection_id, call_meter::time now);

private:
    std::mutex lock_;
    std::unordered_map<std::string, std::shared_ptr<call_meter>> meters_;
    std::size_t tidy_at_ = tidied_from;
};

}  // namespace sallyport::proxy
