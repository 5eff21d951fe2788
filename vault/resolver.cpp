#include "vault/resolver.hpp"

#include <ctime>
#include <functional>

namespace sallyport::vault {

std::atomic<std::uint64_t>& epoch_table::slot(std::string_view id) const noexcept
{
    return epochs_[std::hash<std::string_view>()(id) % slots];
}

void epoch_table::move_all() noexcept
{
    for (std::size_t i = 0; i < slots; ++i) {
        epochs_[i].fetch_add(1, std::memory_order_seq_cst);
    }
}

std::int64_t boot_millis() noexcept
{
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace sallyport::vault
