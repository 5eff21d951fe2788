// Short-lived facts of the gate that its fleet shares and that survive kill -9: authorisations
// under way, tickets, idempotency keys, tokens still to be revoked at a provider, webhooks to
// deliver; and claims, by which gates keep out of each other's way.
//
// A note's text is sealed under its workspace's data key and bound to its kind, id and time of
// expiry. Rotating that key seals notes anew as it does credentials; shredding it deletes them with
// everything else of the workspace. Notes are not part of a backup: what they speak of would be
// over when it is put back.
//
// A store that several gates share forgets no acknowledged note by itself. One that went back (a
// replica that lagged takes over) may show a note again that was taken or dropped; it is refused
// by gates that have seen later changes (redis_announce.hpp).
//
// Threading: the control thread. Lifetime: a part of the keeper, whose tasks end before it does.
// Failure:   errc::unavailable; invalid_id for a kind, id, workspace or text that is none; the
//            others as each function says. A note that does not open is not_found.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "vault/key_store.hpp"

namespace sallyport::vault {

struct core;
struct sealed_note;
enum class note_write : std::uint8_t;

constexpr std::size_t note_bytes_max = std::size_t{64} << 10;
constexpr std::size_t note_name_bytes_max = 128;
constexpr std::size_t notes_listed_max = 1024;  // by one question

struct note {
    std::string kind;       // [a-z_]{1,64}
    std::string id;         // [A-Za-z0-9_.:-]{1,128}
    std::string workspace;  // whose key seals it
    std::string text;       // In the clear here: whoever puts a secret into it wipes it.
    unix_micros expires_at = 0;
};

bool is_note_kind(std::string_view text) noexcept;
bool is_note_id(std::string_view text) noexcept;  // also the name of a claim

class notebook {
public:
    static constexpr std::chrono::milliseconds claim_longest{600'000};

    explicit notebook(std::shared_ptr<core> shared);

    // errc::already_exists: one that has not expired has the kind and id.
    task<void> put(note fresh);
    // Puts it whether or not there is one.
    task<void> replace(note changed);
    // errc::not_found: there is none (any more).
    task<note> read(std::string kind, std::string id);
    // Reads and deletes in one step: of all who try, in the whole fleet, one gets it.
    task<note> take(std::string kind, std::string id);
    // Fine where there is none.
    task<void> drop(std::string kind, std::string id);
    // Up to `limit` of the kind, by id, from the first behind `after`. Fewer than `limit`: there
    // are no more.
    task<std::vector<note>> list(std::string kind, std::string after, std::size_t limit);

    // Keeps all others off `name` until it is released or `length` has passed. The token grows
    // with each claim. Nullopt: somebody else has it.
    task<std::optional<std::uint64_t>> claim(std::string name, std::chrono::milliseconds length);
    // Does nothing where the claim is no longer this token's.
    task<void> release(std::string name, std::uint64_t token);

private:
    task<void> write(note what, note_write how);
    task<void> try_write(const note* what, note_write how);
    task<note> open(sealed_note found);
    task<note> open_or_read(sealed_note found);

    std::shared_ptr<core> core_;
};

}  // namespace sallyport::vault
