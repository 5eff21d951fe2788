// A provider, its plan and a credential in the clear, for the tests of this folder.
#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "proxy/plan.hpp"
#include "vault/error.hpp"
#include "vault/resolver.hpp"

namespace sallyport::proxy {

using fields_in_clear = std::map<std::string, std::string>;

class fake_resolved final : public vault::resolved {
public:
    fake_resolved(vault::connection record, fields_in_clear fields)
        : record_(std::move(record)), fields_(std::move(fields))
    {
    }

    const vault::connection& record() const noexcept override { return record_; }
    result<void> open(std::string_view field, vault::secret& out) const override
    {
        const auto at = fields_.find(std::string(field));
        if (at == fields_.end()) {
            return error_code(vault::errc::not_found);
        }
        out = vault::secret(at->second);
        return {};
    }
    bool good(std::int64_t) const noexcept override { return true; }

private:
    vault::connection record_;
    fields_in_clear fields_;
};

using injections = std::vector<policy::injection>;
constexpr auto in_header = policy::injection::place::header;
constexpr auto in_query = policy::injection::place::query;
constexpr auto in_cookie = policy::injection::place::cookie;
constexpr auto in_path = policy::injection::place::path;

inline policy::provider_facts facts_injecting(injections inject)
{
    policy::provider_facts facts;
    facts.id = "example";
    facts.base = {"api.test", 443, {}};
    facts.hosts = {{"uploads.test", 443, {}}, {"odd.test", 8443, {}}};
    facts.credentials = {{"api_key", std::move(inject)}};
    return facts;
}

// Everything a call holds on to.
struct made_plan {
    explicit made_plan(policy::provider_facts facts, vault::connection record = {})
    {
        std::vector<std::unique_ptr<policy::provider>> providers;
        const std::string id = facts.id;
        record.provider = id;
        record.kind = record.kind.empty() ? facts.credentials.front().kind : record.kind;
        providers.push_back(std::make_unique<policy::provider>(std::move(facts)));
        std::string why;
        auto made =
            snapshot::make(std::make_shared<const policy::catalogue>(std::move(providers)), why);
        if (!made) {
            throw std::runtime_error(why);
        }
        catalogue = *made;
        provider = catalogue->find(id);
        connection = std::move(record);
        plan = make_connection_plan(catalogue, *provider, connection, pool);
    }

    net::pool pool;
    std::shared_ptr<const snapshot> catalogue;
    const provider_plan* provider = nullptr;
    vault::connection connection;
    std::shared_ptr<const connection_plan> plan;
};

}  // namespace sallyport::proxy
