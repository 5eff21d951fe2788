// Where captured bodies go: a bounded queue, and a thread that has them sealed and appends them to
// the files of body_files.hpp. No call ever waits for it: who finds no room keeps nothing, and the
// outcome's line says so.
//
// Threading: a thread of its own; everything here may be called from any. Lifetime: outlives the
// workers that put bodies here. Limits: room_bytes_max, over what calls under way have begun to
// capture and what waits to be written.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "audit/body_files.hpp"
#include "audit/captured_body.hpp"
#include "base/result.hpp"

namespace sallyport::audit {

// What makes a text unreadable to everybody but the workspace. Called on the journal's thread
// alone; may keep it waiting for a moment, never forever.
class body_sealer {
public:
    virtual ~body_sealer() = default;
    virtual result<std::string> seal(const std::string& workspace, const std::string& call_id,
                                     body_side side, std::string_view text) = 0;
};

class body_journal {
public:
    static constexpr std::size_t room_bytes_max = std::size_t{64} << 20;
    static constexpr std::chrono::minutes look_interval{1};  // for files that are to go
    static constexpr std::chrono::seconds farewell{3};       // for what is queued when it stops

    // A part of the journal's room, given back with the object. Move-only.
    class [[nodiscard]] room {
    public:
        room() = default;
        room(room&& other) noexcept
            : of_(std::exchange(other.of_, nullptr)), bytes_(std::exchange(other.bytes_, 0))
        {
        }
        room& operator=(room&&) = delete;
        ~room();

    private:
        friend class body_journal;
        room(body_journal& of, std::size_t bytes) : of_(&of), bytes_(bytes) {}
        body_journal* of_ = nullptr;
        std::size_t bytes_ = 0;
    };

    // One body of a call, ready to be kept.
    struct kept_body {
        body_side side;
        captured_body body;
        room place;
    };
    struct kept_call {
        std::string call_id, workspace, connection_id, provider;
        std::vector<kept_body> bodies;
    };

    // `lost` hears, on the journal's thread, of calls whose bodies could not be kept after all.
    body_journal(const settings& trail, std::unique_ptr<body_sealer> sealer,
                 std::function<void(const kept_call&, const error_code&)> lost);
    ~body_journal();  // stops
    body_journal(const body_journal&) = delete;
    body_journal& operator=(const body_journal&) = delete;

    std::optional<room> take_room(std::size_t bytes) noexcept;
    void put(kept_call call);

    // Writes what is queued, as far as it can be in `farewell`. Nothing is put here afterwards.
    void stop();

private:
    void run();
    result<void> keep(body_writer& writer, const kept_call& call);

    const std::string directory_;
    const keeping rules_;
    const std::unique_ptr<body_sealer> sealer_;
    const std::function<void(const kept_call&, const error_code&)> lost_;
    std::atomic<std::size_t> taken_{0};

    std::mutex mutex_;  // of the next three
    std::condition_variable wake_;
    std::deque<kept_call> queue_;
    bool stopping_ = false;
    std::thread thread_;  // the last: it uses everything above
};

}  // namespace sallyport::audit
