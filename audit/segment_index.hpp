// What lets a search skip most of a segment: for each block of lines its span of time and a Bloom
// filter of the values in it.
//
// Kept beside the segment as SEGMENT.index where that can be written, else in memory alone; made
// from the segment by whoever searches first, and extended as it grows. It proves nothing and is
// believed only for skipping: whoever doubts it deletes it. 2 KiB for 256 KiB of lines.
//
// Threading: none; several processes may make the same index, the last one's stays.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/segments.hpp"
#include "base/time.hpp"

namespace sallyport::audit {

// The members whose values are in the filters.
bool is_indexed(std::string_view member) noexcept;

struct index_block {
    static constexpr std::uint64_t bytes_min = 256u << 10;  // then up to the end of the line
    static constexpr std::size_t filter_words = 256;

    std::uint64_t begin = 0, end = 0;           // bytes of the segment
    unix_micros first_time = 0, last_time = 0;  // smallest and largest
    std::array<std::uint64_t, filter_words> filter{};

    // `value` as it stands in the line: a text without its quotes, still escaped.
    void add(std::string_view member, std::string_view value) noexcept;
    // False: no line of the block has it.
    bool may_have(std::string_view member, std::string_view value) const noexcept;
};

// The blocks of a segment up to its last full one; what stands behind them must be read. Those of a
// compressed segment are all there are.
std::vector<index_block> index_segment(int directory, const segment& which);

std::string index_name(std::string_view segment);

}  // namespace sallyport::audit
