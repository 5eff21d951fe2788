// The provider files that ship, against what is known of each provider (provider_facts.tsv), and
// the keys that became facts.
#include "policy/explain.hpp"
#include "tests/config/shipped.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

namespace sallyport::config {
namespace {

using policy::oauth2_facts;
using texts = std::vector<std::string>;

texts split(const std::string& text, char separator)
{
    texts parts;
    std::istringstream in(text == "-" ? "" : text);
    for (std::string part; std::getline(in, part, separator);) {
        parts.push_back(part);
    }
    return parts;
}

// Rows of provider_facts.tsv: id, category, kinds, hosts, variables, scopes.
std::vector<texts> known_providers()
{
    std::ifstream in(std::string(SALLYPORT_SOURCE_DIR) + "/tests/config/provider_facts.tsv");
    std::vector<texts> rows;
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with('#')) {
            rows.push_back(split(line, '\t'));
        }
    }
    return rows;
}

template <class Items, class Name>
void expect_all(const texts& wanted, const Items& items, Name name, const std::string& where)
{
    std::set<std::string> found;
    for (const auto& item : items) {
        found.insert(name(item));
    }
    for (const std::string& one : wanted) {
        EXPECT_TRUE(found.contains(one)) << where << " lacks " << one;
    }
}

TEST(ProviderFiles, HoldWhatIsKnownOfEachProvider)
{
    const std::vector<texts> known = known_providers();
    ASSERT_EQ(known.size(), 49u);
    for (const texts& row : known) {
        const policy::provider* provider = shipped().catalogue->find(row[0]);
        ASSERT_NE(provider, nullptr) << row[0];
        const policy::provider_facts& facts = provider->facts();
        EXPECT_EQ(facts.category, row[1]);
        expect_all(
            split(row[2], ','), facts.credentials, [](const auto& kind) { return kind.kind; },
            row[0]);
        std::vector<policy::upstream_host> hosts = facts.hosts;
        hosts.push_back(facts.base);
        expect_all(
            split(row[3], ','), hosts, [](const auto& host) { return host.host; }, row[0]);
        expect_all(
            split(row[4], ','), facts.variables, [](const auto& one) { return one.name; }, row[0]);
        expect_all(
            split(row[5], ','), facts.scopes, [](const auto& scope) { return scope.id; }, row[0]);
    }
    EXPECT_EQ(shipped().catalogue->all().size(), known.size());
}

TEST(ProviderFiles, SayHowEachOAuthFlowGoes)
{
    std::size_t flows = 0;
    for (const auto& provider : shipped().catalogue->all()) {
        const policy::provider_facts& facts = provider->facts();
        const bool has_kind = provider->kind("oauth2") != nullptr;
        EXPECT_EQ(facts.oauth2.has_value(), has_kind) << facts.id;
        if (!facts.oauth2) {
            continue;
        }
        ++flows;
        EXPECT_FALSE(facts.oauth2->token_url.empty()) << facts.id;
        EXPECT_FALSE(facts.oauth2->client_auths.empty()) << facts.id;
        EXPECT_TRUE(!facts.oauth2->authorize_url.empty() || !facts.oauth2->grants.empty())
            << facts.id;
    }
    EXPECT_EQ(flows, 39u);
    const auto flow = [](const char* id) -> const oauth2_facts& {
        return *shipped().catalogue->find(id)->facts().oauth2;
    };
    EXPECT_EQ(flow("twitter").pkce, oauth2_facts::pkce_support::required);
    EXPECT_EQ(flow("slack").scope_separator, ",");
    EXPECT_EQ(flow("tiktok").param_names, (policy::named_texts{{"client_id", "client_key"}}));
    EXPECT_EQ(flow("notion").token_body, oauth2_facts::body_format::json);
    EXPECT_EQ(flow("github").revoke.method, "DELETE");
    EXPECT_EQ(flow("salesforce").response_vars.front(), "instance_url");
    EXPECT_EQ(flow("instagram").refresh_request.method, "GET");
    EXPECT_EQ(flow("salesforce").refresh.rotation, oauth2_facts::rotation::by_client);
    EXPECT_EQ(flow("gitlab").refresh.access_ttl, std::chrono::seconds(7200));
}

std::string host_and_path(const policy::provider_facts& facts, std::string& path)
{
    const std::string& request = facts.about.test.request;
    std::string url = request.substr(request.find(' ') + 1);
    url.erase(0, url.starts_with("https://") ? 8 : 0);
    const std::size_t slash = url.find('/');
    path = url.substr(slash, url.find('?') - slash);
    for (const policy::variable& variable : facts.variables) {
        const std::string name = "{" + variable.name + "}";
        const std::size_t at = path.find(name);
        if (at != std::string::npos) {
            path.replace(at, name.size(), "v1");
        }
    }
    return url.substr(0, slash);
}

TEST(ProviderFiles, AllowTheirOwnTestCall)
{
    std::size_t tested = 0;
    for (const auto& provider : shipped().catalogue->all()) {
        const policy::provider_facts& facts = provider->facts();
        const std::string& request = facts.about.test.request;
        // Crustdata documents none that is free; Shopify's goes through the tunnel of GraphQL.
        if (request.empty() || facts.id == "shopify") {
            continue;
        }
        ++tested;
        std::string path;
        const std::string host = host_and_path(facts, path);
        texts scopes = {"*"};
        if (!facts.about.test.scopes_any.empty()) {
            scopes = split(facts.about.test.scopes_any.front(), '+');
        }
        const auto explained =
            policy::explain(*provider, host, request.substr(0, request.find(' ')), path, scopes, "",
                            "", policy::operation_class::write);
        // What is asked in GraphQL the body tells; the rule is there all the same.
        EXPECT_TRUE(explained.allowed || !facts.about.test.body.empty())
            << facts.id << ' ' << request;
    }
    EXPECT_EQ(tested, 47u);
}

TEST(ProviderFiles, ReadCoarselyWhereNoCallsAreKnown)
{
    const auto allowed = [](const char* id, const char* method, const char* path, texts scopes,
                            const char* host = "") {
        return policy::explain(*shipped().catalogue->find(id), host, method, path, scopes, "", "",
                               policy::operation_class::write)
            .allowed;
    };
    EXPECT_TRUE(allowed("gitlab", "GET", "/api/v4/projects", {"read_api"}));
    EXPECT_FALSE(allowed("gitlab", "POST", "/api/v4/projects", {"read_api"}));
    EXPECT_TRUE(allowed("gitlab", "POST", "/api/v4/projects", {"api"}));
    EXPECT_FALSE(allowed("gitlab", "POST", "/api/graphql", {"api"}));
    EXPECT_TRUE(allowed("zendesk", "GET", "/api/v2/tickets/1.json", {"tickets:read"}));
    EXPECT_FALSE(allowed("zendesk", "GET", "/api/v2/users/1.json", {"tickets:read"}));
    EXPECT_TRUE(allowed("airtable", "POST", "/v0/app1/tbl1/listRecords", {"data.records:read"}));
    EXPECT_FALSE(allowed("airtable", "POST", "/v0/app1/tbl1", {"data.records:read"}));
    EXPECT_TRUE(allowed("intercom", "POST", "/contacts/search", {}, "api.eu.intercom.io"));
    EXPECT_FALSE(allowed("salesforce", "POST", "/services/data/v64.0/composite", {"api"}));
    EXPECT_TRUE(allowed("salesforce", "POST", "/services/data/v64.0/sobjects/Lead", {"api"}));
    EXPECT_FALSE(allowed("telegram", "GET", "/setWebhook", {"*"}));
    EXPECT_TRUE(allowed("telegram", "POST", "/sendMessage", {"*"}));
    EXPECT_TRUE(allowed("gmail", "GET", "/gmail/v1/users/me/profile",
                        {"https://www.googleapis.com/auth/gmail.readonly"}, "www.googleapis.com"));
}

TEST(ProviderFiles, WidenScopesByPattern)
{
    const auto& graph = shipped().catalogue->find("outlook")->facts().scope_implies;
    const auto implied = [&](const char* scope) {
        const auto found = graph.find(scope);
        return found == graph.end() ? texts{} : found->second;
    };
    const auto has = [](const texts& list, const char* scope) {
        return std::find(list.begin(), list.end(), scope) != list.end();
    };
    EXPECT_TRUE(has(implied("Mail.ReadWrite"), "Mail.Read"));
    EXPECT_TRUE(has(implied("Mail.Read"), "Mail.ReadBasic"));
    EXPECT_TRUE(has(implied("Files.Read.All"), "Files.Read"));
    EXPECT_TRUE(implied("Mail.Send").empty());
    EXPECT_EQ(graph.count("*.ReadWrite"), 0u);
}

}  // namespace
}  // namespace sallyport::config
