// A map of bounded size that forgets what was not used lately: the hand of a clock goes round the
// entries, spares once the ones that were used since it last came by, and takes the first other.
// Looking up neither allocates nor moves anything.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sallyport::vault {

template <class Value>
class clock_cache {
public:
    explicit clock_cache(std::size_t capacity) : capacity_(capacity)
    {
        // Never moved afterwards: the index refers to the names in the ring.
        ring_.reserve(capacity);
    }

    // Null if there is none. Good until the next put.
    Value* find(std::string_view name) noexcept
    {
        const auto at = index_.find(name);
        if (at == index_.end()) {
            return nullptr;
        }
        entry& found = ring_[at->second];
        found.used = true;
        return &found.value;
    }

    void put(std::string name, Value value)
    {
        if (Value* known = find(name)) {
            *known = std::move(value);
            return;
        }
        std::size_t at = ring_.size();
        if (at < capacity_) {
            ring_.push_back({std::move(name), std::move(value), false});
        } else {
            at = free_one();
            index_.erase(ring_[at].name);
            ring_[at] = {std::move(name), std::move(value), false};
        }
        index_.emplace(ring_[at].name, at);
    }

    std::size_t size() const noexcept { return ring_.size(); }

private:
    struct entry {
        std::string name;
        Value value;
        bool used;
    };

    std::size_t free_one() noexcept
    {
        for (;;) {
            const std::size_t at = hand_;
            hand_ = (hand_ + 1) % capacity_;
            if (!ring_[at].used) {
                return at;
            }
            ring_[at].used = false;
        }
    }

    std::size_t capacity_;
    std::vector<entry> ring_;
    std::unordered_map<std::string_view, std::size_t> index_;
    std::size_t hand_ = 0;
};

}  // namespace sallyport::vault
