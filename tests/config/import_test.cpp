#include "config/import.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/catalogue.hpp"
#include "tests/config/settings_directory.hpp"

namespace sallyport::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using scopes = std::vector<std::vector<std::string>>;

constexpr std::string_view shop = R"(openapi: 3.1.0
info: {title: The Shop}
servers:
  - url: "https://{region}.shop.example/v2"
    variables: {region: {default: eu, enum: [eu, us]}}
security:
  - oauth: [orders.read]
  - key: []
paths:
  /orders:
    get: {}
    post:
      security: [{oauth: [orders.write, orders.read]}, {oauth: [admin]}]
  /orders/{id}:
    parameters: [{$ref: "#/components/parameters/id"}]
    delete: {security: [{oauth: [admin]}]}
    trace: {}
  /files/{path}:
    get: {parameters: [{name: path, in: path, x-multi-segment: true}]}
  /status: {get: {security: []}}
  /odd?kind=1: {get: {}}
  /gone: {$ref: "other.yaml#/x"}
  /signed: {get: {security: [{digest: []}]}}
components:
  parameters: {id: {name: id, in: path}}
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
    digest: {type: http, scheme: digest}
    oauth:
      type: oauth2
      flows:
        authorizationCode:
          authorizationUrl: https://shop.example/authorize
          tokenUrl: https://shop.example/token
          scopes: {orders.read: See orders, orders.write: Change orders, admin: Everything}
)";

class ImportTest : public testing::Test {
protected:
    // Reads `text`, and what came of it as the gate would.
    const policy::provider* import(std::string_view text, const import_options& options = {},
                                   decltype(&read_openapi) read = read_openapi)
    {
        home_.write("document", text);
        made_ = {};
        wrong_.clear();
        if (!read(home_.file("document"), options, made_, wrong_)) {
            return nullptr;
        }
        for (const rendered_file& file : render(made_)) {
            home_.write(file.name, file.text);
        }
        loaded_ = load_catalogue({home_.path()});
        EXPECT_THAT(loaded_.problems, IsEmpty());
        return loaded_.catalogue->find(made_.id);
    }

    static policy::verdict decide(const policy::provider& provider, std::string_view kind,
                                  std::string_view method, std::string_view raw,
                                  const std::vector<std::string>& granted,
                                  std::string_view variant = "")
    {
        policy::request_path path;
        EXPECT_EQ(path.parse(raw, provider.facts().paths), policy::path_fault::none);
        const policy::scope_set held = provider.closure(granted);
        const policy::grant grant{kind, variant, &held, nullptr,
                                  policy::operation_class::destructive};
        return provider
            .decide({.method = method, .host = provider.facts().base.host, .path = &path}, grant)
            .outcome;
    }

    std::string left_out() const
    {
        std::string all;
        for (const problem& one : made_.left_out) {
            all += std::to_string(one.line) + ": " + one.message + "\n";
        }
        return all;
    }

    settings_directory home_;
    imported_provider made_;
    problems wrong_;
    loaded_catalogue loaded_;
};

using policy::verdict;

TEST_F(ImportTest, AnOpenApiDocumentDecidesAsItSays)
{
    const policy::provider* provider = import(shop);
    ASSERT_NE(provider, nullptr) << (wrong_.empty() ? "" : wrong_[0].text());
    EXPECT_EQ(provider->facts().id, "the_shop");
    EXPECT_EQ(provider->facts().base.host, "{region}.shop.example");
    EXPECT_EQ(decide(*provider, "oauth2", "GET", "/v2/orders", {"orders.read"}), verdict::allow);
    EXPECT_EQ(decide(*provider, "oauth2", "GET", "/v2/orders", {}), verdict::scope_missing);
    EXPECT_EQ(decide(*provider, "oauth2", "POST", "/v2/orders", {"orders.write"}),
              verdict::scope_missing);
    EXPECT_EQ(decide(*provider, "oauth2", "POST", "/v2/orders", {"orders.write", "orders.read"}),
              verdict::allow);
    EXPECT_EQ(decide(*provider, "oauth2", "POST", "/v2/orders", {"admin"}), verdict::allow);
    EXPECT_EQ(decide(*provider, "oauth2", "GET", "/v2/files/a/b/c", {"orders.read"}),
              verdict::allow);
    EXPECT_EQ(decide(*provider, "oauth2", "GET", "/v2/elsewhere", {"admin"}), verdict::no_rule);
}

TEST_F(ImportTest, AKindMakesOnlyTheCallsThatAcceptIt)
{
    const policy::provider* provider = import(shop);
    ASSERT_NE(provider, nullptr);
    EXPECT_EQ(decide(*provider, "api_key", "GET", "/v2/orders", {}), verdict::allow);
    EXPECT_EQ(decide(*provider, "api_key", "POST", "/v2/orders", {"*"}), verdict::no_rule);
    EXPECT_EQ(decide(*provider, "api_key", "GET", "/v2/status", {}), verdict::allow);
}

TEST_F(ImportTest, WhatIsLeftOutIsNamedWithItsPlace)
{
    import(shop);
    const std::string told = left_out();
    EXPECT_THAT(told, HasSubstr("17: /paths/~1orders~1{id}/trace: no rule may name the method"));
    EXPECT_THAT(told, HasSubstr("/paths/~1odd?kind=1/get: the path /odd?kind=1 holds"));
    EXPECT_THAT(told, HasSubstr("/paths/~1gone: the reference leads out of the document"));
    EXPECT_THAT(told, HasSubstr("/paths/~1signed/get: accepts none of the credentials"));
    EXPECT_THAT(told, HasSubstr("/components/securitySchemes/digest: the gate has no such"));
}

TEST_F(ImportTest, AFullScopeStandsForCallsThatNameNone)
{
    const policy::provider* provider = import(
        R"({"openapi": "3.0.0", "info": {"title": "T"}, "servers": [{"url": "https://t.example"}],
            "security": [{"o": []}], "paths": {"/a": {"get": {}}},
            "components": {"securitySchemes": {"o": {"type": "oauth2"}}}})",
        {.full_scope = "all"});
    ASSERT_NE(provider, nullptr);
    EXPECT_EQ(decide(*provider, "oauth2", "GET", "/a", {}), verdict::scope_missing);
    EXPECT_EQ(decide(*provider, "oauth2", "GET", "/a", {"all"}), verdict::allow);
}

TEST_F(ImportTest, SchemesNeededTogetherAreOneCustomCredential)
{
    const policy::provider* provider =
        import(R"({"swagger": "2.0", "info": {"title": "T"}, "host": "t.example", "basePath": "/v1",
            "security": [{"appKey": [], "apiKey": []}], "paths": {"/a": {"get": {}}},
            "securityDefinitions": {"apiKey": {"type": "apiKey", "in": "header", "name": "X-Api"},
                                    "appKey": {"type": "apiKey", "in": "query", "name": "app"}}})");
    ASSERT_NE(provider, nullptr) << (wrong_.empty() ? "" : wrong_[0].text());
    ASSERT_THAT(provider->facts().credentials, SizeIs(1));
    EXPECT_EQ(provider->facts().credentials[0].kind, "custom");
    EXPECT_THAT(provider->facts().credentials[0].inject, SizeIs(2));
    EXPECT_EQ(decide(*provider, "custom", "GET", "/v1/a", {}), verdict::allow);
}

TEST_F(ImportTest, WhatADocumentDoesNotSayIsAskedFor)
{
    constexpr std::string_view bare =
        R"({"openapi": "3.0.0", "info": {"title": "T"}, "paths": {"/a": {"get": {}}}})";
    EXPECT_EQ(import(bare), nullptr);
    EXPECT_THAT(wrong_.at(0).message, HasSubstr("give --base-url"));
    EXPECT_EQ(import(bare, {.base_url = "https://t.example"}), nullptr);
    EXPECT_THAT(wrong_.at(0).message, HasSubstr("--credential"));
    EXPECT_EQ(import(bare, {.base_url = "http://t.example", .credential = "bearer"}), nullptr);
    EXPECT_THAT(wrong_.at(0).message, HasSubstr("--allow plain_http"));
    EXPECT_NE(import(bare, {.base_url = "https://t.example", .credential = "query:k"}), nullptr);
}

TEST_F(ImportTest, ADiscoveryDocumentKeepsItsScopesAndUploads)
{
    const policy::provider* provider = import(R"({
      "discoveryVersion": "v1", "name": "notes", "title": "Notes API",
      "rootUrl": "https://notes.googleapis.com/", "servicePath": "notes/v1/",
      "batchPath": "batch/notes",
      "auth": {"oauth2": {"scopes": {"n.all": {"description": "All"}, "n.read": {}}}},
      "parameters": {"access_token": {}},
      "resources": {"pages": {"methods": {
          "get": {"httpMethod": "GET", "path": "{+name}", "flatPath": "pages/{pageId}",
                  "scopes": ["n.all", "n.read"]},
          "insert": {"httpMethod": "POST", "path": "pages", "scopes": ["n.all"],
              "mediaUpload": {"protocols": {"simple": {"path": "/upload/notes/v1/pages"}}}}}}}})",
                                              {}, read_discovery);
    ASSERT_NE(provider, nullptr) << (wrong_.empty() ? "" : wrong_[0].text());
    EXPECT_EQ(decide(*provider, "oauth2", "GET", "/notes/v1/pages/7", {"n.read"}), verdict::allow);
    EXPECT_EQ(decide(*provider, "oauth2", "POST", "/notes/v1/pages", {"n.read"}),
              verdict::scope_missing);
    EXPECT_EQ(decide(*provider, "oauth2", "POST", "/upload/notes/v1/pages", {"n.all"}),
              verdict::allow);
    EXPECT_NE(decide(*provider, "oauth2", "POST", "/batch/notes", {"*"}), verdict::allow);
    EXPECT_EQ(provider->facts().scopes.at(1).class_name, "read");
}

TEST_F(ImportTest, GraphsThreeKindsOfTokenHaveTheirOwnTables)
{
    const policy::provider* provider = import(R"({"permissions": {
      "Mail.ReadWrite": {"schemes": {}, "pathSets": [{"schemeKeys": ["DelegatedWork", "Application"],
          "methods": ["GET"], "paths": {"/me/Messages": ""}}]},
      "Mail.Read": {"schemes": {"DelegatedWork": {"userDisplayName": "Read mail "}},
        "pathSets": [{"schemeKeys": ["DelegatedWork"], "methods": ["GET"],
          "paths": {"/me/messages": "least=DelegatedWork",
                    "/me/drive/root:/{id}:/content": "AlsoRequires=Files.Read,Files.All"}}]}}})",
                                              {}, read_graph);
    ASSERT_NE(provider, nullptr) << (wrong_.empty() ? "" : wrong_[0].text());
    ASSERT_THAT(made_.tables, SizeIs(2));
    EXPECT_EQ(made_.tables[0].rows.back().scopes, (scopes{{"Mail.Read"}, {"Mail.ReadWrite"}}));
    EXPECT_EQ(decide(*provider, "oauth2", "GET", "/v1.0/me/messages", {"Mail.Read"}),
              verdict::allow);
    EXPECT_EQ(decide(*provider, "oauth2", "GET", "/v1.0/me/messages", {"Mail.Read"}, "application"),
              verdict::scope_missing);
    EXPECT_EQ(decide(*provider, "oauth2", "GET", "/v1.0/me/drive/root:/a/b:/content",
                     {"Mail.Read", "Files.All"}),
              verdict::allow);
}

TEST_F(ImportTest, ATableGetsAProviderFile)
{
    const policy::provider* provider = import(
        "# provider: till\n# base: https://till.example/api\nGET\t/sales\tread|admin\n"
        "POST\t/sales\twrite+read\n",
        {.credential = "header:X-Till"}, read_table_file);
    ASSERT_NE(provider, nullptr) << (wrong_.empty() ? "" : wrong_[0].text());
    EXPECT_EQ(decide(*provider, "api_key", "GET", "/api/sales", {"admin"}), verdict::allow);
    EXPECT_EQ(decide(*provider, "api_key", "POST", "/api/sales", {"write"}),
              verdict::scope_missing);
}

TEST_F(ImportTest, AWrongRowMakesTheTableWrong)
{
    EXPECT_EQ(import("# base: https://till.example\nGET /sales read\nGET\tsales\tread\n",
                     {.id = "till"}, read_table_file),
              nullptr);
    ASSERT_THAT(wrong_, SizeIs(2));
    EXPECT_EQ(wrong_[0].line, 2);
    EXPECT_EQ(wrong_[1].line, 3);
}

TEST(Document, JsonKnowsItsLines)
{
    problems found;
    const auto root = parse_document("d", "{\n\"a\": [1,\n {\"b\": \"x\\u00e9\"}]\n}\n\n", found);
    ASSERT_TRUE(root) << found.at(0).text();
    const yaml_node* inner = find_pointer(*root, "/a/1/b");
    ASSERT_NE(inner, nullptr);
    EXPECT_EQ(inner->line, 3);
    EXPECT_EQ(inner->text, "x\xc3\xa9");
}

TEST(Document, RefusesWhatIsNoJsonAndSaysWhere)
{
    problems found;
    EXPECT_FALSE(parse_document("d", "{\"a\": 1,\n\"a\": 2}", found));
    EXPECT_FALSE(parse_document("d", "{\"a\": 1}\n{}", found));
    EXPECT_FALSE(parse_document("d", "{\"a\":\n", found));
    EXPECT_FALSE(parse_document("d", std::string(100, '['), found));
    ASSERT_THAT(found, SizeIs(4));
    EXPECT_THAT(found[0].text(), HasSubstr("d:2:1: the key \"a\" is repeated"));
    EXPECT_EQ(found[1].line, 2);
}

}  // namespace
}  // namespace sallyport::config
