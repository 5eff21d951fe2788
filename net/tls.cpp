#include "net/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <algorithm>
#include <cstring>

#include "net/error.hpp"

namespace sallyport::net {

// The BIO's two directions, bound to whatever buffers the call in progress was given.
struct bio_access {
    static tls_engine& engine(BIO* bio) { return *static_cast<tls_engine*>(BIO_get_data(bio)); }

    static int read(BIO* bio, char* out, int size)
    {
        BIO_clear_retry_flags(bio);
        std::string_view* const input = engine(bio).input_;
        if (input == nullptr || input->empty()) {
            BIO_set_retry_read(bio);
            return -1;
        }
        const std::size_t bytes = std::min(input->size(), static_cast<std::size_t>(size));
        std::memcpy(out, input->data(), bytes);
        input->remove_prefix(bytes);
        return static_cast<int>(bytes);
    }

    static int write(BIO* bio, const char* data, int size)
    {
        BIO_clear_retry_flags(bio);
        if (engine(bio).output_ == nullptr) {
            return -1;
        }
        engine(bio).output_->append(data, static_cast<std::size_t>(size));
        return size;
    }

    static long control(BIO*, int command, long, void*)
    {
        return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0;
    }

    static BIO_METHOD* method()
    {
        static BIO_METHOD* const instance = [] {
            BIO_METHOD* made =
                BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sallyport");
            BIO_meth_set_read(made, &bio_access::read);
            BIO_meth_set_write(made, &bio_access::write);
            BIO_meth_set_ctrl(made, &bio_access::control);
            return made;
        }();
        return instance;
    }
};

namespace {

constexpr unsigned char alpn_http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int slot_index()
{
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

// Keeps the newest ticket of a connection in the slot it was made with.
int keep_session(SSL* ssl, SSL_SESSION* session)
{
    auto* const slot = static_cast<session_slot*>(SSL_get_ex_data(ssl, slot_index()));
    if (slot == nullptr) {
        return 0;
    }
    slot->session.reset(session);
    return 1;
}

ssl_context hold(SSL_CTX* context) { return ssl_context(context, ssl_deleter{}); }

void set_common(SSL_CTX* context)
{
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

}  // namespace

result<ssl_context> make_client_context(const std::string& ca_file)
{
    const ssl_context context = hold(SSL_CTX_new(TLS_client_method()));
    set_common(context.get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    const int loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                                       : SSL_CTX_load_verify_file(context.get(), ca_file.c_str());
    if (loaded != 1) {
        ERR_clear_error();
        return error_code(errc::bad_tls_material);
    }
    SSL_CTX_set_alpn_protos(context.get(), alpn_http11, sizeof alpn_http11);
    SSL_CTX_set_session_cache_mode(context.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context.get(), &keep_session);
    return context;
}

result<ssl_context> make_server_context(const std::string& certificate_file,
                                        const std::string& key_file,
                                        const std::string& client_ca_file)
{
    const ssl_context context = hold(SSL_CTX_new(TLS_server_method()));
    set_common(context.get());
    bool usable =
        SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) == 1 &&
        SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(context.get()) == 1;
    if (usable && !client_ca_file.empty()) {
        usable = SSL_CTX_load_verify_file(context.get(), client_ca_file.c_str()) == 1;
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           nullptr);
        // A resumed session must not carry one listener's client identity to another.
        SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    }
    if (!usable) {
        ERR_clear_error();
        return error_code(errc::bad_tls_material);
    }
    return context;
}

tls_engine::tls_engine(SSL* ssl) : ssl_(ssl)
{
    BIO* const bio = BIO_new(bio_access::method());
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
}

// OpenSSL declares the session of a connection that ends without close_notify unfit for resumption;
// ours end so whenever a kept connection is closed, and nothing is wrong with the ticket.
tls_engine::~tls_engine() { SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN); }

std::unique_ptr<tls_engine> tls_engine::client(const ssl_context& context, const std::string& host,
                                               session_slot* slot)
{
    SSL* const ssl = SSL_new(context.get());
    std::unique_ptr<tls_engine> engine(new tls_engine(ssl));
    SSL_set_connect_state(ssl);

    boost::system::error_code not_an_address;
    boost::asio::ip::make_address(host, not_an_address);
    if (not_an_address) {
        SSL_set_tlsext_host_name(ssl, host.c_str());
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        SSL_set1_host(ssl, host.c_str());
    } else {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    }
    if (slot != nullptr) {
        SSL_set_ex_data(ssl, slot_index(), slot);
        if (slot->session != nullptr) {
            SSL_set_session(ssl, slot->session.get());
        }
    }
    return engine;
}

std::unique_ptr<tls_engine> tls_engine::server(const ssl_context& context)
{
    SSL* const ssl = SSL_new(context.get());
    std::unique_ptr<tls_engine> engine(new tls_engine(ssl));
    SSL_set_accept_state(ssl);
    return engine;
}

tls_engine::status tls_engine::outcome(int returned) const
{
    switch (SSL_get_error(ssl_.get(), returned)) {
        case SSL_ERROR_NONE: return status::done;
        case SSL_ERROR_WANT_READ: return status::want_input;
        case SSL_ERROR_ZERO_RETURN: return status::ended;
        default:
            // Nothing of the queue is used: its texts may quote the peer.
            ERR_clear_error();
            return status::failed;
    }
}

tls_engine::status tls_engine::handshake(std::string_view& input, std::string& output)
{
    input_ = &input;
    output_ = &output;
    const int returned = SSL_do_handshake(ssl_.get());
    const status result = outcome(returned);
    input_ = nullptr;
    output_ = nullptr;
    return result;
}

tls_engine::status tls_engine::read(std::string_view& input, std::string& output,
                                    std::span<char> plain, std::size_t& bytes)
{
    input_ = &input;
    output_ = &output;
    bytes = 0;
    status result = status::done;
    while (bytes < plain.size()) {
        std::size_t step = 0;
        const int returned =
            SSL_read_ex(ssl_.get(), plain.data() + bytes, plain.size() - bytes, &step);
        if (returned != 1) {
            result = outcome(returned);
            break;
        }
        bytes += step;
    }
    input_ = nullptr;
    output_ = nullptr;
    return result;
}

bool tls_engine::write(std::string_view plain, std::string& output)
{
    output_ = &output;
    while (!plain.empty()) {
        std::size_t step = 0;
        if (SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &step) != 1) {
            ERR_clear_error();
            break;
        }
        plain.remove_prefix(step);
    }
    output_ = nullptr;
    return plain.empty();
}

void tls_engine::shut_down(std::string& output)
{
    output_ = &output;
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
    output_ = nullptr;
}

std::string tls_engine::peer_certificate_sha256() const
{
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        SSL_get1_peer_certificate(ssl_.get()), &X509_free);
    if (certificate == nullptr) {
        return {};
    }
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    X509_digest(certificate.get(), EVP_sha256(), digest, &size);
    return std::string(reinterpret_cast<const char*>(digest), size);
}

}  // namespace sallyport::net
