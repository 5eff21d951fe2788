#include "control/openapi.hpp"

#include <set>

#include "control/schemas.hpp"
#include "gate.hpp"

namespace sallyport::control {
namespace {

json::object document() { return json::parse(openapi_text()).as_object(); }

// Every "$ref" anywhere in the document.
void collect_references(const json::value& value, std::set<std::string>& found)
{
    if (const json::object* object = value.if_object()) {
        for (const auto& member : *object) {
            if (member.key() == "$ref") {
                found.emplace(member.value().as_string());
            }
            collect_references(member.value(), found);
        }
    } else if (const json::array* array = value.if_array()) {
        for (const json::value& element : *array) {
            collect_references(element, found);
        }
    }
}

TEST(OpenApi, NamesEveryRouteOfTheTableAndNoOther)
{
    std::set<std::string> in_table;
    for (const route& one : routes()) {
        in_table.emplace(std::string(one.method) + ' ' + std::string(one.path));
    }
    std::set<std::string> in_document;
    const json::object made = document();
    for (const auto& path : made.at("paths").as_object()) {
        for (const auto& method : path.value().as_object()) {
            std::string name(method.key());
            std::transform(name.begin(), name.end(), name.begin(),
                           [](char c) { return static_cast<char>(std::toupper(c)); });
            in_document.emplace(name + ' ' + std::string(path.key()));
        }
    }
    EXPECT_EQ(in_document, in_table);
    EXPECT_EQ(routes().size(), in_table.size()) << "a route stands in the table twice";
}

TEST(OpenApi, RefersToNothingThatItDoesNotHold)
{
    const json::object made = document();
    std::set<std::string> references;
    collect_references(made, references);
    ASSERT_FALSE(references.empty());
    for (const std::string& one : references) {
        EXPECT_NO_THROW((void)json::value(made).at_pointer(one.substr(1))) << one;
    }
}

TEST(OpenApi, HoldsNoSchemaThatNobodyUses)
{
    std::set<std::string> references;
    collect_references(document(), references);
    for (const named_schema& one : all_schemas()) {
        EXPECT_TRUE(references.contains("#/components/schemas/" + std::string(one.name)))
            << one.name;
    }
}

TEST(OpenApi, SaysOfEveryPostWhatItsRepetitionDoes)
{
    const json::object made = document();
    std::set<std::string> taking;
    for (const auto& [path, methods] : made.at("paths").as_object()) {
        const json::value* const post = methods.as_object().if_contains("post");
        if (post == nullptr) {
            continue;
        }
        bool takes_key = false;
        for (const json::value& one : post->at("parameters").as_array()) {
            takes_key = takes_key || one.at("name").as_string() == "Idempotency-Key";
        }
        EXPECT_NE(takes_key, post->as_object().contains("x-repeated")) << path;
        if (takes_key) {
            taking.emplace(path);
        }
    }
    EXPECT_EQ(taking, (std::set<std::string>{"/api/connect/complete", "/api/connect/connections",
                                             "/api/connect/initiate", "/api/runs"}));
}

TEST(OpenApi, TellsRolesParametersBodyAndAnswersOfARoute)
{
    const json::object made = document();
    const json::object& end = made.at("paths").at("/api/runs/{run}").at("delete").as_object();
    EXPECT_EQ(end.at("x-roles"), json::parse(R"(["admin","platform"])"));
    EXPECT_EQ(end.at("parameters").as_array().size(), 3u);
    EXPECT_EQ(end.at("parameters").at(0).at("in").as_string(), "path");
    EXPECT_TRUE(end.at("parameters").at(1).at("required").as_bool());
    EXPECT_FALSE(end.at("parameters").at(2).at("required").as_bool());
    EXPECT_FALSE(end.at("responses").at("204").as_object().contains("content"));
    const json::object& health = made.at("paths").at("/healthz").at("get").as_object();
    EXPECT_TRUE(health.at("security").as_array().empty());
    const json::object& start = made.at("paths").at("/api/runs").at("post").as_object();
    EXPECT_EQ(start.at("requestBody").at("content").at("application/json").at("schema").at("$ref"),
              "#/components/schemas/new_run");
    EXPECT_EQ(start.at("responses").at("422").at("x-codes"),
              json::parse(R"(["idempotency_key_reused","invalid_request","unknown_provider",
                              "requirements_unsatisfied"])"));
}

TEST(OpenApi, FindsAnAnswerThatTheTableLacks)
{
    const route* const show = route_for("GET", "/api/connect/connections/conn_1?x=y");
    ASSERT_NE(show, nullptr);
    EXPECT_EQ(undescribed(*show, 200, ""), "");
    EXPECT_EQ(undescribed(*show, 404, "not_found"), "");
    EXPECT_NE(undescribed(*show, 201, ""), "");
    EXPECT_NE(undescribed(*show, 404, "unknown_provider"), "");
    EXPECT_NE(undescribed(*show, 418, "teapot"), "");
    EXPECT_EQ(route_for("PUT", "/api/connect/connections/conn_1"), nullptr);
}

class OpenApiDocument : public Gate {};

TEST_F(OpenApiDocument, IsShownToEveryRoleAndToNobodyElse)
{
    for (const std::string_view token : {"admin-token", "platform-token", "auditor-token"}) {
        const reply shown = ask("GET", "/api/openapi.json", "", token);
        EXPECT_EQ(shown.status, 200u);
        EXPECT_EQ(shown.text("openapi"), "3.1.0");
    }
    EXPECT_EQ(ask("GET", "/api/openapi.json", "", "").code(), "token_missing");
}

}  // namespace
}  // namespace sallyport::control
