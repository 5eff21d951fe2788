#include "control/return_url.hpp"

#include <gtest/gtest.h>

namespace sallyport::control {
namespace {

const std::vector<std::string> allowed = {"https://app.example.com/connect",
                                          "http://localhost:3000", "https://x.example/done?a=1"};

bool is_allowed(std::string_view url) { return is_return_url_allowed(allowed, url); }

TEST(ReturnUrl, IsOneOfTheListOrStandsBelowOne)
{
    EXPECT_TRUE(is_allowed("https://app.example.com/connect"));
    EXPECT_TRUE(is_allowed("https://app.example.com/connect/"));
    EXPECT_TRUE(is_allowed("https://app.example.com/connect/done"));
    EXPECT_TRUE(is_allowed("https://app.example.com/connect?step=2"));
    EXPECT_TRUE(is_allowed("https://app.example.com:443/connect"));
    EXPECT_TRUE(is_allowed("HTTPS://APP.example.com/connect"));
    EXPECT_TRUE(is_allowed("http://localhost:3000"));
    EXPECT_TRUE(is_allowed("http://localhost:3000/anything?at=all"));
    EXPECT_TRUE(is_allowed("https://x.example/done?a=1"));
}

TEST(ReturnUrl, IsNoNeighbourOfOne)
{
    EXPECT_FALSE(is_allowed("https://app.example.com/"));
    EXPECT_FALSE(is_allowed("https://app.example.com/connected"));
    EXPECT_FALSE(is_allowed("https://app.example.com/Connect"));
    EXPECT_FALSE(is_allowed("http://app.example.com/connect"));
    EXPECT_FALSE(is_allowed("https://app.example.com:8443/connect"));
    EXPECT_FALSE(is_allowed("https://app.example.com.evil.example/connect"));
    EXPECT_FALSE(is_allowed("https://evil.example/https://app.example.com/connect"));
    EXPECT_FALSE(is_allowed("http://localhost/"));
    EXPECT_FALSE(is_allowed("https://x.example/done"));
    EXPECT_FALSE(is_allowed("https://x.example/done?a=1&b=2"));
    EXPECT_FALSE(is_allowed("https://x.example/done/below?a=1"));
}

TEST(ReturnUrl, HasNoSecondReading)
{
    for (const char* url :
         {"https://app.example.com/connect/../admin",
          "https://app.example.com/connect/%2e%2e/admin", "https://app.example.com/connect/..",
          "https://app.example.com/connect//evil.example",
          "https://app.example.com/connect%2f..%2fadmin", "https://app.example.com/connect/%5c..",
          "https://user@app.example.com/connect", "https://app.example.com/connect#fragment",
          "https://app.example.com\\@evil.example/connect", "//app.example.com/connect",
          "javascript:alert(1)", "/connect", "", "https:///connect"}) {
        EXPECT_FALSE(is_allowed(url)) << url;
    }
}

TEST(ReturnUrl, BringsNoneOfTheParametersThatAreAdded)
{
    EXPECT_FALSE(is_allowed("https://app.example.com/connect?ticket=x"));
    EXPECT_FALSE(is_allowed("https://app.example.com/connect?a=1&connection_id=x"));
    EXPECT_FALSE(is_allowed("https://app.example.com/connect?err%6fr=x"));
}

TEST(ReturnUrl, IsNotAllowedWhereNoneIs)
{
    EXPECT_FALSE(is_return_url_allowed({}, "https://app.example.com/connect"));
    EXPECT_FALSE(is_return_url_allowed({"not a url"}, "not a url"));
}

TEST(ReturnUrl, GetsItsParametersEscaped)
{
    EXPECT_EQ(with_parameters("https://a.example/x", {{"ticket", "t_-"}, {"error", "a&b=c d"}}),
              "https://a.example/x?ticket=t_-&error=a%26b=c%20d");
    EXPECT_EQ(with_parameters("https://a.example/x?y=1", {{"ticket", "t"}}),
              "https://a.example/x?y=1&ticket=t");
}

}  // namespace
}  // namespace sallyport::control
