// Memory that is wiped when it is given back: for requests that carry credentials, for the JSON
// values read from them, and for the answers that carry a run token.
//
// It is ordinary memory otherwise, neither locked nor guarded: a credential stays in it only until
// it has become a vault::secret.
#pragma once

#include <openssl/crypto.h>

#include <boost/json/memory_resource.hpp>
#include <boost/json/storage_ptr.hpp>
#include <cstddef>
#include <memory>
#include <new>
#include <string>

namespace sallyport {

template <class T>
struct wiping_allocator {
    using value_type = T;

    wiping_allocator() noexcept = default;
    template <class U>
    wiping_allocator(const wiping_allocator<U>&) noexcept
    {
    }

    T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
    void deallocate(T* memory, std::size_t count) noexcept
    {
        OPENSSL_cleanse(memory, count * sizeof(T));
        std::allocator<T>().deallocate(memory, count);
    }

    friend bool operator==(const wiping_allocator&, const wiping_allocator&) noexcept
    {
        return true;
    }
};

using wiped_string = std::basic_string<char, std::char_traits<char>, wiping_allocator<char>>;

class wiping_resource final : public boost::json::memory_resource {
    // Boost.JSON does not always give back with the alignment it asked for, but never asks for more
    // than operator new has.
    void* do_allocate(std::size_t bytes, std::size_t) override { return ::operator new(bytes); }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t) override
    {
        OPENSSL_cleanse(memory, bytes);
        ::operator delete(memory);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override
    {
        return this == &other;
    }
};

inline boost::json::storage_ptr wiping_storage() noexcept
{
    static wiping_resource resource;
    return &resource;
}

}  // namespace sallyport
