// The place that a connection names where a provider's host is a variable: a host, or an origin as
// providers tell it ("https://acme.example.com:8443"). Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace sallyport::proxy {

struct named_authority {
    std::string_view host;   // an IPv6 address without its brackets; empty: it names none
    std::uint16_t port = 0;  // 0: not said
};

// A view into `value`.
named_authority authority_in(std::string_view value) noexcept;

}  // namespace sallyport::proxy
