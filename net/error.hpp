// How the network fails. Each value knows a sentence; none of them names an address, so that a
// caller learns nothing of the gate's surroundings.
#pragma once

#include "base/result.hpp"

namespace sallyport::net {

enum class errc {
    closed = 1,         // the peer ended the connection
    timed_out,          // a limit of ours ran out
    truncated,          // TLS ended without close_notify
    no_room,            // the peer sent more than may be buffered before it is consumed
    resolve_failed,     // the name has no address, or the resolver failed
    address_forbidden,  // every address of the name is private, loopback or otherwise not public
    connect_failed,     // refused or unreachable
    tls_failed,         // the handshake
    untrusted,          // the peer's certificate: its issuer, its names or its dates
    bad_tls_material,   // a certificate, key or CA file of ours cannot be used
    bad_request,        // a URL, method or field of ours that cannot be sent
    bad_answer,         // not HTTP/1.1, or in an encoding that was not asked for
};

const boost::system::error_category& category() noexcept;
inline error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), category()}; }

}  // namespace sallyport::net

template <>
struct boost::system::is_error_code_enum<sallyport::net::errc> : std::true_type {
};
