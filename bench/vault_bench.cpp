// What the vault costs: per record on the control thread, per call on a worker.
#include <benchmark/benchmark.h>

#include <boost/asio/co_spawn.hpp>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "base/ulid.hpp"
#include "vault/envelope.hpp"
#include "vault/keeper.hpp"
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

void envelope_seal(benchmark::State& state)
{
    sealing with;
    for (auto _ : state) {
        benchmark::DoNotOptimize(with.box.seal(with.key, with.what, with.where, token));
    }
}
BENCHMARK(envelope_seal);

void envelope_open(benchmark::State& state)
{
    sealing with;
    const std::string sealed = with.box.seal(with.key, with.what, with.where, token);
    for (auto _ : state) {
        auto opened = with.box.open(with.key, with.what, with.where, sealed);
        if (!opened) {
            state.SkipWithError("it does not open");
        }
        benchmark::DoNotOptimize(opened);
    }
}
BENCHMARK(envelope_open);

// The floor: the cipher alone over as many bytes, with and without a new key each time.
void bare_open(benchmark::State& state)
{
    aes_256_gcm seal(aes_256_gcm::direction::seal);
    aes_256_gcm open(aes_256_gcm::direction::open);
    const std::string key(key_bytes, 'k');
    const std::string nonce(nonce_bytes, 'n');
    const std::string plain(256, 'p');
    std::string text(plain.size(), '\0');
    std::string tag(tag_bytes, '\0');
    seal.set_key(key);
    open.set_key(key);
    seal.seal(nonce, {}, plain, text.data(), tag.data());
    std::string out(plain.size(), '\0');
    for (auto _ : state) {
        if (state.range(0) != 0) {
            open.set_key(key);
        }
        if (!open.open(nonce, {}, text, tag, out.data())) {
            state.SkipWithError("it does not open");
        }
    }
}
BENCHMARK(bare_open)->ArgName("new_key")->Arg(0)->Arg(1);

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

// A vault on SQLite with `count` connections, and a resolver, all on one thread.
class filled_vault {
public:
    explicit filled_vault(std::size_t count)
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "vault-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) {
            throw std::runtime_error("no temporary directory");
        }
        directory_ = pattern;
        std::ofstream(directory_ / "key") << std::string(64, 'a');
        std::filesystem::permissions(directory_ / "key", std::filesystem::perms{0600});
        settings with;
        with.store = "sqlite:" + (directory_ / "vault.db").string();
        with.master_key = "file:" + (directory_ / "key").string();
        keeper_ = keeper::open(context_, with);
        for (std::size_t i = 0; i < count; ++i) {
            connection fresh;
            fresh.workspace = "acme";
            fresh.user = "ann";
            fresh.provider = "github";
            fresh.kind = "bearer";
            fresh.scopes_granted = {"repo", "user:email"};
            credential fields;
            fields.push_back({"secret", secret(token)});
            ids.push_back(run(keeper_->add(fresh, std::move(fields)))->id);
        }
        renew();
    }
    ~filled_vault()
    {
        resolver_.reset();
        keeper_.reset();
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
    filled_vault(const filled_vault&) = delete;
    filled_vault& operator=(const filled_vault&) = delete;

    template <class T>
    T run(boost::asio::awaitable<T> work)
    {
        std::optional<T> outcome;
        boost::asio::co_spawn(context_, std::move(work), [&](std::exception_ptr, T answer) {
            outcome.emplace(std::move(answer));
        });
        context_.restart();
        while (!outcome) {
            context_.run_one();
        }
        return std::move(*outcome);
    }

    void renew() { resolver_ = keeper_->make_resolver(context_); }
    resolver& of_worker() { return *resolver_; }

    std::vector<std::string> ids;

private:
    std::filesystem::path directory_;
    boost::asio::io_context context_;
    std::unique_ptr<keeper> keeper_;
    std::unique_ptr<resolver> resolver_;
};

void cache_hit(benchmark::State& state)
{
    filled_vault vault(static_cast<std::size_t>(state.range(0)));
    for (const std::string& one : vault.ids) {
        if (!vault.run(vault.of_worker().fetch(one))) {
            state.SkipWithError("not found");
        }
    }
    std::size_t at = 0;
    const std::int64_t now = boot_millis();
    for (auto _ : state) {
        auto entry = vault.of_worker().cached(vault.ids[at], now);
        if (!entry) {
            state.SkipWithError("not cached");
        }
        benchmark::DoNotOptimize(entry);
        at = at + 1 == vault.ids.size() ? 0 : at + 1;
    }
}
BENCHMARK(cache_hit)->ArgName("connections")->Arg(1)->Arg(1000);

void cached_run(benchmark::State& state)
{
    filled_vault vault(0);
    if (!vault.run(vault.of_worker().fetch_run_live("acme", "run-1"))) {
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

void clock(benchmark::State& state)
{
    for (auto _ : state) {
        benchmark::DoNotOptimize(boot_millis());
    }
}
BENCHMARK(clock);

// Load, open, seal for memory: what the first call with a connection waits for.
void cold_resolve(benchmark::State& state)
{
    filled_vault vault(1000);
    std::size_t at = 0;
    for (auto _ : state) {
        if (at == vault.ids.size()) {
            state.PauseTiming();
            vault.renew();
            at = 0;
            state.ResumeTiming();
        }
        if (!vault.run(vault.of_worker().fetch(vault.ids[at++]))) {
            state.SkipWithError("not found");
        }
    }
}
BENCHMARK(cold_resolve);

}  // namespace
}  // namespace sallyport::vault
