// TLS towards Redis and its sentinels: 1.2 or later, the chain and the name always verified.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "vault/redis_stream.hpp"
#include "vault/settings.hpp"

namespace sallyport::vault {

// Trusts `ca`, or the system's roots if there is none, and shows `certificate` to a server that
// asks for one. Throws boost::system::system_error with errc::misconfigured.
std::unique_ptr<boost::asio::ssl::context> make_redis_tls(const redis_settings& settings);

// Puts TLS on a connected stream, for exactly this host: sends its name, verifies it. Then comes
// the handshake.
void start_tls(redis_stream& stream, boost::asio::ssl::context& context, const std::string& host);

// Why a handshake failed, as the rest of a sentence that begins with the server's name.
std::string why_no_tls(redis_stream& stream, const error_code& failed);

}  // namespace sallyport::vault
