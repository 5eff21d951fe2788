// Notes and claims through keepers, on every store.
#include "vault/notebook.hpp"

#include <gtest/gtest.h>

#include "tests/vault/fixture.hpp"
#include "tests/vault/redis_server.hpp"
#include "vault/error.hpp"
#include "vault/keeper.hpp"
#include "vault/open_store.hpp"

namespace sallyport::vault {
namespace {

using std::chrono::milliseconds;
constexpr unix_micros minute = 60'000'000;

class Notebook : public testing::TestWithParam<std::string> {
protected:
    static void TearDownTestSuite() { server_.reset(); }

    Notebook() : settings_(settings_in(directory_))
    {
        if (GetParam() == "redis") {
            if (!server_) {
                server_ = std::make_unique<redis_server>();
            }
            server_->empty();
            settings_.store = server_->url();
        }
        keeper_ = keeper::open(context_, settings_);
    }

    template <class T>
    result<T> ask(task<T> work)
    {
        return run(context_, std::move(work));
    }

    template <class T>
    error_code why(task<T> work)
    {
        const result<T> done = ask(std::move(work));
        return done ? error_code() : done.error();
    }

    notebook& notes() { return keeper_->notes(); }

    static note ticket(const std::string& id, const std::string& text = "text")
    {
        return {"ticket", id, "acme", text, now_micros() + minute};
    }

    std::string text_of(const std::string& id)
    {
        const result<note> found = ask(notes().read("ticket", id));
        return found ? found->text : found.error().message();
    }

    void rotate()
    {
        data_progress made;
        while (!made.done) {
            const auto step = ask(keeper_->keys().rotating().rotate("acme", made.generation));
            ASSERT_TRUE(step);
            made = *step;
        }
        EXPECT_EQ(made.damaged, 0u);
    }

    // What somebody else does to the store, while no keeper has it open.
    template <class Change>
    void behind_its_back(Change change)
    {
        keeper_.reset();
        {
            const std::unique_ptr<store> opened = open_store(context_, settings_.store);
            change(*opened);
        }
        keeper_ = keeper::open(context_, settings_);
    }

    static inline std::unique_ptr<redis_server> server_;
    temporary_directory directory_;
    settings settings_;
    boost::asio::io_context context_;
    std::unique_ptr<keeper> keeper_;
};

TEST_P(Notebook, GivesBackWhatWasPut)
{
    const std::string text("bytes\0 of \xff any kind", 20);
    note put = ticket("t-1:a.B_9", text);
    ASSERT_FALSE(why(notes().put(put)));
    const result<note> found = ask(notes().read("ticket", put.id));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, "ticket");
    EXPECT_EQ(found->id, put.id);
    EXPECT_EQ(found->workspace, "acme");
    EXPECT_EQ(found->text, text);
    EXPECT_EQ(found->expires_at, put.expires_at);
    EXPECT_EQ(why(notes().read("other", put.id)), errc::not_found);
}

TEST_P(Notebook, HoldsAnEmptyTextAndTheLongestOne)
{
    ASSERT_FALSE(why(notes().put(ticket("empty", ""))));
    EXPECT_EQ(text_of("empty"), "");
    const std::string longest(note_bytes_max, 'x');
    ASSERT_FALSE(why(notes().put(ticket("longest", longest))));
    EXPECT_EQ(text_of("longest"), longest);
    EXPECT_EQ(why(notes().put(ticket("more", longest + "x"))), errc::invalid_id);
}

TEST_P(Notebook, RefusesNamesThatAreNone)
{
    for (const char* id : {"", "a b", "a/b", "a\n", "\xc3\xa4"}) {
        EXPECT_EQ(why(notes().put(ticket(id))), errc::invalid_id) << id;
        EXPECT_EQ(why(notes().take("ticket", id)), errc::invalid_id) << id;
        EXPECT_EQ(why(notes().claim(id, milliseconds(10))), errc::invalid_id) << id;
    }
    EXPECT_EQ(why(notes().put(ticket(std::string(129, 'a')))), errc::invalid_id);
    note wrong = ticket("a");
    wrong.kind = "Ticket";
    EXPECT_EQ(why(notes().put(wrong)), errc::invalid_id);
    wrong = ticket("a");
    wrong.workspace = "";
    EXPECT_EQ(why(notes().put(wrong)), errc::invalid_id);
    EXPECT_EQ(why(notes().claim("a", milliseconds(0))), errc::invalid_id);
}

TEST_P(Notebook, KeepsTheFirstUnlessToldToReplaceIt)
{
    ASSERT_FALSE(why(notes().put(ticket("a", "first"))));
    EXPECT_EQ(why(notes().put(ticket("a", "second"))), errc::already_exists);
    EXPECT_EQ(text_of("a"), "first");
    ASSERT_FALSE(why(notes().replace(ticket("a", "third"))));
    EXPECT_EQ(text_of("a"), "third");
    note moved = ticket("a", "fourth");
    moved.workspace = "other";
    ASSERT_FALSE(why(notes().replace(moved)));
    EXPECT_EQ(text_of("a"), "fourth");
    ASSERT_FALSE(why(notes().replace(ticket("b", "new"))));
    EXPECT_EQ(text_of("b"), "new");
}

TEST_P(Notebook, ForgetsWhatHasExpired)
{
    note past = ticket("past");
    past.expires_at = now_micros() - 1;
    ASSERT_FALSE(why(notes().put(past)));
    EXPECT_EQ(why(notes().read("ticket", "past")), errc::not_found);
    EXPECT_EQ(why(notes().take("ticket", "past")), errc::not_found);
    EXPECT_TRUE(ask(notes().list("ticket", "", 10))->empty());
    EXPECT_FALSE(why(notes().put(ticket("past", "anew"))));
    EXPECT_EQ(text_of("past"), "anew");
}

TEST_P(Notebook, GivesANoteToOneTaker)
{
    for (int round = 0; round < 5; ++round) {
        ASSERT_FALSE(why(notes().put(ticket("once"))));
        constexpr int takers = 20;
        int ended = 0;
        int got = 0;
        for (int i = 0; i < takers; ++i) {
            boost::asio::co_spawn(context_, notes().take("ticket", "once"),
                                  [&](std::exception_ptr bug, const result<note>& taken) {
                                      EXPECT_FALSE(bug);
                                      EXPECT_TRUE(taken || taken.error() == errc::not_found);
                                      got += taken ? 1 : 0;
                                      ++ended;
                                  });
        }
        context_.restart();
        while (ended < takers) {
            ASSERT_GT(context_.run_one_for(test_limit), 0u);
        }
        EXPECT_EQ(got, 1);
    }
}

TEST_P(Notebook, DropsWithoutAskingWhetherItWasThere)
{
    ASSERT_FALSE(why(notes().put(ticket("a"))));
    EXPECT_FALSE(why(notes().drop("ticket", "a")));
    EXPECT_FALSE(why(notes().drop("ticket", "a")));
    EXPECT_EQ(why(notes().read("ticket", "a")), errc::not_found);
}

TEST_P(Notebook, ListsAKindByIdPageByPage)
{
    constexpr int count = 150;
    for (int i = 0; i < count; ++i) {
        ASSERT_FALSE(why(notes().put(ticket(std::to_string(1000 + i)))));
    }
    note other = ticket("1005x");
    other.kind = "webhook";
    ASSERT_FALSE(why(notes().put(other)));
    note past = ticket("1007x");
    past.expires_at = now_micros() - 1;
    ASSERT_FALSE(why(notes().replace(past)));

    std::vector<std::string> ids;
    std::string after;
    for (;;) {
        const auto some = ask(notes().list("ticket", after, 70));
        ASSERT_TRUE(some);
        for (const note& one : *some) {
            ids.push_back(one.id);
            EXPECT_EQ(one.text, "text");
        }
        if (some->size() < 70) {
            break;
        }
        after = ids.back();
    }
    ASSERT_EQ(ids.size(), static_cast<std::size_t>(count));
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
    EXPECT_EQ(ids.front(), "1000");
    EXPECT_EQ(ids.back(), "1149");
}

TEST_P(Notebook, SurvivesItsGate)
{
    ASSERT_FALSE(why(notes().put(ticket("a", "kept"))));
    keeper_ = nullptr;
    keeper_ = keeper::open(context_, settings_);
    EXPECT_EQ(text_of("a"), "kept");
}

TEST_P(Notebook, IsSealedAnewWhenTheWorkspacesKeyIsRotated)
{
    ASSERT_TRUE(ask(keeper_->add(example_connection(), one_secret("s3cret"))));
    for (int i = 0; i < 300; ++i) {  // More than one page.
        ASSERT_FALSE(why(notes().put(ticket(std::to_string(i), "before"))));
    }
    note other = ticket("other", "elsewhere");
    other.workspace = "globex";
    ASSERT_FALSE(why(notes().put(other)));
    rotate();
    const auto keys = ask(keeper_->keys().show("acme"));
    ASSERT_TRUE(keys);
    ASSERT_EQ(keys->generations.size(), 1u);
    EXPECT_EQ(keys->generations.front().generation, 2u);
    EXPECT_EQ(keys->records.front(), 301u);
    EXPECT_EQ(keys->unknown_generation, 0u);
    EXPECT_EQ(text_of("0"), "before");
    EXPECT_EQ(text_of("299"), "before");
    EXPECT_EQ(text_of("other"), "elsewhere");
    ASSERT_FALSE(why(notes().replace(ticket("0", "after"))));
    EXPECT_EQ(text_of("0"), "after");
}

TEST_P(Notebook, IsDeletedWithAShreddedWorkspace)
{
    ASSERT_FALSE(why(notes().put(ticket("a"))));
    note other = ticket("b", "elsewhere");
    other.workspace = "globex";
    ASSERT_FALSE(why(notes().put(other)));
    ASSERT_TRUE(ask(keeper_->keys().shred("acme", "the end")));
    EXPECT_EQ(why(notes().read("ticket", "a")), errc::not_found);
    EXPECT_EQ(why(notes().take("ticket", "a")), errc::not_found);
    EXPECT_EQ(ask(notes().list("ticket", "", 10))->size(), 1u);
    EXPECT_EQ(text_of("b"), "elsewhere");
    ASSERT_FALSE(why(notes().put(ticket("a", "anew"))));
    EXPECT_EQ(text_of("a"), "anew");
    rotate();
    EXPECT_EQ(text_of("a"), "anew");
}

TEST_P(Notebook, TakesNoNoteThatWasChangedBehindItsBack)
{
    ASSERT_FALSE(why(notes().put(ticket("moved"))));
    ASSERT_FALSE(why(notes().put(ticket("later"))));
    ASSERT_FALSE(why(notes().put(ticket("bent"))));
    ASSERT_FALSE(why(notes().put(ticket("sound", "sound"))));
    behind_its_back([&](store& opened) {
        sealed_note moved = *ask(opened.notes().read("ticket", "moved"));
        moved.id = "elsewhere";
        ASSERT_FALSE(why(opened.notes().put(moved, note_write::fresh)));
        sealed_note later = *ask(opened.notes().read("ticket", "later"));
        later.expires_at += minute;
        ASSERT_FALSE(why(opened.notes().put(later, note_write::over)));
        sealed_note bent = *ask(opened.notes().read("ticket", "bent"));
        bent.sealed.back() = static_cast<char>(bent.sealed.back() ^ 1);
        ASSERT_FALSE(why(opened.notes().put(bent, note_write::over)));
        sealed_note nonsense = bent;
        nonsense.id = "nonsense";
        nonsense.sealed = "nonsense";
        ASSERT_FALSE(why(opened.notes().put(nonsense, note_write::fresh)));
    });
    for (const char* id : {"elsewhere", "later", "bent", "nonsense"}) {
        EXPECT_EQ(why(notes().read("ticket", id)), errc::not_found) << id;
        EXPECT_EQ(why(notes().take("ticket", id)), errc::not_found) << id;
    }
    const auto listed = ask(notes().list("ticket", "", 10));
    ASSERT_EQ(listed->size(), 2u);
    EXPECT_EQ(listed->back().text, "sound");
}

TEST_P(Notebook, IsNoPartOfABackup)
{
    ASSERT_TRUE(ask(keeper_->add(example_connection(), one_secret("s3cret"))));
    ASSERT_FALSE(why(notes().put(ticket("a"))));
    std::size_t items = 0;
    for (const char* part : {"keys", "connections", "runs"}) {
        std::string after;
        do {
            const auto some = ask(keeper_->keys().back_up(part, after));
            ASSERT_TRUE(some) << part;
            items += some->items.size();
            after = some->next;
        } while (!after.empty());
    }
    EXPECT_EQ(items, 2u) << "a key and a connection";
}

TEST_P(Notebook, ClaimsKeepOthersOffUntilTheyAreReleased)
{
    const auto first = ask(notes().claim("refresh:conn_1", milliseconds(60'000)));
    ASSERT_TRUE(first && *first);
    EXPECT_FALSE(*ask(notes().claim("refresh:conn_1", milliseconds(60'000))));
    const auto other = ask(notes().claim("refresh:conn_2", milliseconds(60'000)));
    ASSERT_TRUE(other && *other);
    ASSERT_FALSE(why(notes().release("refresh:conn_1", **first + 1000)));
    EXPECT_FALSE(*ask(notes().claim("refresh:conn_1", milliseconds(60'000)))) << "not its token";
    ASSERT_FALSE(why(notes().release("refresh:conn_1", **first)));
    const auto again = ask(notes().claim("refresh:conn_1", milliseconds(60'000)));
    ASSERT_TRUE(again && *again);
    EXPECT_GT(**again, **first);
}

TEST_P(Notebook, ClaimsEndByThemselves)
{
    const auto first = ask(notes().claim("sweep", milliseconds(30)));
    ASSERT_TRUE(first && *first);
    const auto end = std::chrono::steady_clock::now() + test_limit;
    std::optional<std::uint64_t> second;
    while (!second && std::chrono::steady_clock::now() < end) {
        const auto tried = ask(notes().claim("sweep", milliseconds(60'000)));
        ASSERT_TRUE(tried);
        second = *tried;
    }
    ASSERT_TRUE(second);
    EXPECT_GT(*second, **first);
    ASSERT_FALSE(why(notes().release("sweep", **first)));
    EXPECT_FALSE(*ask(notes().claim("sweep", milliseconds(60'000)))) << "the late one let go";
}

INSTANTIATE_TEST_SUITE_P(Every, Notebook, testing::Values("sqlite", "redis"),
                         [](const auto& which) { return which.param; });

// Nothing names a note in Redis any more once it has expired.
TEST(NotebookOnRedis, LeavesNoTraceOfWhatHasExpired)
{
    redis_server server;
    temporary_directory directory;
    settings settings = settings_in(directory);
    settings.store = server.url();
    boost::asio::io_context context;
    const std::unique_ptr<keeper> keeper = keeper::open(context, settings);
    for (int i = 0; i < 10; ++i) {
        note brief{"ticket", std::to_string(i), "acme", "text", now_micros() + 1000};
        ASSERT_TRUE(run(context, keeper->notes().put(brief)));
    }
    const auto end = std::chrono::steady_clock::now() + test_limit;
    while (server.ask({"ZCARD", "sallyport:notes:ticket"}) != ":0\r\n" &&
           std::chrono::steady_clock::now() < end) {
        note other{"other", "a", "acme", "text", now_micros() + minute};
        ASSERT_TRUE(run(context, keeper->notes().replace(other)));
    }
    EXPECT_EQ(server.ask({"ZCARD", "sallyport:notes:ticket"}), ":0\r\n");
    EXPECT_EQ(server.ask({"SCARD", "sallyport:notes-of:acme"}), ":1\r\n");
    EXPECT_EQ(server.ask({"ZCARD", "sallyport:note-ends"}), ":1\r\n");
}

}  // namespace
}  // namespace sallyport::vault
