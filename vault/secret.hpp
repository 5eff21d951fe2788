// Bytes that must not be printed, copied by accident, swapped out or left behind.
//
// They live on OpenSSL's secure heap (locked, guarded, excluded from dumps), are wiped when the
// object dies, and leave it through reveal() alone: grep for that word to see every place that
// handles a credential in the clear. There is no operator<<, no formatter and no conversion.
#pragma once

#include <cstddef>
#include <string_view>

namespace sallyport::vault {

// Once, first thing in main, before any secret exists. Returns false where the heap could not be
// locked (RLIMIT_MEMLOCK): secrets then live in wiped but swappable memory.
bool open_secure_heap(std::size_t bytes = std::size_t{4} << 20);

class secret {
public:
    secret() noexcept = default;
    explicit secret(std::string_view bytes);  // Copies; the caller wipes its own copy.
    static secret of_size(std::size_t size);  // Uninitialised room, to be filled through data().
    secret(secret&& other) noexcept;
    secret& operator=(secret&& other) noexcept;
    secret(const secret&) = delete;
    secret& operator=(const secret&) = delete;
    ~secret();

    std::string_view reveal() const noexcept { return {data_, size_}; }
    char* data() noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    void shrink(std::size_t size) noexcept;  // Keeps the first `size` bytes, wipes the rest.
    // Wipes what it held and makes uninitialised room for `size` bytes, in the same memory if that
    // suffices: a secret used again and again allocates once.
    void renew(std::size_t size);

private:
    char* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace sallyport::vault
