#include "policy/call_rate.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace sallyport::policy {
namespace {

std::optional<call_rate> read(std::string_view text)
{
    return read_call_rate(boost::json::parse(text).as_object());
}

TEST(CallRate, IsReadFromAConnectionsSettings)
{
    const auto rate = read(R"({"requests": 100, "per": "1s"})");
    ASSERT_TRUE(rate);
    EXPECT_EQ(rate->requests, 100u);
    EXPECT_EQ(rate->per, std::chrono::seconds(1));
    EXPECT_EQ(read(R"({"requests": 1, "per": "24h"})")->per, std::chrono::hours(24));
    EXPECT_EQ(read("{}")->requests, 0u);
}

TEST(CallRate, RefusesWhatIsNoRate)
{
    for (const char* const text :
         {R"({"requests": 100})", R"({"per": "1s"})", R"({"requests": 0, "per": "1s"})",
          R"({"requests": -1, "per": "1s"})", R"({"requests": 1.5, "per": "1s"})",
          R"({"requests": "1", "per": "1s"})", R"({"requests": 1000001, "per": "1s"})",
          R"({"requests": 1, "per": "999ms"})", R"({"requests": 1, "per": "25h"})",
          R"({"requests": 1, "per": "soon"})", R"({"requests": 1, "per": 1})",
          R"({"requests": 1, "per": "1s", "burst": 5})"}) {
        EXPECT_FALSE(read(text)) << text;
    }
}

}  // namespace
}  // namespace sallyport::policy
