#include "audit/verify.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "audit/line.hpp"
#include "tests/audit/trail_fixture.hpp"

namespace sallyport::audit {
namespace {

class VerifyTest : public TrailTest {
protected:
    std::string joined(const std::vector<std::string>& lines)
    {
        std::string out;
        for (const std::string& line : lines) {
            out += line + "\n";
        }
        return out;
    }

    // The number of the line that verify() blames, 0 if it blames none.
    std::size_t blamed() const
    {
        const verification found = verify();
        EXPECT_EQ(found.sound, found.first_bad.empty());
        if (found.sound) {
            return 0;
        }
        const std::size_t colon = found.first_bad.find(':');
        return std::stoul(found.first_bad.substr(colon + 1));
    }
};

TEST_F(VerifyTest, FindsABitFlippedInAnyByte)
{
    fill(2);
    const std::filesystem::path file = files().front();
    const std::string whole = read_file(file);
    for (std::size_t at = 0; at < whole.size(); ++at) {
        const auto line = static_cast<std::size_t>(
            1 + std::count(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ (1 << at % 8));
        write_file(file, changed);
        ASSERT_EQ(blamed(), line) << "byte " << at;
    }
}

TEST_F(VerifyTest, FindsEveryLineDroppedRepeatedOrSwapped)
{
    fill(3);
    const std::filesystem::path file = files().front();
    const std::vector<std::string> lines = lines_of(read_file(file));
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto at = static_cast<std::ptrdiff_t>(i);
        std::vector<std::string> changed = lines;
        changed.erase(changed.begin() + at);
        write_file(file, joined(changed));
        EXPECT_EQ(blamed(), i + 1);

        changed = lines;
        changed.insert(changed.begin() + at, lines[i]);
        write_file(file, joined(changed));
        EXPECT_EQ(blamed(), i + 2);

        for (std::size_t k = i + 1; k < lines.size(); ++k) {
            changed = lines;
            std::swap(changed[i], changed[k]);
            write_file(file, joined(changed));
            EXPECT_EQ(blamed(), i + 1);
        }
    }
}

TEST_F(VerifyTest, FindsEveryCut)
{
    fill(1);
    const std::filesystem::path file = files().front();
    const std::string whole = read_file(file);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        write_file(file, std::string_view(whole).substr(0, size));
        EXPECT_FALSE(verify().sound) << size;
    }
}

TEST_F(VerifyTest, FindsLinesAndSegmentsOfAnotherWriter)
{
    fill(2, "w0");
    fill(2, "w1");
    const std::string first = read_file(files()[0]), second = read_file(files()[1]);
    write_file(files()[0], first + second);
    EXPECT_EQ(blamed(), 5u);
    write_file(files()[0], second);
    EXPECT_EQ(blamed(), 1u);
    const std::vector<std::string> a = lines_of(first), b = lines_of(second);
    write_file(files()[0], joined({a[0], b[1], a[2], a[3]}));
    EXPECT_EQ(blamed(), 2u);
    write_file(files()[0], first);
    EXPECT_EQ(blamed(), 0u);
}

TEST_F(VerifyTest, FindsSegmentsMissingSwappedCopiedAndRenamed)
{
    settings_.segment_bytes = 1;
    fill(3);
    const auto all = files();
    ASSERT_EQ(all.size(), 3u);
    const std::string second = read_file(all[1]), third = read_file(all[2]);

    write_file(all[1], third), write_file(all[2], second);
    EXPECT_EQ(verify().first_bad, all[1].filename().string() + ":1: lines before it are missing");
    write_file(all[1], second), write_file(all[2], third);

    for (const std::size_t gone : {0u, 1u}) {
        const std::string bytes = read_file(all[gone]);
        std::filesystem::remove(all[gone]);
        EXPECT_EQ(blamed(), 1u);
        write_file(all[gone], bytes);
    }
    const std::string name = all[0].filename();
    const auto copy = all[0].parent_path() / (name.substr(0, name.rfind('-')) + "-000004.jsonl");
    write_file(copy, second);
    EXPECT_EQ(verify().first_bad,
              copy.filename().string() + ":1: it stands after lines that follow it");
    std::filesystem::remove(copy);

    for (const char* strange : {"x.jsonl", "x-1.jsonl", "x-0000001.jsonl", ".jsonl",
                                "-000001.jsonl", "x-99999999999.jsonl"}) {
        write_file(all[0].parent_path() / strange, "");
        EXPECT_EQ(verify().first_bad, std::string(strange) + ":0: is not named as a segment is");
        std::filesystem::remove(all[0].parent_path() / strange);
    }
    EXPECT_TRUE(verify().sound);
}

TEST_F(VerifyTest, FindsARewrittenLineByTheNextOnesPrev)
{
    fill(2);
    const std::filesystem::path file = files().front();
    std::vector<std::string> lines = lines_of(read_file(file));
    std::string& line = lines[1];
    line.replace(line.find("200"), 3, "403");
    const std::size_t tail = line.rfind(R"(,"hash":")");
    sha256().write_hex(std::string_view(line).substr(0, tail), line.data() + tail + 9);
    write_file(file, joined(lines));
    EXPECT_EQ(verify().first_bad,
              file.filename().string() + ":3: its prev is not the hash of the line before it");
}

TEST_F(VerifyTest, RefusesWhatIsNoDirectoryOfSegments)
{
    EXPECT_FALSE(verify().sound);
    EXPECT_EQ(verify().first_bad, ".:0: the directory cannot be read");
    std::filesystem::create_directory(settings_.directory);
    EXPECT_TRUE(verify().sound);
    const auto name = std::filesystem::path(settings_.directory) / "x-000001.jsonl";
    std::filesystem::create_symlink("/etc/passwd", name);
    EXPECT_EQ(verify().first_bad, "x-000001.jsonl:0: cannot be read");
    std::filesystem::remove(name);
    ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
    EXPECT_EQ(verify().first_bad, "x-000001.jsonl:0: cannot be read");
}

TEST_F(VerifyTest, DoesNotSwallowEndlessLines)
{
    std::filesystem::create_directory(settings_.directory);
    const auto name = std::filesystem::path(settings_.directory) / "x-000001.jsonl";
    write_file(name, std::string(2 * line_bytes_max, '['));
    EXPECT_EQ(verify().first_bad, "x-000001.jsonl:1: is longer than any line of the trail");
    write_file(name, "{\"id\":" + std::string(100'000, '[') + "\n");
    EXPECT_EQ(verify().first_bad, "x-000001.jsonl:1: is not a line of the trail");
}

}  // namespace
}  // namespace sallyport::audit
