// Counts what the policy benchmarks allocate, by operators new of their own.
#pragma once

#include <cstddef>

namespace sallyport::bench {

std::size_t allocations() noexcept;      // since the program began
std::size_t allocated_bytes() noexcept;  // as the allocator accounts for what lives now

}  // namespace sallyport::bench
