#include "audit/ship.hpp"

#include <atomic>
#include <map>

#include "trail_fixture.hpp"

namespace sallyport::audit {
namespace {

using namespace std::chrono_literals;

// A stream in memory, as Redis keeps one: ids ascend, what is equal or smaller is passed over.
// It outlives the sinks that reach it, and can be told to fail and to go back.
struct fake_stream {
    std::mutex mutex;
    std::map<place, std::string> lines;
    std::map<std::uint64_t, std::string> notes;
    std::string identity;
    int failures = 0;        // of the next calls
    std::size_t partly = 0;  // so many items of a failing add() arrive all the same
    std::size_t passed_over = 0;

    std::size_t size()
    {
        const std::lock_guard lock(mutex);
        return lines.size();
    }
};

class fake_sink final : public stream_sink {
public:
    explicit fake_sink(fake_stream& stream) : to_(stream) {}

    result<position> find(const std::string& identity) override
    {
        const std::lock_guard lock(to_.mutex);
        if (fails()) {
            return make_error_code(errc::unwritable);
        }
        to_.identity = identity;
        position out;
        if (!to_.lines.empty()) {
            out.line = to_.lines.rbegin()->first;
        }
        if (!to_.notes.empty()) {
            out.note = to_.notes.rbegin()->first;
            out.note_text = to_.notes.rbegin()->second;
        }
        return out;
    }
    result<void> add(const std::vector<covered_reader::item>& items) override
    {
        const std::lock_guard lock(to_.mutex);
        const bool failing = fails();
        std::size_t room = failing ? to_.partly : items.size();
        for (const auto& one : items) {
            if (room-- == 0) {
                break;
            }
            put(one);
        }
        return failing ? result<void>(make_error_code(errc::unwritable)) : result<void>();
    }
    result<void> trim() override { return {}; }

private:
    bool fails() { return to_.failures > 0 && to_.failures-- > 0; }
    void put(const covered_reader::item& one)
    {
        if (one.note != 0) {
            to_.notes.emplace(one.note, one.text);
        } else if (!to_.lines.empty() && one.at <= to_.lines.rbegin()->first) {
            ++to_.passed_over;
        } else {
            to_.lines.emplace(one.at, one.text);
        }
    }
    fake_stream& to_;
};

class Shipping : public testing::Test {
protected:
    Shipping()
    {
        settings_.directory = directory_;
        settings_.segment_bytes = 20'000;
    }

    std::unique_ptr<shipper> ship()
    {
        return std::make_unique<shipper>(directory_, std::make_unique<fake_sink>(stream_),
                                         [this](const std::string& what) {
                                             const std::lock_guard lock(stream_.mutex);
                                             told_.push_back(what);
                                         });
    }
    // A gate's life: two writers, `lines` each.
    void live(int lines)
    {
        auto trail = std::move(*open_trail(settings_, "node"));
        auto first = std::move(*trail->open_writer("w0"));
        auto second = std::move(*trail->open_writer("w1"));
        for (int i = 0; i < lines; ++i) {
            entry line;
            line.kind = kind::call_refused;
            ASSERT_TRUE(first->append(line) && first->flush());
            ASSERT_TRUE(second->append(line) && second->flush());
        }
    }
    template <class Fact>
    static bool becomes(Fact fact)
    {
        const auto until = std::chrono::steady_clock::now() + 30s;
        while (!fact() && std::chrono::steady_clock::now() < until) {
            std::this_thread::sleep_for(5ms);
        }
        return fact();
    }
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
    std::vector<std::string> in_stream()
    {
        const std::lock_guard lock(stream_.mutex);
        std::vector<std::string> out;
        for (const auto& [at, text] : stream_.lines) {
            out.push_back(text);
        }
        std::sort(out.begin(), out.end());
        return out;
    }

    temporary_directory home_;
    const std::filesystem::path directory_ = home_.path();
    settings settings_;
    fake_stream stream_;
    std::vector<std::string> told_;
};

TEST_F(Shipping, BringsEveryLineOnceAndTheLastCheckpointAtTheEnd)
{
    {
        const auto shipping = ship();
        live(300);
    }
    EXPECT_EQ(in_stream(), in_files());
    EXPECT_EQ(in_stream().size(), 600u);
    const verification proof = verify_directory(directory_, stream_.notes.rbegin()->second);
    EXPECT_TRUE(proof.sound) << proof.first_bad;
    EXPECT_EQ(stream_.notes.size(), proof.checkpoints);
}

TEST_F(Shipping, GoesOnWhereTheStreamStandsAfterEveryFailure)
{
    live(200);
    for (int i = 0; i < 12; ++i) {
        {
            const std::lock_guard lock(stream_.mutex);
            stream_.failures = i % 3;
            stream_.partly = static_cast<std::size_t>(i) * 5;
        }
        const auto shipping = ship();
        live(10);
        EXPECT_TRUE(becomes([&] { return stream_.size() >= 400u + static_cast<std::size_t>(i); }));
    }
    {
        const auto shipping = ship();
        EXPECT_TRUE(becomes([&] { return stream_.size() == 640; }));
    }
    EXPECT_EQ(in_stream(), in_files());
}

TEST_F(Shipping, BringsAgainWhatAStreamLostThatWentBack)
{
    live(50);
    ship();
    ASSERT_EQ(stream_.size(), 100u);
    {
        const std::lock_guard lock(stream_.mutex);
        while (stream_.lines.size() > 31) {
            stream_.lines.erase(std::prev(stream_.lines.end()));
        }
        const std::uint64_t back = stream_.lines.rbegin()->first.checkpoint;
        stream_.notes.erase(stream_.notes.lower_bound(back), stream_.notes.end());
    }
    ship();
    EXPECT_EQ(in_stream(), in_files());
}

TEST_F(Shipping, SaysHowFarItIsBehindWhileTheStreamIsAway)
{
    stream_.failures = 1'000'000;
    const auto shipping = ship();
    live(40);
    EXPECT_TRUE(becomes([&] { return shipping->behind() == 80; }));
    EXPECT_EQ(shipping->shipped_checkpoint(), 0u);
    {
        const std::lock_guard lock(stream_.mutex);
        EXPECT_EQ(told_.size(), 1u);  // Once, however often it was tried.
        stream_.failures = 0;
    }
    EXPECT_TRUE(becomes([&] { return shipping->behind() == 0 && stream_.size() == 80; }));
    EXPECT_TRUE(becomes([&] { return shipping->shipped_checkpoint() > 0; }));
    const std::lock_guard lock(stream_.mutex);
    EXPECT_EQ(told_.back(), "");
}

TEST_F(Shipping, DoesNotTouchAStreamThatKnowsMoreThanTheDirectory)
{
    live(10);
    const std::filesystem::path kept = directory_.string() + ".kept";
    std::filesystem::copy(directory_, kept, std::filesystem::copy_options::recursive);
    live(10);
    ship();
    ASSERT_EQ(stream_.size(), 40u);
    std::filesystem::remove_all(directory_);
    std::filesystem::rename(kept, directory_);
    live(10);
    {
        const auto shipping = ship();
        EXPECT_TRUE(becomes([&] {
            const std::lock_guard lock(stream_.mutex);
            return !told_.empty() && told_.back().find("history") != std::string::npos;
        }));
    }
    EXPECT_EQ(stream_.size(), 40u);
}

TEST_F(Shipping, WaitsForADirectoryThatIsStillEmpty)
{
    const auto shipping = ship();
    EXPECT_EQ(shipping->behind(), 0u);
    live(1);
    EXPECT_TRUE(becomes([&] { return stream_.size() == 2; }));
}

}  // namespace
}  // namespace sallyport::audit
