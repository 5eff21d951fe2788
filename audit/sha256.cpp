#include "audit/sha256.hpp"

#include <array>
#include <stdexcept>

namespace sallyport::audit {

sha256::sha256() : md_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new())
{
    if (!md_ || !context_) {
        throw std::runtime_error("SHA-256 is not available");
    }
}

void sha256::write_hex(std::string_view bytes, char* out)
{
    constexpr char digits[] = "0123456789abcdef";
    std::array<unsigned char, hash_text_size / 2> digest;
    if (EVP_DigestInit_ex2(context_.get(), md_.get(), nullptr) != 1 ||
        EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1 ||
        EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1) {
        throw std::runtime_error("SHA-256 failed");  // Only ever for want of memory.
    }
    for (std::size_t i = 0; i < digest.size(); ++i) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15u];
    }
}

}  // namespace sallyport::audit
