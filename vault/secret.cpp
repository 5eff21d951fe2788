#include "vault/secret.hpp"

#include <openssl/crypto.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "vault/secure_heap.hpp"

namespace sallyport::vault {
namespace {

constexpr std::size_t smallest_block_bytes = 32;
constexpr std::size_t smallest_heap_bytes = 16 * 1024;

std::atomic<bool> locked = false;
std::atomic<void (*)()> tell_full = nullptr;

// The power of two, which OpenSSL asks for, that the process may lock.
std::size_t lockable(std::size_t bytes)
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur < bytes) {
        bytes = std::max(std::bit_floor(std::size_t{limit.rlim_cur}), smallest_heap_bytes);
    }
    return bytes;
}

char* allocate(std::size_t size)
{
    void* room = OPENSSL_secure_malloc(size);
    if (room == nullptr) {
        // The secure heap is full. Wiped memory outside it beats refusing every call.
        if (void (*const tell)() = tell_full.exchange(nullptr); tell != nullptr) {
            tell();
        }
        room = OPENSSL_malloc(size);
    }
    if (room == nullptr) {
        throw std::bad_alloc();
    }
    return static_cast<char*>(room);
}

}  // namespace

bool open_secure_heap(std::size_t bytes)
{
    // 1: locked; 2: mapped, but something (mlock, guard pages) was refused.
    locked = CRYPTO_secure_malloc_init(lockable(bytes), smallest_block_bytes) == 1;
    return locked;
}

bool secure_heap_is_locked() noexcept { return locked; }

void on_full_secure_heap(void (*tell)()) noexcept { tell_full = tell; }

secret::secret(std::string_view bytes)
{
    renew(bytes.size());
    if (!bytes.empty()) {
        std::memcpy(data_, bytes.data(), bytes.size());
    }
}

secret secret::of_size(std::size_t size)
{
    secret fresh;
    fresh.renew(size);
    return fresh;
}

secret::secret(secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0))
{
}

secret& secret::operator=(secret&& other) noexcept
{
    if (this != &other) {
        OPENSSL_secure_clear_free(data_, capacity_);
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
}

secret::~secret() { OPENSSL_secure_clear_free(data_, capacity_); }

void secret::shrink(std::size_t size) noexcept
{
    if (size < size_) {
        OPENSSL_cleanse(data_ + size, size_ - size);
        size_ = size;
    }
}

void secret::renew(std::size_t size)
{
    shrink(0);
    if (size > capacity_) {
        char* room = allocate(size);
        OPENSSL_secure_clear_free(data_, capacity_);
        data_ = room;
        capacity_ = size;
    }
    size_ = size;
}

}  // namespace sallyport::vault
