// The embedded store as files: who else may open them under which name, and what is left in them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <random>

#include "tests/vault/fixture.hpp"
#include "vault/error.hpp"
#include "vault/sqlite_store.hpp"

namespace sallyport::vault {
namespace {

class SqliteFile : public testing::Test {
protected:
    std::string refusal(const std::string& path)
    {
        try {
            (void)open_sqlite_store(path);
        } catch (const boost::system::system_error& error) {
            return error.what();
        }
        return "";
    }

    // Everything in the database and its log.
    std::string bytes_on_disk() const
    {
        std::string all;
        for (const char* suffix : {"", "-wal", "-journal", "-shm"}) {
            std::ifstream file(path_ + suffix, std::ios::binary);
            all.append(std::istreambuf_iterator<char>(file), {});
        }
        return all;
    }

    temporary_directory directory_;
    std::string path_ = directory_.file("vault.db");
    boost::asio::io_context context_;
};

TEST_F(SqliteFile, IsRefusedToASecondProcessUnderWhateverName)
{
    const auto opened = open_sqlite_store(path_);
    const std::string link = directory_.file("link.db");
    std::filesystem::create_symlink(path_, link);
    const std::string roundabout = directory_.file("./../") +
                                   std::filesystem::path(path_).parent_path().filename().string() +
                                   "/vault.db";
    for (const std::string& name : {path_, link, roundabout}) {
        const std::string why = refusal(name);
        EXPECT_NE(why.find(name), std::string::npos) << why;
        EXPECT_NE(why.find("another process has the store open"), std::string::npos) << why;
    }
}

// The log beside one name would not be found from the other: what is in it would be lost.
TEST_F(SqliteFile, IsRefusedWhileItHasTwoNames)
{
    (void)open_sqlite_store(path_);
    const std::string twin = directory_.file("twin.db");
    std::filesystem::create_hard_link(path_, twin);
    EXPECT_NE(refusal(path_).find("hard link"), std::string::npos);
    EXPECT_NE(refusal(twin).find("hard link"), std::string::npos);
    std::filesystem::remove(twin);
    EXPECT_EQ(refusal(path_), "");
}

// Small ones stay in the table's pages, large ones spill into pages of their own; neighbours come
// and go, so that pages are split and merged while the doomed are in them.
TEST_F(SqliteFile, ForgetsTheBytesOfARevokedOrRemovedCredential)
{
    std::mt19937 dice(7);
    const auto opened = open_sqlite_store(path_);
    std::vector<stored_connection> all;
    for (int i = 0; i < 600; ++i) {
        stored_connection fresh{example_connection(), ""};
        fresh.sealed.resize(200 + dice() % (i % 10 == 0 ? 9000u : 900u));
        std::generate(fresh.sealed.begin(), fresh.sealed.end(),
                      [&] { return static_cast<char>(dice()); });
        ASSERT_TRUE(run(context_, opened->insert(fresh)));
        all.push_back(std::move(fresh));
    }
    std::shuffle(all.begin(), all.end(), dice);
    const auto middle = all.begin() + 400;
    for (auto each = all.begin(); each != middle; ++each) {
        if (dice() % 2 == 0) {
            ASSERT_TRUE(run(context_, opened->revoke(each->record.id, "test")));
        } else {
            ASSERT_TRUE(run(context_, opened->remove(each->record.id)));
        }
    }
    const std::string left = bytes_on_disk();
    constexpr std::size_t probe = 16;
    std::size_t lingering = 0;
    for (auto each = all.begin(); each != middle; ++each) {
        for (const std::size_t at :
             {std::size_t{0}, each->sealed.size() / 2, each->sealed.size() - probe}) {
            lingering += left.find(each->sealed.substr(at, probe)) != std::string::npos ? 1 : 0;
        }
    }
    EXPECT_EQ(lingering, 0u);
    // The search finds what is there.
    for (auto each = middle; each != all.end(); ++each) {
        ASSERT_NE(left.find(each->sealed.substr(0, probe)), std::string::npos);
    }
}

}  // namespace
}  // namespace sallyport::vault
