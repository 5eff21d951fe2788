#include "vault/redis_address.hpp"

#include <openssl/crypto.h>

#include <boost/url/authority_view.hpp>
#include <boost/url/parse.hpp>
#include <algorithm>
#include <charconv>

#include "vault/error.hpp"

namespace sallyport::vault {
namespace {

constexpr std::uint32_t database_max = 65'535;
constexpr std::size_t host_bytes_max = 255;
constexpr std::uint16_t server_port = 6379;
constexpr std::uint16_t sentinel_port = 26379;

struct scheme {
    std::string_view begins;
    bool tls;
    bool sentinels;
};
constexpr scheme schemes[] = {{"redis://", false, false},
                              {"rediss://", true, false},
                              {"redis+sentinel://", false, true},
                              {"rediss+sentinel://", true, true}};

[[noreturn]] void refuse(const char* sentence)
{
    throw boost::system::system_error(errc::misconfigured, sentence);
}

template <class Number>
bool read_number(std::string_view text, Number& out)
{
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, out);
    return read.ec == std::errc() && read.ptr == end;
}

// Cuts off what stands before the first `mark`, or everything.
std::string_view cut(std::string_view& text, char mark)
{
    const std::size_t at = text.find(mark);
    const std::string_view before = text.substr(0, at);
    text = at == std::string_view::npos ? "" : text.substr(at + 1);
    return before;
}

void read_login(const boost::urls::authority_view& authority, redis_address& into)
{
    into.user = authority.user();
    std::string password = authority.password();
    if (!password.empty()) {
        into.password = std::make_shared<const secret>(password);
        OPENSSL_cleanse(password.data(), password.size());
    } else if (!into.user.empty()) {
        refuse("vault.store names a user without a password: redis://user:password@host:port");
    }
}

// The first of several hosts has the user and the password before it.
void read_hosts(std::string_view list, bool sentinels, redis_address& into)
{
    do {
        const std::string_view text = cut(list, ',');
        const auto authority = boost::urls::parse_authority({text.data(), text.size()});
        redis_endpoint endpoint{authority ? authority->host_address() : std::string(),
                                sentinels ? sentinel_port : server_port};
        if (!is_host(endpoint.host)) {
            refuse("vault.store names no host: redis://[user:password@]host:port[/db]");
        }
        const std::string port = authority->port();
        if (!port.empty() && (!read_number(port, endpoint.port) || endpoint.port == 0)) {
            refuse("vault.store names no port that exists");
        }
        if (into.endpoints.empty()) {
            read_login(*authority, into);
        } else if (authority->has_userinfo()) {
            refuse("vault.store: user and password stand once, before the first host");
        }
        into.endpoints.push_back(std::move(endpoint));
        if (into.endpoints.size() > (sentinels ? redis_address::sentinels_max : 1)) {
            refuse(sentinels ? "vault.store names more than 16 sentinels"
                             : "vault.store names several hosts: that takes redis+sentinel://");
        }
    } while (!list.empty());
}

}  // namespace

std::string to_string(const redis_endpoint& endpoint)
{
    const bool bare_colons = endpoint.host.find(':') != std::string::npos;
    return (bare_colons ? "[" + endpoint.host + "]" : endpoint.host) + ":" +
           std::to_string(endpoint.port);
}

bool is_host(std::string_view text) noexcept
{
    constexpr std::string_view allowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:";
    return !text.empty() && text.size() <= host_bytes_max &&
           text.find_first_not_of(allowed) == std::string_view::npos;
}

redis_address parse_redis_url(std::string_view url)
{
    const auto* const found =
        std::find_if(std::begin(schemes), std::end(schemes),
                     [&](const scheme& one) { return url.starts_with(one.begins); });
    if (found == std::end(schemes)) {
        refuse("vault.store is not a URL of the form redis://[user:password@]host:port[/db]");
    }
    if (url.find_first_of("?#") != std::string_view::npos) {
        refuse("vault.store takes no query and no fragment after redis://host:port/db");
    }
    redis_address address;
    address.tls = found->tls;
    std::string_view rest = url.substr(found->begins.size());
    const std::string_view hosts = cut(rest, '/');
    read_hosts(hosts, found->sentinels, address);
    if (found->sentinels) {
        address.master = cut(rest, '/');
        if (!is_host(address.master)) {
            refuse("vault.store does not say which master: redis+sentinel://host:port/name[/db]");
        }
    }
    if (!rest.empty() &&
        (!read_number(rest, address.database) || address.database > database_max)) {
        refuse("vault.store: what follows the last slash must be a database's number");
    }
    return address;
}

}  // namespace sallyport::vault
