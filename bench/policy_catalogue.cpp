// The catalogue as it ships, with every table: what it costs to load, to load anew beside the one
// in use, to keep, and to decide with; and the same with up to a million rules of the same make.
#include "bench/policy_allocations.hpp"
#include "config/catalogue.hpp"
#include "policy/provider.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace sallyport;
using steady = std::chrono::steady_clock;

constexpr double mebibyte = 1024.0 * 1024.0;

config::loaded_catalogue load()
{
    return config::load_catalogue({std::string(SALLYPORT_SOURCE_DIR) + "/config/catalogue"});
}

struct call {
    const policy::provider* provider;
    const policy::rule_table* table;
    std::string method;
    std::string host;
    std::string path;
};

std::string path_for(const std::string& text)
{
    std::string path;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '{') {
            path += "octo-cat";
            i = text.find('}', i);
        } else {
            path += text[i];
        }
    }
    return path;
}

// A call for every row, each table once, in an order that no cache foresees.
std::vector<call> calls_of(const std::vector<const policy::provider*>& providers)
{
    std::vector<call> calls;
    std::set<const policy::rule*> seen;
    for (const policy::provider* provider : providers) {
        for (const policy::rule_table& table : provider->facts().tables) {
            if (!seen.insert(table.rows.data()).second) {
                continue;
            }
            for (const policy::rule& row : table.rows) {
                calls.push_back({provider, &table, row.methods[0],
                                 row.hosts.empty() ? provider->facts().base.host : row.hosts[0],
                                 path_for(row.path)});
            }
        }
    }
    std::shuffle(calls.begin(), calls.end(), std::minstd_rand(7));
    return calls;
}

void decide(benchmark::State& state, const std::vector<call>& calls)
{
    const policy::scope_set granted = policy::scope_set::everything();
    policy::request_path path;
    std::vector<double> times(calls.size());
    std::size_t named = 0;
    std::size_t counted = 0;
    std::size_t before = 0;
    const auto once = [&](const call& one) {
        const auto began = steady::now();
        path.parse(one.path, {});
        const policy::decision decided = one.provider->decide(
            {one.method, one.host, &path},
            {.kind = one.table->kinds.empty() ? "oauth2" : std::string_view(one.table->kinds[0]),
             .variant = one.table->variant,
             .granted = &granted,
             .access = policy::operation_class::destructive});
        named += decided.decided_by != nullptr;
        return std::chrono::duration<double, std::micro>(steady::now() - began).count();
    };
    std::for_each(calls.begin(), calls.end(), once);
    named = 0;
    for (auto _ : state) {
        before = bench::allocations();
        std::transform(calls.begin(), calls.end(), times.begin(), once);
        counted += bench::allocations() - before;
    }
    std::sort(times.begin(), times.end());
    const auto rounds = static_cast<double>(state.iterations());
    state.counters["rules"] = static_cast<double>(calls.size());
    state.counters["median_us"] = times[times.size() / 2];
    state.counters["p99_us"] = times[times.size() * 99 / 100];
    state.counters["allocations"] = static_cast<double>(counted) / rounds;
    state.counters["named"] =
        static_cast<double>(named) / rounds / static_cast<double>(calls.size());
}

void decide_with_all_tables(benchmark::State& state)
{
    const config::loaded_catalogue loaded = load();
    std::vector<const policy::provider*> providers;
    for (const auto& provider : loaded.catalogue->all()) {
        providers.push_back(provider.get());
    }
    decide(state, calls_of(providers));
}
BENCHMARK(decide_with_all_tables)->Unit(benchmark::kMillisecond);

// Microsoft Graph's rows over and over, each time below another first segment.
std::unique_ptr<policy::provider> graph_with(std::size_t count)
{
    const config::loaded_catalogue loaded = load();
    policy::provider_facts facts = loaded.catalogue->find("outlook")->facts();
    const policy::shared_list<policy::rule> rows = facts.tables[0].rows;
    facts.rules.clear();
    facts.tunnels.clear();
    facts.tables.clear();
    std::vector<policy::rule> made;
    made.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        made.push_back(rows[i % rows.size()]);
        made.back().path = "/" + std::to_string(i / rows.size()) + made.back().path;
    }
    facts.tables.push_back({{}, "", std::move(made)});
    return std::make_unique<policy::provider>(std::move(facts));
}

void decide_among_rules_of_one_table(benchmark::State& state)
{
    const std::size_t before = bench::allocated_bytes();
    const auto provider = graph_with(static_cast<std::size_t>(state.range(0)));
    state.counters["MiB"] = static_cast<double>(bench::allocated_bytes() - before) / mebibyte;
    decide(state, calls_of({provider.get()}));
}
BENCHMARK(decide_among_rules_of_one_table)
    ->Arg(10)
    ->Arg(1000)
    ->Arg(10'000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond);

void load_all_tables(benchmark::State& state)
{
    double bytes = 0;
    for (auto _ : state) {
        const std::size_t before = bench::allocated_bytes();
        const config::loaded_catalogue loaded = load();
        bytes = static_cast<double>(bench::allocated_bytes() - before);
    }
    state.counters["MiB"] = bytes / mebibyte;
}
BENCHMARK(load_all_tables)->Unit(benchmark::kMillisecond);

void load_all_tables_anew(benchmark::State& state)
{
    config::loaded_catalogue in_use = load();
    for (auto _ : state) {
        in_use = load();
    }
}
BENCHMARK(load_all_tables_anew)->Unit(benchmark::kMillisecond);

}  // namespace
