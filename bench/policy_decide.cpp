// The price of a decision: a path read and the deciding rule found, over few and many rules. Each
// benchmark also counts what it allocates once warm, which must be nothing.
#include "bench/policy_allocations.hpp"
#include "config/catalogue.hpp"
#include "policy/provider.hpp"

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

namespace {

using namespace sallyport;

const policy::catalogue& shipped()
{
    static const config::loaded_catalogue loaded =
        config::load_catalogue({std::string(SALLYPORT_SOURCE_DIR) + "/config/catalogue"});
    return *loaded.catalogue;
}

// A provider with the first `count` rows of GitHub's classic table (and of the fine-grained one
// once that is used up).
std::unique_ptr<policy::provider> github_with(std::size_t count)
{
    policy::provider_facts facts = shipped().find("github")->facts();
    std::vector<policy::rule> rows;
    for (const policy::rule_table& table : facts.tables) {
        for (const policy::rule& row : table.rows) {
            if (rows.size() < count) {
                rows.push_back(row);
            }
        }
    }
    facts.rules.clear();
    facts.tables = {{{}, "", std::move(rows)}};
    return std::make_unique<policy::provider>(std::move(facts));
}

struct call {
    std::string method;
    std::string path;
};

std::vector<call> calls_of(const policy::provider& provider)
{
    std::vector<call> calls;
    for (const policy::rule& row : provider.facts().tables[0].rows) {
        std::string path;
        for (std::size_t i = 0; i < row.path.size(); ++i) {
            if (row.path[i] == '{') {
                path += "octo-cat";
                i = row.path.find('}', i);
            } else {
                path += row.path[i];
            }
        }
        calls.push_back({row.methods[0], std::move(path)});
    }
    return calls;
}

void run(benchmark::State& state, const policy::provider& provider, const std::vector<call>& calls)
{
    const policy::scope_set granted = provider.closure({"repo", "admin:org", "user"});
    policy::request_path path;
    std::size_t next = 0;
    std::size_t found = 0;
    const auto decide = [&] {
        const call& one = calls[next];
        next = next + 1 == calls.size() ? 0 : next + 1;
        path.parse(one.path, {});
        return provider.decide({one.method, "api.github.com", &path},
                               {.kind = "oauth2", .granted = &granted});
    };
    for (std::size_t i = 0; i < calls.size(); ++i) {
        found += decide().decided_by != nullptr;
    }
    const std::size_t before = bench::allocations();
    for (auto _ : state) {
        benchmark::DoNotOptimize(decide());
    }
    const std::size_t during = bench::allocations() - before;
    state.counters["allocations"] =
        static_cast<double>(during) / static_cast<double>(state.iterations());
    state.counters["rules"] = static_cast<double>(provider.facts().tables[0].rows.size());
    state.counters["named"] = static_cast<double>(found) / static_cast<double>(calls.size());
}

void decide_among(benchmark::State& state)
{
    const auto provider = github_with(static_cast<std::size_t>(state.range(0)));
    run(state, *provider, calls_of(*provider));
}
BENCHMARK(decide_among)->Arg(10)->Arg(1000)->Arg(100'000);

void decide_on_a_hostile_path(benchmark::State& state)
{
    const auto provider = github_with(100'000);
    std::string path = "/repos/o/r/contents";
    while (path.size() < 250) {
        path += "/a";
    }
    run(state, *provider, {{"GET", path}, {"PATCH", path + "/b"}});
}
BENCHMARK(decide_on_a_hostile_path);

void parse_path(benchmark::State& state)
{
    policy::request_path path;
    const std::string raw = "/repos/octo-cat/hello-world/contents/src/caf%C3%A9/main.cpp";
    for (auto _ : state) {
        benchmark::DoNotOptimize(path.parse(raw, {}));
    }
}
BENCHMARK(parse_path);

}  // namespace
