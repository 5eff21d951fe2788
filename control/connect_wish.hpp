// What POST /api/connect/initiate is asked for, and whether it may be: read and judged before
// anything is begun.
//
// Threading: the control thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "control/connection_json.hpp"
#include "control/json.hpp"
#include "control/request.hpp"
#include "policy/provider.hpp"
#include "vault/connection.hpp"

namespace sallyport::control {

// What was asked for. The record is a new connection's until the one named was found.
struct connect_wish {
    vault::connection record;
    bool is_new = true;
    std::vector<std::string> scopes;
    std::string return_url;
    bool by_device = false;  // RFC 8628: no browser comes back here
    variable_map variables;
};

// Complains of what is wrong with the request's body; then the wish is worth nothing.
connect_wish read_wish(const request& call, const policy::catalogue& catalogue, complaints& wrong);

// Why nothing can be begun, whatever was asked for.
std::optional<answer> refuse_setup(const request& call, const connect_wish& wish);

// Replaces the wish's record by the connection it names. The answer that refuses it, or nothing.
boost::asio::awaitable<std::optional<answer>> find_target(request& call, connect_wish& wish);

}  // namespace sallyport::control
