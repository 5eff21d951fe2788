// What keeps cached credentials from lying in memory in the clear: a key that is drawn when the
// process starts, is never written anywhere and dies with it. Sealing happens on the control
// thread, opening on the workers', each with a context of its own.
//
// The key lives in OpenSSL's contexts, outside the secure heap: the guard is against what reads
// memory it should not (a stray core file, an over-read), not against who owns the process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "vault/crypto.hpp"
#include "vault/secret.hpp"

namespace sallyport::vault {

class memory_guard {
public:
    memory_guard();

    // nonce | cipher text | tag. `name` must be given again to open it.
    std::string seal(std::string_view name, std::string_view plain);

    class opener {
    public:
        // errc::corrupted if it was not sealed by this process under this name.
        result<void> open(std::string_view name, std::string_view sealed, secret& out);

    private:
        friend memory_guard;
        explicit opener(const secret& key);
        aes_256_gcm cipher_{aes_256_gcm::direction::open};
    };

    opener make_opener() const;

private:
    secret key_;
    aes_256_gcm cipher_{aes_256_gcm::direction::seal};
    std::uint64_t sealed_so_far_ = 0;  // The nonce: unique because one object alone seals.
};

}  // namespace sallyport::vault
