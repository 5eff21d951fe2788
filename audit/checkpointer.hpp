// Writes the checkpoints of checkpoint.hpp while the trail grows: one each second in which a line
// was added, one every lines_max lines, one a minute when nothing happens, one when a writer is
// announced, one at the end.
//
// A checkpoint never runs ahead of the disk: with durability `write` the segments are synced before
// their heads are signed, with `fsync` only acknowledged heads are posted. It is on disk itself
// before the next is written. So a power cut takes away no line that a checkpoint covers, and of
// the checkpoints at most the one that was being written.
//
// Threading: a thread of its own. Everything here may be called from any thread. A writer that
// posts a head takes a lock that only this thread takes besides, once a second.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "audit/checkpoint.hpp"
#include "audit/segments.hpp"
#include "audit/settings.hpp"
#include "audit/trail.hpp"

namespace sallyport::audit {

// Where one writer tells how far its chain stands on disk.
class posted_head {
public:
    explicit posted_head(std::string stem) { told_.stem = std::move(stem); }

    void post(const chain_head& head);
    // A segment was begun: synced before the heads that stand in it are signed.
    void begin_file(file_descriptor copy);
    void close();

private:
    friend class checkpointer;
    std::mutex mutex_;
    writer_head told_;
    std::vector<file_descriptor> files_;  // the last one is still written
    bool changed_ = true;
    bool has_begun_file_ = false;  // and its name may not be on disk
};

class checkpointer {
public:
    static constexpr std::chrono::seconds interval{1};
    static constexpr std::chrono::seconds idle_interval{60};
    static constexpr std::chrono::hours key_lifetime{24};
    static constexpr std::uint64_t lines_max = 65536;  // between two checkpoints
    static constexpr std::uint64_t file_bytes_max = 64u << 20;

    // Reads where the chain of checkpoints ends. Fails with unwritable.
    static result<std::unique_ptr<checkpointer>> open(int directory, const std::string& node,
                                                      durability durable);
    ~checkpointer();  // After the last head was posted: writes the last checkpoint.
    checkpointer(const checkpointer&) = delete;
    checkpointer& operator=(const checkpointer&) = delete;

    // There were none in the directory.
    bool is_first() const noexcept { return number_ == 0; }

    // Writers that the last checkpoint found open, and how far it covers them: the gate before
    // ended before it could list them as closed.
    const std::vector<writer_head>& left_open() const noexcept { return left_open_; }
    // And those that were closed since that gate began.
    const std::vector<writer_head>& closed_before() const noexcept { return closed_before_; }

    // Begins a file with a checkpoint that lists what was found: writers that were not closed, and
    // in a trail without checkpoints all there are.
    result<void> begin(std::vector<writer_head> found);
    // Lists a writer. Before its first line stands anywhere: none is found, after whatever cut,
    // that no checkpoint lists.
    result<std::shared_ptr<posted_head>> announce(std::string stem);
    // Puts down, on disk, that a writer's lines up to this one are taken away. False: it could not
    // be, and they must stay.
    bool prune(writer_head up_to);
    // Covers all that was posted. False: it could not be put down.
    bool cover();
    // Counts lines that were posted.
    void count(std::uint64_t lines) noexcept;

private:
    checkpointer(int directory, const std::string& node, durability durable);

    bool open_file();
    bool write(bool always);
    std::vector<writer_head> collect(bool& changed);
    bool put(checkpoint& what);
    void run();

    const int directory_;
    const durability durable_;
    const std::string origin_;
    std::uint64_t number_ = 0, lines_before_ = 0;
    std::string previous_;
    std::vector<writer_head> left_open_;
    std::vector<writer_head> closed_before_;

    std::mutex mutex_;  // of all below
    std::condition_variable wake_;
    std::unique_ptr<note_signer> signer_;
    std::chrono::steady_clock::time_point key_made_, written_at_;
    file_descriptor file_;
    std::uint32_t file_number_ = 0;
    std::uint64_t file_size_ = 0;
    std::vector<writer_head> found_, pruned_;
    std::vector<std::shared_ptr<posted_head>> writers_;
    bool stopping_ = false;
    std::atomic<std::uint64_t> lines_{0};
    std::thread thread_;
};

}  // namespace sallyport::audit
