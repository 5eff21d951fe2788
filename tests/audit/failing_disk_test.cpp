// What a writer does when the disk fails where no ordinary file system can be made to: this
// program's own fdatasync() and ftruncate() stand before the C library's.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "tests/audit/trail_fixture.hpp"

namespace {

int failing_syncs = 0;
int failing_truncates = 0;

}  // namespace

extern "C" int fdatasync(int fd)
{
    if (failing_syncs > 0) {
        --failing_syncs;
        errno = EIO;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

extern "C" int ftruncate(int fd, off_t size) noexcept
{
    if (failing_truncates > 0) {
        --failing_truncates;
        errno = EIO;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}

namespace sallyport::audit {
namespace {

class FailingDiskTest : public TrailTest {
protected:
    FailingDiskTest() { settings_.durability = durability::fsync; }
    ~FailingDiskTest() override { failing_syncs = failing_truncates = 0; }

    static std::size_t count(const std::string& text, std::string_view what)
    {
        std::size_t found = 0;
        for (std::size_t at = text.find(what); at != std::string::npos;
             at = text.find(what, at + 1)) {
            ++found;
        }
        return found;
    }

    std::string everything() const
    {
        std::string out;
        for (const auto& file : files()) {
            out += read_file(file);
        }
        return out;
    }
};

TEST_F(FailingDiskTest, AFailedSyncIsNotRetriedAndANewChainBeginsWithAGap)
{
    auto opened = open();
    auto writer = *opened->open_writer("w0");
    ASSERT_TRUE(writer->append(outcome("before")));
    ASSERT_TRUE(writer->flush());
    failing_syncs = 1;
    ASSERT_TRUE(writer->append(outcome("lost")));
    EXPECT_EQ(writer->flush().error(), errc::unwritable);
    EXPECT_EQ(failing_syncs, 0);
    EXPECT_EQ(*writer->append(outcome("after")), 2u);  // The gap is 1.
    EXPECT_TRUE(writer->flush());

    EXPECT_EQ(files().size(), 2u);
    EXPECT_EQ(verify().writers, 2u);
    EXPECT_TRUE(verify().sound) << verify().first_bad;
    EXPECT_EQ(count(everything(), "before"), 1u);
    EXPECT_EQ(count(everything(), R"("call_id":"lost")"), 0u);
    EXPECT_EQ(count(everything(), "trail.gap"), 1u);
    EXPECT_EQ(count(everything(), R"("call_id":"after")"), 1u);
    writer.reset();
    EXPECT_EQ(files(".open").size(), 2u);  // Both chains are recovery's to look at.
    opened.reset();
    open();
    EXPECT_TRUE(files(".open").empty());
    EXPECT_TRUE(verify().sound) << verify().first_bad;
}

TEST_F(FailingDiskTest, ADiskThatFailsEveryTimeDoesNotFillTheDirectory)
{
    auto opened = open();
    auto writer = *opened->open_writer("w0");
    failing_syncs = 20;
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(writer->append(outcome("lost")));
        EXPECT_EQ(writer->flush().error(), errc::unwritable);
    }
    EXPECT_TRUE(files().empty());
    EXPECT_TRUE(files(".open").empty());
    ASSERT_TRUE(writer->append(outcome("after")));
    ASSERT_TRUE(writer->flush());
    EXPECT_EQ(count(everything(), "\n"), 2u);
    EXPECT_EQ(count(everything(), "trail.gap"), 1u);
}

// The lines of the refused batch could not be taken back: they stand at the end of the old chain.
TEST_F(FailingDiskTest, ABatchThatCannotBeTakenBackLeavesBothChainsSound)
{
    auto opened = open();
    auto writer = *opened->open_writer("w0");
    ASSERT_TRUE(writer->append(outcome("before")));
    ASSERT_TRUE(writer->flush());
    failing_syncs = failing_truncates = 1;
    ASSERT_TRUE(writer->append(intent("doubtful")));
    EXPECT_EQ(writer->flush().error(), errc::unwritable);
    ASSERT_TRUE(writer->append(outcome("after")));
    ASSERT_TRUE(writer->flush());
    EXPECT_EQ(count(everything(), "doubtful"), 1u);
    EXPECT_TRUE(verify().sound) << verify().first_bad;
    writer.reset(), opened.reset();
    EXPECT_EQ(open()->recovered().unfinished_calls, 1u);
    EXPECT_TRUE(verify().sound) << verify().first_bad;
}

}  // namespace
}  // namespace sallyport::audit
