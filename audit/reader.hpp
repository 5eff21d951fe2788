// Reads the trail while it is being written, for people: the newest lines, then what is appended.
//
// The reader takes no lock and proves nothing (audit/verify.hpp does): it merges the segments of
// all writers by the time in their lines and hands whole lines on as they stand. Lines longer than
// line_bytes_max are skipped, and so are lines that do not begin as the trail's do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::audit {

// Not thread-safe.
class tail_reader {
public:
    // Bytes that one read_new() takes from one segment; the rest comes with the next call.
    static constexpr std::size_t bytes_per_read_max = 8u << 20;
    // The most lines that read_last() returns.
    static constexpr std::size_t last_lines_max = 100'000;

    // Stands at the present end of every segment. A directory that cannot be read, or does not
    // exist yet, is read as empty and looked at again with every call.
    explicit tail_reader(std::string directory);

    // The newest `count` lines of all segments, oldest first; afterwards stands behind them.
    std::vector<std::string> read_last(std::size_t count);

    // The lines appended since the last call, those of new segments included, oldest first.
    std::vector<std::string> read_new();

private:
    std::string directory_;
    std::map<std::string, std::uint64_t> offsets_;  // by file name
};

// One line of the trail as a person reads it: time, kind, who, what, how it ended. No line feed,
// and nothing that a terminal would obey but our own colours. A line that is not one of the
// trail's is returned as far as it is printable ASCII.
std::string human_line(std::string_view json_line, bool colour);

}  // namespace sallyport::audit
