#include "audit/covered.hpp"

#include <chrono>
#include <thread>

#include "trail_fixture.hpp"

namespace sallyport::audit {
namespace {

class Covered : public testing::Test {
protected:
    Covered()
    {
        settings_.directory = directory_;
        settings_.segment_bytes = 4000;
    }

    // A gate's life with two writers; what it wrote, by writer, is added to expected_.
    void live(int lines)
    {
        auto trail = std::move(*open_trail(settings_, "node"));
        auto first = std::move(*trail->open_writer("w0"));
        auto second = std::move(*trail->open_writer("w1"));
        for (int i = 0; i < lines; ++i) {
            add(*first);
            add(*second);
        }
    }
    void add(writer& to)
    {
        entry line;
        line.kind = kind::call_refused;
        const std::string path = "/" + std::to_string(++written_);
        line.path = path;
        ASSERT_TRUE(to.append(line));
        ASSERT_TRUE(to.flush());
    }

    static std::vector<covered_reader::item> read_all(covered_reader& from, std::size_t at_once = 7)
    {
        std::vector<covered_reader::item> out;
        for (;;) {
            auto some = from.read(at_once, 4000);
            if (some.empty()) {
                return out;
            }
            std::move(some.begin(), some.end(), std::back_inserter(out));
        }
    }
    static std::vector<std::string> texts(const std::vector<covered_reader::item>& items)
    {
        std::vector<std::string> out;
        for (const auto& one : items) {
            if (one.note == 0) {
                out.push_back(one.text);
            }
        }
        return out;
    }
    // Every line of the directory, sorted.
    std::vector<std::string> in_files() const
    {
        std::vector<std::string> out;
        for (const auto& file : std::filesystem::directory_iterator(directory_)) {
            if (file.path().extension() == ".jsonl") {
                const auto lines = lines_of(read_file(file.path()));
                out.insert(out.end(), lines.begin(), lines.end());
            }
        }
        std::sort(out.begin(), out.end());
        return out;
    }

    temporary_directory home_;
    const std::filesystem::path directory_ = home_.path();
    settings settings_;
    int written_ = 0;
};

TEST_F(Covered, HasEveryLineOnceOverSegmentsWritersAndStarts)
{
    live(100);
    live(0);
    live(60);
    covered_reader reader(directory_);
    std::vector<std::string> found = texts(read_all(reader));
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found.size(), 320u);
    EXPECT_EQ(found, in_files());
    EXPECT_EQ(reader.behind(), 0u);
}

TEST_F(Covered, KeepsEachWritersOrder)
{
    live(100);
    covered_reader reader(directory_);
    std::map<std::string, int> last;
    for (const std::string& line : texts(read_all(reader))) {
        const std::string writer = line.substr(line.find("\"writer\":"), 20);
        const int number = std::stoi(line.substr(line.find("\"path\":\"/") + 9));
        EXPECT_GT(number, last[writer]);
        last[writer] = number;
    }
    EXPECT_EQ(last.size(), 2u);
}

TEST_F(Covered, GoesOnFromAnyPlaceAsItWouldHave)
{
    live(40);
    live(30);
    covered_reader whole(directory_);
    const auto all = read_all(whole);
    ASSERT_GT(all.size(), 140u);
    for (std::size_t i = 0; i < all.size(); i += 9) {
        covered_reader from(directory_);
        ASSERT_TRUE(from.seek(all[i].at)) << to_string(all[i].at);
        const auto rest = texts(read_all(from, 50));
        auto expected = texts({all.begin() + static_cast<std::ptrdiff_t>(i) + 1, all.end()});
        EXPECT_EQ(rest, expected) << to_string(all[i].at);
        EXPECT_EQ(from.behind(), 0u);
    }
}

TEST_F(Covered, PlacesAscendAndAreNeverReused)
{
    live(30);
    live(30);
    covered_reader reader(directory_);
    place last;
    for (const auto& one : read_all(reader)) {
        if (one.note == 0) {
            EXPECT_LT(last, one.at);
            last = one.at;
        }
    }
    EXPECT_GT(last.checkpoint, 1u);
}

TEST_F(Covered, FollowsAGateThatIsWriting)
{
    auto trail = std::move(*open_trail(settings_, "node"));
    auto writer = std::move(*trail->open_writer("w0"));
    add(*writer);
    covered_reader reader(directory_);
    std::vector<std::string> found;
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    for (int more = 0; found.size() < 50 && std::chrono::steady_clock::now() < give_up;) {
        for (const std::string& line : texts(reader.read(100, 1 << 20))) {
            found.push_back(line);
        }
        if (more < 49) {
            add(*writer);
            ++more;
        }
        std::this_thread::yield();
    }
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, in_files());
}

TEST_F(Covered, BeginsAtTheEndIfAskedTo)
{
    live(20);
    covered_reader reader(directory_);
    reader.seek_to_end();
    EXPECT_TRUE(read_all(reader).empty());
    EXPECT_EQ(reader.behind(), 0u);
    live(5);
    EXPECT_EQ(texts(read_all(reader)).size(), 10u);
}

TEST_F(Covered, PassesOverLinesThatAreGone)
{
    live(100);
    std::vector<std::filesystem::path> segments;
    for (const auto& file : std::filesystem::directory_iterator(directory_)) {
        if (file.path().filename().string().find("-w0-") != std::string::npos) {
            segments.push_back(file.path());
        }
    }
    std::sort(segments.begin(), segments.end());
    ASSERT_GT(segments.size(), 3u);
    covered_reader before(directory_);
    const auto all = read_all(before);
    std::filesystem::remove(segments[0]);
    std::filesystem::remove(segments[2]);
    covered_reader reader(directory_);
    const auto left = read_all(reader);
    std::vector<std::string> found = texts(left);
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, in_files());
    EXPECT_EQ(left.back().at, all.back().at);
    EXPECT_EQ(reader.behind(), 0u);
}

TEST_F(Covered, RefusesAPlaceOfAnotherTrail)
{
    live(1);
    covered_reader reader(directory_);
    EXPECT_FALSE(reader.seek({9999, 1}));
    EXPECT_TRUE(reader.seek({}));
    EXPECT_EQ(texts(read_all(reader)).size(), 2u);
    EXPECT_FALSE(parse_place("7"));
    EXPECT_FALSE(parse_place("7-x"));
    EXPECT_FALSE(parse_place("-1"));
    EXPECT_EQ(parse_place(to_string({7, 3})), (place{7, 3}));
}

TEST_F(Covered, KnowsTheTrailByItsFirstCheckpoint)
{
    EXPECT_EQ(covered_reader(directory_).identity(), "");
    live(1);
    const std::string name = covered_reader(directory_).identity();
    EXPECT_EQ(name.size(), 64u);
    live(1);
    EXPECT_EQ(covered_reader(directory_).identity(), name);
    EXPECT_EQ(covered_reader(directory_).hash_of_note(1), name);
    EXPECT_EQ(covered_reader(directory_).hash_of_note(9999), "");
}

}  // namespace
}  // namespace sallyport::audit
