#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/checkpoint.hpp"
#include "audit/note.hpp"
#include "audit/scan.hpp"
#include "tests/audit/trail_fixture.hpp"

namespace sallyport::audit {
namespace {

std::string before_any_line(const std::string& notes)
{
    std::size_t end = 0;
    while (const auto one = read_note(std::string_view(notes).substr(end))) {
        const auto listed = parse_checkpoint(one->text);
        EXPECT_TRUE(listed);
        if (!listed || std::any_of(listed->heads.begin(), listed->heads.end(),
                                   [](const writer_head& head) { return head.head.seq != 0; })) {
            break;
        }
        end += one->bytes.size();
    }
    return notes.substr(0, end);
}

class RecoveryTest : public TrailTest {
protected:
    // What a gate leaves behind that is killed between two calls; covered by a checkpoint if asked.
    void leave_unfinished(const std::vector<std::string>& finished,
                          const std::vector<std::string>& unfinished, bool covered = false)
    {
        const pid_t child = ::fork();
        if (child == 0) {
            auto opened = open_trail(settings_, "gate-1");
            auto writer = *(*opened)->open_writer("w0");
            for (const std::string& id : finished) {
                (void)writer->append(intent(id));
                (void)writer->append(outcome(id));
            }
            for (const std::string& id : unfinished) {
                (void)writer->append(intent(id));
            }
            const bool written = static_cast<bool>(writer->flush());
            if (covered) {
                // Listing a writer takes a checkpoint, which covers what the others have.
                (void)(*opened)->open_writer("w1").value().release();
            }
            ::_exit(written ? 0 : 1);
        }
        int status = -1;
        ::waitpid(child, &status, 0);
        ASSERT_EQ(status, 0);
        ASSERT_EQ(files(".open").size(), covered ? 2u : 1u);
    }

    // The checkpoints that cover no line yet: how many more there are is a matter of time.
    void keep_checkpoints_before_any_line() const
    {
        const std::filesystem::path notes = files(".notes").front();
        write_file(notes, before_any_line(read_file(notes)));
    }

    std::string everything() const
    {
        std::string out;
        for (const auto& file : files()) {
            out += read_file(file);
        }
        return out;
    }

    // The call ids of the outcomes that recovery wrote.
    std::vector<std::string> closed_calls() const
    {
        std::vector<std::string> out;
        for (const auto& file : files()) {
            for (const std::string& line : lines_of(read_file(file))) {
                if (find_member(line, "code") == "outcome_unknown") {
                    out.emplace_back(*find_member(line, "call_id"));
                }
            }
        }
        std::sort(out.begin(), out.end());
        return out;
    }
};

TEST_F(RecoveryTest, ClosesCallsThatHaveAnIntentAndNoOutcome)
{
    leave_unfinished({"a", "b"}, {"c", "d"});
    const trail::recovery found = open()->recovered();
    EXPECT_EQ(found.unfinished_calls, 2u);
    EXPECT_EQ(found.lines, 6u);
    EXPECT_EQ(found.segments, 1u);
    EXPECT_EQ(found.torn_bytes, 0u);
    EXPECT_EQ(closed_calls(), (std::vector<std::string>{"c", "d"}));
    EXPECT_TRUE(verify().sound) << verify().first_bad;
    EXPECT_EQ(verify().writers, 2u);
    EXPECT_TRUE(files(".open").empty());
}

TEST_F(RecoveryTest, RepeatsWhatTheIntentSaid)
{
    leave_unfinished({}, {"c"});
    open();
    const std::string line = lines_of(read_file(files()[0])).front();
    ASSERT_EQ(find_member(line, "kind"), "call.outcome");
    for (const auto& [name, value] :
         std::vector<std::pair<const char*, const char*>>{{"call_id", "c"},
                                                          {"workspace", "acme"},
                                                          {"app", "mailer"},
                                                          {"run", "r1"},
                                                          {"user", "u_42"},
                                                          {"connection_id", "conn_1"},
                                                          {"provider", "github"},
                                                          {"method", "GET"},
                                                          {"host", "api.github.com"},
                                                          {"path", "/user"},
                                                          {"operation", "user.get"},
                                                          {"class", "read"},
                                                          {"code", "outcome_unknown"}}) {
        EXPECT_EQ(find_member(line, name), value) << name;
    }
    EXPECT_FALSE(find_member(line, "status"));
}

TEST_F(RecoveryTest, IsDoneOnceAndNotAgain)
{
    leave_unfinished({"a"}, {"c"});
    open();
    EXPECT_EQ(open()->recovered().segments, 0u);
    EXPECT_EQ(closed_calls().size(), 1u);
}

TEST_F(RecoveryTest, KilledWhileItRecoversItClosesEachCallOnce)
{
    leave_unfinished({"a"}, {"c", "d"});
    const std::filesystem::path marker = files(".open").front();
    open();
    // As if killed after the outcomes were written and before the markers were taken up: of both
    // writers, the dead one's and recovery's own.
    write_file(marker, "");
    for (const auto& file : files()) {
        const std::string name = file.filename();
        if (name.find("recovery") != std::string::npos) {
            write_file(file.parent_path() / (name.substr(0, name.rfind('-')) + ".open"), "");
        }
    }
    EXPECT_EQ(open()->recovered().unfinished_calls, 0u);
    EXPECT_EQ(closed_calls(), (std::vector<std::string>{"c", "d"}));
    EXPECT_TRUE(files(".open").empty());
}

TEST_F(RecoveryTest, KilledInTheMiddleOfItsOutcomesItWritesTheRest)
{
    leave_unfinished({}, {"c", "d", "e"});
    const std::filesystem::path marker = files(".open").front();
    open();
    write_file(marker, "");
    for (const auto& file : files()) {
        const std::string name = file.filename();
        if (name.find("recovery") != std::string::npos) {
            write_file(file.parent_path() / (name.substr(0, name.rfind('-')) + ".open"), "");
            const std::string bytes = read_file(file);
            write_file(file, bytes.substr(0, bytes.find('\n') + 40));
        }
    }
    // Killed then, it had signed what it found and that its writer begins.
    const std::filesystem::path notes = files(".notes").back();
    const std::string signed_ = read_file(notes);
    const std::size_t begun = read_note(signed_)->bytes.size();
    write_file(notes,
               signed_.substr(
                   0, begun + read_note(std::string_view(signed_).substr(begun))->bytes.size()));
    const trail::recovery found = open()->recovered();
    EXPECT_EQ(found.unfinished_calls, 2u);
    EXPECT_EQ(found.torn_bytes, 39u);
    EXPECT_EQ(closed_calls(), (std::vector<std::string>{"c", "d", "e"}));
    EXPECT_TRUE(verify().sound) << verify().first_bad;
}

TEST_F(RecoveryTest, CutsATornTailAtEveryByteOfTheLastLine)
{
    leave_unfinished({"a"}, {"c"});
    const std::filesystem::path file = files().front(), marker = files(".open").front();
    const std::filesystem::path notes = files(".notes").front();
    const std::string whole = read_file(file), checkpoints = before_any_line(read_file(notes));
    const std::size_t last = whole.rfind('\n', whole.size() - 2) + 1;
    for (std::size_t size = last; size < whole.size(); ++size) {
        std::filesystem::remove_all(settings_.directory);
        std::filesystem::create_directory(settings_.directory);
        write_file(file, std::string_view(whole).substr(0, size));
        write_file(notes, checkpoints);
        write_file(marker, "");
        const std::size_t kept = whole.rfind('\n', size - 1) + 1;
        ASSERT_TRUE(verify().sound);
        ASSERT_EQ(verify().warnings.size(), kept == size ? 0u : 1u);

        const trail::recovery found = open()->recovered();
        ASSERT_EQ(found.torn_bytes, size - kept);
        ASSERT_EQ(read_file(file), whole.substr(0, kept));
        ASSERT_EQ(files(".torn").size(), kept == size ? 0u : 1u);
        if (kept != size) {
            ASSERT_EQ(read_file(files(".torn").front()), whole.substr(kept, size - kept));
        }
        ASSERT_TRUE(verify().sound) << verify().first_bad;
        ASSERT_TRUE(verify().warnings.empty());
        ASSERT_TRUE(closed_calls().empty());
    }
}

TEST_F(RecoveryTest, SaysWhenWholeLinesHadToGo)
{
    leave_unfinished({"a"}, {"c"});
    const std::filesystem::path file = files().front();
    write_file(file, read_file(file) + std::string(512, '\0') + "\n" + std::string(100, '\0'));
    EXPECT_EQ(open()->recovered().torn_bytes, 613u);
    EXPECT_TRUE(verify().sound) << verify().first_bad;
    EXPECT_NE(everything().find("trail.gap"), std::string::npos);
    EXPECT_EQ(closed_calls(), std::vector<std::string>{"c"});
}

// A power cut keeps any pages of what was not yet on disk.
TEST_F(RecoveryTest, SetsAsideWholeLinesBehindTornOnesThatNoCheckpointCovers)
{
    leave_unfinished({"a", "b"}, {"c"});
    keep_checkpoints_before_any_line();
    const std::filesystem::path file = files().front();
    const std::string whole = read_file(file);
    const std::size_t first = whole.find('\n') + 1;
    std::string bytes = whole;
    bytes.replace(first + 60, 100, 100, '\0');
    write_file(file, bytes);
    EXPECT_EQ(open()->recovered().torn_bytes, bytes.size() - first);
    EXPECT_EQ(read_file(file), whole.substr(0, first));
    EXPECT_EQ(read_file(files(".torn").front()), bytes.substr(first));
    EXPECT_EQ(closed_calls(), std::vector<std::string>{"a"});
    EXPECT_NE(everything().find("trail.gap"), std::string::npos);
    EXPECT_TRUE(verify().sound) << verify().first_bad;
    EXPECT_EQ(open()->recovered().segments, 0u);
}

TEST_F(RecoveryTest, SetsAsideTheSegmentsBehindATornOneThatNoCheckpointCovers)
{
    settings_.segment_bytes = 1;
    leave_unfinished({}, {"a"});
    keep_checkpoints_before_any_line();
    const std::filesystem::path first = files().front();
    const std::string name = first.filename();
    const std::filesystem::path second =
        first.parent_path() / (name.substr(0, name.size() - 7) + "2.jsonl");
    const std::string bytes = read_file(first);
    write_file(second, bytes);
    write_file(first, bytes.substr(0, 100));
    EXPECT_EQ(open()->recovered().torn_bytes, 100 + bytes.size());
    EXPECT_EQ(read_file(first) + read_file(second), "");
    EXPECT_EQ(files(".torn").size(), 2u);
    EXPECT_TRUE(verify().sound) << verify().first_bad;
}

TEST_F(RecoveryTest, RefusesDamageToWhatACheckpointCoversAndNamesTheLine)
{
    leave_unfinished({"a", "b"}, {"c"}, true);
    const std::filesystem::path file = files().front();
    std::string bytes = read_file(file);
    bytes[bytes.find('\n') + 60] ^= 1;
    write_file(file, bytes);
    std::string where;
    EXPECT_EQ(open_trail(settings_, "gate-1", &where).error(), errc::corrupted);
    EXPECT_EQ(where.rfind(file.filename().string() + ":2: ", 0), 0u) << where;
    EXPECT_EQ(read_file(file), bytes);
    EXPECT_EQ(open_trail(settings_, "gate-1").error(), errc::corrupted);
    EXPECT_FALSE(verify().sound);
}

TEST_F(RecoveryTest, RefusesDamageToWhatAClosedWriterHadLeftOpen)
{
    {
        auto opened = open();
        auto writer = *opened->open_writer("w0");
        ASSERT_TRUE(writer->append(intent("a")));
        ASSERT_TRUE(writer->append(intent("b")));
    }
    ASSERT_EQ(files(".open").size(), 1u);
    const std::filesystem::path file = files().front();
    std::string bytes = read_file(file);
    bytes[bytes.find('\n') + 60] ^= 1;
    write_file(file, bytes);
    EXPECT_EQ(open_trail(settings_, "gate-1").error(), errc::corrupted);
    EXPECT_EQ(read_file(file), bytes);
}

TEST_F(RecoveryTest, TellsOfTheGapThatAnEarlierRecoveryDidNotComeToTell)
{
    leave_unfinished({"a"}, {"c"});
    const std::filesystem::path file = files().front();
    write_file(file.string() + ".torn", "what was cut off\nby a recovery that was killed");
    EXPECT_EQ(open()->recovered().torn_bytes, 0u);
    EXPECT_NE(everything().find("trail.gap"), std::string::npos);
    leave_unfinished({"d"}, {"e"});
    open();  // It is told of once.
    EXPECT_EQ(everything().find("trail.gap"), everything().rfind("trail.gap"));
}

TEST_F(RecoveryTest, LooksAgainAtAWriterWithoutAMarkerThatTheLastCheckpointFoundOpen)
{
    leave_unfinished({"a"}, {"c"}, true);
    for (const auto& marker : files(".open")) {
        std::filesystem::remove(marker);
    }
    EXPECT_EQ(open()->recovered().unfinished_calls, 1u);
    EXPECT_EQ(closed_calls(), std::vector<std::string>{"c"});
    EXPECT_TRUE(files(".open").empty());
}

TEST_F(RecoveryTest, LooksAtTheLastSegmentsOnly)
{
    settings_.segment_bytes = 1;
    const pid_t child = ::fork();
    if (child == 0) {
        auto opened = open_trail(settings_, "gate-1");
        auto writer = *(*opened)->open_writer("w0");
        for (std::size_t i = 0; i < recovered_segments_max + 5; ++i) {
            (void)writer->append(intent("call" + std::to_string(i)));
            (void)writer->flush();
        }
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    const trail::recovery found = open()->recovered();
    EXPECT_EQ(found.segments, recovered_segments_max);
    EXPECT_EQ(found.unfinished_calls, recovered_segments_max);
    EXPECT_TRUE(verify().sound) << verify().first_bad;
}

TEST_F(RecoveryTest, ClosesCallsThatAClosedWriterLeftOpen)
{
    {
        auto opened = open();
        auto writer = *opened->open_writer("w0");
        ASSERT_TRUE(writer->append(intent("cut")));
    }
    EXPECT_EQ(files(".open").size(), 1u);
    EXPECT_EQ(open()->recovered().unfinished_calls, 1u);
    EXPECT_EQ(closed_calls(), std::vector<std::string>{"cut"});
}

}  // namespace
}  // namespace sallyport::audit
