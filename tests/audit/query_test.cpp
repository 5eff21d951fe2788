#include "audit/query.hpp"

#include "audit/scan.hpp"
#include "audit/segment_index.hpp"
#include "tests/audit/trail_fixture.hpp"

namespace sallyport::audit {
namespace {

class QueryTest : public TrailTest {
protected:
    static constexpr unix_micros start = 1'763'633'315'000'000;

    // `count` refusals, a millisecond apart, alternating between two writers.
    void write(int count)
    {
        auto opened = open();
        std::unique_ptr<writer> writers[] = {*opened->open_writer("w0"),
                                             *opened->open_writer("w1")};
        for (int i = 0; i < count; ++i) {
            const std::string id = "call" + std::to_string(i), user = "u_" + std::to_string(i % 7);
            entry line = intent(id);
            line.kind = kind::call_refused;
            line.time = start + i * 1000;
            line.user = user;
            line.path = R"(/x","user":"u_3)";
            line.status = i % 5 == 0 ? 403 : 4031;
            ASSERT_TRUE(writers[i % 2]->append(line));
            if (writers[i % 2]->queued_bytes() > 100'000) {
                ASSERT_TRUE(writers[i % 2]->flush());
            }
        }
    }

    static std::vector<std::string> ids(const std::vector<std::string>& lines)
    {
        std::vector<std::string> out;
        for (const std::string& line : lines) {
            out.emplace_back(find_member(line, "call_id").value_or("?"));
        }
        return out;
    }
    std::vector<std::string> newest(const query& what, std::size_t limit)
    {
        spent_ = {};
        return ids(find_newest(settings_.directory, what, limit, &spent_));
    }
    std::vector<std::string> all(const query& what)
    {
        spent_ = {};
        std::vector<std::string> lines;
        for_each_line(
            settings_.directory, what,
            [&](std::string_view line) {
                lines.emplace_back(line);
                return true;
            },
            &spent_);
        return ids(lines);
    }

    effort spent_;
};

TEST_F(QueryTest, FindsLinesByExactlyWhatTheySay)
{
    write(100);
    query three;
    three.all = {{"user", {"u_3"}}};
    std::vector<std::string> expected;
    for (int i = 3; i < 100; i += 7) {
        expected.push_back("call" + std::to_string(i));
    }
    EXPECT_EQ(all(three), expected);
    EXPECT_EQ(newest(three, 1000), expected);

    query refused;
    refused.all = {{"status", {"403"}}, {"user", {"u_0", "u_5"}}};
    EXPECT_EQ(all(refused),
              (std::vector<std::string>{"call0", "call5", "call35", "call40", "call70", "call75"}));
    refused.all = {{"status", {"40"}}};
    EXPECT_TRUE(all(refused).empty());
}

TEST_F(QueryTest, KeepsToTimesAndToTheNewest)
{
    write(50);
    query what;
    what.from = start + 10'000, what.until = start + 13'000;
    EXPECT_EQ(all(what), (std::vector<std::string>{"call10", "call11", "call12"}));
    EXPECT_EQ(newest(what, 2), (std::vector<std::string>{"call11", "call12"}));
    EXPECT_TRUE(newest(what, 0).empty());
    EXPECT_EQ(newest({}, 3), (std::vector<std::string>{"call47", "call48", "call49"}));
}

TEST_F(QueryTest, ReadsTheBlocksAloneThatMayHoldALine)
{
    write(8000);
    query one;
    one.all = {{"call_id", {"call4321"}}};
    EXPECT_EQ(all(one), std::vector<std::string>{"call4321"});
    EXPECT_GT(spent_.blocks, 10u);
    EXPECT_LE(spent_.blocks_read, 5u);
    EXPECT_EQ(files(".index").size(), 2u);
    EXPECT_EQ(newest(one, 10), std::vector<std::string>{"call4321"});
    EXPECT_EQ(newest({}, 1), std::vector<std::string>{"call7999"});
    EXPECT_LE(spent_.blocks_read, 4u);
    EXPECT_TRUE(verify().sound) << verify().first_bad;
}

TEST_F(QueryTest, FindsTheSameWithAnIndexThatIsDamagedMissingOrTooShort)
{
    write(3000);
    query what;
    what.all = {{"user", {"u_2"}}};
    const auto expected = all(what);
    ASSERT_EQ(expected.size(), 429u);
    for (const auto& index : files(".index")) {
        const std::string whole = read_file(index);
        for (const std::size_t size :
             {std::size_t{0}, std::size_t{5}, whole.size() - 1, 18 + sizeof(index_block)}) {
            write_file(index, std::string_view(whole).substr(0, size));
            EXPECT_EQ(all(what), expected) << size;
        }
        std::filesystem::remove(index);
        EXPECT_EQ(all(what), expected);
    }
}

TEST_F(QueryTest, SeesWhatIsAppended)
{
    write(1000);
    EXPECT_EQ(all({}).size(), 1000u);
    write(10);
    EXPECT_EQ(all({}).size(), 1010u);
}

TEST_F(QueryTest, AMissingDirectoryIsAnEmptyOne)
{
    EXPECT_TRUE(all({}).empty());
    EXPECT_TRUE(newest({}, 10).empty());
}

}  // namespace
}  // namespace sallyport::audit
