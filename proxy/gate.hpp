// The request gate: what may be asked of us at all. Pure functions over a head that was read
// (http_head.hpp); they decide framing, authority and target once, for everybody (SECURITY.md F1,
// RFC 9112 3, 6 and 7, RFC 9110 7).
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/http_head.hpp"
#include "proxy/refusal.hpp"

namespace sallyport::proxy {

enum class body_kind : std::uint8_t { none, length, chunked, until_close };

struct framing {
    body_kind kind = body_kind::none;
    std::uint64_t length = 0;
};

enum class way : std::uint8_t {
    reverse,  // /{provider}[@host]/path
    forward,  // absolute-form, as for http_proxy
};

// A request that passed. Views into the head.
struct admitted {
    proxy::way way = proxy::way::reverse;
    framing body;
    bool keep_alive = true;
    bool expects_continue = false;
    std::string_view authority;      // forward: the target's; reverse: the Host field
    std::string_view provider;       // reverse: the first segment, without "@host"
    std::string_view provider_host;  // reverse: what follows '@'; may be empty
    std::string_view path;           // whole, begins with '/', no query
    std::string_view query;          // without '?'
    bool has_query = false;
    std::string_view connection_id;  // the Connection-Id field
    std::string_view connection;     // the Connection field's value; several lines are refused
};

// The port that a caller with an http_proxy means when it names none.
constexpr unsigned http_port = 80;

// On a refusal `out` is not to be used and the caller's connection must be closed.
refusal admit(const request_head& head, admitted& out);

enum class answer_fault : std::uint8_t { none, framing, upgrade };

// How the answer's body is framed (RFC 9112, 6.3). `head_request`: the answer is to a HEAD.
answer_fault frame_answer(const response_head& head, bool head_request, framing& out,
                          bool& keep_alive);

// True if `option` is among the comma-separated options of a Connection field.
bool lists_option(std::string_view connection, std::string_view option) noexcept;

// The same over every Connection field of a head: an answer may have several.
bool connection_names(const message_head& head, std::string_view option) noexcept;

// host, host:port or [v6]:port, split; the port is 0 if absent. False: not an authority.
bool split_authority(std::string_view authority, std::string_view& host, unsigned& port) noexcept;

}  // namespace sallyport::proxy
