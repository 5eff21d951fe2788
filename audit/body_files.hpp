// The files of captured bodies beside the trail: bodies-NNNNNN.sealed, append-only and owner-only,
// one record behind the other. Nothing in them can be read without the workspace's key.
//
//   SPB1        4 bytes
//   length      4 bytes, big-endian: of all that follows
//   time        8 bytes, big-endian: microseconds since 1970 when it was written
//   call        26 bytes: the call's id
//   side        1 byte: 0 request, 1 response
//   workspace   1 byte, n: its length, and its name
//   sealed      the rest: what the vault made of captured_body.hpp's text
//
// A file's end may be torn; nothing follows it there, since whoever writes on begins another file.
//
// Threading: body_writer belongs to one thread; the functions share nothing.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/captured_body.hpp"
#include "audit/segments.hpp"
#include "audit/settings.hpp"
#include "base/time.hpp"

namespace sallyport::audit {

constexpr std::size_t sealed_body_bytes_max = 128 * 1024;

struct sealed_body {
    std::string call_id;
    std::string workspace;
    body_side side = body_side::request;
    unix_micros time = 0;
    std::string sealed;
};

class body_writer {
public:
    static constexpr std::uint64_t file_bytes_max = 64u << 20;
    static constexpr std::chrono::hours file_age_max{1};

    explicit body_writer(int directory) : directory_(directory) {}

    // Writes a call's bodies, all of them into one file. False: they could not be written.
    bool append(const std::vector<sealed_body>& bodies);
    // Closes a file that is as old as that, so that retention may take it.
    void close_if_old();
    std::uint32_t open_number() const noexcept { return file_.is_open() ? number_ : 0; }

private:
    bool open_next();

    const int directory_;
    file_descriptor file_;
    std::uint32_t number_ = 0;
    std::uint64_t size_ = 0;
    std::chrono::steady_clock::time_point begun_;
};

// A call's bodies; none where there are none (any more). Ends early when `abandoned` is set.
std::vector<sealed_body> find_bodies(const std::string& directory, std::string_view workspace,
                                     std::string_view call_id, const std::atomic<bool>& abandoned);

// Deletes the files that are too old, and while segments and bodies together are larger than the
// trail may be the oldest ones: bodies go before lines. Not the one that is `open`. How many.
std::size_t prune_bodies(int directory, const keeping& rules, std::uint32_t open, unix_micros now);

}  // namespace sallyport::audit
