// SHA-256 with the algorithm fetched once and the context kept: a third of the price of the
// one-call functions for lines of a few hundred bytes. Not thread-safe.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string_view>

namespace sallyport::audit {

constexpr std::size_t hash_text_size = 64;  // SHA-256 in hexadecimal

class sha256 {
public:
    sha256();

    // Writes exactly hash_text_size lower-case hexadecimal digits.
    void write_hex(std::string_view bytes, char* out);

private:
    struct md_free {
        void operator()(EVP_MD* md) const noexcept { EVP_MD_free(md); }
    };
    struct context_free {
        void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD, md_free> md_;
    std::unique_ptr<EVP_MD_CTX, context_free> context_;
};

}  // namespace sallyport::audit
