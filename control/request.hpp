// One request as a handler sees it: who calls, what was named, and the gate's services.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/trail.hpp"
#include "base/wiping.hpp"
#include "control/answer.hpp"
#include "control/server.hpp"
#include "control/tokens.hpp"

namespace sallyport::control {

struct request {
    const services& gate;
    const caller* who = nullptr;     // null on routes that need no token
    std::string client;              // the caller's address; "unix" for the socket's
    std::string last_event_id = {};  // where a stream is to go on; mostly empty
    std::vector<std::string> named;  // what the route's {x} stood for
    std::vector<std::pair<std::string, std::string>> queries = {};  // decoded, names unique
    wiped_string callback = {};  // the query as it came, on the public listener alone
    boost::json::object body{wiping_storage()};  // empty if the route takes none
    // The head's; Authorization only where the route takes its body raw.
    std::vector<std::pair<std::string, std::string>> fields = {};
    std::string_view raw_body = {};

    std::optional<std::string> query(std::string_view name) const;
    std::optional<std::string> field(std::string_view name) const;  // the first of that name
};

// A handler lives as long as the session that awaits it, and so does its request.
using handler = boost::asio::awaitable<answer> (*)(request& call);

// Puts the line of a control action on disk, with its actor and client. What fails here is not
// done.
result<void> record(const request& call, audit::entry line);
// The same of what the gate does by itself.
result<void> record(const services& gate, audit::entry line);

// The action that `line` announced came to nothing: says so in the trail and to the caller.
answer failed(const request& call, audit::entry line, const error_code& why);

// May the caller act on this workspace? Where it may not, the answer that says so.
std::optional<answer> refuse_workspace(const request& call, std::string_view workspace);

}  // namespace sallyport::control
