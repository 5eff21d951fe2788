// What the data plane counts. Each worker has counters of its own, which it alone writes: no lock,
// no allocation, no cache line that two workers write. Whoever wants the sums reads them as they
// are, so that sums taken while calls pass may be of slightly different moments.
//
// Labels are bounded: providers are numbered when a snapshot of the catalogue is made, classes and
// codes are those of the program.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::proxy {

// Written by one thread, read by any.
class counter {
public:
    void add(std::uint64_t amount = 1) noexcept { set(value() + amount); }
    void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
    std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

// Durations by powers of two. Its n-th bucket holds those up to 2^(first + n) microseconds, the
// last one whatever is longer.
template <class Number>
struct histogram {
    static constexpr unsigned first = 5;       // 32 us
    static constexpr std::size_t bounds = 22;  // to 67 s
    static constexpr std::uint64_t bound_us(std::size_t n) noexcept { return 1ull << (first + n); }
    static constexpr std::size_t bucket_of(std::uint64_t micros) noexcept
    {
        const auto power = static_cast<std::size_t>(std::bit_width(micros == 0 ? 0 : micros - 1));
        return power <= first ? 0 : power - first < bounds ? power - first : bounds;
    }

    std::array<Number, bounds + 1> buckets{};
    Number sum_us{};
};

// How calls end: "ok", every code of a refusal, and what may go wrong behind the answer's head.
constexpr std::size_t outcomes = 40;
std::string_view outcome_name(std::size_t outcome) noexcept;  // empty: it stands for nothing
std::size_t outcome_of(std::string_view code) noexcept;       // "": ok

constexpr std::size_t call_classes = 4;  // "", read, write, destructive
std::string_view call_class_name(std::size_t call_class) noexcept;

template <class Number>
struct provider_counts {
    std::array<std::array<Number, outcomes>, call_classes> calls{};
    std::array<Number, 6> answers{};  // by the first digit of the status
    Number request_bytes{}, response_bytes{};
    histogram<Number> provider_time;  // from the request sent to the answer's head
};

template <class Number>
struct worker_counts {
    histogram<Number> gate_time;  // from the request read to the request sent, or to the refusal
    Number credentials_cached{}, credentials_fetched{};
    Number connections_dialled{}, connections_reused{}, dials_failed{};
    Number connections_idle{};  // now
    Number callers_refused{};   // beyond proxy.limits.connections
    Number refusals_folded{};
    Number trail_lines{}, trail_lines_refused{}, trail_flushes{}, trail_flushes_failed{};
};

// The numbers of the providers that there are or have been since the start; 0 stands for none and
// for those beyond the limit. One thread at a time.
class provider_register {
public:
    static constexpr std::size_t providers_max = 1024;

    std::uint16_t number_of(std::string_view provider);
    const std::vector<std::string>& names() const noexcept { return names_; }

private:
    std::vector<std::string> names_{std::string()};
};

class worker_metrics {
public:
    worker_metrics() { prepare(1); }
    worker_metrics(const worker_metrics&) = delete;
    worker_metrics& operator=(const worker_metrics&) = delete;
    ~worker_metrics();

    // Makes room for providers with numbers below `count`, before the worker hears of them. The
    // control thread's.
    void prepare(std::size_t count);

    provider_counts<counter>& of(std::uint16_t provider) noexcept
    {
        return *providers_[provider].load(std::memory_order_acquire);
    }
    const provider_counts<counter>* find(std::size_t provider) const noexcept
    {
        return providers_[provider].load(std::memory_order_acquire);
    }

    worker_counts<counter> own;

private:
    std::array<std::atomic<provider_counts<counter>*>, provider_register::providers_max>
        providers_{};
};

struct metrics_totals {
    worker_counts<std::uint64_t> all;
    std::vector<provider_counts<std::uint64_t>> providers;  // by number

    void add(const worker_metrics& worker);
};

void observe(histogram<counter>& into, std::int64_t micros) noexcept;

struct finished_call {
    std::uint16_t provider = 0;
    std::size_t call_class = 0;
    std::string_view code;  // "": ok
    std::int64_t gate_us = 0;
    std::int64_t upstream_us = -1;  // -1: no answer came
    unsigned status = 0;            // of the provider's answer
    std::uint64_t request_bytes = 0, response_bytes = 0;
};
// The worker's own thread.
void count(worker_metrics& worker, const finished_call& call) noexcept;

}  // namespace sallyport::proxy
