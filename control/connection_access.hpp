// Finding the connection that a request names, and what every action on it has in common.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>

#include "control/request.hpp"
#include "vault/connection.hpp"

namespace sallyport::control {

enum class access { read, change };

struct found_connection {
    std::optional<vault::connection> record;
    answer refusal;  // where there is no record
};

// The connection of the route's {id}. One of a workspace that the caller does not speak for is
// indistinguishable from one that does not exist; a shared one is changed by an admin only.
boost::asio::awaitable<found_connection> find_connection(request& call, access wanted);

answer shared_needs_admin();
answer revoked_already();

// Views into `record`.
audit::entry line_about(audit::kind kind, const vault::connection& record);

}  // namespace sallyport::control
