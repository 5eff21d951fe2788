#include "proxy/injection.hpp"

#include <gtest/gtest.h>

#include "tests/proxy/made_plan.hpp"

namespace sallyport::proxy {
namespace {

TEST(Query, LosesTheCarriersAndNothingElse)
{
    const std::vector<std::string> removed{"key", "access_token", "a b"};
    struct {
        std::string query, left;
        std::vector<std::string> stripped;
    } const table[] = {
        {"a=1&b=2", "a=1&b=2", {}},
        {"a=%41&b=+%2B&&c=;&=x&d", "a=%41&b=+%2B&&c=;&=x&d", {}},
        {"key=1", "", {"key"}},
        {"key", "", {"key"}},
        {"a=1&key=2&b=3", "a=1&b=3", {"key"}},
        {"key=1&a=1&key=2", "a=1", {"key", "key"}},
        {"KEY=1&keys=2&xkey=3&k=key", "KEY=1&keys=2&xkey=3&k=key", {}},
        {"k%65y=1&b", "b", {"key"}},
        {"%6B%65%79=1", "", {"key"}},
        {"%6b%65%79", "", {"key"}},
        {"access%5Ftoken=x", "", {"access_token"}},
        {"a+b=1", "", {"a b"}},
        {"a%20b=1", "", {"a b"}},
        {"a=1;key=2&b=3", "b=3", {"key"}},
        {"a=1;k%65y=2", "", {"key"}},
        {"key;a=1", "", {"key"}},
        {"k%6", "k%6", {}},
        {"%zzkey=1", "%zzkey=1", {}},
        {"key%00=1", "", {"key"}},
        {" key=1", "", {"key"}},
        {"a&%20key=1&+%09key=2", "a", {"key", "key"}},
        {"access.token=x&access%20token=y", "", {"access_token", "access_token"}},
    };
    for (const auto& row : table) {
        std::string left;
        std::vector<std::string_view> stripped;
        append_query(left, row.query, removed, stripped);
        EXPECT_EQ(left, row.left) << row.query;
        EXPECT_EQ(std::vector<std::string>(stripped.begin(), stripped.end()), row.stripped)
            << row.query;
    }
}

TEST(Cookies, LoseTheOnesNamed)
{
    const std::pair<std::string, std::string> table[] = {
        {"a=1; sid=x; b=2", "a=1; b=2"}, {"sid=x", ""},        {"sid", ""},
        {" a = 1 ;; ;b", "a = 1; b"},    {"sidx=1", "sidx=1"}, {"", ""},
    };
    for (const auto& [cookies, left] : table) {
        std::string out;
        append_cookies(out, cookies, {"sid"});
        EXPECT_EQ(out, left) << cookies;
    }
}

TEST(Escaping, LeavesUnreservedCharactersAndThoseKept)
{
    std::string out;
    append_escaped(out, "aZ09-._~ /%+&=\xff:@");
    EXPECT_EQ(out, "aZ09-._~%20%2F%25%2B%26%3D%FF%3A%40");
    out.clear();
    append_escaped(out, "a:/@b", ":@");
    EXPECT_EQ(out, "a:%2F@b");
}

TEST(Filling, SpellsTheSecretAsItsPlaceNeedsIt)
{
    const fake_resolved credential({}, {{"secret", "a b;c"}});
    const policy::provider_facts facts;
    const auto filled = [&](policy::injection::place in, std::string& out) {
        vault::secret scratch;
        return fill({in, "name", parse_template("<{secret}>")}, credential, facts, scratch, out);
    };
    std::string header, query, path, cookie;
    EXPECT_TRUE(filled(in_header, header));
    EXPECT_EQ(header, "<a b;c>");
    EXPECT_TRUE(filled(in_query, query));
    EXPECT_EQ(query, "%3Ca%20b%3Bc%3E");
    EXPECT_TRUE(filled(in_path, path));
    EXPECT_EQ(path, "<a%20b;c>");
    EXPECT_FALSE(filled(in_cookie, cookie));
}

}  // namespace
}  // namespace sallyport::proxy
