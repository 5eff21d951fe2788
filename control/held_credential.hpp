// A credential that is kept for a while outside its connection, as a note's text: tokens that wait
// for the one who asked for them, and tokens that are still to be revoked at their provider.
//
// The text is as secret as the credential: the notebook seals it, and what it passes through here
// is wiped.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/wiping.hpp"
#include "vault/connection.hpp"
#include "vault/notebook.hpp"

namespace sallyport::control {

struct held_credential {
    // Whose it is and how it is used; no status, no settings and no versions but the credential's.
    vault::connection record;
    vault::credential fields;
};

held_credential copy_of(const vault::connection& record, const vault::credential& fields);

wiped_string to_text(const held_credential& held);
result<held_credential> read_held(std::string_view text);

// A note's text wiped when it goes out of scope.
class wiped_note {
public:
    explicit wiped_note(vault::note held) : note_(std::move(held)) {}
    ~wiped_note();
    wiped_note(const wiped_note&) = delete;
    wiped_note& operator=(const wiped_note&) = delete;

    const vault::note& get() const noexcept { return note_; }

private:
    vault::note note_;
};

// Tokens to be revoked at their provider: notes of this kind, id CONNECTION_ID:ULID, written before
// the connection loses them. What wrote one may have died before it did that: so whoever revokes by
// it makes sure first that the connection is gone, is revoked, or has a later credential
// (`record.credential_version`; 0: the tokens never were a connection's).
constexpr std::string_view revocation_kind = "revocation";
constexpr std::chrono::hours revocation_lifetime{24 * 7};

vault::note revocation_note(const held_credential& held, unix_micros now);

}  // namespace sallyport::control
