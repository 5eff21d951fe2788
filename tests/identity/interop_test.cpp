// Tokens of another implementation, PyJWT, verify here, and ours verify there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "identity/run_token.hpp"
#include "identity/strict_json.hpp"
#include "tests/identity/keys.hpp"
#include "tests/temporary_directory.hpp"

namespace sallyport::identity {
namespace {

constexpr const char* python = "/usr/bin/python3";

class InteropTest : public testing::TestWithParam<algorithm> {
protected:
    void SetUp() override
    {
        switch (GetParam()) {
            case algorithm::hs256: private_key_ = public_key_ = hmac_key(); break;
            case algorithm::es256:
                private_key_ = ec_keys().private_key, public_key_ = ec_keys().public_key;
                break;
            case algorithm::rs256:
                private_key_ = rsa_keys().private_key, public_key_ = rsa_keys().public_key;
                break;
        }
    }

    std::string name_of_algorithm() const
    {
        constexpr const char* names[] = {"HS256", "ES256", "RS256"};
        return names[static_cast<int>(GetParam())];
    }

    // What the script prints; "failed" if it does not succeed.
    std::string pyjwt(const std::string& action, const std::string& key, const std::string& input)
    {
        std::ofstream(root_ / "key") << key;
        std::ofstream(root_ / "in") << input;
        const std::string script = SALLYPORT_SOURCE_DIR "/tests/identity/interop.py ";
        const std::string command = python + (" " + script) + action + ' ' + name_of_algorithm() +
                                    ' ' + (root_ / "key").string() + " <" +
                                    (root_ / "in").string() + " >" + (root_ / "out").string();
        if (std::system(command.c_str()) != 0) {
            return "failed";
        }
        std::ifstream out(root_ / "out");
        return {std::istreambuf_iterator<char>(out), {}};
    }

    settings trusting(const std::string& key) const
    {
        settings out;
        out.issuers.push_back({"sallyport", GetParam(), key, {}});
        return out;
    }

    temporary_directory directory_;
    const std::filesystem::path root_ = directory_.path();
    std::string private_key_, public_key_;
};

TEST_P(InteropTest, TheirTokensVerifyHere)
{
    const std::string token = pyjwt("mint", private_key_,
                                    R"({"iss": "sallyport", "aud": ["x", "sallyport"],
        "iat": 1763640000, "exp": 1763643600.5, "jti": "j1", "workspace": "acme", "app": "mailer",
        "run": "r1", "sub": "u_42", "connections": {"github": "conn_1"},
        "scopes": {"github": ["repo"]}, "access": "read"})");
    const auto verifier = token_verifier::make(trusting(public_key_));
    const auto claims = verifier->verify(token, 1'763'640'000'000'000);
    ASSERT_TRUE(claims) << claims.error().message() << ' ' << token;
    EXPECT_EQ(claims->id, "j1");
    EXPECT_EQ(claims->workspace, "acme");
    EXPECT_EQ(claims->user, "u_42");
    EXPECT_EQ(claims->expires_at, 1'763'643'600'500'000);
    EXPECT_EQ(claims->connections_by_provider.at(0).second, "conn_1");
    EXPECT_EQ(claims->scopes.at(0).second, std::vector<std::string>{"repo"});
}

TEST_P(InteropTest, OurTokensVerifyThere)
{
    run_claims claims;
    claims.workspace = "acme", claims.app = "mailer", claims.run = "r1", claims.user = "u_42";
    claims.issued_at = now_micros();
    claims.expires_at = claims.issued_at + 3'600'000'000;
    claims.connections = {"conn_1", "conn_2"};
    const std::string token = *token_minter::make(trusting(private_key_))->mint(claims);
    const auto read = parse_object(pyjwt("verify", public_key_, token));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->at("iss"), "sallyport");
    EXPECT_EQ(read->at("aud"), "sallyport");
    EXPECT_EQ(read->at("workspace"), "acme");
    EXPECT_EQ(read->at("sub"), "u_42");
    EXPECT_EQ(read->at("exp"), claims.expires_at / 1'000'000);
    EXPECT_EQ(read->at("connections").as_array().size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Algorithms, InteropTest,
                         testing::Values(algorithm::hs256, algorithm::es256, algorithm::rs256));

}  // namespace
}  // namespace sallyport::identity
