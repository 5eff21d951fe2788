// Ships a trail to a stream elsewhere: every covered line (covered.hpp) once, in order, under its
// place as the id, and each checkpoint behind the lines that it covers.
//
// Nothing is kept of how far it came: the stream is asked whenever it is reached anew, so neither a
// kill on either side nor a stream that went back can lose a line or bring one twice. A stream
// whose last checkpoint is not this trail's (a directory that was put back to an older state) is
// not touched. Nothing waits for the shipper: while it cannot reach the stream, the files hold what
// it has yet to ship.
//
// Threading: a thread of its own; everything here may be called from any. Lifetime: to be made
// before the trail and gone after it, so that the last checkpoint is shipped too, for which it
// takes at most farewell.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "audit/covered.hpp"
#include "base/result.hpp"

namespace sallyport::audit {

// Where it is shipped to. Called on the shipper's thread alone, and may keep it waiting for some
// seconds, never forever. What fails is tried again.
class stream_sink {
public:
    struct position {
        place line;              // of the newest line; {}: none yet
        std::uint64_t note = 0;  // the number of the newest checkpoint; 0: none yet
        std::string note_text;
    };

    virtual ~stream_sink() = default;
    // Finds the stream of the trail with this identity, and says where it stands.
    virtual result<position> find(const std::string& identity) = 0;
    // Appends to it, passing over what is there already.
    virtual result<void> add(const std::vector<covered_reader::item>& items) = 0;
    // Takes away what everybody has who reads it.
    virtual result<void> trim() = 0;
};

class shipper {
public:
    static constexpr std::size_t batch_items = 256;
    static constexpr std::size_t batch_bytes = 1u << 20;
    static constexpr std::chrono::milliseconds interval{200};  // between looks at the files
    static constexpr std::chrono::milliseconds retry_interval{500};
    static constexpr std::chrono::seconds trim_interval{10};
    static constexpr std::chrono::seconds farewell{3};

    // `told` hears why nothing can be shipped, once for each reason, and "" when it can again.
    shipper(std::string directory, std::unique_ptr<stream_sink> sink,
            std::function<void(const std::string&)> told);
    ~shipper();
    shipper(const shipper&) = delete;
    shipper& operator=(const shipper&) = delete;

    // Lines that a checkpoint covers and that are not known to be in the stream.
    std::uint64_t behind() const;
    // Everything that this checkpoint covers is in the stream; 0: nothing is known to be.
    std::uint64_t shipped_checkpoint() const;

private:
    void run();
    bool ship_some();
    bool begin();
    bool pause(std::chrono::milliseconds time);
    bool is_stopping() const;
    void tell(const std::string& trouble);

    const std::string directory_;
    const std::unique_ptr<stream_sink> sink_;
    const std::function<void(const std::string&)> told_;

    // Of the thread alone.
    std::unique_ptr<covered_reader> reader_;  // none: the stream has to be asked where it stands
    std::chrono::steady_clock::time_point trimmed_at_;
    std::string trouble_;
    bool idle_ = false;                // the last look found nothing
    std::uint64_t lines_shipped_ = 0;  // of all that are covered
    std::uint64_t synced_checkpoint_ = 0;

    mutable std::mutex mutex_;  // of all below
    std::condition_variable wake_;
    bool stopping_ = false;
    std::uint64_t behind_ = 0, shipped_ = 0;
    std::thread thread_;
};

}  // namespace sallyport::audit
