#include "policy/path.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace sallyport::policy {
namespace {

std::vector<std::string> segments_of(std::string_view raw, path_allowances allowances = {})
{
    request_path path;
    EXPECT_EQ(path.parse(raw, allowances), path_fault::none) << raw;
    return {path.segments().begin(), path.segments().end()};
}

path_fault fault_of(std::string_view raw, path_allowances allowances = {})
{
    request_path path;
    const path_fault fault = path.parse(raw, allowances);
    EXPECT_EQ(path.segments().empty(), fault != path_fault::none) << raw;
    return fault;
}

using texts = std::vector<std::string>;

TEST(RequestPath, SplitsAndDecodesOnce)
{
    EXPECT_EQ(segments_of("/"), texts{""});
    EXPECT_EQ(segments_of("/a"), texts{"a"});
    EXPECT_EQ(segments_of("/a/b/"), (texts{"a", "b", ""}));
    EXPECT_EQ(segments_of("/repos/o/r%20x"), (texts{"repos", "o", "r x"}));
    EXPECT_EQ(segments_of("/%61/%C3%A9/b"), (texts{"a", "\xc3\xa9", "b"}));
    EXPECT_EQ(segments_of("/100%25/x"), (texts{"100%", "x"}));
    EXPECT_EQ(segments_of("/a%253Fb"), texts{"a%3Fb"});
    EXPECT_EQ(segments_of("/v1/documents/1:batchUpdate"),
              (texts{"v1", "documents", "1:batchUpdate"}));
    EXPECT_EQ(segments_of("/.well-known/..x/x../...").size(), 4u);
    EXPECT_EQ(segments_of("/a%3Fb%23c"), texts{"a?b#c"});
    EXPECT_EQ(segments_of("/users('x')/$ref"), (texts{"users('x')", "$ref"}));
}

void expect_faults(std::span<const std::pair<std::string_view, path_fault>> tricks)
{
    for (const auto& [raw, expected] : tricks) {
        EXPECT_EQ(fault_of(raw), expected) << raw << ": " << describe(fault_of(raw));
    }
}

TEST(RequestPath, RefusesSegmentsThatAreReadAway)
{
    const std::pair<std::string_view, path_fault> tricks[] = {
        {"", path_fault::not_absolute},
        {"a/b", path_fault::not_absolute},
        {"*", path_fault::not_absolute},
        {"http://evil/", path_fault::not_absolute},

        {"/repos/o/r/..", path_fault::dot_segment},
        {"/repos/o/r/../x", path_fault::dot_segment},
        {"/..", path_fault::dot_segment},
        {"/.", path_fault::dot_segment},
        {"/./a", path_fault::dot_segment},
        {"/repos/o/r/%2e%2e/x", path_fault::dot_segment},
        {"/repos/o/r/%2E%2E", path_fault::dot_segment},
        {"/repos/o/r/.%2e/x", path_fault::dot_segment},
        {"/repos/o/r/%2e./x", path_fault::dot_segment},
        {"/a/%2e/b", path_fault::dot_segment},
        {"/repos/o/r/..;x/y", path_fault::dot_segment},
        {"/repos/o/r/..;", path_fault::dot_segment},
        {"/repos/o/r/%2e%2e;x/y", path_fault::dot_segment},
        {"/repos/o/r/..%3bx/y", path_fault::dot_segment},
        {"/repos/o/r/.;/y", path_fault::dot_segment},
        {"/repos/o/r/..;a=b;c=d/y", path_fault::dot_segment},

        {"/repos/o%2fr", path_fault::encoded_slash},
        {"/repos/o%2Fr", path_fault::encoded_slash},
        {"/%2e%2e%2fx", path_fault::encoded_slash},

        {"//", path_fault::empty_segment},
        {"//evil.test/", path_fault::empty_segment},
        {"/repos//o/r", path_fault::empty_segment},
        {"/repos/o/r//", path_fault::empty_segment},
        {"/repos/;x/r", path_fault::empty_segment},
        {"/repos/;", path_fault::empty_segment},
        {"/repos/%3b/r", path_fault::empty_segment},
    };
    expect_faults(tricks);
}

TEST(RequestPath, RefusesBytesThatAreReadTwoWays)
{
    const std::pair<std::string_view, path_fault> tricks[] = {
        {"/a%00", path_fault::control_character},
        {"/a%0d%0aX:y", path_fault::control_character},
        {"/a%1f", path_fault::control_character},
        {"/a%7F", path_fault::control_character},
        {"/a%09b", path_fault::control_character},

        {"/a\\b", path_fault::backslash},
        {"/a%5cb", path_fault::backslash},
        {"/..%5C..", path_fault::backslash},

        {"/a%252e%252e/b", path_fault::double_encoding},
        {"/a%252E/b", path_fault::double_encoding},
        {"/a%252fb", path_fault::double_encoding},
        {"/a%252Fb", path_fault::double_encoding},
        {"/a%255cb", path_fault::double_encoding},
        {"/a%255Cb", path_fault::double_encoding},
        {"/a%25%32%65", path_fault::double_encoding},
        {"/a%25%32e", path_fault::double_encoding},

        {"/a%", path_fault::bad_escape},
        {"/a%2", path_fault::bad_escape},
        {"/a%2/b", path_fault::bad_escape},
        {"/a%zz", path_fault::bad_escape},
        {"/a%%32", path_fault::bad_escape},
        {"/a%u002e", path_fault::bad_escape},
        {"/%c0%ae%c0%ae/x", path_fault::bad_escape},
        {"/a%c0%afb", path_fault::bad_escape},
        {"/a%e0%80%af", path_fault::bad_escape},
        {"/a%f0%80%80%af", path_fault::bad_escape},

        {"/a b", path_fault::bad_byte},
        {"/a\tb", path_fault::bad_byte},
        {"/a\x7f", path_fault::bad_byte},
        {"/a\xff", path_fault::bad_byte},
        {"/caf\xc3\xa9", path_fault::bad_byte},
        {"/a?b", path_fault::bad_byte},
        {"/a#b", path_fault::bad_byte},
        {std::string_view("/a\0b", 4), path_fault::bad_byte},
    };
    expect_faults(tricks);
}

TEST(RequestPath, AllowsWhatTheProvidersFileAllowsAndNoMore)
{
    const path_allowances empty{.empty_segments = true};
    EXPECT_EQ(segments_of("/a//b", empty), (texts{"a", "", "b"}));
    EXPECT_EQ(segments_of("//", empty), (texts{"", ""}));
    EXPECT_EQ(fault_of("/a//../b", empty), path_fault::dot_segment);
    EXPECT_EQ(fault_of("/a%2fb", empty), path_fault::encoded_slash);

    const path_allowances slash{.encoded_slash = true};
    EXPECT_EQ(segments_of("/projects/group%2Fname/x", slash),
              (texts{"projects", "group/name", "x"}));
    EXPECT_EQ(fault_of("/a%2f..%2fb", slash), path_fault::dot_segment);
    EXPECT_EQ(fault_of("/%2e%2e%2fb", slash), path_fault::dot_segment);
    EXPECT_EQ(fault_of("/a%2F%2e", slash), path_fault::dot_segment);
    EXPECT_EQ(fault_of("/a%2f..;x", slash), path_fault::dot_segment);
    EXPECT_EQ(fault_of("/a%252fb", slash), path_fault::double_encoding);
    EXPECT_EQ(fault_of("/a//b", slash), path_fault::empty_segment);
}

TEST(RequestPath, CountsItsSegments)
{
    std::string most;
    for (std::size_t i = 0; i < path_segments_max; ++i) {
        most += "/s";
    }
    EXPECT_EQ(segments_of(most).size(), path_segments_max);
    EXPECT_EQ(fault_of(most + "/"), path_fault::too_many_segments);
    EXPECT_EQ(fault_of(most + "/s"), path_fault::too_many_segments);
    EXPECT_EQ(fault_of(most + most), path_fault::too_many_segments);
}

TEST(RequestPath, NoticesParameters)
{
    request_path path;
    ASSERT_EQ(path.parse("/a;x/b", {}), path_fault::none);
    EXPECT_TRUE(path.has_parameters());
    EXPECT_EQ(path.segments()[0], "a;x");
    ASSERT_EQ(path.parse("/a%3Bx", {}), path_fault::none);
    EXPECT_TRUE(path.has_parameters());
    ASSERT_EQ(path.parse("/a/b", {}), path_fault::none);
    EXPECT_FALSE(path.has_parameters());
}

TEST(RequestPath, IsUsedAgainAfterAFault)
{
    request_path path;
    const std::string first = "/%61%62%63/" + std::string(200, 'x') + "%20";
    ASSERT_EQ(path.parse(first, {}), path_fault::none);
    EXPECT_EQ(path.segments()[0], "abc");
    ASSERT_EQ(path.parse("/a/%zz", {}), path_fault::bad_escape);
    EXPECT_TRUE(path.segments().empty());
    ASSERT_EQ(path.parse("/%61", {}), path_fault::none);
    EXPECT_EQ(path.segments()[0], "a");
    EXPECT_EQ(path.raw(), "/%61");
}

TEST(RequestPath, DescribesEveryFaultInItsOwnWords)
{
    std::vector<std::string_view> seen;
    for (int fault = 0; fault <= static_cast<int>(path_fault::too_many_segments); ++fault) {
        const std::string_view text = describe(static_cast<path_fault>(fault));
        EXPECT_TRUE(text.ends_with('.'));
        EXPECT_EQ(std::find(seen.begin(), seen.end(), text), seen.end()) << text;
        seen.push_back(text);
    }
}

}  // namespace
}  // namespace sallyport::policy
