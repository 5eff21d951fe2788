// Keeps a trail's directory as small as it was asked to: compresses closed segments, and deletes
// the oldest ones when they are too old or too many.
//
// A segment is deleted only if checkpoints cover all its lines, the trail's stream has them where
// there is one, and every earlier segment of its writer is gone. First a checkpoint says so
// (`pruned`, checkpoint.hpp): so what is missing afterwards was taken away by the gate, and verify
// holds the rest to it. Checkpoints themselves are never deleted.
//
// Threading: a thread of its own. Lifetime: within that of the directory. Limits: looks once in
// interval; a segment that was written to within settle_time is left alone.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "audit/chain_files.hpp"
#include "audit/settings.hpp"
#include "base/time.hpp"

namespace sallyport::audit {

class retention {
public:
    static constexpr std::chrono::minutes interval{1};
    static constexpr std::chrono::minutes settle_time{1};

    // What later checkpoints than `shipped()` cover is not deleted; empty: there is no stream.
    retention(std::shared_ptr<const directory> where, const keeping& rules,
              std::function<std::uint64_t()> shipped);
    ~retention();
    retention(const retention&) = delete;
    retention& operator=(const retention&) = delete;

    // One look, as the thread takes it. How many segments were compressed and deleted.
    struct work {
        std::size_t compressed = 0, deleted = 0;
    };
    static work look(const directory& where, const keeping& rules,
                     const std::function<std::uint64_t()>& shipped, unix_micros now);

private:
    void run();

    const std::shared_ptr<const directory> where_;
    const keeping rules_;
    const std::function<std::uint64_t()> shipped_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace sallyport::audit
