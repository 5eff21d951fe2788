// Credentials of the kind oauth2 that hold no access token yet, but what buys one: a client's id
// and secret (client credentials), a service account's key (RFC 7523), a GitHub App's key. Pure.
//
// Which one it is is told by its members and kept in a field of its own, `grant`, by which
// oauth/app_grants.hpp knows it. A private key is kept on one line, its breaks as backslash and n:
// nothing in the vault holds control characters.
#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "control/json.hpp"
#include "policy/provider.hpp"
#include "vault/connection.hpp"

namespace sallyport::control {

// True if the object has no access token and is one of these; then `fields` are filled, and what is
// wrong with it is told. Members of a service account's key file that nobody needs are left out:
// where tokens are bought is the catalogue's to say, not the file's.
bool read_app_credential(const boost::json::object& given, vault::credential& fields,
                         complaints& wrong);

// Complains of a grant that the provider does not give.
void check_grant(const policy::provider& provider, const vault::credential& fields,
                 complaints& wrong);

}  // namespace sallyport::control
