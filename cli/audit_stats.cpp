#include "cli/audit_stats.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <bit>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "cli/output.hpp"

namespace sallyport::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t refusals_shown = 10;
constexpr int sub_bits = 4;  // buckets in a power of two: 2^4

std::uint32_t bucket_of(std::uint64_t value) noexcept
{
    if (value < (1u << sub_bits)) {
        return static_cast<std::uint32_t>(value);
    }
    const int shift = static_cast<int>(std::bit_width(value)) - 1 - sub_bits;
    return static_cast<std::uint32_t>((shift + 1) << sub_bits) +
           static_cast<std::uint32_t>((value >> shift) & ((1u << sub_bits) - 1));
}

// The largest value of a bucket.
std::uint64_t limit_of(std::uint32_t bucket) noexcept
{
    if (bucket < (1u << sub_bits)) {
        return bucket;
    }
    const int shift = static_cast<int>(bucket >> sub_bits) - 1;
    const std::uint64_t base = (1u << sub_bits) + (bucket & ((1u << sub_bits) - 1));
    return ((base + 1) << shift) - 1;
}

std::string text(const json::object& line, std::string_view name)
{
    const json::value* const found = line.if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

std::int64_t number(const json::object& line, std::string_view name)
{
    const json::value* const found = line.if_contains(name);
    return found != nullptr && found->is_int64() ? found->as_int64() : -1;
}

// The group itself, or the one for what is too many.
template <class Map, class Key>
auto& group(Map& all, const Key& key, const Key& others)
{
    return all.contains(key) || all.size() < audit_stats::groups_max ? all[key] : all[others];
}

std::string in_millis(std::uint64_t micros)
{
    std::ostringstream out;
    out << std::fixed << std::setprecision(micros < 10'000 ? 2 : 0)
        << static_cast<double>(micros) / 1000;
    return out.str();
}

std::string percent(std::uint64_t part, std::uint64_t of)
{
    std::ostringstream out;
    out << std::fixed << std::setprecision(1)
        << (of == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(of)) << " %";
    return out.str();
}

json::object to_json(const latency_counts& of)
{
    return {{"p50_us", of.percentile(0.50)},
            {"p95_us", of.percentile(0.95)},
            {"p99_us", of.percentile(0.99)}};
}

}  // namespace

void latency_counts::add(std::uint64_t micros) noexcept
{
    ++buckets_[bucket_of(micros)];
    ++total_;
}

std::uint64_t latency_counts::percentile(double part) const noexcept
{
    const auto wanted = static_cast<std::uint64_t>(part * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (const auto& [bucket, count] : buckets_) {
        seen += count;
        if (seen > wanted) {
            return limit_of(bucket);
        }
    }
    return 0;
}

void audit_stats::add(std::string_view from)
{
    boost::system::error_code bad;
    const json::value parsed = json::parse(from, bad);
    if (bad || !parsed.is_object()) {
        return;
    }
    const json::object& line = parsed.as_object();
    ++lines_;
    last_ = text(line, "time");
    first_ = first_.empty() ? last_ : first_;
    const std::string kind = text(line, "kind"), others = "(others)";
    ++group(kinds_, kind, others);
    if (kind == "call.intent") {
        ++unfinished_;
        std::set<std::string>& used = group(scopes_used_, text(line, "connection_id"), others);
        if (const json::value* const scopes = line.if_contains("scopes_used")) {
            for (const json::value& one : scopes->as_array()) {
                used.emplace(one.as_string());
            }
        }
        return;
    }
    if (kind != "call.outcome" && kind != "call.refused") {
        return;
    }
    unfinished_ -= kind == "call.outcome" && unfinished_ != 0 ? 1 : 0;
    const std::string provider = text(line, "provider"), code = text(line, "code");
    provider_counts& counts = group(providers_, provider.empty() ? "-" : provider, others);
    const std::int64_t status = number(line, "status"), took = number(line, "duration_us"),
                       upstream = number(line, "upstream_us");
    if (text(line, "decision") == "deny") {
        const auto folded =
            static_cast<std::uint64_t>(std::max<std::int64_t>(1, number(line, "count")));
        counts.refused += folded;
        group(refusals_, refusal_key{code, provider, text(line, "operation")},
              refusal_key{others, "", ""}) += folded;
        return;
    }
    ++counts.calls;
    counts.failed += code.empty() ? 0 : 1;
    counts.client_errors += status >= 400 && status < 500 ? 1 : 0;
    counts.server_errors += status >= 500 ? 1 : 0;
    if (took >= 0 && upstream >= 0 && took >= upstream) {
        counts.gate.add(static_cast<std::uint64_t>(took - upstream));
        counts.upstream.add(static_cast<std::uint64_t>(upstream));
    }
}

std::vector<std::pair<audit_stats::refusal_key, std::uint64_t>> audit_stats::top_refusals() const
{
    std::vector<std::pair<refusal_key, std::uint64_t>> all(refusals_.begin(), refusals_.end());
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    all.resize(std::min(all.size(), refusals_shown));
    return all;
}

json::object audit_stats::to_json() const
{
    json::object kinds, providers;
    for (const auto& [kind, count] : kinds_) {
        kinds[kind] = count;
    }
    for (const auto& [name, counts] : providers_) {
        providers[name] = json::object{{"calls", counts.calls},
                                       {"refused", counts.refused},
                                       {"status_4xx", counts.client_errors},
                                       {"status_5xx", counts.server_errors},
                                       {"failed", counts.failed},
                                       {"gate", cli::to_json(counts.gate)},
                                       {"upstream", cli::to_json(counts.upstream)}};
    }
    json::array refusals;
    for (const auto& [key, count] : top_refusals()) {
        refusals.push_back(json::object{{"code", key.code},
                                        {"provider", key.provider},
                                        {"operation", key.operation},
                                        {"count", count}});
    }
    return {{"lines", lines_},
            {"first", first_},
            {"last", last_},
            {"kinds", std::move(kinds)},
            {"without_outcome", unfinished_},
            {"providers", std::move(providers)},
            {"top_refusals", std::move(refusals)}};
}

void audit_stats::print(std::ostream& out) const
{
    if (lines_ == 0) {
        out << "no line of the trail is in question\n";
        return;
    }
    out << lines_ << " lines from " << first_ << " to " << last_ << "\n\n";
    table calls({"PROVIDER", "CALLS", "REFUSED", "4XX", "5XX", "FAILED", "ERRORS",
                 "GATE p50/p95/p99 ms", "PROVIDER p50/p95/p99 ms"});
    const auto spread = [](const latency_counts& of) {
        return of.count() == 0
                   ? std::string("-")
                   : in_millis(of.percentile(0.5)) + " / " + in_millis(of.percentile(0.95)) +
                         " / " + in_millis(of.percentile(0.99));
    };
    for (const auto& [name, counts] : providers_) {
        calls.add({printable(name), std::to_string(counts.calls), std::to_string(counts.refused),
                   std::to_string(counts.client_errors), std::to_string(counts.server_errors),
                   std::to_string(counts.failed),
                   percent(counts.server_errors + counts.failed, counts.calls), spread(counts.gate),
                   spread(counts.upstream)});
    }
    calls.print(out);
    if (!refusals_.empty()) {
        out << "\nrefused most often\n";
        table refused({"COUNT", "CODE", "PROVIDER", "OPERATION"});
        for (const auto& [key, count] : top_refusals()) {
            refused.add({std::to_string(count), printable(key.code), printable(key.provider),
                         printable(key.operation)});
        }
        refused.print(out);
    }
    if (unfinished_ != 0) {
        out << "\n" << unfinished_ << " calls have no outcome in this stretch\n";
    }
}

}  // namespace sallyport::cli
