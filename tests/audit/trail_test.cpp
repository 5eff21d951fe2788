#include "audit/trail.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <thread>
#include <unordered_set>

#include "audit/scan.hpp"
#include "tests/audit/trail_fixture.hpp"

namespace sallyport::audit {
namespace {

// Runs `work` in a child process and returns its exit status, or minus the signal that ended it.
int in_child(const std::function<int()>& work)
{
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(work());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

TEST_F(TrailTest, IsOwnerOnlyAndVerifies)
{
    fill(3);
    ASSERT_EQ(files().size(), 1u);
    struct stat status {};
    ASSERT_EQ(::stat(settings_.directory.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0700u);
    ASSERT_EQ(::stat(files()[0].c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0600u);
    const verification found = verify();
    EXPECT_TRUE(found.sound) << found.first_bad;
    EXPECT_EQ(found.lines, 6u);
    EXPECT_EQ(found.segments, 1u);
    EXPECT_EQ(found.writers, 1u);
    EXPECT_EQ(found.bytes, std::filesystem::file_size(files()[0]));
}

TEST_F(TrailTest, AppendsNothingToTheDiskBeforeTheFlush)
{
    auto opened = open();
    auto writer = *opened->open_writer("w0");
    EXPECT_EQ(*writer->append(intent("a")), 1u);
    EXPECT_EQ(*writer->append(intent("b")), 2u);
    EXPECT_GT(writer->queued_bytes(), 0u);
    EXPECT_EQ(std::filesystem::file_size(files()[0]), 0u);
    EXPECT_TRUE(writer->flush());
    EXPECT_EQ(writer->queued_bytes(), 0u);
    EXPECT_EQ(lines_of(read_file(files()[0])).size(), 2u);
}

TEST_F(TrailTest, BelongsToOneGate)
{
    auto first = open();
    EXPECT_EQ(open_trail(settings_, "gate-2").error(), errc::directory_locked);
    auto writer = *first->open_writer("w0");
    first.reset();
    EXPECT_EQ(open_trail(settings_, "gate-2").error(), errc::directory_locked);
    writer.reset();
    EXPECT_TRUE(open_trail(settings_, "gate-2"));
}

TEST_F(TrailTest, NeedsADirectoryItCanWriteTo)
{
    write_file(root_ / "file", "x");
    settings_.directory = root_ / "file" / "trail";
    EXPECT_EQ(open_trail(settings_, "gate-1").error(), errc::unwritable);
    settings_.directory = root_ / "file";
    EXPECT_EQ(open_trail(settings_, "gate-1").error(), errc::unwritable);
}

TEST_F(TrailTest, BoundsWhatWaitsToBeWritten)
{
    auto opened = open();
    auto writer = *opened->open_writer("w0");
    result<std::uint64_t> last = 0;
    std::uint64_t appended = 0;
    while ((last = writer->append(intent("call")))) {
        ASSERT_LT(++appended, 100'000u);
    }
    EXPECT_EQ(last.error(), errc::backlog_full);
    EXPECT_LT(writer->queued_bytes(), backlog_bytes_max + 4096);
    EXPECT_TRUE(writer->flush());
    EXPECT_EQ(*writer->append(outcome("call")), appended + 1);
}

TEST_F(TrailTest, GoesOnInTheNextSegmentWithTheSameChain)
{
    settings_.segment_bytes = 2000;
    fill(20);
    EXPECT_GT(files().size(), 4u);
    const verification found = verify();
    EXPECT_TRUE(found.sound) << found.first_bad;
    EXPECT_EQ(found.lines, 40u);
    EXPECT_EQ(found.writers, 1u);
    EXPECT_EQ(found.segments, files().size());
}

TEST_F(TrailTest, WritersOfAllStartsStandSideBySide)
{
    for (int start = 0; start < 3; ++start) {
        auto opened = open();
        auto first = *opened->open_writer("w0");
        auto second = *opened->open_writer("w1");
        ASSERT_TRUE(first->append(intent("a")));
        ASSERT_TRUE(first->append(outcome("a")));
        ASSERT_TRUE(second->append(outcome("b")));
        ASSERT_TRUE(second->append(intent("b")));
    }
    EXPECT_TRUE(verify().sound);
    EXPECT_EQ(verify().writers, 6u);
    EXPECT_TRUE(files(".open").empty());
}

TEST_F(TrailTest, EveryWorkerOpensAndWritesItsOwn)
{
    settings_.segment_bytes = 4000;
    auto opened = open();
    std::vector<std::thread> workers;
    for (int i = 0; i < 4; ++i) {
        workers.emplace_back([&opened, i] {
            auto writer = *opened->open_writer("w" + std::to_string(i));
            for (int k = 0; k < 50; ++k) {
                EXPECT_TRUE(writer->append(outcome("call")));
                EXPECT_TRUE(writer->flush());
            }
        });
    }
    for (std::thread& worker : workers) {
        worker.join();
    }
    EXPECT_TRUE(verify().sound) << verify().first_bad;
    EXPECT_EQ(verify().lines, 200u);
    EXPECT_EQ(verify().writers, 4u);
}

TEST_F(TrailTest, KeepsAcknowledgedLinesThroughFsyncMode)
{
    settings_.durability = durability::fsync;
    settings_.segment_bytes = 2000;
    fill(5);
    EXPECT_TRUE(verify().sound);
    EXPECT_EQ(verify().lines, 10u);
}

TEST_F(TrailTest, TakesNodeNamesThatAreNoFileNames)
{
    {
        auto opened = *open_trail(settings_, "../rack 7/\"gate\"@:+");
        auto writer = *opened->open_writer("w0");
        ASSERT_TRUE(writer->append(outcome("a")));
        ASSERT_TRUE(writer->flush());
    }
    EXPECT_EQ(files().size(), 1u);
    EXPECT_TRUE(verify().sound) << verify().first_bad;
}

// The file size limit of a process is as good as a full disk: write(2) is cut short, then fails.
TEST_F(TrailTest, AFullDiskRefusesTheBatchAndServiceReturnsWithTheRoom)
{
    const int status = in_child([&] {
        ::signal(SIGXFSZ, SIG_IGN);
        auto opened = open();
        auto writer = *opened->open_writer("w0");
        for (int i = 0; i < 4; ++i) {
            if (!writer->append(outcome("before")) || !writer->flush()) {
                return 1;
            }
        }
        const auto size = std::filesystem::file_size(files()[0]);
        const rlimit tight{size + 100, RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &tight);
        if (!writer->append(outcome("lost")) || !writer->append(outcome("lost"))) {
            return 2;
        }
        if (writer->flush().error() != errc::unwritable || writer->queued_bytes() != 0) {
            return 3;
        }
        if (std::filesystem::file_size(files()[0]) != size) {
            return 4;  // The part that was written must be gone again.
        }
        const rlimit none{0, RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &none);
        for (int i = 0; i < 3; ++i) {
            if (!writer->append(outcome("lost")) || writer->flush()) {
                return 5;
            }
        }
        const rlimit wide{RLIM_INFINITY, RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &wide);
        const auto seq = writer->append(outcome("after"));
        return seq && *seq == 5 && writer->flush() ? 0 : 6;
    });
    EXPECT_EQ(status, 0);
    const verification found = verify();
    EXPECT_TRUE(found.sound) << found.first_bad;
    EXPECT_EQ(found.lines, 5u);
    EXPECT_EQ(found.segments, 2u);
    EXPECT_EQ(found.writers, 1u);
    EXPECT_EQ(read_file(files()[1]).find("lost"), std::string::npos);
    EXPECT_EQ(files(".open").size(), 1u);
}

TEST_F(TrailTest, AVanishedDirectoryRefusesTheNextSegment)
{
    settings_.segment_bytes = 1;
    auto opened = open();
    auto writer = *opened->open_writer("w0");
    ASSERT_TRUE(writer->append(outcome("a")));
    ASSERT_TRUE(writer->flush());
    std::filesystem::remove_all(settings_.directory);
    EXPECT_EQ(*writer->append(outcome("b")), 2u);
    EXPECT_EQ(writer->flush().error(), errc::unwritable);
    EXPECT_EQ(*writer->append(outcome("c")), 2u);
    EXPECT_EQ(opened->open_writer("w1").error(), errc::unwritable);
}

TEST_F(TrailTest, EveryAcknowledgedLineSurvivesAKill)
{
    for (int round = 0; round < 8; ++round) {
        int acknowledged[2];
        ASSERT_EQ(::pipe(acknowledged), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            settings_.segment_bytes = 256 << 10;
            auto opened = open_trail(settings_, "gate-1");
            auto writer = *(*opened)->open_writer("w0");
            for (std::uint32_t i = 0;; ++i) {
                for (int k = 0; k < 3; ++k) {
                    (void)writer->append(
                        intent(std::to_string(round) + ":" + std::to_string(3 * i + unsigned(k))));
                }
                if (!writer->flush() || ::write(acknowledged[1], &i, sizeof i) != sizeof i) {
                    ::_exit(1);
                }
            }
        }
        ::close(acknowledged[1]);
        std::uint32_t batches = 0, last = 0;
        while (batches < 200u + 37u * unsigned(round) &&
               ::read(acknowledged[0], &last, sizeof last) == sizeof last) {
            ++batches;
        }
        ::kill(child, SIGKILL);
        while (::read(acknowledged[0], &last, sizeof last) == sizeof last) {
            ++batches;
        }
        ::close(acknowledged[0]);
        int status = 0;
        ::waitpid(child, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status));

        ASSERT_TRUE(verify().sound) << verify().first_bad;
        std::unordered_set<std::string> ids;
        for (const auto& file : files()) {
            for (const std::string& line : lines_of(read_file(file))) {
                ids.emplace(find_member(line, "call_id").value_or(""));
            }
        }
        for (std::uint32_t i = 0; i < 3 * batches; ++i) {
            const std::string id = std::to_string(round) + ":" + std::to_string(i);
            ASSERT_TRUE(ids.contains(id)) << id;
        }
        const bool all_looked_at = files().size() <= recovered_segments_max;
        auto opened = open();
        EXPECT_GE(opened->recovered().unfinished_calls, all_looked_at ? 3u * batches : 1u);
        opened.reset();
        ASSERT_TRUE(verify().sound) << verify().first_bad;
        EXPECT_TRUE(files(".open").empty());
        std::filesystem::remove_all(settings_.directory);
    }
}

TEST(Trail, ErrorsAreNamed)
{
    for (int value = 1; value <= static_cast<int>(errc::corrupted); ++value) {
        EXPECT_NE(category().message(value), "unknown error");
    }
    EXPECT_EQ(category().message(99), "unknown error");
    EXPECT_STREQ(category().name(), "sallyport.audit");
}

}  // namespace
}  // namespace sallyport::audit
