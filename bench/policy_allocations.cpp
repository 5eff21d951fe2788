#include "bench/policy_allocations.hpp"

#include <malloc.h>

#include <cstdlib>
#include <new>

namespace {
std::size_t count = 0;
}

void* operator new(std::size_t size)
{
    ++count;
    if (void* memory = std::malloc(size)) {
        return memory;
    }
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace sallyport::bench {

std::size_t allocations() noexcept { return count; }

std::size_t allocated_bytes() noexcept
{
    const auto all = mallinfo2();
    return all.uordblks + all.hblkhd;
}

}  // namespace sallyport::bench
