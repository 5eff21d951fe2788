#include <gtest/gtest.h>

#include <vector>

#include "tests/identity/tokens.hpp"

namespace sallyport::identity {
namespace {

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
    for (const std::string& more :
         std::vector<std::string>{R"(,"jti":7)",
                                  R"(,"nbf":"soon")",
                                  R"(,"nbf":-1)",
                                  R"(,"nbf":1e300)",
                                  R"(,"connections":"conn_1")",
                                  R"(,"connections":null)",
                                  R"(,"connections":[1])",
                                  R"(,"connections":["a b"])",
                                  R"(,"connections":{"github":1})",
                                  R"(,"connections":{"git hub":"c"})",
                                  R"(,"scopes":[])",
                                  R"(,"scopes":{"g":"repo"})",
                                  R"(,"scopes":{"g":[1]})",
                                  R"(,"scopes":{"g":[""]})",
                                  R"(,"scopes":{"g":["a\u0000"]})",
                                  R"(,"access":"admin")",
                                  R"(,"access":1)",
                                  R"(,"access":"")",
                                  R"(,"cnf":{})",
                                  R"(,"cnf":{"jkt":"x"})",
                                  R"(,"cnf":{"x5t#S256":"short"})",
                                  R"(,"cnf":"x")",
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
            R"({"iss":"sallyport","aud":"sallyport","workspace":"w","app":"a",)"
            R"("run":"r","sub":"u",)" +
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

}  // namespace
}  // namespace sallyport::identity
