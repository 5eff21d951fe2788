// From a host name to a connection that may carry a credential: resolve, check every address,
// connect to exactly a checked one, verify the certificate.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/stream.hpp"

namespace sallyport::net {

// Where to, and under which rules.
struct destination {
    std::string host;  // DNS name or IP literal (no brackets), lower case
    std::uint16_t port = 443;
    ssl_context tls;                 // null: plain text
    bool private_addresses = false;  // permits what is_public() refuses
};

// Remembers addresses for a short while, so that a pool that grows does not ask for each
// connection. Only permitted addresses are ever handed out, and the guard runs on every use.
class address_book {
public:
    static constexpr std::int64_t kept_ms = 10'000;
    static constexpr std::size_t names_max = 4096;

    explicit address_book(runtime& runtime);

    // errc::resolve_failed, or the addresses in the resolver's order.
    task<result<std::vector<asio::ip::address>>> find(std::string host);

private:
    struct known {
        std::vector<asio::ip::address> addresses;
        std::int64_t until = 0;
    };

    runtime& runtime_;
    asio::ip::basic_resolver<asio::ip::tcp, executor> resolver_;
    std::map<std::string, known, std::less<>> known_;
};

// Within `limit` in all. errc::resolve_failed, address_forbidden, connect_failed, tls_failed,
// untrusted, timed_out. `slot` may be null.
task<result<stream::pointer>> dial(runtime& runtime, address_book& book, destination to,
                                   std::shared_ptr<session_slot> slot,
                                   std::chrono::milliseconds limit);

}  // namespace sallyport::net
