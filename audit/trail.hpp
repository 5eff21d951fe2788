// The trail: append-only, hash-chained JSON lines (CONTRACT.md 6).
//
// This folder cannot see a secret: it includes nothing of vault/ or policy/, and takes text only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/settings.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/ulid.hpp"

namespace sallyport::audit {

enum class kind : std::uint8_t {
    call_intent, call_outcome, call_refused,
    connection_added, connection_updated, connection_authorized, connection_refreshed,
    connection_revoked, connection_removed, connection_reauth_required, connection_tested,
    run_started, run_ended, key_rotated, config_reloaded, gate_started, gate_stopped, trail_gap,
};

std::string_view to_string(kind value) noexcept;  // "call.intent", ...

// One line before it is written. Views: must outlive append() only. Empty text and -1 are left out.
struct entry {
    audit::kind kind = audit::kind::call_intent;
    unix_micros time = 0;  // 0: now
    std::string_view call_id;
    std::string_view workspace, app, run, user, connection_id, provider;
    std::string_view method, host, path;
    std::span<const std::string_view> query_keys;
    std::string_view operation, cls;
    std::span<const std::string> scopes_used;
    std::string_view decision;  // allow | deny
    std::string_view code;      // a refusal's or a failure's code
    std::string_view rule;
    std::int64_t status = -1;
    std::int64_t request_bytes = -1, response_bytes = -1;
    std::int64_t duration_us = -1, upstream_us = -1;
    std::int64_t attempts = -1;
    std::int64_t count = -1;   // folded refusals
    std::string_view client;   // the caller's address
    std::string_view actor;    // who did a control action
    std::string_view detail;   // fixed text about it, never a caller's bytes
    std::span<const std::string_view> stripped;  // names of credential carriers taken from the request
};

enum class errc {
    directory_locked = 1,  // another gate writes here
    unwritable,            // the directory or segment cannot be written
    backlog_full,          // more waits to be written than the limit allows
    corrupted,             // a segment is damaged in the middle: not a torn tail
};
const boost::system::error_category& category() noexcept;
inline error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), category()}; }

// One chain and one open segment. Not thread-safe: each worker has its own.
class writer {
public:
    virtual ~writer() = default;
    // Formats, chains and queues the line; nothing is on disk yet. Returns its seq. Fails with
    // backlog_full, or with unwritable once a flush has failed and no new segment could be opened.
    virtual result<std::uint64_t> append(const entry& line) = 0;
    // Writes everything queued with one write(2) (and fdatasync where configured). On an error the
    // queued lines are not acknowledged: their callers must refuse.
    virtual result<void> flush() = 0;
    virtual std::size_t queued_bytes() const noexcept = 0;
};

// The directory: locked for one gate, recovered at opening, one writer per worker.
class trail {
public:
    virtual ~trail() = default;
    // `name` is a writer's place in this gate: "w0", "w1", ..., "control". Unique per start.
    virtual result<std::unique_ptr<writer>> open_writer(std::string_view name) = 0;
    // What recovery found: unfinished calls closed, bytes of torn tails set aside.
    struct recovery {
        std::uint64_t segments = 0, lines = 0, torn_bytes = 0, unfinished_calls = 0;
    };
    virtual const recovery& recovered() const noexcept = 0;
};

// Creates the directory if need be (0700), takes its lock, recovers torn tails. errc as above.
result<std::unique_ptr<trail>> open_trail(const settings& settings, std::string node);

}  // namespace sallyport::audit

template <>
struct boost::system::is_error_code_enum<sallyport::audit::errc> : std::true_type {};
