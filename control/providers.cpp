// The catalogue as people choose from it: enabled providers, by category.
#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "control/requirements.hpp"
#include "control/routes.hpp"

namespace sallyport::control {

namespace json = boost::json;
namespace asio = boost::asio;

namespace {

std::string authority_of(const policy::upstream_host& host)
{
    constexpr std::uint16_t https = 443;
    return host.port == https ? host.host : host.host + ":" + std::to_string(host.port);
}

json::object summary_of(const policy::provider_facts& facts)
{
    json::array credentials;  // what kinds there are, preferred first
    for (const policy::credential_kind& kind : facts.credentials) {
        json::object one;
        one["kind"] = kind.kind;
        credentials.push_back(std::move(one));
    }
    json::object out;
    out["id"] = facts.id;
    out["name"] = facts.name;
    out["category"] = facts.category;
    out["category_id"] = category_id(facts.category);
    out["credentials"] = std::move(credentials);
    return out;
}

json::object description_of(const policy::provider_facts& facts)
{
    json::array hosts{authority_of(facts.base)};
    for (const policy::upstream_host& host : facts.hosts) {
        hosts.emplace_back(authority_of(host));
    }
    json::array variables;
    for (const policy::variable& variable : facts.variables) {
        json::object one;
        one["name"] = variable.name;
        one["where"] = variable.where;
        one["is_required"] = variable.default_value.empty();
        one["default"] = variable.default_value;
        one["pattern"] = variable.pattern;
        one["description"] = variable.description;
        variables.push_back(std::move(one));
    }
    json::array scopes;
    for (const policy::scope_description& scope : facts.scopes) {
        json::object one;
        one["id"] = scope.id;
        one["class"] = scope.class_name;
        one["description"] = scope.description;
        scopes.push_back(std::move(one));
    }
    json::object out = summary_of(facts);
    out["hosts"] = std::move(hosts);
    out["variables"] = std::move(variables);
    out["scopes"] = std::move(scopes);
    out["documentation"] = facts.about.notes;
    return out;
}

}  // namespace

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
