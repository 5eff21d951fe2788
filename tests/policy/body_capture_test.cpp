#include "policy/body_capture.hpp"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

TEST(BodyCapture, IsOffByDefault) { EXPECT_FALSE(body_capture().is_on()); }

TEST(BodyCapture, WantsEveryTypeWhereNoneIsNamed)
{
    body_capture all;
    all.request_bytes = 1;
    EXPECT_TRUE(all.wants("image/png"));
    EXPECT_TRUE(all.wants(""));
}

TEST(BodyCapture, ComparesTypesWithoutCaseAndParameters)
{
    const body_capture some{.response_bytes = 1, .content_types = {"application/json", "text/*"}};
    EXPECT_TRUE(some.wants("Application/JSON; charset=utf-8"));
    EXPECT_TRUE(some.wants("text/plain ;x=y"));
    EXPECT_FALSE(some.wants("application/json-seq"));
    EXPECT_FALSE(some.wants("texture/plain"));
    EXPECT_FALSE(some.wants(""));
}

TEST(BodyCapture, KnowsAMediaRangeFromOtherText)
{
    for (const char* range : {"application/json", "text/*", "application/vnd.api+json"}) {
        EXPECT_TRUE(is_media_range(range)) << range;
    }
    for (const char* other : {"", "json", "/", "text/", "/json", "*/*", "te*t/plain", "text/pl*",
                              "text/plain; a=b", "a/b/c", "Text/plain"}) {
        EXPECT_FALSE(is_media_range(other)) << other;
    }
}

}  // namespace
}  // namespace sallyport::policy
