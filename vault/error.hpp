// What can go wrong in the vault. Texts are fixed: none holds a name, a value or a key.
#pragma once

#include "base/result.hpp"

namespace sallyport::vault {

enum class errc {
    not_found = 1,       // no such connection, key or run
    already_exists,      // the id or the name is taken
    version_conflict,    // somebody else changed the record since it was read
    unavailable,         // the store could not be asked, or did not answer in time
    corrupted,           // a record that does not open: damaged, moved, rolled back or foreign
    wrong_master_key,    // the store was sealed under another master key
    invalid_credential,  // a value is empty or holds control characters (CR, LF, NUL)
    locked,              // another process has the embedded store open
    misconfigured,       // the store's own settings make its promises impossible
    invalid_id,          // a chosen id is not conn_ + ULID
    revoked,             // a tombstone: it can be shown and removed, not changed
    refresh_failed,      // the provider gave no fresh tokens; it is tried again later
    cannot_refresh,      // the connection has nothing to be refreshed with
    unrecorded,          // what must be in the trail before it is done could not be written there
};

const boost::system::error_category& category() noexcept;
inline error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), category()}; }

}  // namespace sallyport::vault

template <>
struct boost::system::is_error_code_enum<sallyport::vault::errc> : std::true_type {
};
