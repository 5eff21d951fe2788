#include "config/yaml.hpp"
#include "policy/explain.hpp"
#include "tests/config/catalogue_directory.hpp"

namespace sallyport::config {
namespace {

using policy::operation_class;

class Catalogue : public CatalogueTest {};

TEST_F(Catalogue, ReadsTheExampleOfTheContract)
{
    write("example.yaml", R"(id: example
name: Example
category: Testing
enabled: true
base_url: "https://api.example.com"
hosts: ["uploads.example.com", "files.example.com:8443", {host: shared.example.com, path_prefixes: [/example/]}]
allow: []
tls_ca: ""
path_case: sensitive
credentials:
  - kind: bearer
    inject:
      - {in: header, name: Authorization, value: "Bearer {secret}"}
headers: {X-Api-Version: "2"}
oauth2: {authorize_url: "https://example.com/a", token_url: "https://example.com/t", scope_separator: " ", pkce: required}
scopes:
  - {id: "things:read", class: read, description: "Read your things"}
scope_implies: {"things:write": ["things:read"]}
rules:
  - {operation: things.get, class: read, methods: [GET, HEAD], path: "/v1/things/{id}", scopes: [["things:read"]]}
  - {operation: things.any, class: write, methods: ["*"], path: "/v1/things/**", scopes: [["things:write"]], hosts: ["uploads.example.com"]}
scope_rules:
  - {file: "example.tsv", kinds: [bearer], variant: ""}
)");
    write("example.tsv",
          "# base: https://api.example.com/v2\nGET\t/things\tthings:read|a+b\nPOST\t/ping\t-\n");
    const loaded_catalogue loaded = load();
    EXPECT_EQ(text_of(loaded.problems), "");
    const policy::provider* example = loaded.catalogue->find("example");
    ASSERT_NE(example, nullptr);
    const policy::provider_facts& facts = example->facts();
    EXPECT_EQ(facts.base.host, "api.example.com");
    EXPECT_EQ(facts.base.port, 443);
    ASSERT_EQ(facts.hosts.size(), 3u);
    EXPECT_EQ(facts.hosts[1].host, "files.example.com");
    EXPECT_EQ(facts.hosts[1].port, 8443);
    EXPECT_EQ(facts.hosts[2].path_prefixes, std::vector<std::string>{"/example/"});
    EXPECT_EQ(facts.headers[0].second, "2");
    EXPECT_EQ(facts.rules[1].source, "example.yaml:21");
    ASSERT_EQ(facts.tables.size(), 1u);
    EXPECT_EQ(facts.tables[0].rows[0].operation, "GET /things");
    EXPECT_EQ(facts.tables[0].rows[0].path, "/v2/things");
    EXPECT_EQ(facts.tables[0].rows[0].source, "example.tsv:2");

    const auto allowed = [&](const char* host, const char* method, const char* path,
                             std::vector<std::string> scopes) {
        return policy::explain(*example, host, method, path, scopes, "", "", operation_class::write)
            .allowed;
    };
    EXPECT_TRUE(allowed("", "GET", "/v1/things/1", {"things:write"}));
    EXPECT_FALSE(allowed("", "GET", "/v1/things/1", {}));
    EXPECT_TRUE(allowed("uploads.example.com", "PUT", "/v1/things/1/x", {"things:write"}));
    EXPECT_FALSE(allowed("", "PUT", "/v1/things/1/x", {"things:write"}));
    EXPECT_TRUE(allowed("", "HEAD", "/v2/things", {"b", "a"}));
    EXPECT_FALSE(allowed("", "GET", "/v2/things", {"b"}));
    EXPECT_TRUE(allowed("", "POST", "/v2/ping", {}));
}

TEST_F(Catalogue, ReadsWhatBecomesOfCallsWhoseConnectionIsRevoked)
{
    const std::string start = R"(id: example
name: Example
category: Testing
base_url: "https://api.example.com"
credentials:
  - kind: bearer
    inject: [{in: header, name: Authorization, value: "Bearer {secret}"}]
)";
    EXPECT_NE(problems_of(start + "on_revoke: later\n").find("8:12: expected finish or cut"),
              std::string::npos);
    write("example.yaml", start + "on_revoke: cut\n");
    const loaded_catalogue loaded = load();
    ASSERT_NE(loaded.catalogue->find("example"), nullptr) << text_of(loaded.problems);
    EXPECT_EQ(loaded.catalogue->find("example")->facts().on_revoke, policy::revoked_calls::cut);
}

TEST_F(Catalogue, ReportsEveryProblemOfAFileWithItsPosition)
{
    EXPECT_EQ(
        problems_of(R"(id: Example
base_url: "https://api.example.com/v1"
colour: red
enabled: maybe
path_case: lower
allow: [everything]
credentials:
  - kind: token
    inject: []
  - kind: api_key
    inject: [{in: header, name: "Bad Name", value: "{api_key}"}, {in: nowhere}, {in: path, value: "bot{secret}"}]
rules:
  - {operation: a, class: admin, methods: [get], path: "no", scopes: ["a"], hosts: [evil.test], extra: 1}
  - {class: read}
scopes: [{scope: a}]
)"),
        "example.yaml:1:5: must be of lower-case letters, digits, '_' and '-'\n"
        "example.yaml:2:11: must be an origin, scheme://host[:port]: paths are always whole\n"
        "example.yaml:3:1: unknown key \"colour\"\n"
        "example.yaml:4:10: expected true or false\n"
        "example.yaml:5:12: expected sensitive or insensitive\n"
        "example.yaml:6:9: expected plain_http, private_addresses, cookies, empty_segments or "
        "encoded_slash\n"
        "example.yaml:8:11: expected oauth2, api_key, bearer, basic or custom\n"
        "example.yaml:9:13: at least one place is needed\n"
        "example.yaml:11:14: the place has no name that it may have\n"
        "example.yaml:11:14: {api_key} is unknown for the kind api_key\n"
        "example.yaml:11:71: expected header, query, cookie, path or body\n"
        "example.yaml:11:81: a template for the path starts with a slash\n"
        "example.yaml:13:27: expected read, write or destructive\n"
        "example.yaml:13:44: expected a method in capital letters, or \"*\"\n"
        "example.yaml:13:56: the template does not start with a slash\n"
        "example.yaml:13:71: expected a list of alternatives, each a list of scopes\n"
        "example.yaml:13:85: is neither the base URL's host nor one of hosts\n"
        "example.yaml:13:97: unknown key \"extra\"\n"
        "example.yaml:14:5: the key \"operation\" is missing\n"
        "example.yaml:14:5: the key \"methods\" is missing\n"
        "example.yaml:14:5: the key \"path\" is missing\n"
        "example.yaml:15:10: the key \"id\" is missing\n"
        "example.yaml:15:11: unknown key \"scope\"\n");
}

TEST_F(Catalogue, NamesWhatIsMissing)
{
    EXPECT_EQ(problems_of("name: Example\n"),
              "example.yaml:1:1: the key \"id\" is missing\n"
              "example.yaml:1:1: the key \"base_url\" is missing\n"
              "example.yaml:1:1: the key \"credentials\" is missing\n");
    EXPECT_EQ(problems_of(""), "example.yaml:1:1: expected a map\n");
}

TEST_F(Catalogue, LeavesABrokenFileOutAndKeepsTheOthers)
{
    write("broken.yaml", "id: broken\nbase_url: [\n");
    write("sound.yaml", head);
    const loaded_catalogue loaded = load();
    EXPECT_EQ(loaded.problems.size(), 1u);
    EXPECT_TRUE(text_of(loaded.problems).starts_with("broken.yaml:")) << text_of(loaded.problems);
    EXPECT_NE(loaded.catalogue->find("example"), nullptr);
    EXPECT_EQ(loaded.catalogue->find("broken"), nullptr);
}

TEST_F(Catalogue, LetsLaterDirectoriesOverrideEarlierOnes)
{
    const std::string first = (directory_ / "first").string();
    const std::string second = (directory_ / "second").string();
    std::filesystem::create_directory(first);
    std::filesystem::create_directory(second);
    write("first/a.yaml", std::string(head) + "name: First\n");
    write("second/b.yaml", std::string(head) + "name: Second\n");
    EXPECT_EQ(load_catalogue({first, second}).catalogue->find("example")->facts().name, "Second");
    EXPECT_EQ(load_catalogue({second, first}).catalogue->find("example")->facts().name, "First");

    write("second/b.yaml", std::string(head) + "enabled: false\n");
    EXPECT_EQ(load_catalogue({first, second}).catalogue->find("example"), nullptr);
    EXPECT_EQ(load_catalogue({first, second}).catalogue->all().size(), 1u);
}

TEST_F(Catalogue, DoesNotFallBackToWhatABrokenFileWasToNarrow)
{
    const std::string first = (directory_ / "first").string();
    const std::string second = (directory_ / "second").string();
    std::filesystem::create_directory(first);
    std::filesystem::create_directory(second);
    write("first/a.yaml", head);
    write("second/b.yaml", std::string(head) + "rulez: []\n");
    const loaded_catalogue loaded = load_catalogue({first, second});
    EXPECT_EQ(loaded.problems.size(), 1u);
    EXPECT_EQ(loaded.catalogue->find("example"), nullptr);
}

TEST_F(Catalogue, ReportsTwoFilesOfOneId)
{
    write("a.yaml", std::string(head) + "name: A\n");
    write("b.yaml", std::string(head) + "name: B\n");
    const loaded_catalogue loaded = load();
    ASSERT_EQ(loaded.problems.size(), 1u);
    EXPECT_EQ(loaded.problems[0].file, (directory_ / "b.yaml").string());
    EXPECT_EQ(loaded.catalogue->find("example")->facts().name, "A");
}

TEST_F(Catalogue, ReportsADirectoryThatIsNotThere)
{
    const loaded_catalogue loaded = load_catalogue({(directory_ / "none").string()});
    EXPECT_EQ(text_of(loaded.problems), "none:0:0: cannot be read\n");
    ASSERT_NE(loaded.catalogue, nullptr);
    EXPECT_TRUE(loaded.catalogue->all().empty());
}

TEST_F(Catalogue, RefusesTextBombs)
{
    std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n";
    for (char name = 'b'; name < 'j'; ++name) {
        bomb += std::string(1, name) + ": &" + name + " [*" + static_cast<char>(name - 1) + ", *" +
                static_cast<char>(name - 1) + "]\n";
    }
    EXPECT_EQ(problems_of(bomb), "example.yaml:1:4: anchors and aliases are not accepted\n");
    EXPECT_NE(problems_of("id: " + std::string(100'000, '[')), "");
    EXPECT_EQ(problems_of(std::string(yaml_file_bytes_max + 1, ' ')),
              "example.yaml:0:0: is larger than 1 MiB\n");
}

TEST_F(Catalogue, WantsPlainHttpSaid)
{
    const std::string rest =
        "credentials: [{kind: bearer, inject: [{in: header, name: A, value: \"{secret}\"}]}]\n";
    EXPECT_EQ(problems_of("id: example\nbase_url: http://127.0.0.1:8080\n" + rest),
              "example.yaml:2:11: http:// needs allow: [plain_http]\n");
    write(
        "example.yaml",
        "id: example\nbase_url: http://127.0.0.1:8080/\nallow: [plain_http, private_addresses]\n" +
            rest);
    const loaded_catalogue loaded = load();
    EXPECT_EQ(text_of(loaded.problems), "");
    const policy::provider_facts& facts = loaded.catalogue->find("example")->facts();
    EXPECT_TRUE(facts.plain_http);
    EXPECT_TRUE(facts.private_addresses);
    EXPECT_EQ(facts.base.host, "127.0.0.1");
    EXPECT_EQ(facts.base.port, 8080);
    for (const char* url : {"ftp://x", "https://", "https://u@x", "https://x:0", "https://x:70000",
                            "https://x:1x", "https://*.x", "https://x/?a", "https://x#f",
                            "https://x..y", "https://x.", "https://{v}.x", "https://x y"}) {
        EXPECT_NE(problems_of("id: example\nbase_url: \"" + std::string(url) + "\"\n" + rest), "")
            << url;
    }
}

TEST_F(Catalogue, ChecksVariables)
{
    const std::string rest =
        "credentials: [{kind: bearer, inject: [{in: header, name: A, value: \"{secret}\"}]}]\n";
    const std::string file = "id: example\nbase_url: \"https://{site}.example.com\"\n" + rest +
                             "variables: [{name: site, where: host";
    EXPECT_EQ(problems_of(file + "}]\n"), "");
    EXPECT_EQ(problems_of(file + "}]\nallow: [private_addresses]\n"),
              "example.yaml:4:13: with private_addresses a variable in a host needs a pattern\n");
    EXPECT_EQ(problems_of(file + ", pattern: \"[a-z]+\"}]\nallow: [private_addresses]\n"), "");
    EXPECT_EQ(problems_of(file + ", pattern: \"[a-\"}]\n"),
              "example.yaml:4:48: is no regular expression\n");
    EXPECT_EQ(problems_of(file + ", pattern: \"[a-z]+\", default: \"1\"}]\n"),
              "example.yaml:4:67: does not fit the pattern\n");
    EXPECT_EQ(problems_of("id: example\nbase_url: \"https://{site}.example.com\"\n" + rest),
              "example.yaml:2:11: {site} is no variable with where: host\n");
}

TEST_F(Catalogue, RefusesFieldsThatFrameAMessage)
{
    for (const char* name :
         {"Host", "content-length", "Transfer-Encoding", "Connection", "Connection-Id",
          "Proxy-Authorization", "Sallyport-Call-Id", "Upgrade"}) {
        EXPECT_NE(problems_of(std::string(head) + "headers: {" + name + ": \"x\"}\n"), "") << name;
    }
    EXPECT_NE(problems_of(std::string(head) + "headers: {X-A: \"a\\r\\nb\"}\n"), "");
    EXPECT_EQ(problems_of(std::string(head) + "headers: {X-A: \"b\"}\n"), "");
}

TEST_F(Catalogue, RemovesTheCarriersOfOtherVerbs)
{
    write("example.yaml", std::string(head) +
                              "strip: [\"query:key\", \"json:token\"]\nmethod_override: "
                              "[\"header:X-HTTP-Method-Override\"]\n");
    const loaded_catalogue loaded = load();
    EXPECT_EQ(text_of(loaded.problems), "");
    const auto& strip = loaded.catalogue->find("example")->facts().strip;
    ASSERT_EQ(strip.size(), 3u);
    EXPECT_EQ(strip[1].in, policy::carrier::place::json);
    EXPECT_EQ(strip[2].name, "X-HTTP-Method-Override");
    EXPECT_EQ(problems_of(std::string(head) + "strip: [key]\n"),
              "example.yaml:4:9: expected header:NAME, query:NAME, form:NAME or json:NAME\n");
}

}  // namespace
}  // namespace sallyport::config
