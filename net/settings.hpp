// Where a listener stands.
#pragma once

#include <cstdint>
#include <string>

namespace sallyport::net {

struct listen_address {
    std::string host;        // TCP: an IP literal, "localhost" or "" with `path` set
    std::uint16_t port = 0;  // 0: the kernel picks one
    std::string path;        // unix socket (absolute)
    std::string tls_certificate, tls_key, tls_client_ca;  // PEM files; empty: plain text
    bool plain = false;  // plain text beyond loopback was asked for in so many words

    bool is_unix() const noexcept { return !path.empty(); }
    bool is_tls() const noexcept { return !tls_certificate.empty(); }
};

}  // namespace sallyport::net
