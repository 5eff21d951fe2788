// Key pairs made afresh for each test program, so that none is ever checked in.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <string>

namespace sallyport::identity {

struct pem_pair {
    std::string private_key, public_key;
};

inline std::string text_of(BIO* bio)
{
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string out(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return out;
}

inline pem_pair pem_of(EVP_PKEY* key)
{
    BIO* const hidden = BIO_new(BIO_s_mem());
    BIO* const shown = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(hidden, key, nullptr, nullptr, 0, nullptr, nullptr);
    PEM_write_bio_PUBKEY(shown, key);
    EVP_PKEY_free(key);
    return {text_of(hidden), text_of(shown)};
}

inline pem_pair make_ec(const char* curve)
{
    return pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
}

inline pem_pair make_rsa(std::size_t bits)
{
    return pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits));
}

inline const pem_pair& ec_keys()
{
    static const pem_pair keys = make_ec("P-256");
    return keys;
}

inline const pem_pair& rsa_keys()
{
    static const pem_pair keys = make_rsa(2048);
    return keys;
}

inline const std::string& hmac_key()
{
    static const std::string key = "a key of thirty-two bytes or more, for tests";
    return key;
}

}  // namespace sallyport::identity
