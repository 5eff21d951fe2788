#include "oauth/assertion.hpp"

#include <gmock/gmock.h>

#include "base/encoding.hpp"
#include "identity/signature.hpp"
#include "oauth/app_grants.hpp"
#include "oauth/error.hpp"
#include "oauth/token_answer.hpp"
#include "oauth/token_request.hpp"
#include "tests/identity/keys.hpp"
#include "tests/oauth/shipped.hpp"

namespace sallyport::oauth {
namespace {

namespace json = boost::json;
using identity::algorithm;

constexpr std::int64_t noon_seconds = noon / 1'000'000;

struct token_parts {
    json::object header, claims;
    std::string signed_part, signature;
};

token_parts take_apart(std::string_view token)
{
    const std::size_t first = token.find('.');
    const std::size_t second = token.rfind('.');
    token_parts out;
    out.header = json::parse(*from_base64url(token.substr(0, first))).as_object();
    out.claims =
        json::parse(*from_base64url(token.substr(first + 1, second - first - 1))).as_object();
    out.signed_part = token.substr(0, second);
    out.signature = *from_base64url(token.substr(second + 1));
    return out;
}

void expect_signed(const token_parts& token, algorithm alg, const std::string& public_key)
{
    EXPECT_EQ(token.header.at("alg").as_string(), identity::to_string(alg));
    const auto key = identity::signing_key::make(alg, public_key);
    ASSERT_TRUE(key);
    EXPECT_TRUE(key->verify(token.signed_part, token.signature));
}

std::string on_one_line(std::string pem)
{
    for (std::size_t at = pem.find('\n'); at != pem.npos; at = pem.find('\n')) {
        pem.replace(at, 1, "\\n");
    }
    return pem;
}

TEST(Assertion, ProvesAClientAtATokenEndpoint)
{
    const identity::pem_pair pair = identity::make_rsa(2048);
    client as;
    as.id = "client-1";
    as.private_key = vault::secret(on_one_line(pair.private_key));

    const auto token = client_assertion(as, "https://login.example/token", noon);
    const auto again = client_assertion(as, "https://login.example/token", noon);

    ASSERT_TRUE(token);
    const token_parts parts = take_apart(*token);
    expect_signed(parts, algorithm::rs256, pair.public_key);
    EXPECT_EQ(parts.claims.at("iss").as_string(), "client-1");
    EXPECT_EQ(parts.claims.at("sub").as_string(), "client-1");
    EXPECT_EQ(parts.claims.at("aud").as_string(), "https://login.example/token");
    EXPECT_EQ(parts.claims.at("exp").as_int64(), noon_seconds + assertion_lifetime.count());
    EXPECT_NE(parts.claims.at("jti"), take_apart(*again).claims.at("jti"));
}

TEST(Assertion, IsUsedWhereTheClientHasAKeyAndNoSecret)
{
    const identity::pem_pair pair = identity::make_ec("P-256");
    const policy::provider_facts& outlook = facts_of("outlook");
    client configured;
    configured.id = "client-1";
    configured.private_key = vault::secret(pair.private_key);
    const auto as = choose_client(outlook, connection_at(outlook), &configured, {});
    ASSERT_TRUE(as);

    const auto request =
        code_request(outlook, connection_at("outlook"), *as, {"code", {}, "https://g/"}, noon);

    ASSERT_TRUE(request);
    const texts body = body_of(*request);
    EXPECT_FALSE(body.contains("client_secret"));
    EXPECT_EQ(body.at("client_assertion_type"),
              "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    const token_parts parts = take_apart(body.at("client_assertion"));
    expect_signed(parts, algorithm::es256, pair.public_key);
    EXPECT_EQ(parts.claims.at("aud").as_string(),
              "https://login.microsoftonline.com/common/oauth2/v2.0/token");
}

TEST(Assertion, BuysAServiceAccountsToken)
{
    const identity::pem_pair pair = identity::make_rsa(2048);
    vault::connection record = connection_at("google_drive");
    record.scopes_granted = {"https://www.googleapis.com/auth/drive.readonly"};
    const std::string key = on_one_line(pair.private_key);
    const vault::credential fields = credential_of({{"client_email", "robot@p.iam.example"},
                                                    {"private_key", key},
                                                    {"subject", "ann@example.com"},
                                                    {"grant", "jwt_bearer"}});

    const auto request = jwt_bearer_request(facts_of("google_drive"), record, fields, noon);

    ASSERT_TRUE(request) << request.error().message();
    EXPECT_EQ(std::string_view(request->url), "https://oauth2.googleapis.com/token");
    const texts body = body_of(*request);
    EXPECT_EQ(body.at("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    EXPECT_FALSE(body.contains("client_id"));
    const token_parts parts = take_apart(body.at("assertion"));
    expect_signed(parts, algorithm::rs256, pair.public_key);
    EXPECT_EQ(parts.claims.at("iss").as_string(), "robot@p.iam.example");
    EXPECT_EQ(parts.claims.at("sub").as_string(), "ann@example.com");
    EXPECT_EQ(parts.claims.at("scope").as_string(), record.scopes_granted.front());
    EXPECT_EQ(parts.claims.at("aud").as_string(), "https://oauth2.googleapis.com/token");
    EXPECT_EQ(parts.claims.at("exp").as_int64() - parts.claims.at("iat").as_int64(), 3600);
    EXPECT_EQ(jwt_bearer_request(facts_of("slack"), connection_at("slack"), fields, noon).error(),
              errc::not_offered);
}

TEST(Assertion, BuysAnInstallationsToken)
{
    const identity::pem_pair pair = identity::make_rsa(2048);
    const std::string key = on_one_line(pair.private_key);
    const vault::credential fields =
        credential_of({{"app_id", "12"}, {"installation_id", "34"}, {"private_key", key}});

    const auto request =
        installation_request(facts_of("github"), connection_at("github"), fields, noon);

    ASSERT_TRUE(request) << request.error().message();
    EXPECT_EQ(std::string_view(request->url),
              "https://api.github.com/app/installations/34/access_tokens");
    const std::string proof = header_of(*request, "Authorization");
    ASSERT_TRUE(proof.starts_with("Bearer "));
    const token_parts parts = take_apart(proof.substr(7));
    expect_signed(parts, algorithm::rs256, pair.public_key);
    EXPECT_EQ(parts.claims.at("iss").as_string(), "12");
    EXPECT_LE(parts.claims.at("exp").as_int64() - parts.claims.at("iat").as_int64(), 600);

    const auto got = read_installation_answer(facts_of("github"), connection_at("github"),
                                              json_answer(R"({"token":"ghs_1",
                    "expires_at":"2026-02-02T03:40:00Z",
                    "permissions":{"contents":"read","issues":"write"}})",
                                                          201),
                                              noon);
    ASSERT_EQ(got.verdict, vault::refresh_verdict::fresh) << got.reason;
    EXPECT_EQ(find_field(got.tokens.fields, "access_token"), "ghs_1");
    EXPECT_EQ(got.tokens.expires_at, noon + 3600LL * 1'000'000);
    EXPECT_THAT(*got.tokens.scopes, ::testing::ElementsAre("contents:read", "issues:write"));
}

TEST(Assertion, OfAnAppThatIsNotInstalledHasNoGrant)
{
    const auto told = [](unsigned status) {
        return read_installation_answer(facts_of("github"), connection_at("github"),
                                        json_answer(R"({"message":"Not Found"})", status), noon)
            .verdict;
    };
    EXPECT_EQ(told(404), vault::refresh_verdict::rejected);
    EXPECT_EQ(told(401), vault::refresh_verdict::unavailable);
    EXPECT_EQ(told(502), vault::refresh_verdict::unavailable);
}

TEST(Assertion, IsNotMadeWithoutAKeyThatSigns)
{
    client as;
    as.id = "client-1";
    as.private_key = vault::secret("no key");
    EXPECT_EQ(client_assertion(as, "https://a.example/", noon).error(), errc::bad_key);
    as.private_key = vault::secret(identity::make_ec("P-256").public_key);
    EXPECT_EQ(client_assertion(as, "https://a.example/", noon).error(), errc::bad_key);
    EXPECT_EQ(app_assertion(credential_of({{"private_key", "x"}}), noon).error(), errc::unsendable);
    EXPECT_EQ(
        grant_assertion(credential_of({{"private_key", "x"}}), "", "https://a/", noon).error(),
        errc::unsendable);
}

}  // namespace
}  // namespace sallyport::oauth
