#include "net/dial.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "net/address_guard.hpp"
#include "net/error.hpp"

namespace sallyport::net {

namespace {

constexpr auto as_result = asio::as_tuple(asio::deferred);

// An IP literal, or nothing. Decimal, octal and hexadecimal forms are names to inet_pton, and no
// resolver is asked about what only looks like an address.
std::vector<asio::ip::address> literal(const std::string& host)
{
    error_code not_an_address;
    const asio::ip::address address = asio::ip::make_address(host, not_an_address);
    if (not_an_address) {
        return {};
    }
    return {address};
}

std::vector<asio::ip::address> permitted(const std::vector<asio::ip::address>& found,
                                         const destination& to)
{
    std::vector<asio::ip::address> out;
    for (const asio::ip::address& address : found) {
        if (to.private_addresses || is_public(address)) {
            out.push_back(address);
        }
    }
    return out;
}

task<error_code> secure(stream& connection, const destination& to,
                        std::shared_ptr<session_slot> slot)
{
    auto engine = tls_engine::client(to.tls, to.host, slot.get());
    connection.start_tls(std::move(engine), std::move(slot));
    co_return co_await connection.handshake();
}

}  // namespace

address_book::address_book(runtime& runtime) : runtime_(runtime), resolver_(runtime.io()) {}

task<result<std::vector<asio::ip::address>>> address_book::find(std::string host)
{
    auto addresses = literal(host);
    if (!addresses.empty()) {
        co_return addresses;
    }
    const auto at = known_.find(host);
    if (at != known_.end() && at->second.until > runtime_.now()) {
        co_return at->second.addresses;
    }
    auto resolving = resolver_.async_resolve(host, "", as_result);
    const auto [error, entries] = co_await std::move(resolving);
    if (!error) {
        for (const auto& entry : entries) {
            const asio::ip::address address = entry.endpoint().address();
            if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
                addresses.push_back(address);
            }
        }
    }
    if (addresses.empty()) {
        co_return error_code(errc::resolve_failed);
    }
    if (known_.size() >= names_max) {
        known_.clear();
    }
    known_[host] = {addresses, runtime_.now() + kept_ms};
    co_return addresses;
}

task<result<stream::pointer>> dial(runtime& runtime, address_book& book, destination to,
                                   std::shared_ptr<session_slot> slot,
                                   std::chrono::milliseconds limit)
{
    const std::int64_t deadline = runtime.now() + limit.count();
    const auto found = co_await book.find(to.host);
    if (!found) {
        co_return found.error();
    }
    const std::vector<asio::ip::address> addresses = permitted(*found, to);
    if (addresses.empty()) {
        co_return error_code(errc::address_forbidden);
    }
    error_code last = errc::connect_failed;
    for (const asio::ip::address& address : addresses) {
        const std::int64_t left = deadline - runtime.now();
        if (left <= 0) {
            co_return error_code(errc::timed_out);
        }
        const stream::pointer connection(new stream(runtime));
        connection->expires_after(std::chrono::milliseconds(left));
        const asio::ip::tcp::endpoint endpoint(address, to.port);
        const error_code refused = co_await connection->connect(endpoint);
        if (refused) {
            last = connection->timed_out() ? errc::timed_out : errc::connect_failed;
            continue;
        }
        if (to.tls != nullptr) {
            const error_code insecure = co_await secure(*connection, to, slot);
            if (insecure) {
                errc reason = connection->tls()->untrusted() ? errc::untrusted : errc::tls_failed;
                if (connection->timed_out()) {
                    reason = errc::timed_out;
                }
                connection->close();
                // Another address of the name would show the same certificate: no second try.
                co_return error_code(reason);
            }
        }
        connection->expires_after({});
        co_return connection;
    }
    co_return last;
}

}  // namespace sallyport::net
