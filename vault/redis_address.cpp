#include "vault/redis_address.hpp"

#include <openssl/crypto.h>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>

#include "vault/error.hpp"

namespace sallyport::vault {
namespace {

constexpr std::uint32_t database_max = 1023;

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

}  // namespace

redis_address parse_redis_url(std::string_view url)
{
    const auto parsed = boost::urls::parse_uri(boost::core::string_view(url.data(), url.size()));
    if (!parsed || parsed->scheme() != "redis") {
        refuse("vault.store is not a URL of the form redis://[user:password@]host:port[/db]");
    }
    redis_address address;
    address.host = parsed->host_address();
    if (address.host.empty()) {
        refuse("vault.store names no host: redis://[user:password@]host:port[/db]");
    }
    if (parsed->has_query() || parsed->has_fragment()) {
        refuse("vault.store takes no query and no fragment after redis://host:port/db");
    }
    const std::string port = parsed->port();
    if (!port.empty() && (!read_number(port, address.port) || address.port == 0)) {
        refuse("vault.store names no port that exists");
    }
    address.user = parsed->user();
    std::string password = parsed->password();
    if (!password.empty()) {
        address.password = std::make_shared<const secret>(password);
        OPENSSL_cleanse(password.data(), password.size());
    } else if (!address.user.empty()) {
        refuse("vault.store names a user without a password: redis://user:password@host:port");
    }
    const std::string path = parsed->path();
    if (path.size() > 1 && (!read_number(std::string_view(path).substr(1), address.database) ||
                            address.database > database_max)) {
        refuse("vault.store: what follows the port must be a database's number");
    }
    return address;
}

}  // namespace sallyport::vault
