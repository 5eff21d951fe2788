// An immutable list that its copies share: many rules have the same scopes, and several providers
// the same table. Reads like a const std::vector.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

namespace sallyport::policy {

template <class T>
class shared_list {
public:
    using value_type = T;

    shared_list() = default;
    shared_list(std::vector<T> items)
        : items_(items.empty() ? nullptr : std::make_shared<const std::vector<T>>(std::move(items)))
    {
    }
    shared_list(std::initializer_list<T> items) : shared_list(std::vector<T>(items)) {}

    bool empty() const noexcept { return items_ == nullptr; }
    std::size_t size() const noexcept { return items_ ? items_->size() : 0; }
    const T* data() const noexcept { return items_ ? items_->data() : nullptr; }
    const T* begin() const noexcept { return data(); }
    const T* end() const noexcept { return data() + size(); }
    const T& operator[](std::size_t index) const noexcept { return (*items_)[index]; }
    const T& front() const noexcept { return items_->front(); }

    operator const std::vector<T>&() const noexcept
    {
        static const std::vector<T> none;
        return items_ ? *items_ : none;
    }

    friend bool operator==(const shared_list& a, const shared_list& b)
    {
        return a.items_ == b.items_ ||
               static_cast<const std::vector<T>&>(a) == static_cast<const std::vector<T>&>(b);
    }

private:
    std::shared_ptr<const std::vector<T>> items_;
};

}  // namespace sallyport::policy
