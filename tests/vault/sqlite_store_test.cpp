#include "vault/sqlite_store.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/vault/fixture.hpp"
#include "vault/error.hpp"

namespace sallyport::vault {
namespace {

class SqliteStore : public testing::Test {
protected:
    error_code refusal()
    {
        try {
            (void)open_sqlite_store(path_);
        } catch (const boost::system::system_error& error) {
            sentence_ = error.what();
            return error.code();
        }
        return {};
    }

    void execute(const char* sql)
    {
        sqlite3* handle = nullptr;
        ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr), SQLITE_OK);
        sqlite3_close(handle);
    }

    temporary_directory directory_;
    std::string path_ = directory_.file("vault.db");
    std::string sentence_;
    boost::asio::io_context context_;
};

TEST_F(SqliteStore, IsReadableByItsOwnerAlone)
{
    write_file(path_, "", 0644);
    const auto opened = open_sqlite_store(path_);
    ASSERT_TRUE(run(context_, opened->keys().insert({"acme", 1, "wrapped"})));
    for (const char* suffix : {"", "-wal"}) {
        struct stat about {};
        ASSERT_EQ(::stat((path_ + suffix).c_str(), &about), 0) << suffix;
        EXPECT_EQ(about.st_mode & 0777, 0600u) << suffix;
    }
}

TEST_F(SqliteStore, RefusesASecondProcessOnTheSameFile)
{
    const auto opened = open_sqlite_store(path_);
    // An exec'd copy of nothing: the child only tries to open and says how that went.
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::_exit(refusal() == errc::locked ? 42 : 1);
    }
    int ended = 0;
    ASSERT_EQ(::waitpid(child, &ended, 0), child);
    EXPECT_EQ(WEXITSTATUS(ended), 42);
    EXPECT_EQ(refusal(), errc::locked);
    EXPECT_NE(sentence_.find("another process"), std::string::npos);
}

TEST_F(SqliteStore, RefusesTablesOfAnotherVersion)
{
    (void)open_sqlite_store(path_);
    execute("PRAGMA user_version = 4");
    EXPECT_EQ(refusal(), errc::misconfigured);
    EXPECT_NE(sentence_.find("another version"), std::string::npos);
}

TEST_F(SqliteStore, BringsTheTablesOfAnOlderVersionUpToDate)
{
    stored_connection fresh{example_connection(), ""};
    {
        const auto opened = open_sqlite_store(path_);
        ASSERT_TRUE(run(context_, opened->insert(fresh)));
    }
    execute(
        "DROP TRIGGER connection_gone; DROP TABLE uses; DROP TABLE notes;"
        "PRAGMA user_version = 1");
    const auto opened = open_sqlite_store(path_);
    EXPECT_TRUE(run(context_, opened->load(fresh.record.id)));
    const sealed_note put{"ticket", "a", "acme", "sealed", 1};
    EXPECT_TRUE(run(context_, opened->notes().put(put, note_write::fresh)));
    EXPECT_TRUE(run(context_, opened->notes().read("ticket", "a")));
    EXPECT_TRUE(run(context_, opened->save_uses({{fresh.record.id, 7}})));
    EXPECT_EQ(run(context_, opened->load(fresh.record.id))->record.last_used_at, 7);
}

TEST_F(SqliteStore, RefusesADatabaseThatIsNoVault)
{
    execute("CREATE TABLE songs (title TEXT)");
    EXPECT_EQ(refusal(), errc::misconfigured);
    EXPECT_NE(sentence_.find("not a vault"), std::string::npos);
}

TEST_F(SqliteStore, RefusesAFileThatIsNoDatabaseAndADirectoryThatIsNotThere)
{
    write_file(path_, std::string(8192, 'x'));
    EXPECT_EQ(refusal(), errc::corrupted);
    path_ = directory_.file("nowhere/vault.db");
    EXPECT_EQ(refusal(), errc::unavailable);
}

TEST_F(SqliteStore, RefusesARecordThatIsNotOneOfOurs)
{
    stored_connection fresh{example_connection(), ""};
    {
        const auto opened = open_sqlite_store(path_);
        ASSERT_TRUE(run(context_, opened->insert(fresh)));
    }
    execute(
        "UPDATE connections SET record = replace(record, '\"status\":\"active\"', '\"status\":7')");
    const auto opened = open_sqlite_store(path_);
    const auto found = run(context_, opened->load(fresh.record.id));
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error(), errc::corrupted);
}

// The child writes the id of each connection into the pipe once its insertion was acknowledged.
[[noreturn]] void insert_for_ever(const std::string& path, int pipe)
{
    boost::asio::io_context context;
    const auto opened = open_sqlite_store(path);
    for (;;) {
        stored_connection fresh{example_connection(), "sealed"};
        if (!run(context, opened->insert(fresh))) {
            ::_exit(1);
        }
        if (::write(pipe, fresh.record.id.data(), fresh.record.id.size()) < 0) {
            ::_exit(2);
        }
    }
}

TEST_F(SqliteStore, LosesNothingItAcknowledgedWhenItIsKilled)
{
    constexpr int rounds = 5;
    constexpr std::size_t id_size = 31;
    std::vector<std::string> acknowledged;
    for (int round = 0; round < rounds; ++round) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            ::close(ends[0]);
            insert_for_ever(path_, ends[1]);
        }
        ::close(ends[1]);
        const std::size_t wanted = acknowledged.size() + 20;
        char id[id_size];
        while (::read(ends[0], id, id_size) == static_cast<ssize_t>(id_size)) {
            acknowledged.emplace_back(id, id_size);
            if (acknowledged.size() == wanted) {
                ::kill(child, SIGKILL);
            }
        }
        ::close(ends[0]);
        ASSERT_EQ(::waitpid(child, nullptr, 0), child);
        ASSERT_GE(acknowledged.size(), wanted);
    }
    const auto opened = open_sqlite_store(path_);
    for (const std::string& id : acknowledged) {
        EXPECT_TRUE(run(context_, opened->load(id))) << id;
    }
}

}  // namespace
}  // namespace sallyport::vault
