#include "proxy/metrics.hpp"

#include <algorithm>

#include "proxy/refusal.hpp"

namespace sallyport::proxy {

namespace {

constexpr auto codes = static_cast<std::size_t>(code::overloaded) + 1;  // code::none is "ok"
constexpr std::string_view others[] = {"client_abort", "revoked_midstream", "upstream_incomplete"};
static_assert(codes + std::size(others) <= outcomes);

void add(std::uint64_t& sum, const counter& one) noexcept { sum += one.value(); }

void add(histogram<std::uint64_t>& sum, const histogram<counter>& one) noexcept
{
    for (std::size_t i = 0; i < one.buckets.size(); ++i) {
        add(sum.buckets[i], one.buckets[i]);
    }
    add(sum.sum_us, one.sum_us);
}

void add(worker_counts<std::uint64_t>& sum, const worker_counts<counter>& one) noexcept
{
    add(sum.gate_time, one.gate_time);
    add(sum.credentials_cached, one.credentials_cached);
    add(sum.credentials_fetched, one.credentials_fetched);
    add(sum.connections_dialled, one.connections_dialled);
    add(sum.connections_reused, one.connections_reused);
    add(sum.dials_failed, one.dials_failed);
    add(sum.connections_idle, one.connections_idle);
    add(sum.callers_refused, one.callers_refused);
    add(sum.refusals_folded, one.refusals_folded);
    add(sum.trail_lines, one.trail_lines);
    add(sum.trail_lines_refused, one.trail_lines_refused);
    add(sum.trail_flushes, one.trail_flushes);
    add(sum.trail_flushes_failed, one.trail_flushes_failed);
}

void add(provider_counts<std::uint64_t>& sum, const provider_counts<counter>& one) noexcept
{
    for (std::size_t c = 0; c < call_classes; ++c) {
        for (std::size_t o = 0; o < outcomes; ++o) {
            add(sum.calls[c][o], one.calls[c][o]);
        }
    }
    for (std::size_t i = 0; i < one.answers.size(); ++i) {
        add(sum.answers[i], one.answers[i]);
    }
    add(sum.request_bytes, one.request_bytes);
    add(sum.response_bytes, one.response_bytes);
    add(sum.provider_time, one.provider_time);
}

}  // namespace

std::string_view outcome_name(std::size_t outcome) noexcept
{
    if (outcome == 0) {
        return "ok";
    }
    if (outcome < codes) {
        return to_string(static_cast<code>(outcome));
    }
    if (outcome == outcomes - 1) {
        return "other";
    }
    return outcome - codes < std::size(others) ? others[outcome - codes] : std::string_view();
}

std::size_t outcome_of(std::string_view code) noexcept
{
    if (code.empty()) {
        return 0;
    }
    std::size_t outcome = 1;
    while (outcome < codes + std::size(others) && outcome_name(outcome) != code) {
        ++outcome;
    }
    return outcome < codes + std::size(others) ? outcome : outcomes - 1;
}

std::string_view call_class_name(std::size_t call_class) noexcept
{
    constexpr std::string_view names[call_classes] = {"", "read", "write", "destructive"};
    return names[call_class];
}

std::uint16_t provider_register::number_of(std::string_view provider)
{
    const auto known = std::find(names_.begin(), names_.end(), provider);
    if (known != names_.end()) {
        return static_cast<std::uint16_t>(known - names_.begin());
    }
    if (names_.size() == providers_max) {
        return 0;
    }
    names_.emplace_back(provider);
    return static_cast<std::uint16_t>(names_.size() - 1);
}

worker_metrics::~worker_metrics()
{
    for (auto& one : providers_) {
        delete one.load();
    }
}

void worker_metrics::prepare(std::size_t count)
{
    for (std::size_t i = 0; i < std::min(count, providers_.size()); ++i) {
        if (providers_[i].load(std::memory_order_relaxed) == nullptr) {
            auto fresh = std::make_unique<provider_counts<counter>>();
            providers_[i].store(fresh.release(), std::memory_order_release);
        }
    }
}

void observe(histogram<counter>& into, std::int64_t micros) noexcept
{
    const auto length = static_cast<std::uint64_t>(micros < 0 ? 0 : micros);
    into.buckets[histogram<counter>::bucket_of(length)].add();
    into.sum_us.add(length);
}

void count(worker_metrics& worker, const finished_call& call) noexcept
{
    provider_counts<counter>& counts = worker.of(call.provider);
    counts.calls[call.call_class][outcome_of(call.code)].add();
    observe(worker.own.gate_time, call.gate_us);
    if (call.upstream_us >= 0) {
        observe(counts.provider_time, call.upstream_us);
        counts.answers[std::min<std::size_t>(call.status / 100, counts.answers.size() - 1)].add();
    }
    counts.request_bytes.add(call.request_bytes);
    counts.response_bytes.add(call.response_bytes);
}

void metrics_totals::add(const worker_metrics& worker)
{
    proxy::add(all, worker.own);
    for (std::size_t i = 0; i < provider_register::providers_max; ++i) {
        const provider_counts<counter>* const one = worker.find(i);
        if (one == nullptr) {
            break;  // They are prepared in order.
        }
        if (providers.size() <= i) {
            providers.resize(i + 1);
        }
        proxy::add(providers[i], *one);
    }
}

}  // namespace sallyport::proxy
