#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "base/ulid.hpp"

namespace sallyport {
namespace {

TEST(Ulid, RoundTripsThroughItsText)
{
    ulid_source source;
    const ulid id = source.next(1'763'633'315'000);
    EXPECT_EQ(id.text().size(), ulid::text_size);
    EXPECT_EQ(ulid::parse(id.text()), id);
}

TEST(Ulid, KeepsTheExampleOfTheSpecification)
{
    const auto id = ulid::parse("01ARYZ6S41TSV4RRFFQ69G5FAV");
    ASSERT_TRUE(id);
    EXPECT_EQ(id->text(), "01ARYZ6S41TSV4RRFFQ69G5FAV");
    EXPECT_EQ(to_hex({reinterpret_cast<const char*>(id->bytes.data()), 6}), "01563df36481");
}

TEST(Ulid, IncreasesWithinAMillisecondAndWhenTheClockStepsBack)
{
    ulid_source source;
    const ulid first = source.next(1000);
    const ulid second = source.next(1000);
    const ulid third = source.next(10);
    EXPECT_LT(first, second);
    EXPECT_LT(second, third);
}

TEST(Ulid, RefusesOtherAlphabetsAndOverflow)
{
    EXPECT_FALSE(ulid::parse("01arYZ6S41TSV4RRFFQ69G5FAV"));
    EXPECT_FALSE(ulid::parse("81ARYZ6S41TSV4RRFFQ69G5FAV"));
    EXPECT_FALSE(ulid::parse("01ARYZ6S41TSV4RRFFQ69G5FAU"));
    EXPECT_FALSE(ulid::parse("01ARYZ6S41"));
}

TEST(Encoding, KeepsTheVectorsOfRfc4648)
{
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, encoded] : vectors) {
        EXPECT_EQ(to_base64(plain), encoded);
        EXPECT_EQ(from_base64(encoded), plain);
    }
    EXPECT_EQ(to_base64url("\xff\xef"), "_-8");
    EXPECT_EQ(from_base64url("_-8"), "\xff\xef");
}

TEST(Encoding, HasOneTextForOneValue)
{
    EXPECT_FALSE(from_base64("Zh=="));
    EXPECT_FALSE(from_base64("Zg="));
    EXPECT_FALSE(from_base64("Zg"));
    EXPECT_FALSE(from_base64("Z==="));
    EXPECT_FALSE(from_base64url("Zg=="));
    EXPECT_FALSE(from_base64url("Zm9v+"));
    EXPECT_FALSE(from_hex("abc"));
    EXPECT_FALSE(from_hex("AB"));
    EXPECT_EQ(from_hex("00ff"), std::string("\0\xff", 2));
}

TEST(Text, WritesJsonStringsThatAreAlwaysValid)
{
    const auto json = [](std::string_view text) {
        std::string out;
        append_json_string(out, text);
        return out;
    };
    EXPECT_EQ(json("plain"), R"("plain")");
    EXPECT_EQ(json("a\"b\\c\n\t\x01\x7f"), "\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\"");
    EXPECT_EQ(json("h\xc3\xa9"), "\"h\xc3\xa9\"");
    EXPECT_EQ(json("\xc0\xaf\xed\xa0\x80"),
              "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    EXPECT_EQ(json("\xf0\x9f\x92\xa9"), "\"\xf0\x9f\x92\xa9\"");
    EXPECT_EQ(json("\xf0\x9f"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(Text, KnowsNames)
{
    EXPECT_TRUE(is_name("ann@example.com"));
    EXPECT_TRUE(is_name(std::string(128, 'a')));
    EXPECT_FALSE(is_name(""));
    EXPECT_FALSE(is_name(std::string(129, 'a')));
    EXPECT_FALSE(is_name("a b"));
    EXPECT_FALSE(is_name("a/b"));
    EXPECT_FALSE(is_name("\xc3\xa9"));
}

TEST(Time, FormatsMicrosecondsInUtc)
{
    EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(rfc3339(1'763'633'315'000'042), "2025-11-20T10:08:35.000042Z");
    EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999999Z");
}

TEST(Time, ParsesRfc3339AndNothingElse)
{
    EXPECT_EQ(parse_rfc3339("2025-11-20T10:08:35.000042Z"), 1'763'633'315'000'042);
    EXPECT_EQ(parse_rfc3339("2025-11-20T12:08:35+02:00"), 1'763'633'315'000'000);
    for (const char* bad :
         {"", "2025-11-20", "2025-02-30T00:00:00Z", "2025-11-20T10:08:35", "2025-11-20T25:00:00Z",
          "2025-11-20T10:08:35.Z", "2025-11-20T10:08:35+2:00", "2025-11-20T10:08:35Zx"}) {
        EXPECT_FALSE(parse_rfc3339(bad)) << bad;
    }
}

TEST(Time, ReadsDurationsAndSizesWithTheirUnits)
{
    EXPECT_EQ(parse_duration("250ms"), std::chrono::milliseconds(250));
    EXPECT_EQ(parse_duration("24h"), std::chrono::hours(24));
    for (const char* bad : {"", "10", "s", "-1s", "1.5s", "10 s", "10sec", "99999999999999999h"}) {
        EXPECT_FALSE(parse_duration(bad)) << bad;
    }
    EXPECT_EQ(parse_size("64KiB"), 65536u);
    EXPECT_EQ(parse_size("512"), 512u);
    for (const char* bad : {"", "64KB", "KiB", "-1", "1.5MiB", "99999999999GiB"}) {
        EXPECT_FALSE(parse_size(bad)) << bad;
    }
}

}  // namespace
}  // namespace sallyport
