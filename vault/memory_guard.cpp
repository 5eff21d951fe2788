#include "vault/memory_guard.hpp"

#include <openssl/rand.h>

#include <cstring>
#include <stdexcept>

#include "vault/big_endian.hpp"
#include "vault/error.hpp"

namespace sallyport::vault {

memory_guard::memory_guard() : key_(secret::of_size(key_bytes))
{
    if (RAND_priv_bytes(reinterpret_cast<unsigned char*>(key_.data()), key_bytes) != 1) {
        throw std::runtime_error("OpenSSL has no randomness");
    }
    cipher_.set_key(key_.reveal());
}

std::string memory_guard::seal(std::string_view name, std::string_view plain)
{
    std::string sealed(nonce_bytes + plain.size() + tag_bytes, '\0');
    put_big_endian(sealed.data() + nonce_bytes - sizeof sealed_so_far_, ++sealed_so_far_);
    char* const text = sealed.data() + nonce_bytes;
    cipher_.seal({sealed.data(), nonce_bytes}, {name}, plain, text, text + plain.size());
    return sealed;
}

memory_guard::opener memory_guard::make_opener() const { return opener(key_); }

memory_guard::opener::opener(const secret& key) { cipher_.set_key(key.reveal()); }

result<void> memory_guard::opener::open(std::string_view name, std::string_view sealed, secret& out)
{
    if (sealed.size() < nonce_bytes + tag_bytes) {
        return errc::corrupted;
    }
    const std::size_t size = sealed.size() - nonce_bytes - tag_bytes;
    out.renew(size);
    if (!cipher_.open(sealed.substr(0, nonce_bytes), {name}, sealed.substr(nonce_bytes, size),
                      sealed.substr(nonce_bytes + size), out.data())) {
        out.shrink(0);
        return errc::corrupted;
    }
    return {};
}

}  // namespace sallyport::vault
