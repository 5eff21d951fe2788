// Proves a trail from its bytes alone: no gate, no key, no lock.
//
// Every line of every segment (`*.jsonl`) must parse as the trail writes it, hash to its own
// `hash`, follow the line before it by `prev` and carry the next `seq`; a writer starts at 1 with
// 64 zeros, and its segments follow one another without a hole. So any change, removal,
// reordering, repetition or splice of lines shows, unless everything after it was rewritten too.
// What a chain alone cannot show is a tail cut off at the end of a line, or a writer whose every
// file is missing: that takes checkpoints, which are not part of this version.
//
// The end of a writer that was never closed (its `.open` marker still stands) may be torn: that is
// a warning. Memory is bounded by the longest permitted line, whatever the files hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sallyport::audit {

struct verification {
    bool sound = false;
    std::string first_bad;  // "file:line: why"; empty where sound
    std::uint64_t lines = 0, segments = 0, writers = 0, bytes = 0;  // up to the first bad line
    std::vector<std::string> warnings;
};

// A directory that cannot be read is not sound.
verification verify_directory(const std::string& directory);

}  // namespace sallyport::audit
