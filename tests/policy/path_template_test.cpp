#include "policy/path_template.hpp"

#include "tests/policy/made_provider.hpp"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

TEST(PathTemplate, LetsSeveralSegmentsEndWithAText)
{
    const provider drive(facts_with({
        make_rule("item", {"GET"}, "/drive/root:/{+path}"),
        make_rule("content", {"GET"}, "/drive/root:/{+path}:/content"),
        make_rule("stream", {"GET"}, "/drive/root:/{+path}:/streams/{id}"),
        make_rule("verb", {"GET"}, "/v1/{+name}:get"),
    }));
    EXPECT_EQ(operation_at(drive, "/drive/root:/a.txt:/content"), "content");
    EXPECT_EQ(operation_at(drive, "/drive/root:/a/b/c.txt:/content"), "content");
    EXPECT_EQ(operation_at(drive, "/drive/root:/a:/b:/content"), "content");
    EXPECT_EQ(operation_at(drive, "/drive/root:/a/b:/streams/7"), "stream");
    EXPECT_EQ(operation_at(drive, "/drive/root:/a/:/content"), "item");
    EXPECT_EQ(operation_at(drive, "/drive/root:/a/content"), "item");
    EXPECT_EQ(operation_at(drive, "/v1/projects/1/keys/2:get"), "verb");
    EXPECT_EQ(operation_at(drive, "/v1/projects/1/keys/:get"), "");
    EXPECT_EQ(operation_at(drive, "/v1/projects/1/keys/2:set"), "");
}

TEST(PathTemplate, ComparesTheEndOfSeveralSegmentsWithoutCaseWhereAsked)
{
    EXPECT_TRUE(fits_end(":", "a:", false));
    EXPECT_FALSE(fits_end(":", ":", false));
    EXPECT_FALSE(fits_end("", "", false));
    EXPECT_TRUE(fits_end("", "a", false));
    EXPECT_FALSE(fits_end(":get", "aGET", true));
    EXPECT_TRUE(fits_end(":get", "a:GET", true));
    EXPECT_FALSE(fits_end(":get", "a:GET", false));
}

}  // namespace
}  // namespace sallyport::policy
