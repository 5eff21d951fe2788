// The shipped catalogue, connections made for it, and requests taken apart by another hand
// (Boost.URL, Boost.JSON) than the one that put them together.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <boost/url.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/catalogue.hpp"
#include "net/http_client.hpp"
#include "oauth/client.hpp"
#include "policy/provider.hpp"
#include "vault/connection.hpp"

namespace sallyport::oauth {

constexpr unix_micros noon = 1'770'000'000'000'000;

inline const policy::catalogue& shipped()
{
    static const config::loaded_catalogue loaded =
        config::load_catalogue({SALLYPORT_SOURCE_DIR "/config/catalogue"});
    EXPECT_TRUE(loaded.problems.empty());
    return *loaded.catalogue;
}

inline const policy::provider_facts& facts_of(std::string_view provider)
{
    return shipped().find(provider)->facts();
}

inline vault::connection connection_at(const policy::provider_facts& provider)
{
    vault::connection record;
    record.id = "conn_01J00000000000000000000000";
    record.workspace = "acme";
    record.provider = provider.id;
    record.kind = "oauth2";
    for (const policy::variable& one : provider.variables) {
        if (one.default_value.empty() && !one.example.empty()) {
            record.variables[one.name] = one.example;
        }
    }
    return record;
}

inline vault::connection connection_at(std::string_view provider)
{
    return connection_at(facts_of(provider));
}

inline client make_client(const policy::provider_facts& provider)
{
    client configured;
    configured.id = "client-1";
    configured.secret = vault::secret("client secret/1");
    return std::move(*choose_client(provider, connection_at(provider), &configured, {}));
}

inline vault::credential credential_of(
    std::initializer_list<std::pair<std::string_view, std::string_view>> fields)
{
    vault::credential out;
    for (const auto& [name, value] : fields) {
        out.push_back({std::string(name), vault::secret(value)});
    }
    return out;
}

using texts = std::map<std::string, std::string>;

inline texts query_of(std::string_view url)
{
    texts out;
    // What stands behind a fragment's question mark is what a browser's script reads.
    const std::size_t mark = url.find('?');
    if (mark == url.npos) {
        return out;
    }
    const std::string query = "/?" + std::string(url.substr(mark + 1));
    const boost::urls::url_view view(query);
    for (const auto& parameter : view.params()) {
        EXPECT_FALSE(out.contains(std::string(parameter.key))) << parameter.key;
        out[std::string(parameter.key)] = std::string(parameter.value);
    }
    return out;
}

inline texts body_of(const net::http_request& request)
{
    for (const auto& [name, value] : request.headers) {
        if (name != "Content-Type") {
            continue;
        }
        if (std::string_view(value) == "application/x-www-form-urlencoded") {
            return query_of("?" + std::string(request.body));
        }
        EXPECT_EQ(std::string_view(value), "application/json");
        texts out;
        const auto body = boost::json::parse(std::string_view(request.body));
        for (const auto& member : body.as_object()) {
            out[std::string(member.key())] = std::string(member.value().as_string());
        }
        return out;
    }
    return {};
}

inline std::string header_of(const net::http_request& request, std::string_view name)
{
    for (const auto& [have, value] : request.headers) {
        if (have == name) {
            return std::string(value);
        }
    }
    return {};
}

inline net::http_answer json_answer(std::string_view body, unsigned status = 200)
{
    net::http_answer answer;
    answer.status = status;
    answer.headers.emplace_back("Content-Type", "application/json; charset=utf-8");
    answer.body = body;
    return answer;
}

}  // namespace sallyport::oauth
