#include "config/settings_keys.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <memory>

#include "base/encoding.hpp"

namespace sallyport::config {
namespace {

constexpr std::size_t master_key_bytes = 32;
constexpr std::size_t control_token_bytes_min = 8;
constexpr std::size_t control_token_bytes_max = 4096;
constexpr std::size_t hs256_key_bytes_min = 32;
constexpr int rsa_bits_min = 2048;

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* object) const
    {
        Free(object);
    }
};
using bio = std::unique_ptr<BIO, freed_by<BIO_free>>;
using private_or_public_key = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using certificate = std::unique_ptr<X509, freed_by<X509_free>>;

// No key of ours has a passphrase, and a terminal must never be asked for one.
int no_passphrase(char*, int, int, void*) { return -1; }

bio over(std::string_view pem)
{
    return bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

private_or_public_key read_private(std::string_view pem)
{
    const bio in = over(pem);
    private_or_public_key key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr));
    ERR_clear_error();
    return key;
}

private_or_public_key read_public(std::string_view pem)
{
    const bio in = over(pem);
    private_or_public_key key(PEM_read_bio_PUBKEY(in.get(), nullptr, no_passphrase, nullptr));
    ERR_clear_error();
    return key;
}

certificate read_certificate(std::string_view pem)
{
    const bio in = over(pem);
    certificate found(PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr));
    ERR_clear_error();
    return found;
}

bool is_p256(const EVP_PKEY* key)
{
    std::array<char, 64> group{};
    std::size_t size = 0;
    return EVP_PKEY_is_a(key, "EC") == 1 &&
           EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1 &&
           std::string_view(group.data(), size) == "prime256v1";
}

}  // namespace

std::string_view master_key_fault(std::string_view text) noexcept
{
    auto bytes = from_hex(text);
    if (!bytes || bytes->size() != master_key_bytes) {
        bytes = from_base64(text);
    }
    const bool sound = bytes && bytes->size() == master_key_bytes;
    if (bytes) {
        OPENSSL_cleanse(bytes->data(), bytes->size());
    }
    return sound ? "" : "the master key must be 32 bytes as 64 hexadecimal digits or base 64";
}

std::string_view control_token_fault(std::string_view text) noexcept
{
    if (text.size() < control_token_bytes_min || text.size() > control_token_bytes_max) {
        return "a control token must have 8 to 4096 characters";
    }
    for (const char c : text) {
        if (c <= ' ' || c > '~') {
            return "a control token must be one line of visible ASCII without spaces";
        }
    }
    return "";
}

issuer_key_check check_issuer_key(identity::algorithm alg, std::string_view key)
{
    if (alg == identity::algorithm::hs256) {
        return {key.size() >= hs256_key_bytes_min ? "" : "an HS256 key must have at least 32 bytes",
                true};
    }
    issuer_key_check check;
    private_or_public_key parsed = read_private(key);
    if (!parsed) {
        parsed = read_public(key);
        check.is_secret = !parsed;
    }
    if (!parsed) {
        check.fault = "the key is neither a private nor a public key in PEM";
    } else if (alg == identity::algorithm::es256 && !is_p256(parsed.get())) {
        check.fault = "ES256 needs an elliptic curve key on P-256";
    } else if (alg == identity::algorithm::rs256 &&
               (EVP_PKEY_is_a(parsed.get(), "RSA") != 1 ||
                EVP_PKEY_get_bits(parsed.get()) < rsa_bits_min)) {
        check.fault = "RS256 needs an RSA key of at least 2048 bits";
    }
    return check;
}

std::string_view certificate_fault(std::string_view pem)
{
    return read_certificate(pem) ? "" : "the file holds no certificate in PEM";
}

std::string_view private_key_fault(std::string_view pem)
{
    return read_private(pem) ? "" : "the file holds no private key in PEM";
}

bool certificate_has_key(std::string_view certificate_pem, std::string_view key_pem)
{
    const certificate shown = read_certificate(certificate_pem);
    const private_or_public_key key = read_private(key_pem);
    const bool match = shown && key && X509_check_private_key(shown.get(), key.get()) == 1;
    ERR_clear_error();
    return match;
}

}  // namespace sallyport::config
