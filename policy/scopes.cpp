#include "policy/scopes.hpp"

#include <algorithm>

namespace sallyport::policy {

scope_set scope_set::everything()
{
    scope_set set;
    set.everything_ = true;
    return set;
}

void scope_set::add(std::uint32_t bit)
{
    const std::size_t word = bit / 64;
    if (word >= words_.size()) {
        words_.resize(word + 1);
    }
    words_[word] |= std::uint64_t{1} << bit % 64;
}

bool scope_set::empty() const noexcept
{
    return !everything_ &&
           std::all_of(words_.begin(), words_.end(), [](std::uint64_t word) { return word == 0; });
}

}  // namespace sallyport::policy
