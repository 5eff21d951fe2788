#include "control/paging.hpp"

#include <charconv>
#include <utility>

namespace sallyport::control {

std::optional<answer> read_page(const request& call, page_wish& into)
{
    into.after = call.query("after").value_or("");
    const std::optional<std::string> limit = call.query("limit");
    if (!limit) {
        return std::nullopt;
    }
    const char* const end = limit->data() + limit->size();
    const auto [stopped, error] = std::from_chars(limit->data(), end, into.limit);
    if (error != std::errc() || stopped != end || into.limit < 1 || into.limit > page_items_max) {
        return problem(400, "bad_request", "The query's `limit` is a number from 1 to 1000.");
    }
    return std::nullopt;
}

answer page_of(boost::json::array items, const std::string& next)
{
    answer page = list_of(std::move(items));
    if (!next.empty()) {
        page.body.as_object()["next"] = next;
    }
    return page;
}

}  // namespace sallyport::control
