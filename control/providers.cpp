// The catalogue as people choose from it: enabled providers, by category.
#include <algorithm>
#include <utility>

#include "control/provider_json.hpp"
#include "control/routes.hpp"

namespace sallyport::control {

namespace json = boost::json;
namespace asio = boost::asio;

asio::awaitable<answer> list_providers(request& call)
{
    const std::shared_ptr<const policy::catalogue> catalogue = call.gate.catalogue();
    std::vector<const policy::provider_facts*> found;
    for (const auto& provider : catalogue->all()) {
        if (provider->facts().enabled) {
            found.push_back(&provider->facts());
        }
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto* a, const auto* b) { return a->category < b->category; });
    json::array items;
    for (const policy::provider_facts* facts : found) {
        items.push_back(summary_of(*facts));
    }
    co_return list_of(std::move(items));
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
