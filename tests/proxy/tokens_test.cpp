#include "proxy/tokens.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "tests/identity/tokens.hpp"
#include "tests/proxy/heads.hpp"
#include "tests/proxy/made_plan.hpp"

namespace sallyport::proxy {
namespace {

using identity::now;
using identity::second;

made_plan provider_of_every_place()
{
    policy::provider_facts facts = facts_injecting({});
    facts.credentials = {
        {"oauth2", {{in_header, "Authorization", "Bearer {access_token}"}}},
        {"api_key", {{in_header, "X-Api-Key", "{secret}"}, {in_query, "key", "{secret}"}}},
        {"basic", {{in_header, "Authorization", "Basic {basic}"}}}};
    return made_plan(std::move(facts));
}

struct found {
    std::string bytes;
    request_head head;
    admitted request;
    presented_token token;
    refusal refused;
};

void find(const made_plan& made, const std::string& target, const std::string& fields, found& out)
{
    out.bytes = "GET " + target + " HTTP/1.1\r\nHost: gate\r\n" + fields + "\r\n";
    ASSERT_EQ(read(out.bytes, out.head), head_state::complete) << out.bytes;
    ASSERT_FALSE(admit(out.head, out.request));
    out.refused = find_token(out.head, out.request, {made.provider}, out.token);
}

std::string basic(const std::string& pair) { return "Basic " + to_base64(pair); }

TEST(FindToken, LooksIntoEveryPlaceOfTheProvider)
{
    const made_plan made = provider_of_every_place();
    struct {
        std::string target, fields, text;
        bool in_proxy_authorization;
        token_place::kind in;
    } const table[] = {
        {"/example/x", "Proxy-Authorization: Bearer a.b.c\r\n", "a.b.c", true, {}},
        {"/example/x", "proxy-authorization: bearer  a.b.c \r\n", "a.b.c", true, {}},
        {"/example/x", "Proxy-Authorization: " + basic("x:a.b.c") + "\r\n", "a.b.c", true, {}},
        {"/example/x", "Authorization: Bearer a.b.c\r\n", "a.b.c", false,
         token_place::kind::header},
        {"/example/x", "authorization: bearer a.b.c\r\n", "a.b.c", false,
         token_place::kind::header},
        {"/example/x", "X-API-KEY: a.b.c\r\n", "a.b.c", false, token_place::kind::header},
        {"/example/x?key=a.b.c", "", "a.b.c", false, token_place::kind::query},
        {"/example/x?a=1&key=a.b.c&b=2", "", "a.b.c", false, token_place::kind::query},
        {"/example/x", "Authorization: " + basic("u:a.b.c") + "\r\n", "a.b.c", false,
         token_place::kind::basic},
        {"/example/x", "Authorization: " + basic(":a.b.c:d") + "\r\n", "a.b.c:d", false,
         token_place::kind::basic},
    };
    for (const auto& row : table) {
        found out;
        find(made, row.target, row.fields, out);
        EXPECT_FALSE(out.refused) << row.fields;
        EXPECT_EQ(out.token.text, row.text) << row.target << row.fields;
        EXPECT_EQ(out.token.in_proxy_authorization, row.in_proxy_authorization);
        EXPECT_TRUE(out.token.second.empty()) << row.fields;
        if (!row.in_proxy_authorization) {
            ASSERT_NE(out.token.place, nullptr) << row.fields;
            EXPECT_EQ(out.token.place->in, row.in) << row.fields;
        }
    }
}

TEST(FindToken, FindsNoneElsewhere)
{
    const made_plan made = provider_of_every_place();
    const std::pair<std::string, std::string> table[] = {
        {"/example/x", ""},
        {"/example/a.b.c", ""},
        {"/example/x", "Cookie: key=a.b.c\r\n"},
        {"/example/x", "Authorization: Digest a.b.c\r\n"},
        {"/example/x", "Authorization: Bearer\r\n"},
        {"/example/x", "Authorization: Basic !!!\r\n"},
        {"/example/x", "Authorization: " + basic("no-colon") + "\r\n"},
        {"/example/x", "Authorization: " + basic("user:") + "\r\n"},
        {"/example/x", "Proxy-Authorization: a.b.c\r\n"},
        {"/example/x", "X-Other-Key: a.b.c\r\n"},
        {"/example/x?KEY=a.b.c", ""},
        {"/example/x?xkey=a.b.c", ""},
        {"/example/x?key", ""},
        {"/example/x?key=", ""},
    };
    for (const auto& [target, fields] : table) {
        found out;
        find(made, target, fields, out);
        EXPECT_FALSE(out.refused) << target << fields;
        EXPECT_TRUE(out.token.text.empty()) << target << fields;
        EXPECT_EQ(out.token.place, nullptr);
    }
}

TEST(FindToken, PrefersProxyAuthorizationAndTellsOfASecond)
{
    const made_plan made = provider_of_every_place();
    found out;
    find(made, "/example/x", "Authorization: Bearer own\r\nProxy-Authorization: Bearer a.b.c\r\n",
         out);
    EXPECT_EQ(out.token.text, "a.b.c");
    EXPECT_TRUE(out.token.in_proxy_authorization);
    EXPECT_EQ(out.token.place, nullptr);
    EXPECT_EQ(out.token.second, "own");

    found same;
    find(made, "/example/x", "Authorization: Bearer a.b.c\r\nProxy-Authorization: Bearer a.b.c\r\n",
         same);
    EXPECT_EQ(same.token.text, "a.b.c");
    EXPECT_TRUE(same.token.second.empty()) << "the same token twice is one token";

    found two_places;
    find(made, "/example/x?key=d.e.f", "X-Api-Key: a.b.c\r\n", two_places);
    EXPECT_EQ(two_places.token.text, "a.b.c");
    EXPECT_EQ(two_places.token.second, "d.e.f");
}

TEST(FindToken, KeepsWhatBacksASecondTokenWhilePlacesFollow)
{
    policy::provider_facts facts = facts_injecting({});
    facts.credentials = {{"basic", {{in_header, "Authorization", "Basic {basic}"}}},
                         {"custom", {{in_header, "X-First", "Basic {basic}"}}},
                         {"api_key", {{in_header, "X-Second", "Basic {basic}"}}}};
    const made_plan made(std::move(facts));
    const std::string padding(64, 'x');
    found out;
    find(made, "/example/x",
         "Authorization: " + basic("u:first" + padding) + "\r\nX-First: " +
             basic("u:second" + padding) + "\r\nX-Second: " + basic("third" + padding) + "\r\n",
         out);
    EXPECT_EQ(out.token.text, "first" + padding);
    EXPECT_EQ(out.token.second, "second" + padding);
}

TEST(FindToken, RefusesAPlaceThatIsThereTwice)
{
    const made_plan made = provider_of_every_place();
    const std::pair<std::string, std::string> table[] = {
        {"/example/x", "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"},
        {"/example/x", "Authorization: Bearer a\r\nauthorization: " + basic("u:b") + "\r\n"},
        {"/example/x", "X-Api-Key: a\r\nX-Api-Key: a\r\n"},
        {"/example/x", "Proxy-Authorization: Bearer a\r\nProxy-Authorization: Bearer b\r\n"},
        {"/example/x?key=a.b.c&key=d.e.f", ""},
    };
    for (const auto& [target, fields] : table) {
        found out;
        find(made, target, fields, out);
        EXPECT_EQ(out.refused.code, code::bad_request) << target << fields;
    }
}

TEST(FindToken, ForgetsTheCallBefore)
{
    const made_plan made = provider_of_every_place();
    found out;
    find(made, "/example/x?key=d.e.f", "Proxy-Authorization: Bearer a.b.c\r\n", out);
    find(made, "/example/x", "", out);
    EXPECT_TRUE(out.token.text.empty());
    EXPECT_TRUE(out.token.second.empty());
    EXPECT_FALSE(out.token.in_proxy_authorization);
}

// A verifier and the token it believes.
struct issued {
    issued()
        : verifier(*identity::token_verifier::make(identity::hs256())),
          token(*identity::token_minter::make(identity::hs256())->mint(identity::some_claims()))
    {
    }
    identity::token_verifier verifier;
    std::string token;
};

TEST(RunCache, VerifiesATokenOnce)
{
    const issued made;
    run_cache cache(made.verifier);
    const auto first = cache.verify(made.token, now);
    ASSERT_TRUE(first);
    EXPECT_EQ((*first)->claims.run, "run-7");
    EXPECT_EQ((*first)->access, policy::operation_class::write);
    const auto again = cache.verify(made.token, now);
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, *first) << "the same run, not one like it";
}

TEST(RunCache, ForgetsARunWhoseTimeIsOver)
{
    const issued made;
    run_cache cache(made.verifier);
    ASSERT_TRUE(cache.verify(made.token, now));
    const unix_micros end = identity::some_claims().expires_at;
    EXPECT_TRUE(cache.verify(made.token, end + 29 * second)) << "within the leeway";
    for (int i = 0; i < 2; ++i) {
        const auto late = cache.verify(made.token, end + 31 * second);
        ASSERT_FALSE(late);
        EXPECT_EQ(late.error(), identity::errc::expired);
    }
}

TEST(RunCache, RemembersNoTokenItDidNotBelieve)
{
    const issued made;
    run_cache cache(made.verifier);
    std::string forged = made.token;
    forged.back() = forged.back() == 'A' ? 'B' : 'A';
    for (int i = 0; i < 2; ++i) {
        EXPECT_FALSE(cache.verify(forged, now));
    }
    EXPECT_FALSE(cache.verify("", now));
    EXPECT_FALSE(cache.verify("a.b.c", now));
    EXPECT_EQ(cache.verify(std::string(identity::token_bytes_max + 1, 'x'), now).error(),
              identity::errc::malformed);
    EXPECT_TRUE(cache.verify(made.token, now));
}

TEST(Run, NarrowsScopesPerProvider)
{
    policy::provider_facts facts = facts_injecting({});
    facts.scopes = {{"read", "read", ""}, {"write", "write", ""}};
    facts.scope_implies = {{"write", {"read"}}};
    const made_plan made(std::move(facts));
    const policy::provider& provider = *made.provider->provider;

    run narrowed;
    narrowed.claims.scopes = {{"example", {"write"}}, {"other", {"x"}}};
    const policy::scope_set* scopes = narrowed.scopes_for(made.catalogue, provider);
    ASSERT_NE(scopes, nullptr);
    EXPECT_EQ(narrowed.scopes_for(made.catalogue, provider), scopes) << "worked out once";

    run elsewhere;
    elsewhere.claims.scopes = {{"other", {"x"}}};
    EXPECT_EQ(elsewhere.scopes_for(made.catalogue, provider), nullptr);
    EXPECT_EQ(elsewhere.scopes_for(made.catalogue, provider), nullptr);
    EXPECT_EQ(run().scopes_for(made.catalogue, provider), nullptr);
}

TEST(TokenRefusal, SaysOnlyWhatTheCallerMayKnow)
{
    EXPECT_EQ(refuse_token(identity::errc::expired).code, code::run_token_expired);
    for (const auto error :
         {identity::errc::malformed, identity::errc::bad_signature, identity::errc::wrong_issuer,
          identity::errc::lives_too_long, identity::errc::not_yet_valid}) {
        EXPECT_EQ(refuse_token(error).code, code::run_token_invalid);
        EXPECT_FALSE(refuse_token(error).detail.empty());
    }
}

}  // namespace
}  // namespace sallyport::proxy
