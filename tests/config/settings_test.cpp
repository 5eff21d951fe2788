#include "config/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/config/settings_directory.hpp"

namespace sallyport::config {
namespace {

using namespace std::chrono_literals;
using Settings = SettingsTest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(Settings, OfAnEmptyFileAreTheDefaults)
{
    const loaded_settings loaded = directory->load("# nothing but a comment\n");
    EXPECT_THAT(loaded.problems, IsEmpty());
    const settings& found = loaded.settings;
    ASSERT_EQ(found.proxy.listen.size(), 1U);
    EXPECT_EQ(found.proxy.listen[0].host, "127.0.0.1");
    EXPECT_EQ(found.proxy.listen[0].port, 8080);
    EXPECT_EQ(found.proxy.workers, 0U);
    EXPECT_EQ(found.proxy.on_revoke, proxy::on_revoke::finish);
    EXPECT_EQ(found.proxy.drain_timeout, 30s);
    EXPECT_EQ(found.proxy.limits.header_bytes, 64U * 1024);
    EXPECT_EQ(found.proxy.limits.header_timeout, 10s);
    EXPECT_EQ(found.proxy.limits.idle_timeout, 75s);
    EXPECT_EQ(found.proxy.limits.upstream_timeout, 60s);
    EXPECT_EQ(found.proxy.limits.connections, 20'000U);
    EXPECT_EQ(found.control.listen.path, directory->file("control.sock"));
    ASSERT_EQ(found.control.tokens.size(), 1U);
    EXPECT_EQ(found.control.tokens[0].role, control::role::admin);
    EXPECT_EQ(found.control.tokens[0].value + "\n", directory->read("control.token"));
    EXPECT_THAT(found.control.tokens[0].workspaces, ElementsAre("*"));
    EXPECT_EQ(found.control.connect_page, "");
    EXPECT_THAT(found.control.public_listen, IsEmpty());
    EXPECT_EQ(found.vault.store, "sqlite:" + directory->file("vault.db"));
    EXPECT_EQ(found.vault.master_key, "file:" + directory->file("master.key"));
    EXPECT_THAT(found.vault.previous_master_keys, IsEmpty());
    EXPECT_EQ(found.vault.lease, 1s);
    EXPECT_EQ(found.run_tokens.max_ttl, 24h);
    ASSERT_EQ(found.run_tokens.issuers.size(), 1U);
    EXPECT_EQ(found.run_tokens.issuers[0].name, "sallyport");
    EXPECT_EQ(found.run_tokens.issuers[0].alg, identity::algorithm::es256);
    EXPECT_THAT(found.run_tokens.issuers[0].key, HasSubstr("BEGIN PRIVATE KEY"));
    EXPECT_THAT(found.run_tokens.issuers[0].workspaces, IsEmpty());
    EXPECT_EQ(found.audit.directory, directory->file("trail"));
    EXPECT_EQ(found.audit.durability, audit::durability::write);
    EXPECT_EQ(found.audit.stream, "");
    EXPECT_EQ(found.vault.refresh.margin, 2min);
    EXPECT_EQ(found.vault.refresh.timeout, 10s);
    EXPECT_THAT(found.oauth_clients, IsEmpty());
    EXPECT_THAT(found.catalogue, ElementsAre(directory->file("catalogue")));
}

TEST_F(Settings, OfTheCommentedExampleAreTheDefaultsToo)
{
    const loaded_settings example = load_settings(directory->file("sallyport.yaml"));
    const loaded_settings defaults = directory->load("");
    EXPECT_THAT(example.problems, IsEmpty());
    EXPECT_EQ(example.settings.node, defaults.settings.node);
    EXPECT_EQ(example.settings.proxy.listen[0].port, defaults.settings.proxy.listen[0].port);
    EXPECT_EQ(example.settings.proxy.workers, defaults.settings.proxy.workers);
    EXPECT_EQ(example.settings.proxy.drain_timeout, defaults.settings.proxy.drain_timeout);
    EXPECT_EQ(example.settings.proxy.limits.header_bytes,
              defaults.settings.proxy.limits.header_bytes);
    EXPECT_EQ(example.settings.proxy.limits.idle_timeout,
              defaults.settings.proxy.limits.idle_timeout);
    EXPECT_EQ(example.settings.proxy.limits.connections,
              defaults.settings.proxy.limits.connections);
    EXPECT_EQ(example.settings.control.listen.path, defaults.settings.control.listen.path);
    EXPECT_EQ(example.settings.control.tokens.size(), defaults.settings.control.tokens.size());
    EXPECT_EQ(example.settings.vault.store, defaults.settings.vault.store);
    EXPECT_EQ(example.settings.vault.lease, defaults.settings.vault.lease);
    EXPECT_EQ(example.settings.vault.refresh.margin, defaults.settings.vault.refresh.margin);
    EXPECT_EQ(example.settings.vault.refresh.timeout, defaults.settings.vault.refresh.timeout);
    EXPECT_EQ(example.settings.run_tokens.max_ttl, defaults.settings.run_tokens.max_ttl);
    EXPECT_EQ(example.settings.audit.directory, defaults.settings.audit.directory);
    EXPECT_EQ(example.settings.catalogue, defaults.settings.catalogue);
}

constexpr const char* every_key = R"(node: gate-7
proxy:
  listen: ["[::1]:9000", "unix:run/proxy.sock", {address: "0.0.0.0:9001", plain: true}]
  workers: 3
  on_revoke: cut
  drain_timeout: 0s
  limits: {header_bytes: 8KiB, header_timeout: 250ms, idle_timeout: 5m, upstream_timeout: 24h, connections: 7}
control:
  listen: "127.0.0.1:9002"
  tokens:
    - {role: auditor, token: "file:control.token", workspaces: [acme, "b.c"]}
    - {role: platform, token: "file:platform.token"}
  connect_page: "https://connect.example/page?x=1"
public: {listen: ["localhost:9003"], url: "https://connect.example/"}
vault: {store: "redis://u:p@redis.example:6380/2", lease: 2s}
run_tokens:
  max_ttl: 2h
  issuers:
    - {issuer: sallyport, alg: ES256, key: "file:run-token.key"}
    - {issuer: other, alg: HS256, key: "file:hs.key", workspaces: [acme]}
audit: {directory: /var/lib/trail, durability: fsync, stream: "rediss://redis.example"}
oauth_clients:
  gmail: {client_id: "1.apps", client_secret: "file:gmail.secret"}
  twitter: {client_id: "public"}
catalogue: catalogue
)";

loaded_settings load_every_key(const settings_directory& directory)
{
    directory.write("platform.token", "platform-token\n");
    directory.write("hs.key", "0123456789abcdef0123456789abcdef\n");
    directory.write("gmail.secret", "g\n");
    return directory.load(every_key);
}

TEST_F(Settings, ReadEveryKeyOfTheDataPlane)
{
    const loaded_settings loaded = load_every_key(*directory);
    EXPECT_THAT(loaded.problems, IsEmpty()) << loaded.problems.front().text();
    const settings& found = loaded.settings;
    EXPECT_EQ(found.node, "gate-7");
    ASSERT_EQ(found.proxy.listen.size(), 3U);
    EXPECT_EQ(found.proxy.listen[0].host, "::1");
    EXPECT_EQ(found.proxy.listen[1].path, directory->file("run/proxy.sock"));
    EXPECT_EQ(found.proxy.listen[2].host, "0.0.0.0");
    EXPECT_TRUE(found.proxy.listen[2].plain);
    EXPECT_EQ(found.proxy.workers, 3U);
    EXPECT_EQ(found.proxy.on_revoke, proxy::on_revoke::cut);
    EXPECT_EQ(found.proxy.drain_timeout, 0s);
    EXPECT_EQ(found.proxy.limits.header_bytes, 8192U);
    EXPECT_EQ(found.proxy.limits.header_timeout, 250ms);
    EXPECT_EQ(found.proxy.limits.idle_timeout, 5min);
    EXPECT_EQ(found.proxy.limits.upstream_timeout, 24h);
    EXPECT_EQ(found.proxy.limits.connections, 7U);
}

TEST_F(Settings, ReadEveryKeyOfTheRest)
{
    const settings found = load_every_key(*directory).settings;
    EXPECT_EQ(found.control.listen.port, 9002);
    ASSERT_EQ(found.control.tokens.size(), 2U);
    EXPECT_EQ(found.control.tokens[0].role, control::role::auditor);
    EXPECT_THAT(found.control.tokens[0].workspaces, ElementsAre("acme", "b.c"));
    EXPECT_EQ(found.control.tokens[1].role, control::role::platform);
    EXPECT_EQ(found.control.tokens[1].value, "platform-token");
    EXPECT_THAT(found.control.tokens[1].workspaces, ElementsAre("*"));
    EXPECT_EQ(found.proxy.connect_page, "https://connect.example/page?x=1");
    EXPECT_EQ(found.control.connect_page, found.proxy.connect_page);
    ASSERT_EQ(found.control.public_listen.size(), 1U);
    EXPECT_EQ(found.control.public_listen[0].host, "localhost");
    EXPECT_EQ(found.control.public_url, "https://connect.example");
    EXPECT_EQ(found.vault.store, "redis://u:p@redis.example:6380/2");
    EXPECT_EQ(found.vault.lease, 2s);
    EXPECT_EQ(found.run_tokens.max_ttl, 2h);
    ASSERT_EQ(found.run_tokens.issuers.size(), 2U);
    EXPECT_EQ(found.run_tokens.issuers[1].key, "0123456789abcdef0123456789abcdef");
    EXPECT_THAT(found.run_tokens.issuers[1].workspaces, ElementsAre("acme"));
    EXPECT_EQ(found.audit.directory, "/var/lib/trail");
    EXPECT_EQ(found.audit.durability, audit::durability::fsync);
    EXPECT_EQ(found.audit.stream, "rediss://redis.example");
    EXPECT_EQ(found.oauth_clients.at("gmail").client_id, "1.apps");
    EXPECT_EQ(found.oauth_clients.at("gmail").client_secret, "g");
    EXPECT_EQ(found.oauth_clients.at("twitter").client_secret, "");
    EXPECT_THAT(found.catalogue, ElementsAre(directory->file("catalogue")));
}

TEST_F(Settings, TakeTheHostNameForTheNode)
{
    char host[256] = {};
    ASSERT_EQ(::gethostname(host, sizeof host - 1), 0);
    EXPECT_EQ(directory->load("node: \"\"\n").settings.node, host);
}

TEST_F(Settings, ReadSecretsFromTheEnvironment)
{
    ::setenv("SALLYPORT_TEST_TOKEN", "from-the-environment", 1);
    const loaded_settings loaded = directory->load(
        "control: {tokens: [{role: admin, token: \"env:SALLYPORT_TEST_TOKEN\"}]}\n");
    ::unsetenv("SALLYPORT_TEST_TOKEN");
    EXPECT_THAT(loaded.problems, IsEmpty());
    ASSERT_EQ(loaded.settings.control.tokens.size(), 1U);
    EXPECT_EQ(loaded.settings.control.tokens[0].value, "from-the-environment");
}

TEST_F(Settings, ReportAllProblemsAtOnceInFileOrder)
{
    EXPECT_EQ(directory->problems(R"(catalogue: ["nowhere"]
proxy:
  workers: many
  lisen: []
vault: {lease: soon}
nodes: 1
)"),
              "1:13: " + directory->file("nowhere") + R"( is not a directory
3:12: must be auto or a whole number from 1 to 256
4:3: unknown key "lisen"
5:16: expected a duration such as 250ms, 10s, 5m or 24h
6:1: unknown key "nodes")");
}

TEST_F(Settings, GiveMissingDefaultKeyFilesThePositionOfTheirSection)
{
    const settings_directory bare;
    bare.write("gate.yaml", "proxy: {}\ncontrol:\n  connect_page: \"\"\n");
    std::string text;
    for (const problem& found : load_settings(bare.file("gate.yaml")).problems) {
        text += found.text() + "\n";
    }
    const std::string file = bare.file("gate.yaml");
    const auto missing = [&](const char* name) {
        return "the file " + bare.file(name) + " cannot be read: No such file or directory\n";
    };
    EXPECT_EQ(text, file + ":1:1: " + missing("master.key") + file + ":1:1: " +
                        missing("run-token.key") + file + ":1:1: " + bare.file("catalogue") +
                        " is not a directory\n" + file + ":3:3: " + missing("control.token"));
}

TEST_F(Settings, OfAFileThatIsNotThereAreOneProblem)
{
    const loaded_settings loaded = load_settings(directory->file("absent.yaml"));
    ASSERT_EQ(loaded.problems.size(), 1U);
    EXPECT_EQ(loaded.problems[0].file, directory->file("absent.yaml"));
    EXPECT_EQ(loaded.problems[0].line, 0);
}

TEST_F(Settings, OfAFileThatIsNoMapAreOneProblem)
{
    EXPECT_EQ(directory->problems("- a\n- b\n"), "1:1: expected a map");
    EXPECT_THAT(directory->problems("node: [\n"), HasSubstr("2:1: "));
}

}  // namespace
}  // namespace sallyport::config
