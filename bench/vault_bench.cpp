// What the vault costs: per record on the control thread, per call on a worker.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <vector>

#include "bench/running_vault.hpp"
#include "tests/vault/redis_server.hpp"
#include "vault/envelope.hpp"
#include "vault/memory_guard.hpp"

namespace sallyport::vault {
namespace {

constexpr std::string_view id = "conn_01ARYZ6S41TSV4RRFFQ69G5FAV";
constexpr std::string_view store_key = "sallyport:connection:conn_01ARYZ6S41TSV4RRFFQ69G5FAV";
const std::string token(200, 't');

struct sealing {
    envelope box;
    secret key{std::string(key_bytes, 'k')};
    label what{"acme", id, 1, 7, sealed_kind::fixed};
    place where{store_key, "sealed"};
};

// The floor of sealing and opening: the cipher alone over as many bytes, its key already set.
class bare_cipher {
public:
    explicit bare_cipher(std::size_t bytes) : plain_(bytes, 'p'), text_(bytes, '\0')
    {
        seal_.set_key(key_);
        open_.set_key(key_);
        seal();
    }
    void seal() { seal_.seal(nonce_, {}, plain_, text_.data(), tag_.data()); }
    bool open() { return open_.open(nonce_, {}, text_, tag_, plain_.data()); }

private:
    aes_256_gcm seal_{aes_256_gcm::direction::seal};
    aes_256_gcm open_{aes_256_gcm::direction::open};
    const std::string key_ = std::string(key_bytes, 'k');
    const std::string nonce_ = std::string(nonce_bytes, 'n');
    std::string plain_;
    std::string text_;
    std::string tag_ = std::string(tag_bytes, '\0');
};

// Nanoseconds of one `work`: the median of batches, so that whatever interrupts one is not in it.
template <class Work>
double nanoseconds_of(const Work& work)
{
    constexpr int batches = 25;
    constexpr int batch = 400;
    std::array<double, batches> taken{};
    for (double& one : taken) {
        const auto begun = std::chrono::steady_clock::now();
        for (int i = 0; i < batch; ++i) {
            work();
        }
        one = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begun)
                  .count() /
              batch;
    }
    std::nth_element(taken.begin(), taken.begin() + batches / 2, taken.end());
    return taken[batches / 2];
}

// Both are timed here, one after the other, so that the ratio is of the same moment.
template <class Work, class Bare>
void compare(benchmark::State& state, const Work& work, const Bare& bare)
{
    const double floor = nanoseconds_of(bare);
    state.counters["bare_ns"] = floor;
    state.counters["ratio"] = nanoseconds_of(work) / floor;
    for (auto _ : state) {
        work();
    }
}

void envelope_seal(benchmark::State& state)
{
    sealing with;
    const std::string plain(static_cast<std::size_t>(state.range(0)), 'p');
    bare_cipher bare(plain.size());
    compare(
        state,
        [&] { benchmark::DoNotOptimize(with.box.seal(with.key, with.what, with.where, plain)); },
        [&] { bare.seal(); });
}
BENCHMARK(envelope_seal)->ArgName("bytes")->Arg(200)->Arg(4096);

void envelope_open(benchmark::State& state)
{
    sealing with;
    const std::string plain(static_cast<std::size_t>(state.range(0)), 'p');
    const std::string sealed = with.box.seal(with.key, with.what, with.where, plain);
    bare_cipher bare(plain.size());
    compare(
        state,
        [&] {
            auto opened = with.box.open(with.key, with.what, with.where, sealed);
            if (!opened) {
                state.SkipWithError("it does not open");
            }
            benchmark::DoNotOptimize(opened);
        },
        [&] {
            if (!bare.open()) {
                state.SkipWithError("it does not open");
            }
        });
}
BENCHMARK(envelope_open)->ArgName("bytes")->Arg(200)->Arg(4096);

void memory_guard_open(benchmark::State& state)
{
    memory_guard guard;
    auto opener = guard.make_opener();
    const std::string sealed = guard.seal("conn/secret", token);
    secret out;
    for (auto _ : state) {
        if (!opener.open("conn/secret", sealed, out)) {
            state.SkipWithError("it does not open");
        }
    }
}
BENCHMARK(memory_guard_open);

// A vault with `count` connections, and where it keeps them.
class filled_vault {
public:
    enum class kind : std::int64_t { sqlite, redis };

    filled_vault(kind which, std::size_t count)
    {
        const std::string key = directory_.file("key");
        std::ofstream(key) << std::string(64, 'a');
        std::filesystem::permissions(key, std::filesystem::perms{0600});
        std::string store = "sqlite:" + directory_.file("vault.db");
        if (which == kind::redis) {
            store = redis_.emplace().url();
        }
        vault.emplace(store, "file:" + key);
        vault->await_readiness();
        for (std::size_t i = 0; i < count; ++i) {
            ids.push_back(vault->add().get().value().id);
        }
    }

    std::vector<std::string> ids;

private:
    temporary_directory directory_;
    std::optional<redis_server> redis_;

public:
    std::optional<running_vault> vault;  // Ends before what it lies in.
};

void cache_hit(benchmark::State& state)
{
    filled_vault filled(filled_vault::kind::sqlite, static_cast<std::size_t>(state.range(0)));
    running_vault& vault = *filled.vault;
    for (const std::string& one : filled.ids) {
        if (!vault.find(one)) {
            state.SkipWithError("not found");
        }
    }
    std::size_t at = 0;
    const std::int64_t now = boot_millis();
    for (auto _ : state) {
        auto entry = vault.of_worker().cached(filled.ids[at], now);
        if (!entry) {
            state.SkipWithError("not cached");
        }
        benchmark::DoNotOptimize(entry);
        at = at + 1 == filled.ids.size() ? 0 : at + 1;
    }
}
BENCHMARK(cache_hit)->ArgName("connections")->Arg(1)->Arg(1000);

// What each call adds to find() to have its connection's last use noted: most within the
// millisecond of another, or each in one of its own.
void note_use(benchmark::State& state)
{
    filled_vault filled(filled_vault::kind::sqlite, 1);
    running_vault& vault = *filled.vault;
    if (!vault.find(filled.ids.front())) {
        state.SkipWithError("not found");
    }
    const auto entry = vault.of_worker().cached(filled.ids.front(), boot_millis());
    std::int64_t now = boot_millis();
    for (auto _ : state) {
        entry->used(now);
        now += state.range(0);
        benchmark::ClobberMemory();
    }
}
BENCHMARK(note_use)->ArgName("apart_ms")->Arg(0)->Arg(1);

// The last uses of so many connections into the store, as it is done every few seconds.
void save_uses(benchmark::State& state, filled_vault::kind which)
{
    filled_vault filled(which, static_cast<std::size_t>(state.range(0)));
    running_vault& vault = *filled.vault;
    std::vector<std::shared_ptr<const resolved>> entries;
    for (const std::string& one : filled.ids) {
        if (!vault.find(one)) {
            state.SkipWithError("not found");
        }
        entries.push_back(vault.of_worker().cached(one, boot_millis()));
    }
    std::int64_t now = boot_millis();
    for (auto _ : state) {
        state.PauseTiming();
        ++now;
        for (const auto& entry : entries) {
            entry->used(now);
        }
        state.ResumeTiming();
        vault.save_uses();
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(save_uses, sqlite, filled_vault::kind::sqlite)
    ->ArgName("connections")
    ->Arg(10'000)
    ->UseRealTime();
BENCHMARK_CAPTURE(save_uses, redis, filled_vault::kind::redis)
    ->ArgName("connections")
    ->Arg(10'000)
    ->UseRealTime();

void cached_run(benchmark::State& state)
{
    filled_vault filled(filled_vault::kind::sqlite, 0);
    running_vault& vault = *filled.vault;
    if (!vault.ask(vault.of_worker().fetch_run_live("acme", "run-1"))) {
        state.SkipWithError("no answer");
    }
    const std::int64_t now = boot_millis();
    for (auto _ : state) {
        if (vault.of_worker().cached_run_live("acme", "run-1", now) != 1) {
            state.SkipWithError("not cached");
        }
    }
}
BENCHMARK(cached_run);

// Records sealed anew, with reading, writing and the disk.
void rotate_workspace(benchmark::State& state, filled_vault::kind which)
{
    filled_vault filled(which, static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        filled.vault->rotate();
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(rotate_workspace, sqlite, filled_vault::kind::sqlite)
    ->ArgName("records")
    ->Arg(10'000)
    ->UseRealTime();
BENCHMARK_CAPTURE(rotate_workspace, redis, filled_vault::kind::redis)
    ->ArgName("records")
    ->Arg(10'000)
    ->UseRealTime();

void clock(benchmark::State& state)
{
    for (auto _ : state) {
        benchmark::DoNotOptimize(boot_millis());
    }
}
BENCHMARK(clock);

// Asked of the store on the keeper's thread, opened, sealed for memory: what the first call with a
// connection waits for.
void cold_resolve(benchmark::State& state, filled_vault::kind which)
{
    filled_vault filled(which, 1000);
    running_vault& vault = *filled.vault;
    std::size_t at = 0;
    for (auto _ : state) {
        if (at == filled.ids.size()) {
            state.PauseTiming();
            vault.forget();
            at = 0;
            state.ResumeTiming();
        }
        if (!vault.find(filled.ids[at++])) {
            state.SkipWithError("not found");
        }
    }
}
BENCHMARK_CAPTURE(cold_resolve, sqlite, filled_vault::kind::sqlite)->UseRealTime();
BENCHMARK_CAPTURE(cold_resolve, redis, filled_vault::kind::redis)->UseRealTime();

}  // namespace
}  // namespace sallyport::vault
