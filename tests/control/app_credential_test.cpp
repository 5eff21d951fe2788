#include "control/app_credential.hpp"

#include <gmock/gmock.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "control/credential.hpp"
#include "oauth/client.hpp"
#include "tests/identity/keys.hpp"

namespace sallyport::control {
namespace {

namespace json = boost::json;

constexpr unix_micros now = 1'770'000'000'000'000;

struct reading {
    credential_input input;
    complaints wrong;

    std::string field(std::string_view name) const
    {
        return std::string(oauth::find_field(input.fields, name));
    }
};

reading read(const json::object& given)
{
    reading out;
    out.input = read_credential(given, "oauth2", now, out.wrong);
    return out;
}

std::string quoted(const std::string& text) { return json::serialize(json::value(text)); }

TEST(AppCredential, MayBeAServiceAccountsKeyFile)
{
    const std::string pem = identity::rsa_keys().private_key;
    const reading got = read({{"type", "service_account"},
                              {"project_id", "p"},
                              {"private_key_id", "1"},
                              {"private_key", pem},
                              {"client_email", "robot@p.iam.gserviceaccount.com"},
                              {"client_id", "103"},
                              {"token_uri", "https://evil.example/token"}});

    EXPECT_TRUE(got.wrong.empty());
    EXPECT_EQ(got.field("grant"), "jwt_bearer");
    EXPECT_EQ(got.field("client_email"), "robot@p.iam.gserviceaccount.com");
    EXPECT_EQ(got.field("client_id"), "");
    EXPECT_EQ(got.field("token_uri"), "");
    EXPECT_EQ(got.field("private_key").find('\n'), std::string::npos);
    EXPECT_EQ(got.input.expires_at, now);
}

TEST(AppCredential, MayBeAGitHubApps)
{
    const reading got = read({{"app_id", 12},
                              {"installation_id", "34"},
                              {"private_key", identity::rsa_keys().private_key}});
    EXPECT_TRUE(got.wrong.empty());
    EXPECT_EQ(got.field("grant"), "installation");
    EXPECT_EQ(got.field("app_id"), "12");
}

TEST(AppCredential, MayBeAClientsOwn)
{
    const reading got = read({{"client_id", "c"}, {"client_secret", "s"}});
    EXPECT_TRUE(got.wrong.empty());
    EXPECT_EQ(got.field("grant"), "client_credentials");
}

TEST(AppCredential, IsNoneWhereThereIsAToken)
{
    const reading got = read({{"access_token", "a"}, {"client_id", "c"}, {"client_secret", "s"}});
    EXPECT_TRUE(got.wrong.empty());
    EXPECT_EQ(got.field("grant"), "");
    EXPECT_EQ(got.input.expires_at, 0);
}

TEST(AppCredential, IsRefusedWithoutEchoingIt)
{
    const std::string pem = identity::rsa_keys().private_key;
    const std::string broken[] = {
        R"({"client_id":"c"})",
        R"({"client_id":"c","client_secret":""})",
        R"({"client_id":"c","client_secret":"s","grant":"jwt_bearer"})",
        R"({"client_email":"a@b"})",
        R"({"client_email":"a@b","private_key":"planted-key"})",
        R"({"client_email":"a@b","private_key":)" + quoted(identity::rsa_keys().public_key) + "}",
        R"({"app_id":-1,"installation_id":2,"private_key":)" + quoted(pem) + "}",
        R"({"installation_id":2,"private_key":)" + quoted(pem) + "}",
        R"({"app_id":1,"installation_id":"2/../3","private_key":)" + quoted(pem) + "}",
    };
    for (const std::string& body : broken) {
        const reading got = read(json::parse(body).as_object());
        EXPECT_TRUE(got.wrong.has(complaint_code::credential)) << body.substr(0, 60);
        for (const complaint& one : got.wrong.list()) {
            EXPECT_EQ(one.detail.find("planted-key"), std::string::npos);
            EXPECT_EQ(one.detail.find("BEGIN"), std::string::npos);
        }
    }
}

TEST(AppCredential, NeedsAProviderThatGivesItsGrant)
{
    policy::provider_facts facts;
    facts.id = "p";
    facts.base.host = "p.test";
    facts.oauth2.emplace().grants = {"authorization_code", "client_credentials"};
    const policy::provider provider(facts);
    const auto complaints_for = [&](std::string_view grant) {
        vault::credential fields;
        fields.push_back({"grant", vault::secret(grant)});
        complaints wrong;
        check_grant(provider, fields, wrong);
        return wrong.list().size();
    };
    EXPECT_EQ(complaints_for("client_credentials"), 0u);
    EXPECT_EQ(complaints_for("jwt_bearer"), 1u);
    EXPECT_EQ(complaints_for(""), 0u);
}

}  // namespace
}  // namespace sallyport::control
