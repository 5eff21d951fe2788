// A checkpoint: where the chain of every writer stands, as the text of a signed note (note.hpp),
// and the files that checkpoints are kept in.
//
//   NODE/audit                     the origin, as tlog checkpoints have it
//   4711                           lines of the trail so far, over all writers
//   BASE64                         SHA-256 of everything below
//   number 17                      of the checkpoint, from 1
//   time 2026-11-20T10:08:35.000000Z
//   previous HEX                   SHA-256 of the note before it, all of it; zeros for the first
//   key KEY                        the key that the following notes are signed with
//   open STEM SEQ HASH             a writer's last line that is on disk (seq 0: none yet)
//   closed STEM SEQ HASH           the same; nothing will follow
//   adopted STEM SEQ HASH          the same, of a trail that had no checkpoints until now
//   pruned STEM SEQ HASH           the gate takes away its lines up to this one (retention.hpp)
//
// A writer is listed from before its first line on, until after it was closed. So checkpoints
// cover, one through the other, every line that ever stood in the directory.
//
// Keys have epochs: a gate makes one when it starts and one a day, keeps it in memory alone, and
// hands over by a note of the old key that names the new one. The first note of a gate's start
// names the key that it is signed with itself. So whoever gets hold of the disk cannot sign for a
// time that has passed; who could rewrite the directory as a whole is found by a checkpoint that
// was kept elsewhere.
//
// In the directory stand checkpoints-NNNNNN.notes, one file for each start of a gate, notes one
// behind the other. The last note of a file may be torn.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/line.hpp"
#include "audit/note.hpp"
#include "audit/segments.hpp"
#include "base/time.hpp"

namespace sallyport::audit {

enum class head_state : std::uint8_t { open, closed, adopted, pruned };

struct writer_head {
    std::string stem;
    chain_head head;
    head_state state = head_state::open;
};

struct checkpoint {
    std::string origin;
    std::uint64_t lines = 0;
    std::uint64_t number = 0;
    unix_micros time = 0;
    std::string previous;  // hexadecimal
    std::string key;       // empty: as before
    std::vector<writer_head> heads;
};

constexpr std::size_t checkpoint_bytes_max = 4u << 20;  // of one note

std::string to_text(const checkpoint& what);
// Nullopt for anything that to_text would not have written.
std::optional<checkpoint> parse_checkpoint(std::string_view text);

std::string hash_of(std::string_view bytes);  // SHA-256, hexadecimal

std::string checkpoint_file_name(std::uint32_t number);
// The numbers of the directory's files of checkpoints, in order. Nullopt if it cannot be read.
std::optional<std::vector<std::uint32_t>> list_checkpoint_files(int directory);

// The checkpoints of one file, front to back.
class checkpoint_reader {
public:
    enum class state : std::uint8_t { note, torn, bad, end, failed };

    explicit checkpoint_reader(file_descriptor file) : file_(std::move(file)) {}

    // `torn`: the file ends within a note. After `end` and `torn` it goes on where the file has
    // grown, after `bad` and `failed` it is over.
    state next();
    const audit::note& note() const noexcept { return note_; }  // until the next next()
    const audit::checkpoint& checkpoint() const noexcept { return checkpoint_; }

private:
    file_descriptor file_;
    std::string buffer_;
    std::size_t begin_ = 0;
    std::uint64_t offset_ = 0;
    audit::note note_;
    audit::checkpoint checkpoint_;
};

}  // namespace sallyport::audit
