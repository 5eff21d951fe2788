// The control API's routing table, and the two steps every request takes through it: admitted by
// its head, then handled with its body.
//
// A route describes itself: GET /api/openapi.json is made of the table (openapi.hpp), and the tests
// hold every answer they see against it. route_table.cpp does not compile with a route that says
// nothing, and the names in `parameters`, `body` and `answers` are those of schemas.hpp.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "control/request.hpp"

namespace sallyport::control {

// Bits of route::roles. `open` needs no token at all; nor does `outside`, which stands in the
// public listener's table.
namespace may_call {
constexpr std::uint8_t admin = 1, platform = 2, auditor = 4, open = 8, outside = 16;
constexpr std::uint8_t people = admin | platform;
constexpr std::uint8_t everyone = admin | platform | auditor;
}  // namespace may_call

struct route_description {
    std::string_view summary;  // what it does, in a few words
    // Of query and head, with "!" where required: "workspace! user".
    std::string_view parameters = {};
    std::string_view body = {};     // the schema of the JSON object it takes; empty: none
    std::string_view answers = {};  // where it succeeds: "200 connection", "204 -"
    // Where it does not: "404 not_found 409 already_exists conflict". Those that every route with a
    // token, a body or the vault may give are known (openapi.cpp).
    std::string_view refusals = {};
    // Of a POST that takes no Idempotency-Key: what its repetition does, as a sentence.
    std::string_view repeated = {};
};

struct route {
    std::string_view method;
    std::string_view path;  // with {x} for one segment that the handler gets decoded
    std::uint8_t roles = 0;
    handler handle = nullptr;
    route_description about;
    bool raw_body = false;  // not JSON: the handler gets its bytes, and the head's fields

    constexpr bool takes_body() const noexcept { return !about.body.empty(); }
};

std::span<const route> routes() noexcept;
// The one that a request of the control listener would take; null: none.
const route* route_for(std::string_view method, std::string_view target);

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

// The same for the public listener: its routes need no token, and it has no others.
std::variant<answer, admitted> admit_outside(const services& gate, const head& head);

// Reads the body into the request and runs the handler.
boost::asio::awaitable<answer> handle(admitted& ready, std::string_view body);

// The handlers, by family; each is described by the table in route_table.cpp.
boost::asio::awaitable<answer> health(request& call);
boost::asio::awaitable<answer> readiness(request& call);
boost::asio::awaitable<answer> metrics(request& call);
boost::asio::awaitable<answer> reload(request& call);
boost::asio::awaitable<answer> show_openapi(request& call);

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

boost::asio::awaitable<answer> test_connection(request& call);
boost::asio::awaitable<answer> refresh_connection(request& call);
boost::asio::awaitable<answer> list_refreshes(request& call);
boost::asio::awaitable<answer> disconnect(request& call);

boost::asio::awaitable<answer> initiate_connection(request& call);
boost::asio::awaitable<answer> receive_callback(request& call);
boost::asio::awaitable<answer> complete_connection(request& call);
boost::asio::awaitable<answer> cancel_connection(request& call);
boost::asio::awaitable<answer> receive_webhook(request& call);

boost::asio::awaitable<answer> start_run(request& call);
boost::asio::awaitable<answer> list_runs(request& call);
boost::asio::awaitable<answer> end_run(request& call);

boost::asio::awaitable<answer> search_audit(request& call);
boost::asio::awaitable<answer> stream_audit(request& call);
boost::asio::awaitable<answer> read_bodies(request& call);

boost::asio::awaitable<answer> list_keys(request& call);
boost::asio::awaitable<answer> rotate_keys(request& call);
boost::asio::awaitable<answer> shred_workspace(request& call);

boost::asio::awaitable<answer> back_up_vault(request& call);
boost::asio::awaitable<answer> restore_vault(request& call);

boost::asio::awaitable<answer> report_requirements(request& call);
boost::asio::awaitable<answer> report_one_requirement(request& call);

}  // namespace sallyport::control
