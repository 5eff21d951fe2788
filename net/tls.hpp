// TLS over two buffers of ours: OpenSSL reads ciphertext from one and appends records to the other,
// and the stream does all the system calls. Compared with asio::ssl::stream this saves a copy
// through a 17 KiB pair and lets several records share one send and one receive.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sallyport::net {

struct ssl_deleter {
    void operator()(SSL* value) const noexcept { SSL_free(value); }
    void operator()(SSL_CTX* value) const noexcept { SSL_CTX_free(value); }
    void operator()(SSL_SESSION* value) const noexcept { SSL_SESSION_free(value); }
};
using ssl_context = std::shared_ptr<SSL_CTX>;  // Shared by every connection made from it.
using ssl_session = std::unique_ptr<SSL_SESSION, ssl_deleter>;

// For connections to providers: TLS 1.2 or later, certificate and host name verified against
// `ca_file` (PEM), or the system's roots if empty. errc::bad_tls_material.
result<ssl_context> make_client_context(const std::string& ca_file);

// For a listener. With `client_ca` callers must present a certificate it signed.
result<ssl_context> make_server_context(const std::string& certificate_file,
                                        const std::string& key_file,
                                        const std::string& client_ca_file);

// Where a client connection leaves the session ticket it was given, for the next handshake.
struct session_slot {
    ssl_session session;
};

class tls_engine {
public:
    enum class status { done, want_input, ended, failed };

    // `slot` may be null; it must outlive the engine. `host` is a DNS name or an IP literal; its
    // certificate must be for exactly that.
    static std::unique_ptr<tls_engine> client(const ssl_context& context, const std::string& host,
                                              session_slot* slot);
    static std::unique_ptr<tls_engine> server(const ssl_context& context);
    ~tls_engine();

    // All three append what must be sent to `output`, and take ciphertext from `input`, which
    // shrinks by what was used.
    status handshake(std::string_view& input, std::string& output);
    status read(std::string_view& input, std::string& output, std::span<char> plain,
                std::size_t& bytes);
    bool write(std::string_view plain, std::string& output);
    void shut_down(std::string& output);  // close_notify, once

    // True if a failed handshake failed for the peer's certificate.
    bool untrusted() const noexcept { return SSL_get_verify_result(ssl_.get()) != X509_V_OK; }
    bool resumed() const noexcept { return SSL_session_reused(ssl_.get()) == 1; }
    // SHA-256 of the peer's certificate (RFC 8705, x5t#S256), raw; empty without one.
    std::string peer_certificate_sha256() const;

private:
    explicit tls_engine(SSL* ssl);
    status outcome(int returned) const;

    std::unique_ptr<SSL, ssl_deleter> ssl_;
    std::string_view* input_ = nullptr;
    std::string* output_ = nullptr;
    friend struct bio_access;
};

}  // namespace sallyport::net
