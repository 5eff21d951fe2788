#include "vault/redis_tls.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>

#include "vault/error.hpp"

namespace sallyport::vault {

namespace ssl = boost::asio::ssl;

namespace {

[[noreturn]] void refuse(const char* sentence)
{
    ERR_clear_error();
    throw boost::system::system_error(errc::misconfigured, sentence);
}

const char* why_untrusted(long verified)
{
    switch (verified) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return ": its certificate is for another name or address";
        case X509_V_ERR_CERT_HAS_EXPIRED: return ": its certificate has expired";
        case X509_V_ERR_CERT_NOT_YET_VALID: return ": its certificate is not valid yet";
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return ": its certificate comes from an authority that is not trusted: name it in "
                   "vault.redis.ca";
        default: return ": its certificate cannot be trusted";
    }
}

}  // namespace

std::unique_ptr<ssl::context> make_redis_tls(const redis_settings& settings)
{
    auto made = std::make_unique<ssl::context>(ssl::context::tls_client);
    SSL_CTX* const context = made->native_handle();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    const int loaded = settings.ca.empty() ? SSL_CTX_set_default_verify_paths(context)
                                           : SSL_CTX_load_verify_file(context, settings.ca.c_str());
    if (loaded != 1) {
        refuse("vault.redis.ca cannot be read as certificates in PEM");
    }
    if (settings.certificate.empty() != settings.key.empty()) {
        refuse("vault.redis.certificate and vault.redis.key belong together: one is missing");
    }
    if (!settings.certificate.empty() &&
        (SSL_CTX_use_certificate_chain_file(context, settings.certificate.c_str()) != 1 ||
         SSL_CTX_use_PrivateKey_file(context, settings.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
         SSL_CTX_check_private_key(context) != 1)) {
        refuse("vault.redis.certificate and vault.redis.key are no certificate and its key in PEM");
    }
    return made;
}

void start_tls(redis_stream& stream, ssl::context& context, const std::string& host)
{
    stream.tls.emplace(stream.socket, context);
    SSL* const ssl = stream.tls->native_handle();
    error_code not_an_address;
    boost::asio::ip::make_address(host, not_an_address);
    if (not_an_address) {
        SSL_set_tlsext_host_name(ssl, host.c_str());
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        SSL_set1_host(ssl, host.c_str());
    } else {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    }
}

std::string why_no_tls(redis_stream& stream, const error_code& failed)
{
    const long verified = SSL_get_verify_result(stream.tls->native_handle());
    if (verified != X509_V_OK) {
        return why_untrusted(verified);
    }
    if (failed.category() == boost::asio::error::get_ssl_category() &&
        ERR_GET_REASON(static_cast<unsigned long>(failed.value())) == SSL_R_WRONG_VERSION_NUMBER) {
        return " does not speak TLS: vault.store must then say redis://";
    }
    return " ends the TLS handshake: it may want a client certificate (vault.redis.certificate and "
           "vault.redis.key)";
}

}  // namespace sallyport::vault
