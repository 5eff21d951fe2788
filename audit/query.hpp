// Finds lines of the trail by what they say: through the indexes of the segments, reading only the
// blocks that may hold one.
//
// Takes no lock and proves nothing, like the reader. A gate may write meanwhile: lines that appear
// after the search began may or may not be found.
//
// Threading: none. Memory: the lines that are returned, and 2 KiB of index for 256 KiB of trail.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace sallyport::audit {

// Holds for a line whose `member` is one of `values`: a text as it is, a number in decimal.
struct condition {
    std::string member;
    std::vector<std::string> values;
};

struct query {
    unix_micros from = 0;                                         // included
    unix_micros until = std::numeric_limits<unix_micros>::max();  // not included
    // Of the lines at exactly `until` those whose id is smaller than this one: where the search
    // before stopped. Empty: none of them.
    std::string before_id;
    std::vector<condition> all;
    // Set by another thread: the search ends with what it has found.
    const std::atomic<bool>* abandoned = nullptr;
};

// What a search cost.
struct effort {
    std::uint64_t blocks = 0, blocks_read = 0, bytes_read = 0;
};

constexpr std::size_t found_lines_max = 100'000;

// The newest `limit` lines that match, by time and id, oldest first. `limit` at most
// found_lines_max.
std::vector<std::string> find_newest(const std::string& directory, const query& what,
                                     std::size_t limit, effort* spent = nullptr);

// Every line that matches, in the order of their times as far as each writer kept it; until `each`
// says false. The view holds during the call.
void for_each_line(const std::string& directory, const query& what,
                   const std::function<bool(std::string_view)>& each, effort* spent = nullptr);

}  // namespace sallyport::audit
