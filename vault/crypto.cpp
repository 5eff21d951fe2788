#include "vault/crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace sallyport::vault {
namespace {

const unsigned char* bytes_of(std::string_view text) noexcept
{
    return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(char* text) noexcept { return reinterpret_cast<unsigned char*>(text); }

void require(bool done, const char* what)
{
    if (!done) {
        throw std::runtime_error(what);
    }
}

}  // namespace

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept
{
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

sha256::sha256() : digest_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new())
{
    require(digest_ && context_, "OpenSSL has no SHA-256");
}

std::array<char, hash_bytes> sha256::hash(std::string_view bytes)
{
    std::array<char, hash_bytes> out;
    require(EVP_DigestInit_ex2(context_.get(), digest_.get(), nullptr) == 1 &&
                EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1 &&
                EVP_DigestFinal_ex(context_.get(), bytes_of(out.data()), nullptr) == 1,
            "SHA-256 failed");
    return out;
}

hkdf_sha256::hkdf_sha256() : mac_(EVP_MAC_fetch(nullptr, "HMAC", nullptr))
{
    require(mac_ != nullptr, "OpenSSL has no HMAC");
    context_.reset(EVP_MAC_CTX_new(mac_.get()));
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    require(context_ && EVP_MAC_CTX_set_params(context_.get(), parameters) == 1,
            "OpenSSL has no HMAC-SHA256");
}

void hkdf_sha256::mac(std::string_view key, pieces message, unsigned char* out)
{
    require(EVP_MAC_init(context_.get(), bytes_of(key), key.size(), nullptr) == 1, "HMAC failed");
    for (const std::string_view piece : message) {
        require(EVP_MAC_update(context_.get(), bytes_of(piece), piece.size()) == 1, "HMAC failed");
    }
    std::size_t written = 0;
    require(EVP_MAC_final(context_.get(), out, &written, hash_bytes) == 1, "HMAC failed");
}

void hkdf_sha256::derive(std::string_view key, std::string_view salt, pieces info, char* okm,
                         std::size_t okm_size)
{
    require(okm_size <= okm_bytes_max, "HKDF asked for too much");
    constexpr std::size_t info_bytes_max = 128;
    char joined[info_bytes_max];
    std::size_t joined_size = 0;
    for (const std::string_view piece : info) {
        require(joined_size + piece.size() <= info_bytes_max, "HKDF information too long");
        std::memcpy(joined + joined_size, piece.data(), piece.size());
        joined_size += piece.size();
    }
    // An absent salt stands for hash_bytes zeros (RFC 5869, 2.2); HMAC takes no null key.
    static constexpr char no_salt[hash_bytes] = {};
    const std::string_view used_salt = salt.empty() ? std::string_view(no_salt, hash_bytes) : salt;

    unsigned char pseudo_random_key[hash_bytes];
    mac(used_salt, {key}, pseudo_random_key);
    const std::string_view expand_key(reinterpret_cast<char*>(pseudo_random_key), hash_bytes);

    unsigned char block[hash_bytes];
    std::string_view previous;
    char counter = 0;
    for (std::size_t done = 0; done < okm_size; done += hash_bytes) {
        ++counter;
        mac(expand_key, {previous, {joined, joined_size}, {&counter, 1}}, block);
        previous = {reinterpret_cast<char*>(block), hash_bytes};
        std::memcpy(okm + done, block, std::min(hash_bytes, okm_size - done));
    }
    OPENSSL_cleanse(pseudo_random_key, sizeof pseudo_random_key);
    OPENSSL_cleanse(block, sizeof block);
}

aes_256_gcm::aes_256_gcm(direction which)
    : cipher_(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr)), context_(EVP_CIPHER_CTX_new())
{
    require(cipher_ && context_, "OpenSSL has no AES-256-GCM");
    const int encrypt = which == direction::seal ? 1 : 0;
    require(
        EVP_CipherInit_ex2(context_.get(), cipher_.get(), nullptr, nullptr, encrypt, nullptr) == 1,
        "AES-256-GCM failed");
}

void aes_256_gcm::set_key(std::string_view key)
{
    require(key.size() == key_bytes, "AES-256-GCM wants a key of 32 bytes");
    require(EVP_CipherInit_ex2(context_.get(), nullptr, bytes_of(key), nullptr, -1, nullptr) == 1,
            "AES-256-GCM failed");
}

int aes_256_gcm::update(char* out, std::string_view in)
{
    int written = 0;
    require(EVP_CipherUpdate(context_.get(), bytes_of(out), &written, bytes_of(in),
                             static_cast<int>(in.size())) == 1,
            "AES-256-GCM failed");
    return written;
}

void aes_256_gcm::start(std::string_view nonce, pieces additional)
{
    require(nonce.size() == nonce_bytes, "AES-256-GCM wants a nonce of 12 bytes");
    require(EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, bytes_of(nonce), -1, nullptr) == 1,
            "AES-256-GCM failed");
    for (const std::string_view piece : additional) {
        if (!piece.empty()) {
            update(nullptr, piece);
        }
    }
}

void aes_256_gcm::seal(std::string_view nonce, pieces additional, std::string_view plain, char* out,
                       char* tag)
{
    start(nonce, additional);
    update(out, plain);
    int rest = 0;
    unsigned char nothing[tag_bytes];
    require(EVP_CipherFinal_ex(context_.get(), nothing, &rest) == 1 &&
                EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, tag_bytes, tag) == 1,
            "AES-256-GCM failed");
}

bool aes_256_gcm::open(std::string_view nonce, pieces additional, std::string_view sealed,
                       std::string_view tag, char* out)
{
    start(nonce, additional);
    update(out, sealed);
    // The control takes a pointer to mutable bytes but only reads them.
    void* expected = const_cast<char*>(tag.data());
    int rest = 0;
    unsigned char nothing[tag_bytes];
    const bool genuine =
        tag.size() == tag_bytes &&
        EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, tag_bytes, expected) == 1 &&
        EVP_CipherFinal_ex(context_.get(), nothing, &rest) == 1;
    if (!genuine) {
        OPENSSL_cleanse(out, sealed.size());
    }
    return genuine;
}

}  // namespace sallyport::vault
