#include "audit/retention.hpp"

#include "audit/compress.hpp"
#include "audit/covered.hpp"
#include "audit/query.hpp"
#include "audit/reader.hpp"
#include "audit/recovery.hpp"
#include "trail_fixture.hpp"

namespace sallyport::audit {
namespace {

using namespace std::chrono_literals;

class Retention : public testing::Test {
protected:
    // A gate, begun as open_trail begins one.
    std::shared_ptr<const directory> gate()
    {
        auto in = std::make_shared<directory>();
        in->self = open_directory(path_);
        in->node = "node";
        in->segment_bytes = 3000;
        in->checkpoints = std::move(*checkpointer::open(in->self.get(), in->node, in->durable));
        std::string where;
        EXPECT_TRUE(recover(in, where)) << where;
        return in;
    }
    void write(writer& to, int lines)
    {
        for (int i = 0; i < lines; ++i) {
            entry line;
            line.kind = kind::call_refused;
            const std::string path = "/" + std::to_string(++written_);
            line.path = path;
            ASSERT_TRUE(to.append(line) && to.flush());
        }
    }
    void live(int lines)
    {
        const auto in = gate();
        segment_writer writer(in, "w0");
        ASSERT_TRUE(writer.open());
        write(writer, lines);
    }

    static unix_micros in(std::chrono::hours time)
    {
        return now_micros() + std::chrono::microseconds(time).count();
    }
    std::vector<std::string> files(std::string_view suffix) const
    {
        std::vector<std::string> out;
        for (const auto& file : std::filesystem::directory_iterator(path_)) {
            if (file.path().string().ends_with(suffix)) {
                out.push_back(file.path());
            }
        }
        std::sort(out.begin(), out.end());
        return out;
    }
    std::uint64_t newest_checkpoint() const { return verify_directory(path_).checkpoints; }
    void expect_sound(std::string_view kept = {}) const
    {
        const verification proof = verify_directory(path_, kept);
        EXPECT_TRUE(proof.sound) << proof.first_bad;
    }
    std::string newest_note() const
    {
        covered_reader reader(path_);
        std::string out;
        for (auto some = reader.read(1000, 1 << 20); !some.empty();
             some = reader.read(1000, 1 << 20)) {
            for (const auto& one : some) {
                out = one.note != 0 ? one.text : out;
            }
        }
        return out;
    }

    temporary_directory home_;
    const std::filesystem::path path_ = home_.path();
    int written_ = 0;
    const keeping compressing_{.compress = true};
    const keeping a_day_{.age = 24h};
};

std::vector<std::string> covered_lines(const std::filesystem::path& path)
{
    std::vector<std::string> out;
    covered_reader reader(path);
    for (auto some = reader.read(100, 1 << 20); !some.empty(); some = reader.read(100, 1 << 20)) {
        for (const auto& one : some) {
            if (one.note == 0) {
                out.push_back(to_string(one.at) + one.text);
            }
        }
    }
    return out;
}

TEST_F(Retention, CompressedSegmentsReadAsTheyDidBefore)
{
    live(100);
    query some;
    some.all = {{"path", {"/7", "/50"}}};
    const auto covered = covered_lines(path_);
    const auto found = find_newest(path_, {}, 1000);
    const auto few = find_newest(path_, some, 1000);
    const auto newest = tail_reader(path_).read_last(30);
    const verification before = verify_directory(path_);
    ASSERT_GT(files(".jsonl").size(), 5u);

    const retention::work done = retention::look(*gate(), compressing_, {}, in(1h));
    EXPECT_EQ(done.compressed, before.segments);
    EXPECT_TRUE(files(".jsonl").empty());
    EXPECT_EQ(files(".gz").size(), before.segments);
    const verification after = verify_directory(path_);
    EXPECT_TRUE(after.sound) << after.first_bad;
    EXPECT_EQ(after.lines, before.lines);
    EXPECT_EQ(after.bytes, before.bytes);
    EXPECT_EQ(covered_lines(path_), covered);
    for (int i = 0; i < 2; ++i) {  // With the indexes made, and with them found.
        EXPECT_EQ(find_newest(path_, {}, 1000), found);
        EXPECT_EQ(find_newest(path_, some, 1000), few);
    }
    EXPECT_EQ(few.size(), 2u);
    EXPECT_EQ(tail_reader(path_).read_last(30), newest);
    EXPECT_TRUE(tail_reader(path_).read_new().empty());
}

TEST_F(Retention, CompressesNothingThatMayStillBeWritten)
{
    const auto in_use = gate();
    segment_writer writer(in_use, "w0");
    ASSERT_TRUE(writer.open());
    write(writer, 30);
    EXPECT_EQ(retention::look(*in_use, compressing_, {}, now_micros()).compressed, 0u);
    const std::size_t before = files(".jsonl").size();
    EXPECT_EQ(retention::look(*in_use, compressing_, {}, in(1h)).compressed, before - 1);
    write(writer, 30);
    expect_sound();
}

TEST_F(Retention, AnInterruptedCompressionIsDoneAgain)
{
    live(20);
    const std::string plain = files(".jsonl").front();
    const std::string bytes = read_file(plain);
    const auto in_use = gate();
    const segment first{std::filesystem::path(plain).filename(), "", 1};
    ASSERT_TRUE(compress_segment(in_use->self.get(), first));
    write_file(plain, bytes);  // As if the plain file had not gone yet.
    write_file(plain + ".gz.new", "half of it");
    expect_sound();
    EXPECT_GT(retention::look(*in_use, compressing_, {}, in(1h)).compressed, 0u);
    EXPECT_TRUE(files(".jsonl").empty());
    EXPECT_TRUE(files(".new").empty());
    expect_sound();
}

TEST_F(Retention, AChangedOrCutCompressedSegmentShows)
{
    live(60);
    retention::look(*gate(), compressing_, {}, in(1h));
    const std::string packed = files(".gz").front();
    const std::string bytes = read_file(packed);
    for (const std::string& bad :
         {bytes.substr(0, bytes.size() / 2), bytes.substr(0, bytes.size() - 1), bytes + "more",
          std::string("no gzip"), std::string()}) {
        write_file(packed, bad);
        EXPECT_FALSE(verify_directory(path_).sound);
    }
    std::string flipped = bytes;
    flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 1);
    write_file(packed, flipped);
    EXPECT_FALSE(verify_directory(path_).sound);
    write_file(packed, bytes);
    expect_sound();
}

TEST_F(Retention, DeletesWhatIsTooOldAndTheRestStaysProved)
{
    live(50);
    const std::string kept = newest_note();
    const auto in_use = gate();
    segment_writer writer(in_use, "w1");
    ASSERT_TRUE(writer.open());
    write(writer, 50);
    ASSERT_EQ(retention::look(*in_use, a_day_, {}, in(1h)).deleted, 0u);
    // The checkpoint thread covers them within a second.
    const std::size_t before = files(".jsonl").size();
    std::size_t deleted = 0;
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (deleted + 1 < before && std::chrono::steady_clock::now() < until) {
        deleted += retention::look(*in_use, a_day_, {}, in(25h)).deleted;
    }
    EXPECT_EQ(deleted, before - 1);  // All but the one that is written.
    EXPECT_EQ(files(".jsonl").size(), 1u);
    expect_sound();
    expect_sound(kept);
    write(writer, 50);
    expect_sound(kept);
}

TEST_F(Retention, DeletesTheOldestUntilTheRestIsSmallEnough)
{
    live(50);
    live(50);
    keeping small;
    small.bytes = 10'000;
    EXPECT_GT(retention::look(*gate(), small, {}, in(1h)).deleted, 3u);
    std::uintmax_t left = 0;
    for (const std::string& file : files(".jsonl")) {
        left += std::filesystem::file_size(file);
    }
    EXPECT_LE(left, 10'000u);
    EXPECT_GT(left, 5'000u);
    expect_sound();
}

TEST_F(Retention, DeletesNothingThatTheStreamLacks)
{
    live(50);
    const std::uint64_t shipped = newest_checkpoint();
    live(50);
    const std::size_t all = files(".jsonl").size();
    EXPECT_EQ(retention::look(
                  *gate(), a_day_, [] { return 0; }, in(25h))
                  .deleted,
              0u);
    const std::size_t deleted = retention::look(
                                    *gate(), a_day_, [&] { return shipped; }, in(25h))
                                    .deleted;
    EXPECT_GT(deleted, 0u);
    EXPECT_LT(deleted, all);
    expect_sound();
    // What is left is exactly the second life.
    const auto left = find_newest(path_, {}, 1000);
    ASSERT_EQ(left.size(), 50u);
    EXPECT_NE(left.front().find("\"path\":\"/51\""), std::string::npos);
}

TEST_F(Retention, WhatNobodyAnnouncedIsMissed)
{
    live(60);
    const auto segments = files(".jsonl");
    ASSERT_GT(segments.size(), 4u);
    const std::string first = read_file(segments[0]);
    std::filesystem::remove(segments[0]);
    EXPECT_FALSE(verify_directory(path_).sound);
    write_file(segments[0], first);
    const auto in_use = gate();
    keeping rules;
    rules.bytes = std::filesystem::file_size(segments[1]) * (segments.size() - 2);
    ASSERT_GT(retention::look(*in_use, rules, {}, in(1h)).deleted, 0u);
    expect_sound();
    const auto left = files(".jsonl");
    std::filesystem::remove(left.front());  // One more than was announced.
    const verification proof = verify_directory(path_);
    EXPECT_FALSE(proof.sound);
    EXPECT_NE(proof.first_bad.find("missing"), std::string::npos) << proof.first_bad;
}

TEST_F(Retention, AKillBetweenTheAnnouncementAndTheDeletionDoesNoHarm)
{
    live(60);
    const auto segments = files(".jsonl");
    std::vector<std::string> bytes;
    for (const std::string& one : segments) {
        bytes.push_back(read_file(one));
    }
    keeping rules;
    rules.bytes = std::filesystem::file_size(segments[1]) * 2;
    const std::size_t deleted = retention::look(*gate(), rules, {}, in(1h)).deleted;
    ASSERT_GT(deleted, 1u);
    for (std::size_t i = deleted; i-- > 0;) {
        write_file(segments[i], bytes[i]);  // So many of them were still there.
        expect_sound();
    }
}

TEST_F(Retention, AnUnfinishedWriterWhoseBeginningIsGoneIsRecovered)
{
    {
        const auto in_use = gate();
        segment_writer writer(in_use, "w0");
        ASSERT_TRUE(writer.open());
        entry intent;
        intent.kind = kind::call_intent;
        write(writer, 40);
        intent.call_id = "open-call";
        ASSERT_TRUE(writer.append(intent) && writer.flush());
        std::size_t deleted = 0;
        const auto until = std::chrono::steady_clock::now() + 20s;
        while (deleted < 2 && std::chrono::steady_clock::now() < until) {
            deleted += retention::look(*in_use, a_day_, {}, in(25h)).deleted;
        }
        ASSERT_GE(deleted, 2u);
    }
    ASSERT_EQ(files(".open").size(), 1u);
    live(1);
    EXPECT_TRUE(files(".open").empty());
    query outcome;
    outcome.all = {{"call_id", {"open-call"}}, {"code", {"outcome_unknown"}}};
    EXPECT_EQ(find_newest(path_, outcome, 10).size(), 1u);
    expect_sound();
}

TEST_F(Retention, SegmentsAreClosedWithAge)
{
    settings aged;
    aged.directory = path_;
    aged.segment_age = 1ms;
    auto trail = std::move(*open_trail(aged, "node"));
    auto writer = std::move(*trail->open_writer("w0"));
    for (int i = 0; i < 3; ++i) {
        const auto until = std::chrono::steady_clock::now() + 2ms;
        while (std::chrono::steady_clock::now() < until) {
        }
        write(*writer, 1);
    }
    EXPECT_GE(files(".jsonl").size(), 2u);
    expect_sound();
}

}  // namespace
}  // namespace sallyport::audit
