#include "proxy/server.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "net/error.hpp"

namespace sallyport::proxy {

namespace {

namespace asio = net::asio;

constexpr int backlog = 4096;
constexpr unsigned workers_max = 256;
constexpr std::chrono::milliseconds drain_poll{20};
constexpr std::chrono::seconds cut_limit{5};

[[noreturn]] void fail(const std::string& where, int error)
{
    throw std::runtime_error("cannot listen on " + where + ": " + std::strerror(error));
}

// A socket that listens on `endpoint`, sharing its port with its siblings of this process.
int listening_tcp(const asio::ip::tcp::endpoint& endpoint, const std::string& where)
{
    const int family = endpoint.address().is_v6() ? AF_INET6 : AF_INET;
    const int descriptor = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        fail(where, errno);
    }
    const int on = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (::bind(descriptor, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 ||
        ::listen(descriptor, backlog) != 0) {
        const int error = errno;
        ::close(descriptor);
        fail(where, error);
    }
    return descriptor;
}

std::uint16_t port_of(int descriptor)
{
    asio::ip::tcp::endpoint bound;
    auto size = static_cast<socklen_t>(bound.capacity());
    if (::getsockname(descriptor, bound.data(), &size) != 0) {
        fail("a port", errno);
    }
    bound.resize(size);
    return bound.port();
}

// SO_REUSEPORT would let two gates of one user share a port and steal each other's callers.
void refuse_taken_port(const asio::ip::tcp::endpoint& endpoint, const std::string& where)
{
    if (endpoint.port() == 0) {
        return;
    }
    const int family = endpoint.address().is_v6() ? AF_INET6 : AF_INET;
    const int probe = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const int taken = ::bind(probe, endpoint.data(), static_cast<socklen_t>(endpoint.size()));
    const int error = errno;
    ::close(probe);
    if (taken != 0) {
        fail(where, error);
    }
}

// A socket file that nobody answers on is left over from a gate that was killed.
void remove_stale(const std::string& path, const sockaddr_un& address)
{
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0) {
        return;
    }
    if (!S_ISSOCK(found.st_mode)) {
        throw std::runtime_error("cannot listen on unix:" + path +
                                 ": there is a file that is not a socket");
    }
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int answered =
        ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::close(probe);
    if (answered == 0) {
        fail("unix:" + path, EADDRINUSE);
    }
    ::unlink(path.c_str());
}

}  // namespace

server::server(settings settings, services services) : settings_(std::move(settings))
{
    unsigned count =
        settings_.workers != 0 ? settings_.workers : std::thread::hardware_concurrency();
    count = std::clamp(count, 1u, workers_max);
    for (unsigned i = 0; i < count; ++i) {
        auto writer = services.trail->open_writer("w" + std::to_string(i));
        if (!writer) {
            throw std::runtime_error("cannot open the trail: " + writer.error().message());
        }
        worker::parts parts{settings_, std::move(*writer), services.verifier, services.snapshot,
                            &callers_, services.bodies,    &meters_};
        workers_.push_back(std::make_unique<worker>(std::move(parts), services.make_resolver));
    }
}

server::~server()
{
    for (const std::string& file : socket_files_) {
        ::unlink(file.c_str());
    }
}

std::vector<std::string> server::open()
{
    std::vector<std::string> out;
    for (const net::listen_address& address : settings_.listen) {
        out.push_back(address.is_unix() ? open_unix(address) : open_tcp(address));
    }
    return out;
}

net::ssl_context server::tls_of(const net::listen_address& address)
{
    if (!address.is_tls()) {
        return nullptr;
    }
    auto context =
        net::make_server_context(address.tls_certificate, address.tls_key, address.tls_client_ca);
    if (!context) {
        throw std::runtime_error("cannot listen with TLS: " + context.error().message());
    }
    return *context;
}

std::string server::open_tcp(const net::listen_address& address)
{
    const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
    const bool v6_text = host.find(':') != std::string::npos;
    const std::string shown = v6_text ? "[" + host + "]" : host;
    error_code unreadable;
    const asio::ip::address ip = asio::ip::make_address(host, unreadable);
    if (unreadable) {
        throw std::runtime_error("cannot listen on " + host + ": not an IP address");
    }
    const net::ssl_context tls = tls_of(address);
    asio::ip::tcp::endpoint endpoint(ip, address.port);
    const std::string where = shown + ":" + std::to_string(address.port);
    refuse_taken_port(endpoint, where);
    for (const auto& worker : workers_) {
        const int descriptor = listening_tcp(endpoint, where);
        endpoint.port(port_of(descriptor));  // The first one settles which port 0 is.
        worker->listen({descriptor, false, ip.is_v6(), tls});
    }
    return (tls == nullptr ? "http://" : "https://") + shown + ":" +
           std::to_string(endpoint.port());
}

std::string server::open_unix(const net::listen_address& address)
{
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (address.path.size() >= sizeof name.sun_path) {
        throw std::runtime_error("cannot listen on unix:" + address.path +
                                 ": the path is too long for a socket");
    }
    std::memcpy(name.sun_path, address.path.c_str(), address.path.size() + 1);
    remove_stale(address.path, name);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0 ||
        ::bind(descriptor, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
        ::listen(descriptor, backlog) != 0) {
        fail("unix:" + address.path, errno);
    }
    socket_files_.push_back(address.path);
    const net::ssl_context tls = tls_of(address);
    for (const auto& worker : workers_) {
        const int own =
            worker == workers_.front() ? descriptor : ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
        worker->listen({own, true, false, tls});
    }
    return "unix:" + address.path;
}

void server::start()
{
    for (const auto& worker : workers_) {
        worker->start();
    }
}

void server::replace(std::shared_ptr<const proxy::snapshot> snapshot, settings settings)
{
    settings.listen = settings_.listen;
    settings_ = settings;
    for (const auto& worker : workers_) {
        worker->replace(snapshot, settings);
    }
}

metrics_totals server::metrics() const
{
    metrics_totals sum;
    for (const auto& worker : workers_) {
        sum.add(worker->metrics());
    }
    return sum;
}

void server::stop()
{
    using clock = std::chrono::steady_clock;
    const auto all_finished = [&] {
        return std::all_of(workers_.begin(), workers_.end(),
                           [](const auto& worker) { return worker->finished(); });
    };
    for (const auto& worker : workers_) {
        worker->drain();
    }
    const auto deadline = clock::now() + settings_.drain_timeout;
    while (!all_finished() && clock::now() < deadline) {
        std::this_thread::sleep_for(drain_poll);
    }
    const auto cut_deadline = clock::now() + cut_limit;
    while (!all_finished() && clock::now() < cut_deadline) {
        for (const auto& worker : workers_) {
            worker->cut();
        }
        std::this_thread::sleep_for(drain_poll);
    }
    for (const auto& worker : workers_) {
        if (!worker->finished()) {
            worker->abandon();
        }
        worker->join();
    }
}

}  // namespace sallyport::proxy
