#include "audit/reader.hpp"

#include <gtest/gtest.h>

#include "audit/line.hpp"
#include "audit/scan.hpp"
#include "tests/audit/trail_fixture.hpp"

namespace sallyport::audit {
namespace {

using ids = std::vector<std::string>;

ids ids_of(const std::vector<std::string>& lines)
{
    ids out;
    for (const std::string& line : lines) {
        out.emplace_back(find_member(line, "call_id").value_or("?"));
    }
    return out;
}

class ReaderTest : public TrailTest {
protected:
    void write(writer& to, const std::string& id, unix_micros time)
    {
        entry one = outcome(id);
        one.time = now_micros() + time;
        ASSERT_TRUE(to.append(one));
        ASSERT_TRUE(to.flush());
    }
};

TEST_F(ReaderTest, MergesTheNewestLinesOfAllWritersByTime)
{
    auto opened = open();
    auto first = *opened->open_writer("w0"), second = *opened->open_writer("w1");
    write(*first, "1", 1), write(*second, "2", 20'000), write(*second, "3", 30'000);
    write(*first, "4", 40'000), write(*second, "5", 50'000);
    tail_reader reader(settings_.directory);
    EXPECT_EQ(ids_of(reader.read_last(3)), (ids{"3", "4", "5"}));
    EXPECT_EQ(ids_of(reader.read_last(100)), (ids{"1", "2", "3", "4", "5"}));
    EXPECT_TRUE(reader.read_last(0).empty());
    EXPECT_TRUE(reader.read_new().empty());
}

TEST_F(ReaderTest, FollowsWhatIsAppendedAlsoInNewSegmentsAndByNewWriters)
{
    settings_.segment_bytes = 600;
    auto opened = open();
    auto first = *opened->open_writer("w0");
    write(*first, "1", 0);
    tail_reader reader(settings_.directory);
    EXPECT_TRUE(reader.read_new().empty());
    write(*first, "2", 0), write(*first, "3", 1000), write(*first, "4", 2000);
    auto second = *opened->open_writer("w1");
    write(*second, "5", 3000);
    EXPECT_EQ(ids_of(reader.read_new()), (ids{"2", "3", "4", "5"}));
    EXPECT_TRUE(reader.read_new().empty());
}

TEST_F(ReaderTest, WaitsForTheRestOfALine)
{
    fill(2);
    const auto file = files().front();
    const std::string whole = read_file(file);
    const std::size_t last = whole.rfind('\n', whole.size() - 2) + 1;
    write_file(file, std::string_view(whole).substr(0, last + 30));
    tail_reader reader(settings_.directory);
    EXPECT_EQ(reader.read_last(10).size(), 3u);
    EXPECT_TRUE(reader.read_new().empty());
    write_file(file, whole);
    const auto lines = reader.read_new();
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0] + "\n", whole.substr(last));
}

TEST_F(ReaderTest, ReadsBackThroughMoreThanOneBlock)
{
    fill(1000);
    const std::vector<std::string> all = lines_of(read_file(files().front()));
    tail_reader reader(settings_.directory);
    for (const std::size_t count : {1u, 130u, 140u, 1999u, 2000u, 3000u}) {
        const auto lines = reader.read_last(count);
        const std::size_t expected = std::min<std::size_t>(count, all.size());
        ASSERT_EQ(lines.size(), expected);
        EXPECT_EQ(lines, std::vector<std::string>(all.end() - static_cast<std::ptrdiff_t>(expected),
                                                  all.end()));
    }
}

TEST_F(ReaderTest, SkipsLinesThatAreTooLong)
{
    fill(1);
    tail_reader reader(settings_.directory);
    const auto file = files().front();
    const std::string whole = read_file(file);
    const std::string line = lines_of(whole).front();
    write_file(file, whole + std::string(line_bytes_max + 10, 'x') + "\n" + line + "\n");
    std::vector<std::string> found;
    for (int i = 0; i < 3; ++i) {
        for (std::string& one : reader.read_new()) {
            found.push_back(std::move(one));
        }
    }
    EXPECT_EQ(found, std::vector<std::string>{line});
    EXPECT_EQ(reader.read_last(1), std::vector<std::string>{line});
}

TEST_F(ReaderTest, ReadsAMissingDirectoryAsEmpty)
{
    tail_reader reader(settings_.directory);
    EXPECT_TRUE(reader.read_last(5).empty());
    EXPECT_TRUE(reader.read_new().empty());
    fill(1);
    EXPECT_EQ(reader.read_new().size(), 2u);
}

TEST(HumanLine, SaysWhoDidWhatAndHowItEnded)
{
    line_maker maker("gate-1", "w0-X");
    batch lines;
    chain_head head;
    entry one = outcome("01ARYZ6S41TSV4RRFFQ69G5FAV");
    one.time = 1'763'633'315'000'000;
    one.workspace = "acme", one.app = "mailer", one.run = "r1", one.provider = "github";
    one.method = "GET", one.host = "api.github.com", one.path = "/user", one.duration_us = 12'345;
    one.operation = "user.get";
    maker.append(lines, one, head);
    const std::string_view line = lines.text().substr(0, lines.size() - 1);
    EXPECT_EQ(human_line(line, false),
              "2025-11-20T10:08:35.000000Z call.outcome               acme/mailer/r1 github GET "
              "api.github.com/user (user.get) -> 200 12.3 ms 01ARYZ6S41TSV4RRFFQ69G5FAV");
    EXPECT_NE(human_line(line, true).find("\x1b[32m -> 200"), std::string::npos);
}

TEST(HumanLine, GivesTheTerminalNothingToObey)
{
    entry one;
    one.path = "/\x1b[2J\x9b\xe2\x80\xae\n\x7f";
    line_maker maker("gate-1", "w0-X");
    batch lines;
    chain_head head;
    maker.append(lines, one, head);
    for (const std::string& text :
         {human_line(lines.text().substr(0, lines.size() - 1), false),
          human_line("no json \x1b]0;x\x07 \xc2\x9b", false), human_line(lines.text(), false)}) {
        for (const char c : text) {
            EXPECT_TRUE(c >= 0x20 && c < 0x7f) << text;
        }
    }
}

}  // namespace
}  // namespace sallyport::audit
