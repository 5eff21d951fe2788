// A credential and the variables beside it, as a caller sends them: do they fit the provider?
//
// Pure. What is wrong is told by complaints, and none of them holds a value, or a name from inside
// the credential.
#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "control/json.hpp"
#include "policy/provider.hpp"
#include "vault/connection.hpp"

namespace sallyport::control {

constexpr std::chrono::hours expires_in_max{24 * 366 * 10};

using variable_map = std::map<std::string, std::string>;

struct credential_input {
    vault::credential fields;
    unix_micros expires_at = 0;  // 0: it was not said
};

// By the kind's shape: api_key, bearer {secret}; basic {username, password}; oauth2 {access_token,
// refresh_token?, expires_at | expires_in?, client_id?, client_secret?} or what buys a token
// (app_credential.hpp); custom: any fields.
credential_input read_credential(const boost::json::object& given, std::string_view kind,
                                 unix_micros now, complaints& wrong);

// Known to the provider, and each of the form that its pattern or its place asks for.
void check_variables(const policy::provider& provider, const policy::credential_kind& kind,
                     const variable_map& variables, complaints& wrong);

// Everything that the provider's URLs and the kind's injections name is there.
void check_completeness(const policy::provider& provider, const policy::credential_kind& kind,
                        const vault::credential& fields, const variable_map& variables,
                        complaints& wrong);

// True if its value decides where a credential goes: changing it asks for the credential again.
bool is_used_in_url(const policy::provider& provider, const policy::credential_kind& kind,
                    std::string_view variable);

}  // namespace sallyport::control
