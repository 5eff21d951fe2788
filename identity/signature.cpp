#include "identity/signature.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <array>

#include "identity/run_token.hpp"

namespace sallyport::identity {

namespace {

constexpr std::size_t coordinate_bytes = 32;  // of a P-256 signature's r and s
constexpr std::size_t sha256_bytes = 32;

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* pointer) const noexcept
    {
        Free(pointer);
    }
};
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free>>;
using pkey_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using pkey_ctx_ptr = std::unique_ptr<EVP_PKEY_CTX, freed_by<EVP_PKEY_CTX_free>>;
using md_ctx_ptr = std::unique_ptr<EVP_MD_CTX, freed_by<EVP_MD_CTX_free>>;
using ecdsa_sig_ptr = std::unique_ptr<ECDSA_SIG, freed_by<ECDSA_SIG_free>>;
using bignum_ptr = std::unique_ptr<BIGNUM, freed_by<BN_free>>;

class error_queue_mark {
public:
    error_queue_mark() { ERR_set_mark(); }
    ~error_queue_mark() { ERR_pop_to_mark(); }
    error_queue_mark(const error_queue_mark&) = delete;
    error_queue_mark& operator=(const error_queue_mark&) = delete;
};

const unsigned char* bytes_of(std::string_view text) noexcept
{
    return reinterpret_cast<const unsigned char*>(text.data());
}

// Without this OpenSSL would ask the terminal for the pass phrase of an encrypted key.
int no_pass_phrase(char*, int, int, void*) { return 0; }

pkey_ptr read_pem(std::string_view text, bool is_private)
{
    const bio_ptr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (!bio) {
        return nullptr;
    }
    return pkey_ptr(is_private
                        ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr)
                        : PEM_read_bio_PUBKEY(bio.get(), nullptr, no_pass_phrase, nullptr));
}

bool is_sound(EVP_PKEY* key)
{
    const pkey_ctx_ptr context(EVP_PKEY_CTX_new(key, nullptr));
    return context && EVP_PKEY_public_check(context.get()) == 1;
}

bool suits(EVP_PKEY* key, algorithm alg)
{
    if (alg == algorithm::rs256) {
        const int bits = EVP_PKEY_get_bits(key);
        return EVP_PKEY_is_a(key, "RSA") && bits >= rsa_bits_min && bits <= rsa_bits_max;
    }
    std::array<char, 64> group{};
    return EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1 &&
           std::string_view(group.data()) == "prime256v1";
}

std::string hmac_sha256(std::string_view key, std::string_view message)
{
    std::string out(sha256_bytes, '\0');
    unsigned size = 0;
    if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(message),
             message.size(), reinterpret_cast<unsigned char*>(out.data()), &size) == nullptr) {
        return {};
    }
    return out;
}

// From r and s side by side to the ASN.1 that OpenSSL reads. Empty on failure.
std::string der_of(std::string_view jose)
{
    const ecdsa_sig_ptr pair(ECDSA_SIG_new());
    bignum_ptr r(BN_bin2bn(bytes_of(jose), coordinate_bytes, nullptr));
    bignum_ptr s(BN_bin2bn(bytes_of(jose) + coordinate_bytes, coordinate_bytes, nullptr));
    if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) {
        return {};
    }
    (void)r.release();
    (void)s.release();
    const int size = i2d_ECDSA_SIG(pair.get(), nullptr);
    std::string out(size > 0 ? static_cast<std::size_t>(size) : 0, '\0');
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    return size > 0 && i2d_ECDSA_SIG(pair.get(), &to) == size ? out : std::string();
}

std::string jose_of(std::string_view der)
{
    const unsigned char* from = bytes_of(der);
    const ecdsa_sig_ptr pair(d2i_ECDSA_SIG(nullptr, &from, static_cast<long>(der.size())));
    std::string out(2 * coordinate_bytes, '\0');
    auto* const to = reinterpret_cast<unsigned char*>(out.data());
    if (!pair || BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), to, coordinate_bytes) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), to + coordinate_bytes, coordinate_bytes) < 0) {
        return {};
    }
    return out;
}

}  // namespace

std::string_view to_string(algorithm value) noexcept
{
    switch (value) {
        case algorithm::hs256: return "HS256";
        case algorithm::es256: return "ES256";
        case algorithm::rs256: return "RS256";
    }
    return {};
}

struct signing_key::impl {
    algorithm alg = algorithm::es256;
    std::string secret;  // HS256
    pkey_ptr pair;       // the others
    bool is_private = false;

    impl() = default;
    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;
    ~impl() { OPENSSL_cleanse(secret.data(), secret.size()); }
};

signing_key::signing_key(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
signing_key::~signing_key() = default;
signing_key::signing_key(signing_key&&) noexcept = default;
signing_key& signing_key::operator=(signing_key&&) noexcept = default;

result<signing_key> signing_key::make(algorithm alg, std::string_view key)
{
    const error_queue_mark mark;
    if (key.size() > key_bytes_max) {
        return make_error_code(errc::bad_key);
    }
    auto made = std::make_unique<impl>();
    made->alg = alg;
    if (alg == algorithm::hs256) {
        if (key.size() < hs256_key_bytes_min) {
            return make_error_code(errc::bad_key);
        }
        made->secret.assign(key);
        made->is_private = true;
        return signing_key(std::move(made));
    }
    made->pair = read_pem(key, true);
    made->is_private = made->pair != nullptr;
    if (!made->is_private) {
        made->pair = read_pem(key, false);
    }
    if (!made->pair || !suits(made->pair.get(), alg) || !is_sound(made->pair.get())) {
        return make_error_code(errc::bad_key);
    }
    return signing_key(std::move(made));
}

algorithm signing_key::alg() const noexcept { return impl_->alg; }
bool signing_key::can_sign() const noexcept { return impl_->is_private; }

bool signing_key::verify(std::string_view message, std::string_view signature) const
{
    const error_queue_mark mark;
    if (impl_->alg == algorithm::hs256) {
        const std::string expected = hmac_sha256(impl_->secret, message);
        return !expected.empty() && signature.size() == expected.size() &&
               CRYPTO_memcmp(signature.data(), expected.data(), expected.size()) == 0;
    }
    std::string der;
    if (impl_->alg == algorithm::es256) {
        if (signature.size() != 2 * coordinate_bytes) {
            return false;
        }
        der = der_of(signature);
        signature = der;
    }
    const md_ctx_ptr context(EVP_MD_CTX_new());
    return context && !signature.empty() &&
           EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, impl_->pair.get()) ==
               1 &&
           EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message),
                            message.size()) == 1;
}

std::optional<std::string> signing_key::sign(std::string_view message) const
{
    const error_queue_mark mark;
    if (!impl_->is_private) {
        return std::nullopt;
    }
    std::string out;
    if (impl_->alg == algorithm::hs256) {
        out = hmac_sha256(impl_->secret, message);
    } else {
        const md_ctx_ptr context(EVP_MD_CTX_new());
        std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(impl_->pair.get()));
        out.resize(size);
        if (!context ||
            EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, impl_->pair.get()) !=
                1 ||
            EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                           bytes_of(message), message.size()) != 1) {
            return std::nullopt;
        }
        out.resize(size);
        if (impl_->alg == algorithm::es256) {
            out = jose_of(out);
        }
    }
    return out.empty() ? std::nullopt : std::optional(std::move(out));
}

}  // namespace sallyport::identity
