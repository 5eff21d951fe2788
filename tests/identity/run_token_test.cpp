#include "identity/run_token.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/identity/tokens.hpp"

namespace sallyport::identity {
namespace {

struct algorithm_case {
    algorithm alg;
    std::string key, public_key;
};

std::vector<algorithm_case> every_algorithm()
{
    return {{algorithm::hs256, hmac_key(), hmac_key()},
            {algorithm::es256, ec_keys().private_key, ec_keys().public_key},
            {algorithm::rs256, rsa_keys().private_key, rsa_keys().public_key}};
}

TEST(RunToken, CarriesEveryClaimThroughMintingAndVerifying)
{
    for (const algorithm_case& one : every_algorithm()) {
        run_claims claims = some_claims();
        claims.connections_by_provider = {{"github", "conn_1"}, {"gmail", "conn_2"}};
        claims.scopes = {{"github", {"repo", "user"}}, {"gmail", {}}};
        claims.access = "read";
        claims.certificate_sha256 = std::string(32, '\xfe');
        const auto token = token_minter::make(with(one.alg, one.key))->mint(claims);
        ASSERT_TRUE(token) << token.error().message();
        const auto read = token_verifier::make(with(one.alg, one.public_key))->verify(*token, now);
        ASSERT_TRUE(read) << read.error().message();
        EXPECT_EQ(read->issuer, "sallyport");
        EXPECT_EQ(read->id.size(), 26u);
        EXPECT_EQ(read->workspace, "acme");
        EXPECT_EQ(read->app, "mailer");
        EXPECT_EQ(read->run, "run-7");
        EXPECT_EQ(read->user, "u_42");
        EXPECT_EQ(read->issued_at, claims.issued_at);
        EXPECT_EQ(read->expires_at, claims.expires_at);
        EXPECT_EQ(read->connections_by_provider, claims.connections_by_provider);
        EXPECT_EQ(read->scopes, claims.scopes);
        EXPECT_EQ(read->access, "read");
        EXPECT_EQ(read->certificate_sha256, claims.certificate_sha256);
    }
}

TEST(RunToken, ReadsConnectionsGivenAsAnArrayAndAccessLeftOut)
{
    run_claims claims = some_claims();
    claims.connections = {"conn_1", "conn_2"};
    const auto token = token_minter::make(hs256())->mint(claims);
    const auto read = token_verifier::make(hs256())->verify(*token, now);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->connections, claims.connections);
    EXPECT_EQ(read->access, "write");
    EXPECT_TRUE(read->certificate_sha256.empty());
}

TEST(RunToken, NeverRepeatsAnId)
{
    const auto minter = token_minter::make(hs256());
    const auto verifier = token_verifier::make(hs256());
    EXPECT_NE(verifier->verify(*minter->mint(some_claims()), now)->id,
              verifier->verify(*minter->mint(some_claims()), now)->id);
}

TEST(RunToken, RefusesEveryChangedCharacter)
{
    for (const algorithm_case& one : every_algorithm()) {
        const auto verifier = token_verifier::make(with(one.alg, one.public_key));
        const std::string token = *token_minter::make(with(one.alg, one.key))->mint(some_claims());
        for (std::size_t i = 0; i < token.size(); i += one.alg == algorithm::hs256 ? 1 : 7) {
            std::string changed = token;
            changed[i] = changed[i] == 'A' ? 'B' : 'A';
            EXPECT_FALSE(verifier->verify(changed, now)) << i;
        }
    }
}

TEST(RunToken, RefusesAnotherAlgorithmThanTheIssuersWhateverTheSignature)
{
    const auto verifier = token_verifier::make(with(algorithm::rs256, rsa_keys().public_key));
    const auto confused = signing_key::make(algorithm::hs256, rsa_keys().public_key);
    const std::string token = signed_by(*confused, plain_header, payload_with(""));
    EXPECT_EQ(verifier->verify(token, now).error(), errc::wrong_algorithm);
    for (const char* alg : {"none", "None", "", "hs256", "HS384", "ES256", "EdDSA"}) {
        const std::string header = std::string(R"({"alg":")") + alg + R"("})";
        EXPECT_EQ(verdict(hs256_token(header, payload_with(""))), errc::wrong_algorithm) << alg;
        const std::string bare = to_base64url(header) + '.' + to_base64url(payload_with("")) + '.';
        EXPECT_EQ(verdict(bare), errc::wrong_algorithm) << alg;
    }
}

TEST(RunToken, RefusesASignatureStrippedShortenedOrOfAnotherKey)
{
    const std::string token = hs256_token(plain_header, payload_with(""));
    EXPECT_FALSE(verdict(token));
    const std::string unsigned_part = token.substr(0, token.rfind('.') + 1);
    EXPECT_EQ(verdict(unsigned_part), errc::bad_signature);
    EXPECT_EQ(verdict(unsigned_part + to_base64url(std::string(31, 'x'))), errc::bad_signature);
    const auto other = signing_key::make(algorithm::hs256, std::string(32, 'k'));
    EXPECT_EQ(verdict(signed_by(*other, plain_header, payload_with(""))), errc::bad_signature);

    const auto ec = token_verifier::make(with(algorithm::es256, ec_keys().public_key));
    const std::string head =
        to_base64url(R"({"alg":"ES256"})") + '.' + to_base64url(payload_with("")) + '.';
    for (const std::size_t size : {0u, 63u, 64u, 65u, 70u}) {
        const std::string zeros = to_base64url(std::string(size, '\0'));
        EXPECT_EQ(ec->verify(head + zeros, now).error(), errc::bad_signature) << size;
    }
}

TEST(RunToken, RefusesWhatIsNotExactlyThreeStrictParts)
{
    const std::string token = hs256_token(plain_header, payload_with(""));
    const std::size_t first = token.find('.');
    const std::string header_padded = token.substr(0, first) + "=" + token.substr(first);
    const std::vector<std::string> all = {"",
                                          ".",
                                          "..",
                                          "a.b",
                                          token + ".",
                                          token + "=",
                                          token + " ",
                                          " " + token,
                                          token + "\n",
                                          token + ".AAAA",
                                          header_padded,
                                          token.substr(0, first),
                                          "Bearer " + token,
                                          std::string(token_bytes_max + 1, 'A'),
                                          std::string(token_bytes_max, '.')};
    for (const std::string& one : all) {
        EXPECT_EQ(verdict(one), errc::malformed) << one.substr(0, 40);
    }
}

TEST(RunToken, RefusesHeadersThatAskForMoreThanAnAlgorithm)
{
    for (const char* more :
         {R"("crit":["exp"])", R"("jku":"https://x")", R"("x5u":"https://x")", R"("jwk":{})",
          R"("x5c":[])", R"("b64":false)", R"("zip":"DEF")", R"("cty":"JWT")", R"("typ":"at+jwt")",
          R"("typ":1)", R"("kid":1)", R"("alg":"HS256")", R"("\u0061lg":"HS256")"}) {
        const std::string header = std::string(R"({"alg":"HS256",)") + more + "}";
        EXPECT_EQ(verdict(hs256_token(header, payload_with(""))), errc::malformed) << more;
    }
    for (const char* header : {"{}", "[]", "\"x\"", "", "{", R"({"alg":1})", R"({"typ":"JWT"})",
                               R"({"alg":"HS256"}x)"}) {
        EXPECT_EQ(verdict(hs256_token(header, payload_with(""))), errc::malformed) << header;
    }
    for (const char* header : {R"({"alg":"HS256"})", R"({"alg":"HS256","typ":"jwt"})",
                               R"( {"kid":"k1","alg":"HS256"} )"}) {
        EXPECT_FALSE(verdict(hs256_token(header, payload_with("")))) << header;
    }
}

TEST(RunToken, BelievesAnIssuerOnlyForItsWorkspaces)
{
    settings two = hs256();
    two.issuers.push_back({"partner", algorithm::es256, ec_keys().private_key, {"acme"}});
    two.issuers.push_back({"nobody", algorithm::es256, ec_keys().private_key, {}});
    const auto verifier = token_verifier::make(two);
    const auto minted_by = [&](std::size_t index, const char* workspace) {
        settings alone;
        alone.issuers.push_back(two.issuers[index]);
        alone.issuers[0].workspaces.clear();
        run_claims claims = some_claims();
        claims.workspace = workspace;
        return *token_minter::make(alone)->mint(claims);
    };
    EXPECT_TRUE(verifier->verify(minted_by(0, "other"), now));
    EXPECT_TRUE(verifier->verify(minted_by(1, "acme"), now));
    EXPECT_EQ(verifier->verify(minted_by(1, "other"), now).error(), errc::wrong_issuer);
    EXPECT_EQ(verifier->verify(minted_by(2, "acme"), now).error(), errc::wrong_issuer);
    std::string stranger = payload_with("");
    stranger.replace(stranger.find("sallyport"), 9, "stranger!");
    EXPECT_EQ(verdict_on_claims(stranger), errc::wrong_issuer);
    EXPECT_EQ(verdict_on_claims(R"({"aud":"sallyport"})"), errc::wrong_issuer);
}

TEST(RunToken, IsNotMintedUnlessItWouldVerify)
{
    const auto minter = token_minter::make(hs256());
    run_claims claims = some_claims();
    claims.expires_at = now + 25 * 3600 * second;
    EXPECT_EQ(minter->mint(claims).error(), errc::lives_too_long);
    for (const auto& spoil : std::vector<void (*)(run_claims&)>{
             [](run_claims& c) { c.workspace = "a b"; }, [](run_claims& c) { c.run.clear(); },
             [](run_claims& c) { c.access = "root"; }, [](run_claims& c) { c.issued_at = 0; },
             [](run_claims& c) { c.expires_at = c.issued_at; },
             [](run_claims& c) { c.certificate_sha256 = "short"; },
             [](run_claims& c) {
                 c.connections_by_provider = {{"g", "1"}, {"g", "2"}};
             },
             [](run_claims& c) {
                 c.connections = {"c1"};
                 c.connections_by_provider = {{"github", "c2"}};
             },
             [](run_claims& c) {
                 c.scopes = {{"g", std::vector<std::string>(100, std::string(500, 's'))}};
             }}) {
        run_claims spoilt = some_claims();
        spoil(spoilt);
        EXPECT_EQ(minter->mint(spoilt).error(), errc::malformed);
    }
}

TEST(RunToken, KeysThatCannotBeTrustedAreRefusedAtOnce)
{
    const pem_pair weak = make_rsa(1024);
    const pem_pair other_curve = make_ec("P-384");
    const std::vector<std::pair<algorithm, std::string>> all = {
        {algorithm::hs256, std::string(31, 'k')},
        {algorithm::hs256, ""},
        {algorithm::es256, ""},
        {algorithm::es256, "-----BEGIN PUBLIC KEY-----\nxx\n"},
        {algorithm::es256, other_curve.private_key},
        {algorithm::es256, rsa_keys().public_key},
        {algorithm::rs256, ec_keys().public_key},
        {algorithm::rs256, weak.private_key},
        {algorithm::rs256, weak.public_key},
        {algorithm::rs256, std::string(key_bytes_max + 1, 'x')}};
    for (const auto& [alg, key] : all) {
        EXPECT_EQ(token_verifier::make(with(alg, key)).error(), errc::bad_key);
        EXPECT_EQ(token_minter::make(with(alg, key)).error(), errc::bad_key);
    }
    const settings verifies_only = with(algorithm::es256, ec_keys().public_key);
    EXPECT_TRUE(token_verifier::make(verifies_only));
    EXPECT_EQ(token_minter::make(verifies_only).error(), errc::bad_key);
    EXPECT_EQ(token_minter::make({}).error(), errc::bad_key);
}

TEST(RunToken, VerifiesOnSeveralThreadsAtOnce)
{
    const auto verifier = token_verifier::make(with(algorithm::es256, ec_keys().private_key));
    const std::string token =
        *token_minter::make(with(algorithm::es256, ec_keys().private_key))->mint(some_claims());
    std::atomic<int> good = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int k = 0; k < 25; ++k) {
                good += verifier->verify(token, now) ? 1 : 0;
            }
        });
    }
    for (std::thread& one : threads) {
        one.join();
    }
    EXPECT_EQ(good, 100);
}

TEST(RunToken, ErrorsSayWhatIsWrongAndNothingElse)
{
    for (int value = 1; value <= static_cast<int>(errc::bad_key); ++value) {
        EXPECT_NE(category().message(value), "unknown error");
    }
    EXPECT_EQ(category().message(99), "unknown error");
    EXPECT_STREQ(category().name(), "sallyport.identity");
}

}  // namespace
}  // namespace sallyport::identity
