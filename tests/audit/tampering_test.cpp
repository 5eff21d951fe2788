// Whatever is done to a closed trail shows: everything of one kind to a small one, and a seeded
// sample of it to one of ten thousand lines. That every byte counts is verify_test.cpp's.
#include <functional>
#include <random>

#include "audit/checkpoint.hpp"
#include "tests/audit/trail_fixture.hpp"

namespace sallyport::audit {
namespace {

namespace fs = std::filesystem;

constexpr int starts = 2;
constexpr std::uint32_t seed = 20'261'120;

// Two starts of a gate with two writers each, and what stood there after the first of them.
class TamperingTest : public TrailTest {
protected:
    void make(int calls_of_a_writer, std::uint64_t segment_bytes)
    {
        settings_.segment_bytes = segment_bytes;
        for (int start = 0; start < starts; ++start) {
            auto opened = open();
            for (const char* place : {"w0", "w1"}) {
                auto writer = *opened->open_writer(place);
                for (int i = 0; i < calls_of_a_writer; ++i) {
                    const std::string id = place + std::to_string(i);
                    ASSERT_TRUE(writer->append(intent(id)));
                    ASSERT_TRUE(writer->append(outcome(id)));
                    ASSERT_TRUE(writer->flush());
                }
            }
            opened.reset();
            if (start == 0) {
                fs::copy(settings_.directory, root_ / "first", fs::copy_options::recursive);
            }
        }
        ASSERT_TRUE(verify().sound) << verify().first_bad;
        ASSERT_EQ(verify().lines, static_cast<std::uint64_t>(starts * 2 * calls_of_a_writer * 2));
        kept_ = last_note();
        segments_ = files();
    }

    std::string last_note() const
    {
        const std::string notes = read_file(files(".notes").back());
        std::string_view rest = notes, last;
        while (const auto one = read_note(rest)) {
            last = one->bytes;
            rest.remove_prefix(last.size());
        }
        return std::string(last);
    }

    // Writes `bytes` over the file, says whether that shows in that writer's files (what is missing
    // at the end of one is blamed on the next), and puts it right again.
    testing::AssertionResult shows(const fs::path& file, std::string_view bytes) const
    {
        const std::string whole = read_file(file);
        write_file(file, bytes);
        const verification found = verify();
        write_file(file, whole);
        if (found.sound) {
            return testing::AssertionFailure() << "nothing was found";
        }
        const std::string name = file.filename();
        return found.first_bad.starts_with(name.substr(0, name.rfind('-')))
                   ? testing::AssertionSuccess()
                   : testing::AssertionFailure() << "blamed is " << found.first_bad;
    }

    static std::string joined(const std::vector<std::string>& lines)
    {
        std::string out;
        for (const std::string& line : lines) {
            out.append(line).append("\n");
        }
        return out;
    }

    // Calls `on` with each way to treat line `i` ill: without it, twice, changed with its
    // neighbour.
    static void each_change(const std::vector<std::string>& lines, std::size_t i,
                            const std::function<void(const char*, const std::string&)>& on)
    {
        const auto at = static_cast<std::ptrdiff_t>(i);
        std::vector<std::string> changed = lines;
        changed.erase(changed.begin() + at);
        on("dropped", joined(changed));
        changed = lines;
        changed.insert(changed.begin() + at, lines[i]);
        on("repeated", joined(changed));
        if (i + 1 < lines.size()) {
            changed = lines;
            std::swap(changed[i], changed[i + 1]);
            on("swapped", joined(changed));
        }
        on("cut before", joined({lines.begin(), lines.begin() + at}));
    }

    void expect_each_line_treated_ill_shows(const fs::path& file, std::size_t i) const
    {
        each_change(lines_of(read_file(file)), i, [&](const char* how, const std::string& bytes) {
            EXPECT_TRUE(shows(file, bytes)) << how << ' ' << file << ':' << i + 1;
        });
    }

    void expect_each_missing_file_shows() const
    {
        std::vector<fs::path> all = segments_;
        for (const fs::path& notes : files(".notes")) {
            all.push_back(notes);
        }
        for (const fs::path& file : all) {
            const std::string bytes = read_file(file);
            fs::remove(file);
            EXPECT_FALSE(verify().sound) << file;
            write_file(file, bytes);
        }
        EXPECT_TRUE(verify().sound) << verify().first_bad;
    }

    std::string kept_;
    std::vector<fs::path> segments_;
};

class SmallTrail : public TamperingTest {
protected:
    void SetUp() override { make(5, 1000); }
};

TEST_F(SmallTrail, ShowsEveryLineDroppedRepeatedSwappedAndEveryCut)
{
    ASSERT_GT(segments_.size(), 8u);
    for (const fs::path& file : segments_) {
        const std::size_t count = lines_of(read_file(file)).size();
        for (std::size_t i = 0; i < count; ++i) {
            expect_each_line_treated_ill_shows(file, i);
        }
    }
}

TEST_F(SmallTrail, ShowsEveryMissingFile) { expect_each_missing_file_shows(); }

TEST_F(SmallTrail, ShowsEveryTwoSegmentsThatChangedPlaces)
{
    for (std::size_t i = 0; i < segments_.size(); ++i) {
        for (std::size_t k = i + 1; k < segments_.size(); ++k) {
            const std::string a = read_file(segments_[i]), b = read_file(segments_[k]);
            write_file(segments_[i], b), write_file(segments_[k], a);
            EXPECT_FALSE(verify().sound) << segments_[i] << ' ' << segments_[k];
            write_file(segments_[i], a), write_file(segments_[k], b);
        }
    }
}

TEST_F(SmallTrail, RolledBackAsAWholeIsShownByACheckpointKeptElsewhere)
{
    EXPECT_TRUE(verify_directory(settings_.directory, kept_).sound);
    const std::string earlier = root_ / "first";
    EXPECT_TRUE(verify_directory(earlier).sound);
    EXPECT_FALSE(verify_directory(earlier, kept_).sound);
}

TEST_F(SmallTrail, EveryCutOfItsCheckpointsIsShownByOneKeptElsewhere)
{
    for (const fs::path& file : files(".notes")) {
        const std::string whole = read_file(file);
        for (std::size_t size = 0; size < whole.size(); size += 5) {
            write_file(file, std::string_view(whole).substr(0, size));
            EXPECT_FALSE(verify_directory(settings_.directory, kept_).sound) << file << ' ' << size;
        }
        write_file(file, whole);
    }
    EXPECT_TRUE(verify_directory(settings_.directory, kept_).sound);
}

class TrailOfTenThousandLines : public TamperingTest {
protected:
    static constexpr int samples = 24;

    void SetUp() override
    {
        make(1250, 128u << 10);
        ASSERT_GT(segments_.size(), 30u);
    }

    std::size_t below(std::size_t bound)
    {
        return std::uniform_int_distribution<std::size_t>(0, bound - 1)(chance_);
    }
    const fs::path& any_segment() { return segments_[below(segments_.size())]; }

    std::mt19937 chance_{seed};
};

TEST_F(TrailOfTenThousandLines, ShowsAnyByteChanged)
{
    for (int i = 0; i < samples; ++i) {
        const fs::path& file = any_segment();
        std::string changed = read_file(file);
        const std::size_t at = below(changed.size());
        changed[at] = static_cast<char>(changed[at] ^ static_cast<char>(1 + below(255)));
        EXPECT_TRUE(shows(file, changed)) << file << ' ' << at;
    }
}

TEST_F(TrailOfTenThousandLines, ShowsAnyLineDroppedRepeatedSwappedAndAnyCut)
{
    for (int i = 0; i < samples / 4; ++i) {
        const fs::path& file = any_segment();
        expect_each_line_treated_ill_shows(file, below(lines_of(read_file(file)).size()));
    }
}

TEST_F(TrailOfTenThousandLines, ShowsEveryMissingFile) { expect_each_missing_file_shows(); }

}  // namespace
}  // namespace sallyport::audit
