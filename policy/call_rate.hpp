// How often a connection may be called: the `rate_limit` of its settings,
//
//     {"requests": 100, "per": "1s"}
//
// A bucket that holds `requests` calls and fills evenly, all of it within `per`: so many may come
// at once, and that many in each `per` for good. {} is no limit.
//
// Threading: any; pure.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sallyport::policy {

constexpr std::uint32_t rate_requests_max = 1'000'000;
constexpr std::chrono::seconds rate_per_min{1};
constexpr std::chrono::hours rate_per_max{24};

struct call_rate {
    std::uint32_t requests = 0;  // 0: as often as anyone likes
    std::chrono::milliseconds per{0};
};

// What is wrong where there is none.
constexpr std::string_view rate_complaint =
    R"(must be {} or {"requests": 1 to 1000000, "per": "1s" to "24h"})";

std::optional<call_rate> read_call_rate(const boost::json::object& from);

}  // namespace sallyport::policy
