// The writer of trail.hpp, and the directory that it shares with the other writers of a gate.
#pragma once

#include <memory>
#include <string>

#include "audit/line.hpp"
#include "audit/segments.hpp"
#include "audit/trail.hpp"

namespace sallyport::audit {

// Immutable once made. Shared by the trail and all its writers: whoever goes last lets go of the
// lock.
struct directory {
    file_descriptor self, lock;
    std::string node;
    durability durable = durability::write;
    std::uint64_t segment_bytes = 0;
};

class segment_writer final : public writer {
public:
    segment_writer(std::shared_ptr<const directory> where, std::string_view place);
    ~segment_writer() override;
    segment_writer(const segment_writer&) = delete;
    segment_writer& operator=(const segment_writer&) = delete;

    result<std::uint64_t> append(const entry& line) override;
    result<void> flush() override;
    std::size_t queued_bytes() const noexcept override { return queued_.size(); }

    // Puts down the marker and begins the first segment, so that a directory that cannot be
    // written is known before the first call.
    result<void> open();
    // Recovery's outcomes answer intents of other writers and must not be counted.
    void outcomes_are_of_others() noexcept { counts_calls_ = false; }

private:
    void name_chain();
    bool open_segment();
    void give_up_segment(bool in_doubt);
    void drop_queue();

    std::shared_ptr<const directory> where_;
    std::string place_, id_, stem_;
    std::unique_ptr<line_maker> lines_;
    batch queued_;
    chain_head head_, acknowledged_;  // of all lines; of those on disk
    file_descriptor file_;
    std::uint32_t number_ = 0;   // of the segment; 0: none begun
    std::uint64_t written_ = 0;  // bytes of the segment that are acknowledged
    std::int64_t unfinished_ = 0, unfinished_queued_ = 0;  // intents less outcomes
    bool counts_calls_ = true;
    bool lost_lines_ = false;  // some flush failed: recovery must look at this writer
    bool after_gap_ = false;   // this chain follows one whose end is in doubt
};

}  // namespace sallyport::audit
