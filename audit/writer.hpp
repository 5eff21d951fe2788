// The writer of trail.hpp: lines of one chain after the other, queued, and handed to chain_files.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "audit/chain_files.hpp"
#include "audit/line.hpp"
#include "audit/trail.hpp"

namespace sallyport::audit {

class segment_writer final : public writer {
public:
    segment_writer(std::shared_ptr<const directory> where, std::string_view place);
    ~segment_writer() override;
    segment_writer(const segment_writer&) = delete;
    segment_writer& operator=(const segment_writer&) = delete;

    result<std::uint64_t> append(const entry& line) override;
    result<void> flush() override;
    std::size_t queued_bytes() const noexcept override { return queued_.size(); }
    bool commits() const noexcept override { return where_->durable == durability::fsync; }
    void begin_commit(std::function<void()> ready) override;
    result<void> finish_commit() override;

    // Puts down the marker and begins the first segment, so that a directory that cannot be
    // written is known before the first call.
    result<void> open();
    // Recovery's outcomes answer intents of other writers and must not be counted.
    void outcomes_are_of_others() noexcept { counts_calls_ = false; }

private:
    // What is being made durable.
    struct handed_over {
        batch lines;
        chain_head head;
        std::int64_t unfinished = 0;
        chain_files::outcome outcome = chain_files::outcome::undone;
    };

    void name_chain();
    void hand_over();
    result<void> settle();
    void drop_queue();
    void run_commits();

    std::shared_ptr<const directory> where_;
    std::string place_;
    std::unique_ptr<line_maker> lines_;
    std::unique_ptr<chain_files> files_;
    batch queued_;
    chain_head head_;  // behind what is queued
    handed_over committing_;
    std::int64_t unfinished_ = 0, unfinished_queued_ = 0;  // intents less outcomes
    bool counts_calls_ = true;
    bool lost_lines_ = false;  // some flush failed: recovery must look at this writer
    bool after_gap_ = false;   // this chain follows one whose end is in doubt

    // The thread that waits for the disk, with durability `fsync` alone. Between a begin_commit
    // and its `ready`, files_ and committing_ are its own.
    std::mutex mutex_;
    std::condition_variable wake_;
    std::function<void()> ready_;  // set: a commit is under way
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace sallyport::audit
