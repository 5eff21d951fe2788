// Sets of scopes as bits over one provider's vocabulary: what makes a decision a few ANDs.
#pragma once

#include <cstdint>
#include <vector>

namespace sallyport::policy {

class scope_set {
public:
    scope_set() = default;
    static scope_set everything();  // '*': a credential that knows no scopes

    bool covers_everything() const noexcept { return everything_; }
    bool has(std::uint32_t bit) const noexcept
    {
        return everything_ || (bit / 64 < words_.size() && (words_[bit / 64] >> bit % 64 & 1) != 0);
    }
    void add(std::uint32_t bit);
    bool empty() const noexcept;

private:
    bool everything_ = false;
    std::vector<std::uint64_t> words_;
};

}  // namespace sallyport::policy
