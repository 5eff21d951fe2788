// Revoking: at once here, and in the background at the provider, which needs the tokens that the
// connection is about to lose. So they are noted, sealed, before it loses them: a gate killed in
// between has lost nothing (held_credential.hpp says what a note is worth then).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "control/request.hpp"
#include "vault/connection.hpp"
#include "vault/store.hpp"

namespace sallyport::control {

// The note, then the deed, to the version `only` or to none (errc::version_conflict); the trail's
// line was the caller's to write. Where the note cannot be
// written the deed is done all the same, and the trail says that the provider was not told.
vault::task<vault::connection> revoke_with_note(request& call, const vault::connection& record,
                                                std::string reason, vault::version_wish only);
vault::task<void> remove_with_note(request& call, const vault::connection& record,
                                   vault::version_wish only);

}  // namespace sallyport::control
