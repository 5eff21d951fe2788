// Proves a trail from its bytes alone: no gate, no key, no lock.
//
// Every line of every segment (`*.jsonl`) must parse as the trail writes it, hash to its own
// `hash`, follow the line before it by `prev` and carry the next `seq`; a writer starts at 1 with
// 64 zeros, and its segments follow one another without a hole. So any change, removal,
// reordering, repetition or splice of lines shows, unless everything after it was rewritten too.
// What chains alone cannot show - a tail cut off at the end of a line, a writer whose every file is
// missing or was put there from elsewhere - the checkpoints beside them do (checkpoint.hpp): every
// writer must be listed in one and come by the heads that it lists. What rewrites the directory as
// a whole, or puts an older state of it back, is found by a checkpoint that was kept elsewhere.
//
// What the gate itself took away (retention) it has said before, in a checkpoint: such a writer's
// chain begins behind the line that is named there.
//
// The end of a writer that was never closed (its `.open` marker still stands) may be torn: that is
// a warning. A gate may write meanwhile. Memory is bounded by the longest permitted line and the
// number of writers, whatever the files hold.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::audit {

struct verification {
    bool sound = false;
    std::string first_bad;  // "file:line: why"; empty where sound
    std::uint64_t lines = 0, segments = 0, writers = 0, bytes = 0;  // up to the first bad line
    std::uint64_t checkpoints = 0;
    std::vector<std::string> warnings;
};

// A directory that cannot be read is not sound. `kept`: checkpoints of it that were kept elsewhere,
// one behind the other; empty: none.
verification verify_directory(const std::string& directory, std::string_view kept = {});

}  // namespace sallyport::audit
