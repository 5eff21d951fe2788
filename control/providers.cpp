// The catalogue as people choose from it: enabled providers, by category.
#include <algorithm>
#include <tuple>
#include <utility>

#include "control/paging.hpp"
#include "control/provider_json.hpp"
#include "control/routes.hpp"

namespace sallyport::control {

namespace json = boost::json;
namespace asio = boost::asio;

namespace {

auto place_of(const policy::provider_facts& facts) { return std::tie(facts.category, facts.id); }

}  // namespace

asio::awaitable<answer> list_providers(request& call)
{
    page_wish page;
    if (std::optional<answer> refusal = read_page(call, page)) {
        co_return std::move(*refusal);
    }
    const std::shared_ptr<const policy::catalogue> catalogue = call.gate.catalogue();
    const policy::provider* const last = catalogue->find(page.after);
    if (!page.after.empty() && last == nullptr) {
        co_return problem(400, "bad_request", "The query's `after` is not a `next` of this list.");
    }
    std::vector<const policy::provider_facts*> found;
    for (const auto& provider : catalogue->all()) {
        const policy::provider_facts& facts = provider->facts();
        if (facts.enabled && (last == nullptr || place_of(last->facts()) < place_of(facts))) {
            found.push_back(&facts);
        }
    }
    std::sort(found.begin(), found.end(),
              [](const auto* a, const auto* b) { return place_of(*a) < place_of(*b); });
    json::array items;
    for (std::size_t i = 0; i < std::min(page.limit, found.size()); ++i) {
        items.push_back(summary_of(*found[i]));
    }
    co_return page_of(std::move(items), found.size() > page.limit ? found[page.limit - 1]->id : "");
}

asio::awaitable<answer> show_provider(request& call)
{
    const std::shared_ptr<const policy::catalogue> catalogue = call.gate.catalogue();
    const policy::provider* provider = catalogue->find(call.named.front());
    co_return provider != nullptr
        ? ok(description_of(provider->facts()))
        : problem(404, complaint_code::provider, "The catalogue has no such provider.");
}

}  // namespace sallyport::control
