#include "config/init.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <regex>
#include <set>

#include "config/embedded.hpp"
#include "tests/config/settings_directory.hpp"

namespace sallyport::config {
namespace {

namespace fs = std::filesystem;

unsigned mode_of(const fs::path& path)
{
    struct ::stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777;
}

TEST(Init, MakesASetUpThatHasNoProblems)
{
    const settings_directory home;
    const ::mode_t before = ::umask(0);  // Not even then may anybody else read.
    const created_setup made = create_setup(home.file("new/gate"));
    ::umask(before);
    ASSERT_EQ(made.failure, "");
    EXPECT_EQ(made.directory, home.file("new/gate"));
    for (const char* name : {"sallyport.yaml", "master.key", "control.token", "run-token.key"}) {
        EXPECT_TRUE(fs::is_regular_file(home.file("new/gate") + "/" + name)) << name;
    }
    EXPECT_TRUE(fs::is_directory(home.file("new/gate/catalogue")));
    for (const auto& entry : fs::recursive_directory_iterator(made.directory)) {
        EXPECT_EQ(mode_of(entry.path()), entry.is_directory() ? 0700U : 0600U) << entry.path();
    }
    EXPECT_EQ(mode_of(made.directory), 0700U);
    EXPECT_THAT(load_settings(made.directory + "/sallyport.yaml").problems, testing::IsEmpty());
}

TEST(Init, WritesEveryShippedProviderFileAsItIs)
{
    const settings_directory home;
    const created_setup made = create_setup(home.path());
    ASSERT_EQ(made.failure, "");
    std::set<std::string> shipped;
    const fs::path source = fs::path(SALLYPORT_SOURCE_DIR) / "config";
    if (fs::is_directory(source / "catalogue")) {
        for (const auto& entry : fs::recursive_directory_iterator(source / "catalogue")) {
            const std::string extension = entry.path().extension().string();
            if (extension == ".yaml" || extension == ".tsv") {
                shipped.insert(fs::relative(entry.path(), source).string());
            }
        }
    }
    std::set<std::string> written;
    for (const auto& entry : fs::recursive_directory_iterator(home.file("catalogue"))) {
        if (entry.is_regular_file()) {
            written.insert(fs::relative(entry.path(), home.path()).string());
        }
    }
    EXPECT_EQ(written, shipped);
    for (const embedded_file& file : embedded_files()) {
        std::ifstream in(source / file.path, std::ios::binary);
        const std::string content{std::istreambuf_iterator<char>(in), {}};
        EXPECT_EQ(home.read(file.path), content) << file.path;
    }
}

TEST(Init, MakesOtherKeysEveryTime)
{
    const settings_directory one;
    const settings_directory other;
    ASSERT_EQ(create_setup(one.path()).failure, "");
    ASSERT_EQ(create_setup(other.path()).failure, "");
    for (const char* name : {"master.key", "control.token", "run-token.key"}) {
        EXPECT_NE(one.read(name), other.read(name)) << name;
    }
    EXPECT_TRUE(std::regex_match(one.read("master.key"), std::regex("[0-9a-f]{64}\n")));
    EXPECT_TRUE(std::regex_match(one.read("control.token"), std::regex("[A-Za-z0-9_-]{43}\n")));
}

TEST(Init, RefusesADirectoryThatHoldsSomethingAndSaysWhat)
{
    const settings_directory home;
    home.write(".hidden", "mine");
    home.write("sallyport.yaml", "mine too");
    const created_setup made = create_setup(home.path());
    EXPECT_EQ(made.failure, home.path() + " is not empty: it holds .hidden, sallyport.yaml");
    EXPECT_THAT(made.files, testing::IsEmpty());
    EXPECT_EQ(home.read("sallyport.yaml"), "mine too");
    EXPECT_FALSE(fs::exists(home.file("master.key")));
}

TEST(Init, RefusesAFileInADirectorysPlace)
{
    const settings_directory home;
    home.write("gate", "");
    EXPECT_EQ(create_setup(home.file("gate")).failure, home.file("gate") + " is not a directory");
    EXPECT_NE(create_setup(home.file("gate/below")).failure, "");
}

// The keys of CONTRACT.md 3, and those that entries of its lists may have.
TEST(Init, WritesAnExampleThatNamesEveryKey)
{
    const settings_directory home;
    ASSERT_EQ(create_setup(home.path()).failure, "");
    const std::string example = home.read("sallyport.yaml");
    for (const char* key : {"node",
                            "proxy",
                            "listen",
                            "address",
                            "tls",
                            "certificate",
                            "key",
                            "client_ca",
                            "plain",
                            "workers",
                            "on_revoke",
                            "drain_timeout",
                            "limits",
                            "header_bytes",
                            "header_timeout",
                            "idle_timeout",
                            "upstream_timeout",
                            "connections",
                            "control",
                            "tokens",
                            "role",
                            "token",
                            "workspaces",
                            "connect_page",
                            "public",
                            "url",
                            "vault",
                            "store",
                            "master_key",
                            "lease",
                            "run_tokens",
                            "max_ttl",
                            "issuers",
                            "issuer",
                            "alg",
                            "audit",
                            "directory",
                            "durability",
                            "stream",
                            "segment_age",
                            "compress",
                            "retention",
                            "oauth_clients",
                            "client_id",
                            "client_secret",
                            "oauth",
                            "refresh_margin",
                            "refresh_timeout",
                            "catalogue"}) {
        EXPECT_TRUE(std::regex_search(example, std::regex("(^|[\n {,-])" + std::string(key) + ":")))
            << key;
    }
}

}  // namespace
}  // namespace sallyport::config
