#include "config/catalogue_file.hpp"
#include "tests/config/block_problems.hpp"

#include <gtest/gtest.h>

namespace sallyport::config {
namespace {

std::string problems_of(std::string_view text, policy::provider_facts& facts)
{
    return block_problems(read_oauth2, text, facts);
}

TEST(OAuth2Block, BecomesFacts)
{
    policy::provider_facts facts;
    facts.variables.emplace_back().name = "tenant";
    EXPECT_EQ(problems_of(R"(oauth2:
  authorize_url: https://login.test/{tenant}/authorize
  token_url: https://login.test/{tenant}/token
  introspect: {url: "https://login.test/introspect", auth: basic}
  refresh_url: GET https://login.test/refresh
  issuer: https://login.test
  grants: [authorization_code, jwt_bearer]
  installation_url: https://login.test/app/{installation_id}
  revoke: {style: rfc7009-like, url: "https://login.test/revoke?c={client_id}"}
  client_auth: [private_key_jwt, basic]
  client_hosts: [".login.test"]
  token_body: json
  authorize_params: {prompt: consent, access_type: offline}
  refresh: {rotation: rotates, access_ttl_s: 60}
)",
                          facts),
              "");
    ASSERT_TRUE(facts.oauth2);
    EXPECT_EQ(facts.oauth2->introspect.method, "POST");
    EXPECT_EQ(facts.oauth2->refresh_request.method, "GET");
    EXPECT_EQ(facts.oauth2->client_auths.front(),
              policy::oauth2_facts::client_auth::private_key_jwt);
    EXPECT_EQ(facts.oauth2->client_hosts.front(), ".login.test");
    EXPECT_EQ(facts.oauth2->issuer, "https://login.test");
    EXPECT_EQ(facts.oauth2->grants.back(), "jwt_bearer");
    EXPECT_EQ(facts.oauth2->authorize_params.front().first, "prompt");
    EXPECT_EQ(facts.oauth2->refresh.access_ttl, std::chrono::minutes(1));
    EXPECT_EQ(facts.oauth2->pkce, policy::oauth2_facts::pkce_support::unknown);
}

TEST(OAuth2Block, SaysWhereItIsWrong)
{
    policy::provider_facts facts;
    EXPECT_EQ(problems_of(R"(oauth2:
  authorize_url: http://login.test/a
  token_url: https://{tenant}.test/token
  pkce: perhaps
  colour: red
  revoke: {style: proprietary, colour: red}
  refresh: {rotation: often}
  grants: [password]
)",
                          facts),
              "p.yaml:2:18: expected an https:// URL\n"
              "p.yaml:3:14: {tenant} is no variable of this provider\n"
              "p.yaml:8:12: expected one of authorization_code, refresh_token, client_credentials, "
              "jwt_bearer, device_code, installation\n"
              "p.yaml:4:9: expected one of supported, required, conditional, unsupported, unknown\n"
              "p.yaml:6:11: the key \"url\" is missing\n"
              "p.yaml:6:32: unknown key \"colour\"\n"
              "p.yaml:7:23: expected one of rotates, stable, optional, none, unknown\n"
              "p.yaml:5:3: unknown key \"colour\"\n");
}

}  // namespace
}  // namespace sallyport::config
