// The files of one chain: its marker, its segments, and how far they are on disk.
//
// Threading: one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "audit/checkpointer.hpp"
#include "audit/line.hpp"
#include "audit/segments.hpp"
#include "audit/trail.hpp"

namespace sallyport::audit {

// Shared by the trail and all its writers: whoever goes last writes the last checkpoint and lets go
// of the lock. Nothing but the checkpoints changes once it is made.
struct directory {
    file_descriptor self, lock;
    std::string node;
    durability durable = durability::write;
    std::uint64_t segment_bytes = 0;
    std::chrono::milliseconds segment_age{0};
    std::unique_ptr<checkpointer> checkpoints;  // the first to go
};

class chain_files {
public:
    // With durability `fsync`, disk space is taken in pieces of this size, so that making lines
    // durable does not mean journalling an allocation each time.
    static constexpr std::uint64_t preallocated_bytes = 16u << 20;

    chain_files(std::shared_ptr<const directory> where, std::string stem);
    ~chain_files();
    chain_files(const chain_files&) = delete;
    chain_files& operator=(const chain_files&) = delete;

    // Puts down the marker, has the chain listed in a checkpoint and begins the first segment.
    bool open();

    // `undone`: nothing of it stands in the chain. `in_doubt`: parts may come back with the disk,
    // so nothing may follow in this chain.
    enum class outcome : std::uint8_t { done, undone, in_doubt };
    // Writes whole lines and makes them durable as configured. `head` is where the chain stands
    // behind them.
    outcome append(std::string_view lines, const chain_head& head);

    // Where the chain stands as far as it is durable.
    const chain_head& acknowledged() const noexcept { return acknowledged_; }

    // `settled`: recovery need not look at this chain.
    void close(bool settled);

private:
    bool open_segment();
    void reserve(std::uint64_t bytes);
    void end_segment();
    outcome give_up(bool in_doubt);

    const std::shared_ptr<const directory> where_;
    const std::string stem_;
    std::shared_ptr<posted_head> posted_;
    chain_head acknowledged_;
    file_descriptor file_;
    std::uint32_t number_ = 0;   // of the segment; 0: none begun
    std::uint64_t written_ = 0;  // bytes of the segment that are acknowledged
    std::uint64_t reserved_ = 0;
    std::chrono::steady_clock::time_point begun_;  // the segment
};

}  // namespace sallyport::audit
