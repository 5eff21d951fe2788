// What a stretch of the trail says, summed up: how much was called and refused, how long it took,
// what went wrong most often.
#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <iosfwd>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::cli {

// Latencies as counts in buckets of 1/16 of a power of two: within 6 % and constant in memory.
class latency_counts {
public:
    void add(std::uint64_t micros) noexcept;
    std::uint64_t percentile(double part) const noexcept;  // microseconds; 0: none
    std::uint64_t count() const noexcept { return total_; }

private:
    std::map<std::uint32_t, std::uint64_t> buckets_;
    std::uint64_t total_ = 0;
};

class audit_stats {
public:
    // More different providers, codes or connections than that are counted as one, "(others)".
    static constexpr std::size_t groups_max = 10'000;

    void add(std::string_view line);

    boost::json::object to_json() const;
    void print(std::ostream& out) const;

    // By connection: the scopes that calls were allowed by.
    const std::map<std::string, std::set<std::string>>& scopes_used() const noexcept
    {
        return scopes_used_;
    }

private:
    struct provider_counts {
        std::uint64_t calls = 0, refused = 0, client_errors = 0, server_errors = 0, failed = 0;
        latency_counts gate, upstream;
    };
    struct refusal_key {
        std::string code, provider, operation;
        auto operator<=>(const refusal_key&) const = default;
    };
    std::vector<std::pair<refusal_key, std::uint64_t>> top_refusals() const;

    std::uint64_t lines_ = 0, unfinished_ = 0;
    std::string first_, last_;
    std::map<std::string, std::uint64_t> kinds_;
    std::map<std::string, provider_counts> providers_;
    std::map<refusal_key, std::uint64_t> refusals_;
    std::map<std::string, std::set<std::string>> scopes_used_;
};

}  // namespace sallyport::cli
