#include "config/settings_listen.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>

#include "config/settings_keys.hpp"

namespace sallyport::config {
namespace {

constexpr std::string_view unix_prefix = "unix:";
constexpr std::size_t socket_path_bytes_max = sizeof(::sockaddr_un::sun_path) - 1;

bool is_ipv4(const std::string& text)
{
    ::in_addr ignored{};
    return ::inet_pton(AF_INET, text.c_str(), &ignored) == 1;
}

bool is_ipv6(const std::string& text)
{
    ::in6_addr ignored{};
    return ::inet_pton(AF_INET6, text.c_str(), &ignored) == 1;
}

bool is_loopback(const std::string& host)
{
    ::in6_addr v6{};
    if (::inet_pton(AF_INET6, host.c_str(), &v6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
    }
    return host == "localhost" || (is_ipv4(host) && host.starts_with("127."));
}

}  // namespace

std::optional<net::listen_address> listen_reader::read(const yaml_node& node)
{
    net::listen_address address;
    const yaml_node* where = &node;
    if (node.is == yaml_node::type::map) {
        yaml_map map(file_, node);
        where = map.require("address");
        map.read("plain", address.plain);
        if (const yaml_node* tls = map.find("tls")) {
            read_tls(*tls, address);
        }
    } else if (node.is != yaml_node::type::scalar) {
        file_.report(node,
                     "expected an address such as \"127.0.0.1:8080\" or \"unix:PATH\", or a map");
        return std::nullopt;
    }
    if (!where || !read_address(*where, address)) {
        return std::nullopt;
    }
    const bool wants_tls = node.is == yaml_node::type::map && node.find("tls");
    if (wants_tls && (address.plain || address.is_unix())) {
        file_.report(node, address.plain ? "tls and plain: true contradict each other"
                                         : "a unix socket takes no tls");
        return std::nullopt;
    }
    if (!address.is_unix() && !wants_tls && !address.plain && !is_loopback(address.host)) {
        file_.report(*where,
                     "plain text beyond loopback: give the listener tls, or say plain: true");
        return std::nullopt;
    }
    const std::string name =
        address.is_unix() ? address.path : address.host + " " + std::to_string(address.port);
    if ((address.is_unix() || address.port != 0) && !taken_.insert(name).second) {
        file_.report(*where, "another listener has this address already");
        return std::nullopt;
    }
    return address;
}

std::vector<net::listen_address> listen_reader::read_list(const yaml_node& node)
{
    std::vector<net::listen_address> addresses;
    const auto add = [&](const yaml_node& item) {
        if (auto address = read(item)) {
            addresses.push_back(std::move(*address));
        }
    };
    if (node.is == yaml_node::type::list) {
        for (const yaml_node& item : node.items) {
            add(item);
        }
    } else {
        add(node);
    }
    return addresses;
}

bool listen_reader::read_address(const yaml_node& node, net::listen_address& address)
{
    const std::optional<std::string> text = file_.string(node);
    if (!text) {
        return false;
    }
    if (!text->starts_with(unix_prefix)) {
        return read_host_and_port(node, *text, address);
    }
    if (text->size() == unix_prefix.size()) {
        file_.report(node, "unix: needs a path");
        return false;
    }
    address.path = references_.absolute(std::string_view(*text).substr(unix_prefix.size()));
    if (address.path.size() > socket_path_bytes_max) {
        file_.report(node, "the socket's whole path has " + std::to_string(address.path.size()) +
                               " bytes; the system allows " +
                               std::to_string(socket_path_bytes_max));
        return false;
    }
    return true;
}

bool listen_reader::read_host_and_port(const yaml_node& node, std::string_view text,
                                       net::listen_address& address)
{
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        file_.report(node, "expected HOST:PORT or unix:PATH");
        return false;
    }
    const std::string_view port = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (port.empty() || error != std::errc() || end != port.data() + port.size()) {
        file_.report(node, "the port must be from 0 to 65535");
        return false;
    }
    std::string host(text.substr(0, colon));
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    if (bracketed ? !is_ipv6(host) : !is_ipv4(host) && host != "localhost") {
        file_.report(node,
                     "the host must be an IPv4 address, an IPv6 address in brackets, or "
                     "localhost");
        return false;
    }
    address.host = std::move(host);
    return true;
}

void listen_reader::read_tls(const yaml_node& node, net::listen_address& address)
{
    yaml_map map(file_, node);
    std::optional<referenced> certificate;
    std::optional<referenced> key;
    if (const yaml_node* at = map.require("certificate")) {
        certificate = read_pem(*at, address.tls_certificate, certificate_fault);
    }
    if (const yaml_node* at = map.require("key")) {
        key = read_pem(*at, address.tls_key, private_key_fault);
        if (key && key->exposed()) {
            references_.report_exposed(*at);
        }
    }
    if (const yaml_node* at = map.find("client_ca")) {
        read_pem(*at, address.tls_client_ca, certificate_fault);
    }
    if (certificate && key && !certificate_has_key(certificate->bytes(), key->bytes())) {
        file_.report(node, "the key does not belong to the certificate");
    }
}

std::optional<referenced> listen_reader::read_pem(const yaml_node& node, std::string& path,
                                                  std::string_view (*fault)(std::string_view))
{
    const std::optional<std::string> text = file_.string(node);
    if (!text) {
        return std::nullopt;
    }
    path = references_.absolute(*text);
    std::optional<referenced> found = references_.read_file(node, path);
    const std::string_view wrong = found ? fault(found->bytes()) : "";
    if (!wrong.empty()) {
        file_.report(node, std::string(wrong));
        return std::nullopt;
    }
    return found;
}

}  // namespace sallyport::config
