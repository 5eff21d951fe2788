// Whom limits are shared out between: a client's address without its port, and of an IPv6 address
// the /64, because whoever has one address of that has them all.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::control {

// `client`: "192.0.2.1:4711", "[2001:db8::1]:4711" or "unix".
std::string group_of(std::string_view client);

}  // namespace sallyport::control
