// What the configuration says of the trail's segments.
#include <gtest/gtest.h>

#include "tests/config/settings_directory.hpp"

namespace sallyport::config {
namespace {

using namespace std::chrono_literals;
using SettingsKeeping = SettingsTest;

TEST_F(SettingsKeeping, NothingIsCompressedOrDeletedUnlessAskedFor)
{
    for (const char* yaml : {"audit: {}", "audit: {segment_age: \"\", compress: false}",
                             "audit: {retention: {age: \"\", size: \"\"}}"}) {
        EXPECT_EQ(directory->problems(yaml), "");
        const audit::settings found = directory->load(yaml).settings.audit;
        EXPECT_FALSE(found.keeping.compress);
        EXPECT_EQ(found.keeping.age, 0ms);
        EXPECT_EQ(found.keeping.bytes, 0u);
        EXPECT_EQ(found.segment_age, 0ms);
    }
}

TEST_F(SettingsKeeping, AgesAndSizesAreRead)
{
    const audit::settings found =
        directory
            ->load("audit: {segment_age: 24h, compress: true, retention: {age: 2160h, size: 5GiB}}")
            .settings.audit;
    EXPECT_TRUE(found.keeping.compress);
    EXPECT_EQ(found.keeping.age, 2160h);
    EXPECT_EQ(found.keeping.bytes, std::uint64_t{5} << 30);
    EXPECT_EQ(found.segment_age, 24h);
}

TEST_F(SettingsKeeping, WhatCannotBeMeantIsReported)
{
    EXPECT_NE(directory->problems("audit: {segment_age: 1s}").find("1:22"), std::string::npos);
    EXPECT_NE(directory->problems("audit: {retention: {age: 5}}").find("1:26"), std::string::npos);
    EXPECT_NE(directory->problems("audit: {retention: {size: 1KiB}}").find("1:27"),
              std::string::npos);
    EXPECT_NE(directory->problems("audit: {retention: {days: 5}}"), "");
    EXPECT_NE(directory->problems("audit: {compress: maybe}"), "");
}

}  // namespace
}  // namespace sallyport::config
