// The control API's routing table, and the two steps every request takes through it: admitted by
// its head, then handled with its body.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string_view>
#include <variant>

#include "control/request.hpp"

namespace sallyport::control {

// Bits of route::roles. `open` needs no token at all.
namespace may_call {
constexpr std::uint8_t admin = 1, platform = 2, auditor = 4, open = 8;
constexpr std::uint8_t people = admin | platform;
constexpr std::uint8_t everyone = admin | platform | auditor;
}  // namespace may_call

struct route {
    std::string_view method;
    std::string_view path;  // with {x} for one segment that the handler gets decoded
    std::uint8_t roles = 0;
    bool takes_body = false;  // a JSON object
    handler handle = nullptr;
    bool raw_body = false;  // not JSON: the handler gets its bytes, and the head's fields
};

struct head {
    std::string_view method;
    std::string_view target;         // origin form
    std::string_view authorization;  // "" if there is none
    std::string_view client;
    std::string_view last_event_id = {};  // of a caller that was cut off from a stream
};

struct admitted {
    const route* found = nullptr;
    request call;
};

// Everything that can be said before the body is read: the answer that refuses the request, or the
// request with its route. Whoever has no valid token learns only that (401).
std::variant<answer, admitted> admit(const services& gate, const token_table& tokens,
                                     const head& head);

// Reads the body into the request and runs the handler.
boost::asio::awaitable<answer> handle(admitted& ready, std::string_view body);

// The handlers, by family; each is described by the table in routes.cpp.
boost::asio::awaitable<answer> health(request& call);
boost::asio::awaitable<answer> readiness(request& call);
boost::asio::awaitable<answer> metrics(request& call);
boost::asio::awaitable<answer> reload(request& call);

boost::asio::awaitable<answer> list_providers(request& call);
boost::asio::awaitable<answer> show_provider(request& call);

boost::asio::awaitable<answer> list_connections(request& call);
boost::asio::awaitable<answer> add_connection(request& call);
boost::asio::awaitable<answer> show_connection(request& call);
boost::asio::awaitable<answer> update_connection(request& call);
boost::asio::awaitable<answer> remove_connection(request& call);
boost::asio::awaitable<answer> revoke_connection(request& call);
boost::asio::awaitable<answer> activate_connection(request& call);
boost::asio::awaitable<answer> deactivate_connection(request& call);

boost::asio::awaitable<answer> start_run(request& call);
boost::asio::awaitable<answer> list_runs(request& call);
boost::asio::awaitable<answer> end_run(request& call);

boost::asio::awaitable<answer> search_audit(request& call);
boost::asio::awaitable<answer> stream_audit(request& call);

boost::asio::awaitable<answer> list_keys(request& call);
boost::asio::awaitable<answer> rotate_keys(request& call);
boost::asio::awaitable<answer> shred_workspace(request& call);

boost::asio::awaitable<answer> back_up_vault(request& call);
boost::asio::awaitable<answer> restore_vault(request& call);

boost::asio::awaitable<answer> report_requirements(request& call);
boost::asio::awaitable<answer> report_one_requirement(request& call);

}  // namespace sallyport::control
