// The lines of a trail in the order in which its checkpoints came to cover them: an order in which
// every line has one place that never changes, whoever reads, when, and however often anew.
//
// What checkpoint N covers and N-1 did not is numbered from 1: writer by writer as N lists them,
// each writer's lines by seq. Line i of checkpoint N stands at place N-i. Since checkpoints cover,
// one through the other, every line, and a line that one covers is acknowledged and on disk, no
// line is left out, none comes twice, and none is seen that a failed write took back.
//
// It is believed what the files say: whoever doubts them asks verify. Lines that are no longer
// there (retention) are passed over, and their places stay empty.
//
// Threading: one thread at a time. Lifetime: none. Memory: what read() is allowed, and one cursor
// for each writer that is not closed. A line is there a second after it was written, at the latest.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/checkpoint.hpp"
#include "audit/segments.hpp"

namespace sallyport::audit {

struct place {
    std::uint64_t checkpoint = 0;
    std::uint64_t line = 0;  // 0: behind everything that the checkpoint before covers

    auto operator<=>(const place&) const = default;
};

std::string to_string(place where);  // "17-3"
std::optional<place> parse_place(std::string_view text);

// The checkpoints of a directory, one behind the other, while more are written.
class note_follower {
public:
    explicit note_follower(int directory) : directory_(directory) {}

    // The next whole one. False: there is none yet.
    bool next();
    const audit::note& note() const noexcept { return reader_->note(); }  // until the next next()
    const audit::checkpoint& checkpoint() const noexcept { return reader_->checkpoint(); }

    // Whether what was handed out is on disk; a checkpoint of durability `write` may not be.
    bool sync() const;

    // To the start of the last file whose first checkpoint has at most this number.
    void rewind_to(std::uint64_t number);

private:
    bool open(std::uint32_t number);

    int directory_;
    std::uint32_t file_ = 0;
    std::uint64_t last_ = 0;  // the number of the last one handed out
    std::optional<checkpoint_reader> reader_;
};

class covered_reader {
public:
    explicit covered_reader(const std::string& directory);

    // Behind this place; behind all lines of its checkpoint where it has fewer. False: no
    // checkpoint of that number stands here.
    bool seek(place where);
    void seek_to_end();

    struct item {
        place at;                // of a checkpoint: behind all that it covers
        std::string text;        // a line without its line feed, or a note
        std::uint64_t note = 0;  // the number of the checkpoint; 0: it is a line
    };
    // What comes next, the checkpoint behind its lines. Nothing: there is no more yet. Ends early
    // where it would be more than `bytes`, but for one item.
    std::vector<item> read(std::size_t items, std::size_t bytes);

    // Whether a power cut leaves the checkpoints behind which this stands.
    bool sync() const { return notes_.sync(); }

    // The first checkpoint names the trail: another one has another name, whatever its node is
    // called. Empty: there is none yet.
    std::string identity() const;
    // Of the note with this number; empty: it is not here. Reads up to 64 MiB.
    std::string hash_of_note(std::uint64_t number) const;
    // Lines that are covered and were not yet read.
    std::uint64_t behind();
    std::uint64_t covered() const noexcept { return lines_covered_; }  // as behind() found it

private:
    struct range {
        std::string stem;
        std::uint64_t first = 0, last = 0;
    };
    // Where a writer's next line stands.
    struct cursor {
        file_descriptor file;
        std::uint64_t offset = 0;
        std::uint64_t seq = 0;  // of the line before it
    };

    bool begin_note();
    void end_note();
    void read_range(std::vector<item>& out, std::size_t items, std::size_t bytes,
                    std::size_t& used);
    bool locate(cursor& at, const std::string& stem, std::uint64_t seq);
    void pass_over(std::uint64_t lines);

    file_descriptor directory_;
    note_follower notes_, scout_;
    std::map<std::string, std::uint64_t> heads_;  // seq by stem, as the checkpoint before has them
    std::map<std::string, cursor> cursors_;
    bool in_note_ = false;
    std::deque<range> ranges_;  // of the present checkpoint, not yet read
    place at_;
    std::uint64_t lines_read_ = 0, lines_covered_ = 0;
};

}  // namespace sallyport::audit
