// Every way in which one key can be wrong, with where it is reported and in which words.
#include <gtest/gtest.h>

#include "tests/config/settings_directory.hpp"

namespace sallyport::config {
namespace {

struct wrong_line {
    std::string yaml;
    const char* problems;  // {dir} stands for the directory
};

std::string in(const settings_directory& directory, std::string text)
{
    for (std::size_t at = 0; (at = text.find("{dir}", at)) != std::string::npos;) {
        text.replace(at, 5, directory.path());
    }
    return text;
}

void expect_problems(const settings_directory& directory, std::initializer_list<wrong_line> lines)
{
    for (const wrong_line& line : lines) {
        EXPECT_EQ(directory.problems(line.yaml), in(directory, line.problems)) << line.yaml;
    }
}

using SettingsProblems = SettingsTest;

TEST_F(SettingsProblems, NameARangeThatAValueIsOutOf)
{
    expect_problems(
        *directory,
        {{"proxy: {workers: 0}", "1:18: must be auto or a whole number from 1 to 256"},
         {"proxy: {workers: 257}", "1:18: must be auto or a whole number from 1 to 256"},
         {"proxy: {drain_timeout: 2h}", "1:24: must be from 0ms to 3600000ms"},
         {"proxy: {limits: {header_bytes: 1}}", "1:32: must be from 1024 to 1048576 bytes"},
         {"proxy: {limits: {header_timeout: 1ms}}", "1:34: must be from 10ms to 600000ms"},
         {"proxy: {limits: {idle_timeout: 25h}}", "1:32: must be from 10ms to 86400000ms"},
         {"proxy: {limits: {upstream_timeout: 0s}}", "1:36: must be from 10ms to 86400000ms"},
         {"proxy: {limits: {connections: 0}}", "1:31: must be from 1 to 1000000"},
         {"vault: {lease: 1h}", "1:16: must be from 100ms to 60000ms"},
         {"run_tokens: {max_ttl: 1ms}", "1:23: must be from 1000ms to 31536000000ms"}});
}

TEST_F(SettingsProblems, NameTheUnitOrTypeThatIsExpected)
{
    expect_problems(
        *directory,
        {{"proxy: {drain_timeout: 30}", "1:24: expected a duration such as 250ms, 10s, 5m or 24h"},
         {"proxy: {limits: {header_bytes: 64kb}}", "1:32: expected a size such as 64KiB or 10MiB"},
         {"proxy: {limits: {connections: many}}", "1:31: expected a whole number"},
         {"proxy: 8080", "1:8: expected a map"},
         {"proxy: {limits: []}", "1:17: expected a map"},
         {"node: 7", "1:7: expected a string; put it in quotes"},
         {"node: \"a b\"", "1:7: a node's name has 1 to 128 characters of A-Z a-z 0-9 . _ @ : + -"},
         {"proxy: {on_revoke: wait}", "1:20: must be finish or cut"},
         {"audit: {durability: always}", "1:21: must be write or fsync"},
         {"audit: {directory: \"\"}", "1:20: the trail needs a directory"},
         {"audit: {directory: master.key}", "1:20: {dir}/master.key is not a directory"}});
}

TEST_F(SettingsProblems, NameUnknownKeysInEverySection)
{
    expect_problems(
        *directory,
        {{"a: 1", "1:1: unknown key \"a\""},
         {"proxy: {a: 1}", "1:9: unknown key \"a\""},
         {"proxy: {limits: {a: 1}}", "1:18: unknown key \"a\""},
         {"proxy: {listen: [{address: \"127.0.0.1:1\", a: 1}]}", "1:43: unknown key \"a\""},
         {"control: {a: 1}", "1:11: unknown key \"a\""},
         {"public: {a: 1}", "1:10: unknown key \"a\""},
         {"vault: {a: 1}", "1:9: unknown key \"a\""},
         {"run_tokens: {a: 1}", "1:14: unknown key \"a\""},
         {"audit: {a: 1}", "1:9: unknown key \"a\""},
         {"oauth_clients: {gmail: {client_id: x, a: 1}}", "1:39: unknown key \"a\""},
         {"control: {tokens: [{role: admin, token: \"file:control.token\", a: 1}]}",
          "1:63: unknown key \"a\""},
         {"run_tokens: {issuers: [{issuer: a, alg: ES256, key: \"file:run-token.key\", a: 1}]}",
          "1:75: unknown key \"a\""}});
}

TEST_F(SettingsProblems, NameWhatIsWrongWithAListener)
{
    constexpr const char* host =
        "1:17: the host must be an IPv4 address, an IPv6 address in "
        "brackets, or localhost";
    expect_problems(
        *directory,
        {{"proxy: {listen: []}", "1:17: names no listener: runs could not call"},
         {"proxy: {listen: \"8080\"}", "1:17: expected HOST:PORT or unix:PATH"},
         {"proxy: {listen: \"unix:\"}", "1:17: unix: needs a path"},
         {"proxy: {listen: \"127.0.0.1:65536\"}", "1:17: the port must be from 0 to 65535"},
         {"proxy: {listen: \"127.0.0.1:\"}", "1:17: the port must be from 0 to 65535"},
         {"proxy: {listen: \"127.0.0.1:-1\"}", "1:17: the port must be from 0 to 65535"},
         {"proxy: {listen: \":8080\"}", host},
         {"proxy: {listen: \"::1:8080\"}", host},
         {"proxy: {listen: \"gate.example:8080\"}", host},
         {"proxy: {listen: \"[127.0.0.1]:8080\"}", host},
         {"proxy: {listen: [[]]}",
          "1:18: expected an address such as \"127.0.0.1:8080\" or \"unix:PATH\", or a map"},
         {"proxy: {listen: [{plain: true}]}", "1:18: the key \"address\" is missing"},
         {"proxy: {listen: [\"127.0.0.1:1\", \"127.0.0.1:1\"]}",
          "1:33: another listener has this address already"},
         {"proxy: {listen: \"unix:control.sock\"}",
          "1:1: another listener has this address already"}});
}

TEST_F(SettingsProblems, NamePlainTextBeyondLoopbackWhereverItListens)
{
    constexpr std::string_view text =
        "plain text beyond loopback: give the listener tls, or say plain: true";
    for (const char* address : {"0.0.0.0:80", "10.0.0.5:80", "[::]:80", "[2001:db8::1]:80"}) {
        const std::string quoted = "\"" + std::string(address) + "\"";
        const auto at = [&](int column) {
            return "1:" + std::to_string(column) + ": " + std::string(text);
        };
        EXPECT_EQ(directory->problems("proxy: {listen: [" + quoted + "]}"), at(18));
        EXPECT_EQ(directory->problems("control: {listen: " + quoted + "}"), at(19));
        EXPECT_EQ(directory->problems("public: {listen: [" + quoted + "]}"), at(19));
        EXPECT_EQ(directory->problems("proxy: {listen: {address: " + quoted + "}}"), at(27));
        EXPECT_EQ(directory->problems("proxy: {listen: {address: " + quoted + ", plain: true}}"),
                  "");
    }
    for (const char* loopback : {"127.0.0.1:80", "127.1.2.3:80", "[::1]:80",
                                 "[::ffff:127.0.0.1]:80", "localhost:80", "unix:a.sock"}) {
        EXPECT_EQ(directory->problems("proxy: {listen: \"" + std::string(loopback) + "\"}"), "");
    }
}

TEST_F(SettingsProblems, NameASocketPathThatTheSystemWouldRefuse)
{
    const std::string name(120, 'x');
    const std::size_t size = directory->file(name).size();
    EXPECT_EQ(directory->problems("control: {listen: \"unix:" + name + "\"}"),
              "1:19: the socket's whole path has " + std::to_string(size) +
                  " bytes; the system allows 107");
}

TEST_F(SettingsProblems, NameWhatIsWrongWithTls)
{
    directory->write("public.pem", directory->read("run-token.key"), 0644);
    expect_problems(
        *directory,
        {{"proxy: {listen: {address: \"0.0.0.0:1\", tls: {}}}",
          "1:45: the key \"certificate\" is missing\n1:45: the key \"key\" is missing"},
         {"proxy: {listen: {address: \"0.0.0.0:1\", tls: {certificate: no.pem, key: public.pem}}}",
          "1:59: the file {dir}/no.pem cannot be read: No such file or directory\n"
          "1:72: others than its owner may use this file: chmod 600 it"},
         {"proxy: {listen: {address: \"0.0.0.0:1\", tls: {certificate: control.token, "
          "key: control.token, client_ca: master.key}}}",
          "1:59: the file holds no certificate in PEM\n1:79: the file holds no private key in PEM\n"
          "1:105: the file holds no certificate in PEM"},
         {"proxy: {listen: {address: \"unix:a\", tls: {certificate: no.pem, key: run-token.key}}}",
          "1:17: a unix socket takes no tls\n"
          "1:56: the file {dir}/no.pem cannot be read: No such file or directory"}});
}

TEST_F(SettingsProblems, NameWhatIsWrongWithAControlToken)
{
    directory->write("open.token", "abcdefgh\n", 0640);
    directory->write("short.token", "abc\n");
    directory->write("two.token", "abcdefgh\nijklmnop\n");
    directory->write("empty.token", "\n");
    const std::string entry = "control: {tokens: [{role: admin, token: ";
    const auto problems = [&](const std::string& token) {
        return directory->problems(entry + token + "}]}");
    };
    EXPECT_EQ(problems("\"file:open.token\""),
              "1:41: others than its owner may use this file: chmod 600 it");
    EXPECT_EQ(problems("\"file:short.token\""),
              "1:41: a control token must have 8 to 4096 characters");
    EXPECT_EQ(problems("\"file:two.token\""),
              "1:41: a control token must be one line of visible ASCII without spaces");
    EXPECT_EQ(problems("\"file:empty.token\""),
              "1:41: file:" + directory->file("empty.token") + " is empty");
    EXPECT_EQ(problems("\"file:.\""),
              "1:41: the file " + directory->path() + "/ is not a regular file");
    EXPECT_EQ(problems("\"env:SALLYPORT_TEST_ABSENT\""),
              "1:41: the environment has no variable SALLYPORT_TEST_ABSENT");
    expect_problems(
        *directory,
        {{"control: {tokens: [{token: \"file:control.token\"}]}",
          "1:20: the key \"role\" is missing"},
         {"control: {tokens: [{role: root, token: \"file:control.token\"}]}",
          "1:27: must be admin, platform or auditor"},
         {"control: {tokens: [{role: admin, token: \"file:control.token\", workspaces: []}]}",
          "1:75: names no workspace"},
         {"control: {tokens: [{role: admin, token: \"file:control.token\", workspaces: [\"a "
          "b\"]}]}",
          "1:76: expected a workspace's name or \"*\""},
         {"control:\n  tokens:\n    - {role: admin, token: \"file:control.token\"}\n"
          "    - {role: auditor, token: \"file:control.token\"}\n",
          "4:30: another entry has the same token: its role would be ambiguous"}});
}

TEST_F(SettingsProblems, NeverEchoASecretWrittenIntoTheFile)
{
    constexpr const char* advice =
        "must be file:PATH or env:NAME: a secret never stands in this file";
    for (const auto& [before, after] :
         {std::pair("control: {tokens: [{role: admin, token: \"", "\"}]}"),
          std::pair("vault: {master_key: \"", "\"}"),
          std::pair("vault: {previous_master_keys: [\"", "\"]}"),
          std::pair("oauth_clients: {gmail: {client_id: a, client_secret: \"", "\"}}")}) {
        const std::string found =
            directory->problems(before + std::string("hunter2-hunter2") + after);
        EXPECT_NE(found.find(advice), std::string::npos) << found;
        EXPECT_EQ(found.find("hunter2"), std::string::npos) << found;
    }
    const std::string found = directory->problems(
        "vault: {store: \"redis://u:hunter2@bad host\"}\n"
        "audit: {stream: \"redis://u:hunter2@:1\"}\n");
    EXPECT_EQ(found.find("hunter2"), std::string::npos) << found;
    EXPECT_NE(found.find("1:16: "), std::string::npos) << found;
    EXPECT_NE(found.find("2:17: "), std::string::npos) << found;
}

TEST_F(SettingsProblems, NameWhatIsWrongWithTheMasterKey)
{
    directory->write("short.key", "00112233\n");
    directory->write("base64.key", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n");
    directory->write("open.key", directory->read("master.key"), 0604);
    expect_problems(*directory,
                    {{"vault: {master_key: \"file:short.key\"}",
                      "1:21: the master key must be 32 bytes as 64 hexadecimal digits or base 64"},
                     {"vault: {master_key: \"file:open.key\"}",
                      "1:21: others than its owner may use this file: chmod 600 it"},
                     {"vault: {master_key: \"file:base64.key\"}", ""},
                     {"vault: {previous_master_keys: [\"file:base64.key\", \"file:short.key\"]}",
                      "1:51: the master key must be 32 bytes as 64 hexadecimal digits or base 64"},
                     {"vault: {previous_master_keys: [\"file:open.key\"]}",
                      "1:32: others than its owner may use this file: chmod 600 it"},
                     {"vault: {previous_master_keys: [\"file:base64.key\"]}", ""}});
}

TEST_F(SettingsProblems, NameWhatIsWrongWithAStore)
{
    for (const char* sound :
         {"sqlite:/var/lib/vault.db", "redis://localhost", "redis://:p@127.0.0.1:6379/0",
          "rediss://[::1]:6380", "redis+sentinel://a:26379,b:26379/main",
          "redis+sentinel://u:p@a,b,c/main/1", "rediss+sentinel://a/main"}) {
        EXPECT_EQ(directory->problems("vault: {store: \"" + std::string(sound) + "\"}"), "")
            << sound;
    }
    for (const char* wrong : {"sqlite:", "mysql://a", "redis://", "redis://h:0", "redis://h:70000",
                              "redis://h/x", "redis+sentinel://a,b", "redis+sentinel://a,,b/m"}) {
        EXPECT_NE(directory->problems("vault: {store: \"" + std::string(wrong) + "\"}"), "")
            << wrong;
    }
}

TEST_F(SettingsProblems, NameWhatIsWrongWithTheFilesOfARedisOverTls)
{
    directory->write("none.pem", "nothing");
    const std::string store = "vault: {store: \"rediss://h\", redis: ";
    expect_problems(*directory,
                    {{store + "{}}", ""},
                     {store + "{ca: none.pem}}", "1:42: the file holds no certificate in PEM"},
                     {store + "{key: run-token.key}}",
                      "1:37: certificate and key belong together: one is missing"},
                     {store + "{accept_data_loss: maybe}}", "1:56: expected true or false"},
                     {store + "{sentinel: 1}}", "1:38: unknown key \"sentinel\""},
                     {"vault: {redis: {ca: none.pem}}",
                      "1:16: names files for TLS, but vault.store is not rediss://\n"
                      "1:21: the file holds no certificate in PEM"}});
}

TEST_F(SettingsProblems, NameWhatIsWrongWithAnIssuer)
{
    directory->write("short.key", "0123456789\n");
    expect_problems(
        *directory,
        {{"run_tokens: {issuers: []}", "1:23: names no issuer: no run token could be believed"},
         {"run_tokens: {issuers: {}}", "1:23: expected a list"},
         {"run_tokens: {issuers: [{}]}",
          "1:24: the key \"issuer\" is missing\n1:24: the key \"alg\" is missing\n"
          "1:24: the key \"key\" is missing"},
         {"run_tokens: {issuers: [{issuer: a, alg: none, key: \"file:run-token.key\"}]}",
          "1:41: must be ES256, RS256 or HS256"},
         {"run_tokens: {issuers: [{issuer: a, alg: RS256, key: \"file:run-token.key\"}]}",
          "1:53: RS256 needs an RSA key of at least 2048 bits"},
         {"run_tokens: {issuers: [{issuer: a, alg: ES256, key: \"file:control.token\"}]}",
          "1:53: the key is neither a private nor a public key in PEM"},
         {"run_tokens: {issuers: [{issuer: a, alg: HS256, key: \"file:short.key\"}]}",
          "1:53: an HS256 key must have at least 32 bytes"},
         {"run_tokens:\n  issuers:\n    - &x {issuer: a}\n",
          "3:7: anchors and aliases are not accepted"},
         {"run_tokens:\n  issuers:\n"
          "    - {issuer: a, alg: ES256, key: \"file:run-token.key\"}\n"
          "    - {issuer: a, alg: ES256, key: \"file:run-token.key\"}\n",
          "4:7: an issuer after the first must list its workspaces\n"
          "4:16: another issuer has this name already"},
         {"run_tokens:\n  issuers:\n"
          "    - {issuer: a, alg: ES256, key: \"file:run-token.key\"}\n"
          "    - {issuer: b, alg: ES256, key: \"file:run-token.key\", workspaces: [\"*\"]}\n",
          "4:71: expected a workspace's name"}});
}

TEST_F(SettingsProblems, NameWhatIsWrongWithAPageOrAnOAuthClient)
{
    expect_problems(
        *directory,
        {{"control: {connect_page: \"connect.example\"}",
          "1:25: expected an http:// or https:// URL"},
         {"control: {connect_page: \"https://u@h/\"}", "1:25: expected an http:// or https:// URL"},
         {"public: {url: \"ftp://h\"}", "1:15: expected an http:// or https:// URL"},
         {"oauth: {refresh_margin: 2h}", "1:25: must be from 0ms to 3600000ms"},
         {"oauth: {refresh_timeout: 1ms}", "1:26: must be from 1000ms to 60000ms"},
         {"oauth: {margin: 2m}", "1:9: unknown key \"margin\""},
         {"oauth_clients: []", "1:16: expected a map"},
         {"oauth_clients: {gmail: {}}", "1:24: the key \"client_id\" is missing"},
         {"oauth_clients: {gmail: {client_id: \"\"}}", "1:36: a client id is not empty"},
         {"oauth_clients: {gmail: {client_id: a, client_secret: \"file:none\"}}",
          "1:54: the file {dir}/none cannot be read: No such file or directory"},
         {"catalogue: [7]", "1:13: expected a string; put it in quotes"}});
}

}  // namespace
}  // namespace sallyport::config
