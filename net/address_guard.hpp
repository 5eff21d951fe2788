// Which addresses a credential may travel to. The check is on the resolved address, and the
// connection goes to exactly the address that was checked, so a second DNS answer changes nothing.
//
// Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), with the forms that
// carry an IPv4 address inside an IPv6 one (mapped, 6to4, NAT64, Teredo) judged by what they carry.
#pragma once

#include <boost/asio/ip/address.hpp>

namespace sallyport::net {

// False for private, loopback, link-local, shared (CGNAT), documentation, benchmarking, multicast,
// reserved and unspecified addresses.
bool is_public(const boost::asio::ip::address& address) noexcept;

}  // namespace sallyport::net
