#include "audit/checkpoint.hpp"

#include <gtest/gtest.h>

#include <semaphore>

#include "audit/checkpoint_chain.hpp"
#include "audit/scan.hpp"
#include "tests/audit/trail_fixture.hpp"

namespace sallyport::audit {
namespace {

checkpoint sample()
{
    checkpoint out;
    out.origin = "gate-1/audit";
    out.lines = 12, out.number = 3, out.time = 1'763'633'315'000'042;
    out.previous = std::string(hash_text_size, 'a');
    writer_head one{"gate-1-w0", {}, head_state::open};
    one.head.seq = 7;
    out.heads = {one, {"gate-1-w1", {}, head_state::closed}};
    return out;
}

TEST(Note, IsReadBackAndProvedByItsKeyAlone)
{
    const note_signer signer("gate-1/audit"), other("gate-1/audit");
    const std::string bytes = signer.sign("one\ntwo\n");
    const std::string more = bytes + "what follows\n";
    const auto read = read_note(more);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->bytes, bytes);
    EXPECT_EQ(read->text, "one\ntwo\n");
    EXPECT_TRUE(note_key::parse(signer.key_text())->signed_(*read));
    EXPECT_FALSE(note_key::parse(other.key_text())->signed_(*read));
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        std::string changed = bytes;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        const auto bad = read_note(changed);
        EXPECT_FALSE(bad && bad->bytes.size() == bytes.size() &&
                     note_key::parse(signer.key_text())->signed_(*bad))
            << at;
        EXPECT_FALSE(read_note(std::string_view(bytes).substr(0, at))) << at;
    }
}

TEST(Note, RefusesKeysThatDoNotBearTheirId)
{
    std::string key = note_signer("n").key_text();
    EXPECT_TRUE(note_key::parse(key));
    key[2] = key[2] == '0' ? '1' : '0';
    EXPECT_FALSE(note_key::parse(key));
    for (const char* bad : {"", "n", "n+", "n+00000000+", "+00000000+AAAA", "n+zz+AAAA"}) {
        EXPECT_FALSE(note_key::parse(bad)) << bad;
    }
}

TEST(Checkpoint, IsReadBackAsItWasWritten)
{
    const std::string text = to_text(sample());
    const auto read = parse_checkpoint(text);
    ASSERT_TRUE(read);
    EXPECT_EQ(to_text(*read), text);
    EXPECT_EQ(read->heads.size(), 2u);
    EXPECT_EQ(read->heads[0].head.seq, 7u);
    for (std::size_t at = 0; at < text.size(); ++at) {
        EXPECT_FALSE(parse_checkpoint(std::string_view(text).substr(0, at))) << at;
    }
}

class CheckpointsTest : public TrailTest {
protected:
    std::string notes() const
    {
        std::string out;
        for (const auto& file : files(".notes")) {
            out += read_file(file);
        }
        return out;
    }
    std::string why() const { return verify().first_bad; }
};

TEST_F(CheckpointsTest, CoverEveryLineOfAClosedTrail)
{
    fill(3);
    EXPECT_TRUE(verify().sound) << why();
    EXPECT_GE(verify().checkpoints, 3u);
    checkpoint_chain chain;
    EXPECT_EQ(chain.read(open_directory(settings_.directory).get()), "");
    ASSERT_EQ(chain.writers().size(), 1u);
    EXPECT_EQ(chain.writers().begin()->second.back().seq, 6u);
}

TEST_F(CheckpointsTest, GoOnFromOneStartToTheNext)
{
    fill(1), fill(2), fill(1);
    EXPECT_EQ(files(".notes").size(), 3u);
    EXPECT_TRUE(verify().sound) << why();
    EXPECT_TRUE(verify().warnings.empty());
    const std::uint64_t all = verify().checkpoints;
    std::filesystem::remove(files(".notes")[1]);
    EXPECT_EQ(why(), "checkpoints-000003.notes:1: the checkpoint follows others that are missing");
    EXPECT_LT(verify().checkpoints, all);
}

TEST_F(CheckpointsTest, ShowAWriterWhoseEveryFileIsMissing)
{
    fill(1, "w0"), fill(1, "w1");
    const auto file = files()[0];
    std::filesystem::remove(file);
    EXPECT_NE(why().find(file.filename().string() + ":1: is missing"), std::string::npos) << why();
}

TEST_F(CheckpointsTest, ShowAWriterOfAnotherTrail)
{
    fill(1);
    const std::string name = files()[0].filename(), bytes = read_file(files()[0]);
    std::filesystem::remove_all(settings_.directory);
    fill(1);
    write_file(std::filesystem::path(settings_.directory) / name, bytes);
    EXPECT_EQ(why(), name + ":1: no checkpoint lists this writer");
}

TEST_F(CheckpointsTest, AreMissedWhereAllOfThemAreRemoved)
{
    fill(2);
    std::filesystem::remove(files(".notes")[0]);
    EXPECT_EQ(why(), files()[0].filename().string() + ":1: no checkpoint lists this writer");
}

TEST_F(CheckpointsTest, ShowEveryBitFlippedInThem)
{
    fill(1);
    const auto file = files(".notes")[0];
    const std::string whole = read_file(file);
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ (1 << at % 8));
        write_file(file, changed);
        const verification found = verify();
        ASSERT_TRUE(!found.sound || !found.warnings.empty()) << "byte " << at;
    }
}

TEST_F(CheckpointsTest, CannotBeRewrittenWithoutTheKey)
{
    fill(1);
    const auto file = files(".notes")[0];
    const std::string whole = read_file(file);
    const auto first = read_note(whole);
    ASSERT_TRUE(first);
    auto forged = parse_checkpoint(first->text);
    const note_signer own(forged->origin);
    forged->heads.clear();
    write_file(file, own.sign(to_text(*forged)) + whole.substr(first->bytes.size()));
    EXPECT_EQ(why(), "checkpoints-000001.notes:1: the checkpoint is not signed with its key");
}

// A gate's start brings a key of its own, so anybody can sign "the next start of a gate".
TEST_F(CheckpointsTest, StandAgainstLaterOnesThatTakeLinesBack)
{
    fill(3);
    const auto segment = files()[0];
    const std::string whole = read_file(segment);
    const std::vector<std::string> lines = lines_of(whole);
    const std::string cut = lines[0] + "\n" + lines[1] + "\n";
    chain_checker checker;
    ASSERT_EQ(checker.check(lines[0]), "");
    ASSERT_EQ(checker.check(lines[1]), "");

    const std::string signed_ = notes();
    std::optional<note> last;
    for (std::string_view rest = signed_; const auto one = read_note(rest);) {
        last = one;
        rest.remove_prefix(one->bytes.size());
    }
    ASSERT_TRUE(last);
    checkpoint forged = *parse_checkpoint(last->text);
    const note_signer own(forged.origin);
    forged.number += 1;
    forged.previous = hash_of(last->bytes);
    forged.key = own.key_text();
    const std::string stem = forged.heads.at(0).stem;
    for (const chain_head& head : {checker.head(), chain_head{}}) {
        forged.heads = {{stem, head, head_state::closed}};
        write_file(settings_.directory + "/checkpoints-000002.notes", own.sign(to_text(forged)));
        EXPECT_EQ(why(), "") << "nothing is missing";
        write_file(segment, cut);
        EXPECT_NE(why().find(":3: lines are missing"), std::string::npos) << why();
        std::filesystem::remove(segment);
        EXPECT_NE(why().find(":1: is missing"), std::string::npos) << why();
        write_file(segment, whole);
    }
}

TEST_F(CheckpointsTest, StandAgainstLinesCutOffBeforeAStart)
{
    fill(3);
    const auto segment = files()[0];
    const std::vector<std::string> lines = lines_of(read_file(segment));
    write_file(segment, lines[0] + "\n" + lines[1] + "\n");
    const std::string name = segment.filename();
    write_file(settings_.directory + "/" + name.substr(0, name.rfind('-')) + ".open", "");
    fill(1, "w1");  // recovers, and signs what it found
    EXPECT_NE(why().find(":3: lines are missing"), std::string::npos) << why();
}

TEST_F(CheckpointsTest, KeptElsewhereShowADirectoryThatWasRolledBackOrRewritten)
{
    fill(1);
    const auto older = root_ / "older";
    std::filesystem::copy(settings_.directory, older);
    fill(1);
    const std::string kept = notes();
    EXPECT_TRUE(verify_directory(settings_.directory, kept).sound);
    EXPECT_TRUE(verify_directory(older).sound);
    const verification back = verify_directory(older, kept);
    EXPECT_FALSE(back.sound);
    EXPECT_NE(back.first_bad.find("rolled back or rewritten"), std::string::npos);

    std::filesystem::remove_all(settings_.directory);
    fill(2);
    EXPECT_TRUE(verify().sound);
    EXPECT_FALSE(verify_directory(settings_.directory, kept).sound);
    EXPECT_FALSE(verify_directory(settings_.directory, "no checkpoint").sound);
}

TEST_F(CheckpointsTest, AdoptATrailThatHadNoneAndSaySo)
{
    fill(2);
    for (const auto& file : files(".notes")) {
        std::filesystem::remove(file);
    }
    fill(1);
    const verification found = verify();
    EXPECT_TRUE(found.sound) << found.first_bad;
    ASSERT_EQ(found.warnings.size(), 1u);
    EXPECT_EQ(found.warnings[0], "checkpoint 1 adopted lines that no earlier one covers");
    const auto file = files()[0];
    const std::string whole = read_file(file);
    write_file(file, std::string_view(whole).substr(0, whole.rfind('\n', whole.size() - 2) + 1));
    EXPECT_FALSE(verify().sound);
}

TEST_F(CheckpointsTest, ProveADirectoryThatIsBeingWritten)
{
    auto opened = open();
    auto writer = *opened->open_writer("w0");
    EXPECT_TRUE(verify().sound) << why();
    ASSERT_TRUE(writer->append(outcome("a")));
    ASSERT_TRUE(writer->flush());
    EXPECT_TRUE(verify().sound) << why();
}

TEST_F(CheckpointsTest, ATornOneIsPassedOverAndTheNextStartGoesOn)
{
    fill(1);
    const auto file = files(".notes")[0];
    const std::string whole = read_file(file);
    const std::size_t end = read_note(whole)->bytes.size();
    std::filesystem::remove(files()[0]);
    write_file(file, std::string_view(whole).substr(0, end + 40));
    EXPECT_EQ(verify().warnings.size(), 1u);
    fill(1);
    EXPECT_TRUE(verify().sound) << why();
    EXPECT_TRUE(verify().warnings.empty());
}

// What a power cut may leave of the last: any of its pages. Each byte of it in turn is one that is
// not there.
TEST_F(CheckpointsTest, ATornOneWithAHoleIsSetAsideAndTheNextStartGoesOn)
{
    fill(1);
    const auto file = files(".notes")[0];
    const std::string whole = read_file(file);
    std::size_t last = 0, behind = 0;
    while (const auto one = read_note(std::string_view(whole).substr(behind))) {
        last = std::exchange(behind, behind + one->bytes.size());
    }
    const std::filesystem::path kept = root_ / "kept";
    std::filesystem::copy(settings_.directory, kept, std::filesystem::copy_options::recursive);
    for (std::size_t at = last; at < whole.size(); at += 7) {
        std::filesystem::remove_all(settings_.directory);
        std::filesystem::copy(kept, settings_.directory, std::filesystem::copy_options::recursive);
        std::string bytes = whole;
        bytes[at] = '\0';
        write_file(file, bytes);
        open();
        ASSERT_TRUE(verify().sound) << at << ": " << why();
        ASSERT_EQ(read_file(file), whole.substr(0, last)) << at;
        ASSERT_EQ(read_file(file.string() + ".torn"), bytes.substr(last)) << at;
    }
}

TEST_F(CheckpointsTest, ADamagedOneThatWholeOnesFollowStaysAndShows)
{
    fill(1);
    const auto file = files(".notes")[0];
    std::string bytes = read_file(file);
    bytes[40] = '\0';
    write_file(file, bytes);
    open();
    EXPECT_EQ(read_file(file), bytes);
    EXPECT_FALSE(verify().sound);
}

class CommitTest : public CheckpointsTest {
protected:
    CommitTest() { settings_.durability = durability::fsync; }
};

TEST_F(CommitTest, LinesQueuedDuringACommitAreTheNextOne)
{
    auto opened = open();
    auto writer = *opened->open_writer("w0");
    ASSERT_TRUE(writer->commits());
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(writer->append(intent(std::to_string(i))));
        std::binary_semaphore ready(0);
        writer->begin_commit([&] { ready.release(); });
        ASSERT_TRUE(writer->append(outcome(std::to_string(i))));
        ready.acquire();
        ASSERT_TRUE(writer->finish_commit());
        EXPECT_NE(writer->queued_bytes(), 0u);
    }
    writer.reset(), opened.reset();
    EXPECT_EQ(verify().lines, 200u);
    EXPECT_TRUE(verify().sound) << why();
    EXPECT_TRUE(files(".open").empty());
}

TEST_F(CommitTest, AWriterThatEndsDuringACommitLosesNothing)
{
    for (int i = 0; i < 50; ++i) {
        auto opened = open();
        auto writer = *opened->open_writer("w0");
        ASSERT_TRUE(writer->append(intent("a")));
        writer->begin_commit([] {});
        ASSERT_TRUE(writer->append(outcome("a")));
    }
    EXPECT_EQ(verify().lines, 100u);
    EXPECT_TRUE(verify().sound) << why();
    EXPECT_TRUE(files(".open").empty());
}

}  // namespace
}  // namespace sallyport::audit
