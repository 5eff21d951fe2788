// Lists, page by page: `?limit=` items from behind `?after=`, which is the `next` of the page
// before. The order is that of the items' keys, so that a page never repeats or skips what stood
// there all the while.
#pragma once

#include <boost/json/array.hpp>
#include <cstddef>
#include <optional>
#include <string>

#include "control/request.hpp"

namespace sallyport::control {

constexpr std::size_t page_items_default = 100;
constexpr std::size_t page_items_max = 1000;

struct page_wish {
    std::size_t limit = page_items_default;
    std::string after;  // "": from the beginning
};

// The answer that refuses a limit which is none.
std::optional<answer> read_page(const request& call, page_wish& into);

// `next` is the key of the last item; empty: this page is the last.
answer page_of(boost::json::array items, const std::string& next);

}  // namespace sallyport::control
