#include "audit/body_journal.hpp"

#include <condition_variable>
#include <mutex>

#include "trail_fixture.hpp"

namespace sallyport::audit {
namespace {

// Seals by putting a word in front; can be told to fail, or to wait.
class fake_sealer final : public body_sealer {
public:
    struct orders {
        std::mutex mutex;
        std::condition_variable changed;
        bool held = false, waiting = false, failing = false;

        void let_go()
        {
            const std::lock_guard lock(mutex);
            held = false;
            changed.notify_all();
        }
        void await_arrival()
        {
            std::unique_lock lock(mutex);
            changed.wait(lock, [this] { return waiting; });
        }
    };
    explicit fake_sealer(orders& given) : orders_(given) {}

    result<std::string> seal(const std::string& workspace, const std::string& call_id, body_side,
                             std::string_view text) override
    {
        std::unique_lock lock(orders_.mutex);
        orders_.waiting = true;
        orders_.changed.notify_all();
        orders_.changed.wait(lock, [this] { return !orders_.held; });
        if (orders_.failing) {
            return make_error_code(errc::unwritable);
        }
        return "sealed:" + workspace + ":" + call_id + ":" + std::string(text);
    }

private:
    orders& orders_;
};

class BodyJournal : public TrailTest {
protected:
    BodyJournal() { std::filesystem::create_directories(settings_.directory); }

    std::unique_ptr<body_journal> make()
    {
        return std::make_unique<body_journal>(
            settings_, std::make_unique<fake_sealer>(orders_),
            [this](const body_journal::kept_call& call, const error_code&) {
                lost_.push_back(call.call_id);
            });
    }

    static body_journal::kept_call call_of(body_journal& in, const std::string& id,
                                           std::string_view text)
    {
        body_journal::kept_call call{id, "acme", "conn_1", "github", {}};
        captured_body body(1024, "text/plain", "");
        body.add(text);
        call.bodies.push_back({body_side::response, std::move(body), *in.take_room(1024)});
        return call;
    }

    std::vector<sealed_body> found(const std::string& id, std::string_view workspace = "acme") const
    {
        return find_bodies(settings_.directory, workspace, id, abandoned_);
    }

    fake_sealer::orders orders_;
    std::vector<std::string> lost_;  // of the journal's thread until it has stopped
    std::atomic<bool> abandoned_ = false;
};

TEST_F(BodyJournal, KeepsWhatWasPutUntilItStopped)
{
    const std::string first = make_ulid().text(), second = make_ulid().text();
    const auto journal = make();
    journal->put(call_of(*journal, first, "one"));
    journal->put(call_of(*journal, second, "two"));
    journal->stop();
    const auto bodies = found(second);
    ASSERT_EQ(bodies.size(), 1u);
    EXPECT_TRUE(bodies[0].sealed.starts_with("sealed:acme:" + second));
    EXPECT_TRUE(bodies[0].sealed.ends_with("two"));
    EXPECT_EQ(bodies[0].side, body_side::response);
    EXPECT_EQ(found(first).size(), 1u);
    EXPECT_TRUE(lost_.empty());
}

TEST_F(BodyJournal, FindsNothingForAnotherWorkspaceOrCall)
{
    const std::string id = make_ulid().text();
    const auto journal = make();
    journal->put(call_of(*journal, id, "one"));
    journal->stop();
    EXPECT_TRUE(found(id, "umbrella").empty());
    EXPECT_TRUE(found(make_ulid().text()).empty());
    EXPECT_TRUE(found("no id").empty());
}

TEST_F(BodyJournal, RefusesRoomBeyondItsLimitAndTakesItBack)
{
    orders_.held = true;
    const auto journal = make();
    const std::string id = make_ulid().text();
    {
        std::vector<body_journal::room> taken;
        while (auto room = journal->take_room(body_journal::room_bytes_max / 4)) {
            taken.push_back(std::move(*room));
        }
        EXPECT_EQ(taken.size(), 4u);
    }
    auto most = journal->take_room(body_journal::room_bytes_max - 1024);
    ASSERT_TRUE(most);
    journal->put(call_of(*journal, id, "waits"));
    orders_.await_arrival();
    EXPECT_FALSE(journal->take_room(1)) << "what waits to be written holds its room";
    orders_.let_go();
    journal->stop();
    EXPECT_TRUE(journal->take_room(1024));
    EXPECT_EQ(found(id).size(), 1u);
}

TEST_F(BodyJournal, TellsOfWhatCouldNotBeSealed)
{
    orders_.failing = true;
    const std::string id = make_ulid().text();
    const auto journal = make();
    journal->put(call_of(*journal, id, "one"));
    journal->stop();
    EXPECT_EQ(lost_, std::vector<std::string>{id});
    EXPECT_TRUE(found(id).empty());
}

TEST_F(BodyJournal, TellsOfWhatCouldNotBeWritten)
{
    const std::string id = make_ulid().text();
    const auto journal = make();
    std::filesystem::remove_all(settings_.directory);
    journal->put(call_of(*journal, id, "one"));
    journal->stop();
    EXPECT_EQ(lost_, std::vector<std::string>{id});
}

TEST_F(BodyJournal, BeginsAnotherFileBehindATornOne)
{
    const std::string before = make_ulid().text(), after = make_ulid().text();
    {
        const auto journal = make();
        journal->put(call_of(*journal, before, "one"));
        journal->put(call_of(*journal, make_ulid().text(), "torn"));
        journal->stop();
    }
    const auto torn = files(".sealed").front();
    std::filesystem::resize_file(torn, std::filesystem::file_size(torn) - 1);
    {
        const auto journal = make();
        journal->put(call_of(*journal, after, "two"));
        journal->stop();
    }
    EXPECT_EQ(files(".sealed").size(), 2u);
    EXPECT_EQ(found(before).size(), 1u);
    EXPECT_EQ(found(after).size(), 1u);
}

TEST_F(BodyJournal, SurvivesFilesThatAreNoneOfIts)
{
    const std::string id = make_ulid().text();
    write_file(settings_.directory + "/bodies-000001.sealed",
               "no record at all, but long enough..");
    write_file(settings_.directory + "/bodies-x.sealed", "SPB1");
    std::string huge = "SPB1" + std::string(4, '\xff') + std::string(36, 'x');
    write_file(settings_.directory + "/bodies-000002.sealed", huge);
    const auto journal = make();
    journal->put(call_of(*journal, id, "one"));
    journal->stop();
    EXPECT_EQ(found(id).size(), 1u);
    EXPECT_TRUE(std::filesystem::exists(settings_.directory + "/bodies-000003.sealed"));
}

TEST_F(BodyJournal, FilesGoWithTheTrailsRetention)
{
    const std::string id = make_ulid().text();
    for (int i = 0; i < 3; ++i) {
        const auto journal = make();
        journal->put(call_of(*journal, id, std::string(500, 'x')));
        journal->stop();
    }
    ASSERT_EQ(files(".sealed").size(), 3u);
    const file_descriptor at = open_directory(settings_.directory);
    const unix_micros now = now_micros();
    const unix_micros day = 86'400'000'000;
    EXPECT_EQ(prune_bodies(at.get(), {}, 0, now + 1000 * day), 0u) << "no rule";

    keeping by_age;
    by_age.age = std::chrono::hours(24);
    EXPECT_EQ(prune_bodies(at.get(), by_age, 0, now), 0u) << "too young";

    keeping by_size;
    by_size.bytes = 1500;
    EXPECT_EQ(prune_bodies(at.get(), by_size, 3, now), 1u) << "the oldest is enough";
    EXPECT_TRUE(files(".sealed").front().string().ends_with("bodies-000002.sealed"));

    EXPECT_EQ(prune_bodies(at.get(), by_age, 3, now + 2 * day), 1u) << "but not the open one";
    EXPECT_EQ(files(".sealed").size(), 1u);
    EXPECT_EQ(found(id).size(), 1u);
}

TEST(CapturedBody, KeepsTheBeginningAndSaysSo)
{
    captured_body body(10, "text/plain", "gzip");
    body.add("12345");
    EXPECT_FALSE(body.is_truncated());
    body.add("67890");
    EXPECT_FALSE(body.is_truncated()) << "as long as the limit is not longer";
    body.add("x");
    EXPECT_TRUE(body.is_truncated());
    const auto read = read_body(body.text());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->bytes, "1234567890");
    EXPECT_EQ(read->content_type, "text/plain");
    EXPECT_EQ(read->content_encoding, "gzip");
    EXPECT_TRUE(read->truncated);
}

TEST(CapturedBody, ProvesNothingToWhoGuessesIt)
{
    captured_body one(10, "", ""), other(10, "", "");
    one.add("yes");
    other.add("yes");
    EXPECT_NE(proof_of(one.text()), proof_of(other.text()));
    EXPECT_EQ(proof_of(one.text()).size(), 64u);
}

TEST(CapturedBody, IsNotReadFromOtherText)
{
    captured_body body(10, "text/plain", "gzip");
    const std::string whole(body.text());
    EXPECT_TRUE(read_body(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(read_body(whole.substr(0, size))) << size;
    }
}

}  // namespace
}  // namespace sallyport::audit
