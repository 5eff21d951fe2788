// The trail: append-only, hash-chained JSON lines (CONTRACT.md 6).
//
// This folder cannot see a secret: it includes nothing of vault/ or policy/, and takes text only.
//
// In the directory stand
//   lock                            held by the gate that writes here (flock)
//   NODE-WRITER-NNNNNN.jsonl        the segments of a writer, in order; O_APPEND, 0600
//   NODE-WRITER-NNNNNN.jsonl.gz     the same, closed and compressed
//   NODE-WRITER.open                that writer was not closed, or not with every call settled
//   NODE-WRITER-NNNNNN.jsonl.torn   what recovery cut off that segment's end
//   checkpoints-NNNNNN.notes        signed heads of every writer (checkpoint.hpp)
//   bodies-NNNNNN.sealed            what was kept of bodies (body_files.hpp); no part of a chain
//
// A writer puts its marker down before its first segment and takes it up when it is closed, all its
// lines are written and every intent has its outcome. So recovery looks only at writers whose
// marker stands, and at no more than their last recovered_segments_max segments. It sets aside what
// follows the last whole line, writes a `call.outcome` with code `outcome_unknown` for every intent
// without an outcome, as a writer of its own (no finished chain is touched), and takes up the
// markers last: killed at any moment, it is simply done again. Lines that a checkpoint covers were
// on disk when it was signed: where those are damaged the gate does not start.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
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
    call_intent,
    call_outcome,
    call_refused,
    connection_added,
    connection_updated,
    connection_authorized,
    connection_refreshing,
    connection_refreshed,
    connection_revoked,
    connection_removed,
    connection_reauth_required,
    connection_expiring,
    connection_tested,
    run_started,
    run_ended,
    key_rotated,
    key_shredded,
    vault_backed_up,
    vault_restored,
    config_reloaded,
    gate_started,
    gate_stopped,
    trail_gap,
    body_read,
    body_lost,
};

std::string_view to_string(kind value) noexcept;  // "call.intent", ...

// One line before it is written. Views: must outlive append() only. Empty text and -1 are left out.
struct entry {
    audit::kind kind = audit::kind::call_intent;
    unix_micros time = 0;  // 0: now
    std::string_view call_id;
    std::string_view trace_id, span_id;  // W3C Trace Context, where the caller has a trace
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
    std::int64_t count = -1;                     // folded refusals
    std::string_view client;                     // the caller's address
    std::string_view actor;                      // who did a control action
    std::string_view detail;                     // fixed text about it, never a caller's bytes
    std::span<const std::string_view> stripped;  // credential carriers taken from the request
    // What was kept of a call's bodies (captured_body.hpp): bytes, and the proof of what was
    // sealed.
    std::int64_t request_captured = -1, response_captured = -1;
    std::string_view request_proof, response_proof;
    std::span<const std::string_view> capture_truncated;  // the sides that were longer
    std::string_view capture_fault;                       // why something was not kept
};

enum class errc {
    directory_locked = 1,  // another gate writes here
    unwritable,            // the directory or segment cannot be written
    backlog_full,          // more waits to be written than the limit allows
    corrupted,             // a segment is damaged in the middle: not a torn tail
};
const boost::system::error_category& category() noexcept;
inline error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), category()}; }

constexpr std::size_t backlog_bytes_max = 4u << 20;      // queued by one writer
constexpr std::size_t recovered_segments_max = 16;       // of one unfinished writer
constexpr std::size_t unfinished_calls_max = 1'000'000;  // more than that are not calls of a gate

// One chain and one open segment. Not thread-safe: each worker has its own. Destroying it flushes.
class writer {
public:
    virtual ~writer() = default;
    // Formats, chains and queues the line; nothing is on disk yet. Returns its seq, which holds
    // once flush() has succeeded. Fails with backlog_full.
    virtual result<std::uint64_t> append(const entry& line) = 0;
    // Writes everything queued with one write(2) (and fdatasync where configured). Fails with
    // unwritable: the queued lines did not happen, and their callers must refuse. The segment is
    // given up and the next flush begins a new one, so that service returns with the disk. The
    // chain goes on from the last acknowledged line; where it is not certain that nothing more
    // reached the disk, a new chain under a new writer id begins with a `trail.gap`.
    virtual result<void> flush() = 0;
    virtual std::size_t queued_bytes() const noexcept = 0;

    // With durability `fsync` a thread of the writer's waits for the disk, so that an event loop
    // need not: commits() then is true, and a loop makes lines durable by begin_commit() instead
    // of flush(). It hands over everything queued; `ready` is called on that thread, once, and
    // then finish_commit() on the writer's own thread says how it went, as flush() does. Lines may
    // be queued in between; where it failed they are dropped with the others. One commit at a
    // time, and no flush() during it.
    virtual bool commits() const noexcept = 0;
    virtual void begin_commit(std::function<void()> ready) = 0;
    virtual result<void> finish_commit() = 0;
};

// The directory: locked for one gate, recovered at opening, one writer per worker. Thread-safe.
// The lock is held until the trail and all its writers are gone.
class trail {
public:
    virtual ~trail() = default;
    // `name` is a writer's place in this gate: "w0", "w1", ..., "control". The writer's id is the
    // place and a ULID. Fails with unwritable.
    virtual result<std::unique_ptr<writer>> open_writer(std::string_view name) = 0;
    // What recovery found: unfinished calls closed, bytes of torn tails set aside.
    struct recovery {
        std::uint64_t segments = 0, lines = 0, torn_bytes = 0, unfinished_calls = 0;
    };
    virtual const recovery& recovered() const noexcept = 0;
    // Begins to compress and delete what is old, as the settings say (retention.hpp). What later
    // checkpoints than `shipped()` cover is not deleted; empty: the trail has no stream. Once.
    virtual void keep(std::function<std::uint64_t()> shipped) = 0;
};

// Creates the directory if need be (0700), takes its lock, recovers. Fails with directory_locked,
// unwritable or corrupted; for the last, `where` is told "file:line: why".
result<std::unique_ptr<trail>> open_trail(const settings& settings, std::string node,
                                          std::string* where = nullptr);

}  // namespace sallyport::audit

template <>
struct boost::system::is_error_code_enum<sallyport::audit::errc> : std::true_type {
};
