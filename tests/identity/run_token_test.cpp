#include "identity/run_token.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "base/encoding.hpp"
#include "identity/signature.hpp"
#include "tests/identity/keys.hpp"

namespace sallyport::identity {
namespace {

constexpr unix_micros second = 1'000'000;
constexpr unix_micros now = 1'763'640'000 * second;
constexpr std::string_view plain_header = R"({"alg":"HS256","typ":"JWT"})";

settings with(algorithm alg, std::string key)
{
    settings out;
    out.issuers.push_back({"sallyport", alg, std::move(key), {}});
    return out;
}

settings hs256() { return with(algorithm::hs256, hmac_key()); }

run_claims some_claims()
{
    run_claims claims;
    claims.workspace = "acme";
    claims.app = "mailer";
    claims.run = "run-7";
    claims.user = "u_42";
    claims.issued_at = now;
    claims.expires_at = now + 3600 * second;
    return claims;
}

std::string signed_by(const signing_key& key, std::string_view header, std::string_view payload)
{
    const std::string text = to_base64url(header) + '.' + to_base64url(payload);
    return text + '.' + to_base64url(*key.sign(text));
}

std::string hs256_token(std::string_view header, std::string_view payload)
{
    return signed_by(*signing_key::make(algorithm::hs256, hmac_key()), header, payload);
}

// The claims every token needs, followed by what a test adds to them.
std::string payload_with(std::string_view more)
{
    std::string out =
        R"({"iss":"sallyport","aud":"sallyport","workspace":"acme","app":"a","run":"r","sub":"u",)"
        R"("iat":1763640000,"exp":1763643600)";
    return out.append(more).append("}");
}

error_code verdict(const std::string& token, unix_micros at = now)
{
    const auto result = token_verifier::make(hs256())->verify(token, at);
    return result ? error_code() : result.error();
}

error_code verdict_on_claims(std::string_view payload)
{
    return verdict(hs256_token(plain_header, payload));
}

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
    const std::string head = to_base64url(R"({"alg":"ES256"})") + '.' +
                             to_base64url(payload_with("")) + '.';
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
    const std::vector<std::string> all = {
        "", ".", "..", "a.b", token + ".", token + "=", token + " ", " " + token, token + "\n",
        token + ".AAAA", header_padded, token.substr(0, first), "Bearer " + token,
        std::string(token_bytes_max + 1, 'A'), std::string(token_bytes_max, '.')};
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

TEST(RunToken, RefusesMembersNamedTwiceAtAnyDepth)
{
    for (const char* more :
         {R"(,"run":"other")", R"(,"r\u0075n":"other")", R"(,"x":{"a":1,"a":2})",
          R"(,"x":[{"a":{"b":1,"b":1}}])", R"(,"connections":{"github":"c1","github":"c2"})"}) {
        EXPECT_EQ(verdict_on_claims(payload_with(more)), errc::malformed) << more;
    }
    EXPECT_FALSE(verdict_on_claims(payload_with(R"(,"x":[{"a":1},{"a":2}],"y":{"a":1})")));
}

TEST(RunToken, RefusesClaimsOfTheWrongShape)
{
    const std::string long_name(129, 'a');
    for (const std::string& more : std::vector<std::string>{
             R"(,"jti":7)", R"(,"nbf":"soon")", R"(,"nbf":-1)", R"(,"nbf":1e300)",
             R"(,"connections":"conn_1")", R"(,"connections":null)", R"(,"connections":[1])",
             R"(,"connections":["a b"])", R"(,"connections":{"github":1})",
             R"(,"connections":{"git hub":"c"})", R"(,"scopes":[])", R"(,"scopes":{"g":"repo"})",
             R"(,"scopes":{"g":[1]})", R"(,"scopes":{"g":[""]})", R"(,"scopes":{"g":["a\u0000"]})",
             R"(,"access":"admin")", R"(,"access":1)", R"(,"access":"")", R"(,"cnf":{})",
             R"(,"cnf":{"jkt":"x"})", R"(,"cnf":{"x5t#S256":"short"})", R"(,"cnf":"x")",
             ",\"connections\":[\"" + long_name + "\"]",
             ",\"x\":" + std::string(40, '[') + std::string(40, ']')}) {
        EXPECT_EQ(verdict_on_claims(payload_with(more)), errc::malformed) << more;
    }
    EXPECT_EQ(verdict_on_claims("[]"), errc::malformed);
    EXPECT_EQ(verdict_on_claims(payload_with("") + "x"), errc::malformed);
}

TEST(RunToken, RefusesEachRequiredClaimMissingOrNoName)
{
    const std::string whole = payload_with("");
    for (const std::string member : {R"(,"workspace":"acme")", R"(,"app":"a")", R"(,"run":"r")",
                                     R"(,"sub":"u")", R"(,"exp":1763643600)"}) {
        std::string without = whole;
        without.erase(without.find(member), member.size());
        EXPECT_EQ(verdict_on_claims(without), errc::malformed) << member;
    }
    for (const std::string value : {R"("")", R"("a b")", R"("a/b")", "1", "null", R"("\u00e9")"}) {
        std::string changed = whole;
        changed.replace(changed.find(R"("acme")"), 6, value);
        EXPECT_EQ(verdict_on_claims(changed), errc::malformed) << value;
    }
}

TEST(RunToken, BoundsTheNumberOfConnections)
{
    std::string list = R"(,"connections":["c")";
    for (int i = 0; i < 255; ++i) {
        list += R"(,"c")";
    }
    EXPECT_FALSE(verdict_on_claims(payload_with(list + "]")));
    EXPECT_EQ(verdict_on_claims(payload_with(list + R"(,"c"])")), errc::malformed);
}

TEST(RunToken, IgnoresClaimsItDoesNotKnow)
{
    EXPECT_FALSE(verdict_on_claims(payload_with(R"(,"email":"a@b","roles":[{"x":1}],"n":null)")));
}

TEST(RunToken, IsForUsOrForNobody)
{
    const auto with_audience = [](const std::string& audience) {
        std::string payload = payload_with("");
        const std::string ours = R"("aud":"sallyport",)";
        return payload.replace(payload.find(ours), ours.size(), audience);
    };
    EXPECT_FALSE(verdict_on_claims(with_audience(R"("aud":["x","sallyport"],)")));
    for (const char* other : {"", R"("aud":"x",)", R"("aud":["x"],)", R"("aud":[],)", R"("aud":1,)",
                              R"("aud":"Sallyport",)"}) {
        EXPECT_EQ(verdict_on_claims(with_audience(other)), errc::wrong_audience) << other;
    }
}

TEST(RunToken, ExpiresAfterTheLeeway)
{
    const std::string token = hs256_token(plain_header, payload_with(""));
    const unix_micros end = 1'763'643'600 * second;
    EXPECT_FALSE(verdict(token, end + 30 * second - 1));
    EXPECT_EQ(verdict(token, end + 30 * second), errc::expired);
}

TEST(RunToken, IsNotValidBeforeItsTimeLessTheLeeway)
{
    const std::string token = hs256_token(plain_header, payload_with(""));
    EXPECT_FALSE(verdict(token, now - 30 * second));
    EXPECT_EQ(verdict(token, now - 30 * second - 1), errc::not_yet_valid);
    const std::string later = payload_with(R"(,"nbf":1763640100.5)");
    EXPECT_EQ(verdict_on_claims(later), errc::not_yet_valid);
    const std::string token_later = hs256_token(plain_header, later);
    EXPECT_FALSE(verdict(token_later, now + 70 * second + 500'000));
    EXPECT_EQ(verdict(token_later, now + 70 * second), errc::not_yet_valid);
}

TEST(RunToken, LivesNoLongerThanIsConfigured)
{
    const auto lifetime = [](const std::string& times) {
        return verdict_on_claims(
            R"({"iss":"sallyport","aud":"sallyport","workspace":"w","app":"a","run":"r","sub":"u",)" +
            times + "}");
    };
    EXPECT_FALSE(lifetime(R"("iat":1763640000,"exp":1763726400)"));
    EXPECT_EQ(lifetime(R"("iat":1763640000,"exp":1763726401)"), errc::lives_too_long);
    EXPECT_FALSE(lifetime(R"("exp":1763726400)"));
    EXPECT_EQ(lifetime(R"("exp":1763726401)"), errc::lives_too_long);
    EXPECT_EQ(lifetime(R"("iat":1,"exp":1763640001)"), errc::lives_too_long);
    EXPECT_EQ(lifetime(R"("iat":1763640000,"exp":9223372036854775807)"), errc::malformed);
    EXPECT_EQ(lifetime(R"("iat":1763640000,"exp":1e999)"), errc::malformed);
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
             [](run_claims& c) { c.connections_by_provider = {{"g", "1"}, {"g", "2"}}; },
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
        {algorithm::hs256, std::string(31, 'k')}, {algorithm::hs256, ""},
        {algorithm::es256, ""}, {algorithm::es256, "-----BEGIN PUBLIC KEY-----\nxx\n"},
        {algorithm::es256, other_curve.private_key}, {algorithm::es256, rsa_keys().public_key},
        {algorithm::rs256, ec_keys().public_key}, {algorithm::rs256, weak.private_key},
        {algorithm::rs256, weak.public_key}, {algorithm::rs256, std::string(key_bytes_max + 1, 'x')}};
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
