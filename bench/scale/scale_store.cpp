// Fills a vault with connections and measures what finding one of them costs.
//
//     scale_store STORE MASTER_KEY IDS COUNT
//
// STORE and MASTER_KEY are vault.store and vault.master_key of a gate's configuration. IDS is the
// file of the ids added so far, one a line; the vault is filled up to COUNT. Prints one JSON
// object: how long that took, and in nanoseconds the time to find a connection that is not cached
// (cold: asked of the store, opened, sealed for memory) and one that is.
//
// Threads: the keeper's, as in a gate, and this one, which is the worker.
#include <algorithm>
#include <chrono>
#include <deque>
#include <fstream>
#include <future>
#include <iostream>
#include <random>
#include <stdexcept>
#include <vector>

#include "bench/running_vault.hpp"

namespace sallyport::vault {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t adding_at_once = 256;
constexpr std::size_t samples = 10'000;

std::vector<std::string> read_lines(const std::string& path)
{
    std::vector<std::string> lines;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        lines.push_back(line);
    }
    return lines;
}

void fill(running_vault& vault, const std::string& path, std::vector<std::string>& ids,
          std::size_t count)
{
    std::ofstream file(path, std::ios::app);
    std::deque<std::future<result<connection>>> adding;
    while (ids.size() < count || !adding.empty()) {
        if (ids.size() + adding.size() < count && adding.size() < adding_at_once) {
            adding.push_back(vault.add());
            continue;
        }
        auto added = adding.front().get();
        adding.pop_front();
        if (!added) {
            throw std::runtime_error("a connection was not added: " + added.error().message());
        }
        ids.push_back(added->id);
        file << added->id << '\n';
    }
}

template <class Work>
std::int64_t nanoseconds_of(const Work& work)
{
    const auto begun = steady::now();
    if (!work()) {
        throw std::runtime_error("a connection was not found");
    }
    return std::chrono::nanoseconds(steady::now() - begun).count();
}

void print(const char* name, std::vector<std::int64_t> taken)
{
    std::sort(taken.begin(), taken.end());
    std::cout << ", \"" << name << "\": {\"p50\": " << taken[taken.size() / 2]
              << ", \"p99\": " << taken[taken.size() * 99 / 100] << ", \"max\": " << taken.back()
              << '}';
}

void measure(running_vault& vault, const std::vector<std::string>& ids)
{
    std::mt19937_64 random(1);
    std::vector<std::string> asked;
    std::sample(ids.begin(), ids.end(), std::back_inserter(asked), samples, random);
    std::shuffle(asked.begin(), asked.end(), random);
    std::vector<std::int64_t> cold;
    std::vector<std::int64_t> warm;
    while (cold.size() < std::min(samples, asked.size() * 1000)) {
        vault.forget();
        for (const std::string& id : asked) {
            cold.push_back(nanoseconds_of([&] { return vault.find(id); }));
            warm.push_back(nanoseconds_of(
                [&] { return vault.of_worker().cached(id, boot_millis()) != nullptr; }));
        }
    }
    print("cold_ns", std::move(cold));
    print("warm_ns", std::move(warm));
}

int run(const std::string& store, const std::string& master_key, const std::string& ids_path,
        std::size_t count)
{
    std::vector<std::string> ids = read_lines(ids_path);
    const std::size_t before = ids.size();
    running_vault vault(store, master_key);
    const auto begun = steady::now();
    fill(vault, ids_path, ids, count);
    const std::chrono::duration<double> took = steady::now() - begun;
    std::cout << "{\"added\": " << ids.size() - before << ", \"seconds\": " << took.count();
    vault.await_readiness();
    measure(vault, ids);
    std::cout << "}\n";
    return 0;
}

}  // namespace
}  // namespace sallyport::vault

int main(int count, char** words)
try {
    if (count != 5) {
        std::cerr << "usage: scale_store STORE MASTER_KEY IDS COUNT\n";
        return 2;
    }
    return sallyport::vault::run(words[1], words[2], words[3], std::stoul(words[4]));
} catch (const std::exception& error) {
    std::cerr << "scale_store: " << error.what() << '\n';
    return 1;
}
