#include "control/listen.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "base/result.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

constexpr std::size_t unix_path_bytes_max = 107;
constexpr int backlog = 128;
constexpr mode_t owner_only = 0600;

[[noreturn]] void refuse(const std::string& what, const std::string& why)
{
    throw std::runtime_error(what + ": " + why);
}

void check(const error_code& error, const std::string& what)
{
    if (error) {
        refuse(what, error.message());
    }
}

// A socket file that nobody listens on is left from a gate that died; anything else stays.
void remove_stale_socket(asio::io_context& context, const std::string& path)
{
    struct stat status = {};
    if (::lstat(path.c_str(), &status) != 0) {
        return;
    }
    if (!S_ISSOCK(status.st_mode)) {
        refuse(path, "a file that is not a socket stands there");
    }
    asio::local::stream_protocol::socket probe(context);
    error_code error;
    probe.connect(asio::local::stream_protocol::endpoint(path), error);
    if (error != asio::error::connection_refused) {
        refuse(path, error ? error.message() : "another process listens there");
    }
    ::unlink(path.c_str());
}

void open_and_bind(acceptor_type& acceptor, const protocol::endpoint& endpoint,
                   const std::string& what)
{
    error_code error;
    acceptor.open(endpoint.protocol(), error);
    check(error, what);
    if (endpoint.protocol().family() != AF_UNIX) {
        acceptor.set_option(asio::socket_base::reuse_address(true), error);
        check(error, what);
    }
    acceptor.bind(endpoint, error);
    check(error, what);
}

std::string listen_on_unix(const std::string& path, acceptor_type& acceptor)
{
    if (path.size() > unix_path_bytes_max) {
        refuse(path, "a unix socket's path may have 107 bytes at most");
    }
    auto& context = static_cast<asio::io_context&>(acceptor.get_executor().context());
    remove_stale_socket(context, path);
    open_and_bind(acceptor, asio::local::stream_protocol::endpoint(path), path);
    // Nobody can connect before listen(), so there is no moment in which others could.
    if (::chmod(path.c_str(), owner_only) != 0) {
        refuse(path, std::strerror(errno));
    }
    error_code error;
    acceptor.listen(backlog, error);
    check(error, path);
    return "unix:" + path;
}

asio::ip::tcp::endpoint tcp_endpoint(const protocol::endpoint& generic)
{
    asio::ip::tcp::endpoint endpoint;
    if (generic.size() <= endpoint.capacity()) {
        std::memcpy(endpoint.data(), generic.data(), generic.size());
        endpoint.resize(generic.size());
    }
    return endpoint;
}

std::string text_of(const asio::ip::tcp::endpoint& endpoint)
{
    const std::string host = endpoint.address().to_string();
    return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" +
           std::to_string(endpoint.port());
}

std::string listen_on_tcp(const net::listen_address& address, acceptor_type& acceptor)
{
    const std::string what = address.host + ":" + std::to_string(address.port);
    error_code error;
    const auto ip =
        asio::ip::make_address(address.host == "localhost" ? "127.0.0.1" : address.host, error);
    check(error, what);
    open_and_bind(acceptor, asio::ip::tcp::endpoint(ip, address.port), what);
    acceptor.listen(backlog, error);
    check(error, what);
    return (address.is_tls() ? "https://" : "http://") +
           text_of(tcp_endpoint(acceptor.local_endpoint()));
}

}  // namespace

std::string listen_on(const net::listen_address& address, acceptor_type& acceptor,
                      const std::string& key)
{
    try {
        return address.is_unix() ? listen_on_unix(address.path, acceptor)
                                 : listen_on_tcp(address, acceptor);
    } catch (const std::runtime_error& why) {
        throw std::runtime_error(key + ": " + why.what());
    }
}

std::string name_of_peer(const protocol::socket& peer)
{
    error_code error;
    const protocol::endpoint remote = peer.remote_endpoint(error);
    const int family = error ? AF_UNIX : remote.protocol().family();
    return family == AF_UNIX ? "unix" : text_of(tcp_endpoint(remote));
}

}  // namespace sallyport::control
