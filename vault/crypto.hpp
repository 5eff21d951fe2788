// The two primitives of the vault, with every OpenSSL context fetched once and kept: HKDF-SHA256
// (RFC 5869) and AES-256-GCM (NIST SP 800-38D).
//
// Threading: an object belongs to one thread.
// Failure:   OpenSSL refusing what cannot be refused (out of memory, no such algorithm) throws
//            std::runtime_error. A tag that does not verify is a result, not an exception.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string_view>

namespace sallyport::vault {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t hash_bytes = 32;

namespace detail {
struct openssl_free {
    void operator()(EVP_CIPHER* p) const noexcept { EVP_CIPHER_free(p); }
    void operator()(EVP_CIPHER_CTX* p) const noexcept { EVP_CIPHER_CTX_free(p); }
    void operator()(EVP_MD* p) const noexcept { EVP_MD_free(p); }
    void operator()(EVP_MD_CTX* p) const noexcept { EVP_MD_CTX_free(p); }
    void operator()(EVP_MAC* p) const noexcept { EVP_MAC_free(p); }
    void operator()(EVP_MAC_CTX* p) const noexcept { EVP_MAC_CTX_free(p); }
};
template <class T>
using owned = std::unique_ptr<T, openssl_free>;
}  // namespace detail

using pieces = std::initializer_list<std::string_view>;

// Compares in a time that depends on the length alone.
bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

class sha256 {
public:
    sha256();
    std::array<char, hash_bytes> hash(std::string_view bytes);

private:
    detail::owned<EVP_MD> digest_;
    detail::owned<EVP_MD_CTX> context_;
};

class hkdf_sha256 {
public:
    static constexpr std::size_t okm_bytes_max = 4 * hash_bytes;

    hkdf_sha256();
    // Fills `okm` (at most okm_bytes_max). `info` is the pieces one after the other.
    void derive(std::string_view key, std::string_view salt, pieces info, char* okm,
                std::size_t okm_size);

private:
    void mac(std::string_view key, pieces message, unsigned char* out);

    detail::owned<EVP_MAC> mac_;
    detail::owned<EVP_MAC_CTX> context_;
};

// Sealing or opening, with the key set anew by each call or, kept, by set_key.
class aes_256_gcm {
public:
    enum class direction { seal, open };

    explicit aes_256_gcm(direction which);
    void set_key(std::string_view key);

    // `out` has room for the plain text's size, `tag` for tag_bytes.
    void seal(std::string_view nonce, pieces additional, std::string_view plain, char* out,
              char* tag);
    // False, and `out` wiped, if the tag does not verify.
    bool open(std::string_view nonce, pieces additional, std::string_view sealed,
              std::string_view tag, char* out);

private:
    void start(std::string_view nonce, pieces additional);
    int update(char* out, std::string_view in);

    detail::owned<EVP_CIPHER> cipher_;
    detail::owned<EVP_CIPHER_CTX> context_;
};

}  // namespace sallyport::vault
