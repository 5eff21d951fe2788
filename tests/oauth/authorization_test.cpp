#include "oauth/authorization.hpp"

#include <gmock/gmock.h>

#include "oauth/error.hpp"
#include "oauth/scopes.hpp"
#include "oauth/url.hpp"
#include "tests/oauth/shipped.hpp"

namespace sallyport::oauth {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

authorization_request asked_for(std::vector<std::string> scopes)
{
    authorization_request request;
    request.client_id = "client-1";
    request.redirect_uri = "https://gate.example/api/connect/callback";
    request.state = "st+ate/1";
    request.code_challenge = "challenge";
    request.scopes = std::move(scopes);
    return request;
}

// RFC 7636, appendix B.
TEST(Pkce, ComputesTheChallengeOfTheStandard)
{
    EXPECT_EQ(s256_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
              "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST(Pkce, MakesAnotherVerifierEachTime)
{
    const pkce first = make_pkce();
    const pkce second = make_pkce();

    EXPECT_EQ(first.verifier.size(), 43u);
    EXPECT_NE(first.verifier, second.verifier);
    EXPECT_EQ(first.challenge, s256_challenge(first.verifier));
}

TEST(AuthorizeUrl, IsEveryShippedProvidersOwn)
{
    std::size_t tried = 0;
    for (const auto& provider : shipped().all()) {
        const policy::provider_facts& facts = provider->facts();
        if (!facts.oauth2 || facts.oauth2->authorize_url.empty()) {
            continue;
        }
        SCOPED_TRACE(facts.id);
        const vault::connection record = connection_at(facts);
        const auto url = authorize_url(facts, record, asked_for({"one", "two"}));
        ASSERT_TRUE(url) << url.error().message();
        const std::string page = facts.oauth2->authorize_url;
        EXPECT_THAT(*url, StartsWith(page.substr(0, page.find('{'))));
        EXPECT_EQ(url->find_first_of("{} "), std::string::npos);
        const texts got = query_of(*url);

        texts expected(facts.oauth2->authorize_params.begin(),
                       facts.oauth2->authorize_params.end());
        texts standard = {{"response_type", "code"},
                          {"client_id", "client-1"},
                          {"redirect_uri", "https://gate.example/api/connect/callback"},
                          {"state", "st+ate/1"}};
        if (!facts.oauth2->scope_separator.empty()) {
            standard["scope"] = "one" + facts.oauth2->scope_separator + "two";
        }
        if (facts.oauth2->pkce != policy::oauth2_facts::pkce_support::unsupported) {
            standard["code_challenge"] = "challenge";
            standard["code_challenge_method"] = "S256";
        }
        const texts renamed(facts.oauth2->param_names.begin(), facts.oauth2->param_names.end());
        for (const auto& [name, value] : standard) {
            expected[renamed.contains(name) ? renamed.at(name) : name] = value;
        }
        EXPECT_EQ(got, expected);
        ++tried;
    }
    EXPECT_GE(tried, 35u);
}

TEST(AuthorizeUrl, PutsAUsersScopesWhereSlackWantsThem)
{
    vault::connection record = connection_at("slack");
    record.variant = "user";

    const auto url = authorize_url(facts_of("slack"), record, asked_for({"chat:write"}));

    ASSERT_TRUE(url);
    const texts got = query_of(*url);
    EXPECT_EQ(got.at("user_scope"), "chat:write");
    EXPECT_FALSE(got.contains("scope"));
}

TEST(AuthorizeUrl, GoesToTheVariantsPage)
{
    vault::connection record = connection_at("stripe");
    record.variant = "connect";

    const auto url = authorize_url(facts_of("stripe"), record, asked_for({}));

    ASSERT_TRUE(url);
    EXPECT_THAT(*url, StartsWith("https://connect.stripe.com/oauth/authorize?"));
}

TEST(AuthorizeUrl, GoesToNoHostThatAVariableMayNotName)
{
    for (const char* shop : {"acme.evil.example/", "acme@evil", "acme#", "", "a b", "acme/.."}) {
        vault::connection record = connection_at("shopify");
        record.variables["shop"] = shop;
        const auto url = authorize_url(facts_of("shopify"), record, asked_for({}));
        ASSERT_FALSE(url) << shop;
        EXPECT_EQ(url.error(), errc::missing_value) << shop;
    }
}

TEST(AuthorizeUrl, RefusesWhatCannotBeSent)
{
    const policy::provider_facts& github = facts_of("github");
    const vault::connection record = connection_at("github");
    const auto with = [&](auto change) {
        authorization_request request = asked_for({"repo"});
        change(request);
        return authorize_url(github, record, request).error();
    };
    EXPECT_EQ(with([](auto& one) { one.state.clear(); }), errc::unsendable);
    EXPECT_EQ(with([](auto& one) { one.client_id = "a\nb"; }), errc::unsendable);
    EXPECT_EQ(with([](auto& one) { one.scopes = {"repo gist"}; }), errc::unsendable);
    EXPECT_EQ(with([](auto& one) { one.scopes.assign(scopes_max + 1, "a"); }), errc::unsendable);
    EXPECT_EQ(authorize_url(facts_of("openai"), record, asked_for({})).error(), errc::no_oauth2);
    EXPECT_EQ(authorize_url(facts_of("twilio"), connection_at("twilio"), asked_for({})).error(),
              errc::not_offered);
}

TEST(Callback, IsReadWithItsEscapes)
{
    const auto got = read_callback("code=4%2F0A+b&state=s%201&iss=https%3A%2F%2Fa.example&x=y");

    ASSERT_TRUE(got);
    EXPECT_EQ(std::string_view(got->code), "4/0A b");
    EXPECT_EQ(got->state, "s 1");
    EXPECT_EQ(got->issuer, "https://a.example");
    EXPECT_THAT(got->error, IsEmpty());
}

TEST(Callback, MayBeARefusal)
{
    const auto got = read_callback("error=access_denied&error_description=no&state=s");

    ASSERT_TRUE(got);
    EXPECT_EQ(got->error, "access_denied");
    EXPECT_TRUE(got->code.empty());
}

TEST(Callback, IsRefusedWhereItHasTwoReadings)
{
    const std::string long_one = "code=a&state=" + std::string(callback_bytes_max, 'x');
    for (const std::string& query :
         {std::string("code=a&code=b&state=s"), std::string("code=a&state=s&state=t"),
          std::string("code=a&c%6Fde=b&state=s"), std::string("code=a&error=b&state=s"),
          std::string("state=s"), std::string("code=a"), std::string("code=%zz&state=s"),
          std::string("code=%0a&state=s"), std::string(), long_one}) {
        const auto got = read_callback(query);
        ASSERT_FALSE(got) << query.substr(0, 40);
        EXPECT_EQ(got.error(), errc::bad_callback);
    }
}

TEST(Callback, IsTheIssuersOrNobodys)
{
    const policy::provider_facts& gmail = facts_of("gmail");
    const vault::connection record = connection_at("gmail");
    ASSERT_EQ(gmail.oauth2->issuer, "https://accounts.google.com");
    callback got;

    EXPECT_EQ(check_issuer(gmail, record, got).error(), errc::wrong_issuer);
    got.error = "access_denied";
    EXPECT_TRUE(check_issuer(gmail, record, got));
    got.error.clear();
    got.issuer = "https://accounts.google.com";
    EXPECT_TRUE(check_issuer(gmail, record, got));
    got.issuer = "https://evil.example";
    EXPECT_EQ(check_issuer(gmail, record, got).error(), errc::wrong_issuer);
    EXPECT_TRUE(check_issuer(facts_of("slack"), connection_at("slack"), got));
    EXPECT_EQ(check_issuer(facts_of("openai"), record, got).error(), errc::no_oauth2);
}

// The signature is from Python: hmac.new(b"hush", b"code=c%261&host=aG9zdA&shop=acme.myshopify.com"
// b"&state=s&timestamp=1", "sha256").
constexpr std::string_view signed_by_shopify =
    "code=c%261&hmac=420f38e823158e2e335a6154660ff9a82423c920ce91dbb2f676a50f7c7155b0"
    "&host=aG9zdA&shop=acme.myshopify.com"
    "&state=s&timestamp=1";

error_code judged(std::string query, std::string_view shop = "acme", std::string_view key = "hush")
{
    vault::connection record = connection_at("shopify");
    record.variables["shop"] = shop;
    const auto got = read_callback(query);
    EXPECT_TRUE(got) << query;
    const auto checked = check_proof(facts_of("shopify"), record, vault::secret(key), *got);
    return checked ? error_code() : checked.error();
}

TEST(Callback, IsProvenTheWayShopifyProvesIt)
{
    const std::string query(signed_by_shopify);
    EXPECT_FALSE(judged(query));
    EXPECT_EQ(judged(query, "other"), errc::forged_callback);
    EXPECT_EQ(judged(query, "acme", "other"), errc::forged_callback);
    EXPECT_EQ(judged(query, "acme", ""), errc::forged_callback);
    EXPECT_EQ(judged(query + "&more=1"), errc::forged_callback);
    EXPECT_EQ(judged("code=c%261&shop=acme.myshopify.com&state=s"), errc::forged_callback);
    EXPECT_FALSE(judged("error=access_denied&state=s"));
    const auto got = read_callback("code=1&state=s");
    EXPECT_TRUE(check_proof(facts_of("slack"), connection_at("slack"), vault::secret(), *got));
}

TEST(Scopes, AreSplitHoweverTheyAreJoined)
{
    EXPECT_THAT(split_scopes("b a,c, a"), ElementsAre("a", "b", "c"));
    EXPECT_THAT(split_scopes(" , "), IsEmpty());
    EXPECT_THAT(split_scopes("a\tb \"c\" d"), ElementsAre("d"));
}

TEST(Scopes, OfACredentialThatKnowsNoneAreNotAskedFor)
{
    const auto joined = join_scopes(*facts_of("github").oauth2, {"*"});
    ASSERT_TRUE(joined);
    EXPECT_TRUE(joined->empty());
}

TEST(Url, EncodesWhatAPathVariableHolds)
{
    vault::connection record = connection_at("outlook");
    record.variables["tenant"] = "contoso.onmicrosoft.com";
    const auto filled = fill_url("https://login.example/{tenant}/x?t={token}", facts_of("outlook"),
                                 record, {{"token", "a/b&c"}});
    ASSERT_TRUE(filled);
    EXPECT_EQ(std::string_view(*filled),
              "https://login.example/contoso.onmicrosoft.com/x?t=a%2Fb%26c");
}

}  // namespace
}  // namespace sallyport::oauth
