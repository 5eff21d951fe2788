#include "gate.hpp"

namespace sallyport::control {
namespace {

class Requirements : public Gate {
protected:
    reply report(const std::string& connects, std::string_view token = "admin-token")
    {
        return ask("POST", "/api/connect/status",
                   R"({"workspace":"acme","user":"ann","connects":)" + connects + "}", token);
    }
};

TEST_F(Requirements, AreReportedOneRecordEach)
{
    add(R"({"workspace":"acme","user":"ann","provider":"gmail","credential":{"access_token":"planted-secret-1"}})");
    const reply found = report(
        R"([{"type":"category","id":"email","is_required":true,"label":"Any inbox"},"github"])");
    ASSERT_EQ(found.status, 200u) << json::serialize(found.body);
    EXPECT_FALSE(found.body.at("is_satisfied").as_bool());
    EXPECT_EQ(found.body.at("requirements"), json::parse(R"([
        {"type":"category","id":"email","is_required":true,"category_name":"Email",
         "is_satisfied":true,"satisfied_by":["gmail"],"available":["gmail"]},
        {"type":"specific","id":"github","is_required":true,"category_name":"Code Repository",
         "is_satisfied":false,"satisfied_by":[],"available":["github"]}])"));
}

TEST_F(Requirements, AreMergedAndRequiredIfAnySaysSo)
{
    const reply found = report(R"([{"type":"specific","id":"github","is_required":false},
        {"type":"category","id":"crm","is_required":false}, "github",
        {"type":"category","id":"crm","is_required":false}])");
    const json::array& records = found.body.at("requirements").as_array();
    ASSERT_EQ(records.size(), 2u);
    EXPECT_TRUE(records[0].at("is_required").as_bool());
    EXPECT_FALSE(records[1].at("is_required").as_bool());
    EXPECT_EQ(records[1].at("category_name").as_string(), "CRM");
}

TEST_F(Requirements, AreMetByActiveConnectionsOfTheUserOrSharedOnesOnly)
{
    const auto satisfied = [&] {
        return report(R"(["github"])").body.at("is_satisfied").as_bool();
    };
    add(R"({"workspace":"acme","user":"ann","provider":"github"})");
    add(R"({"workspace":"acme","user":"bob","provider":"github","credential":{"secret":"a"}})");
    add(R"({"workspace":"other","user":"ann","provider":"github","credential":{"secret":"a"}})");
    EXPECT_FALSE(satisfied());
    const std::string shared = add(
        R"({"workspace":"acme","user":"bob","provider":"github","shared":true,"credential":{"secret":"a"}})");
    EXPECT_TRUE(satisfied());
    ask("POST", "/api/connect/connections/" + shared + "/revoke");
    EXPECT_FALSE(satisfied());
}

TEST_F(Requirements, AreUnsatisfiableWhereNobodyOffersThem)
{
    const reply found = report(
        R"(["hidden","nobody",{"type":"category","id":"database"},{"type":"category","id":"odd"}])");
    const json::array& records = found.body.at("requirements").as_array();
    ASSERT_EQ(records.size(), 4u);
    for (const json::value& record : records) {
        EXPECT_FALSE(record.at("is_satisfied").as_bool());
        EXPECT_TRUE(record.at("available").as_array().empty());
    }
    EXPECT_EQ(records[2].at("category_name").as_string(), "Database");
    EXPECT_TRUE(records[3].at("category_name").is_null());
    EXPECT_TRUE(report("[]").body.at("is_satisfied").as_bool());
}

TEST_F(Requirements, AreReadStrictly)
{
    EXPECT_EQ(report(R"([5])").status, 400u);
    EXPECT_EQ(report(R"([{"type":"specific"}])").status, 400u);
    EXPECT_EQ(report(R"([{"type":"specific","id":"a","odd":1}])").status, 400u);
    EXPECT_EQ(report(R"([{"type":"any","id":"a"}])").status, 422u);
    EXPECT_EQ(report(R"(["a b"])").status, 422u);
    EXPECT_EQ(ask("POST", "/api/connect/status",
                  R"({"workspace":"other","user":"ann","connects":[]})", "platform-token")
                  .status,
              403u);
}

TEST_F(Requirements, CanBeAskedAboutOneProvider)
{
    add(R"({"workspace":"acme","user":"ann","provider":"github","credential":{"secret":"a"}})");
    const reply found = ask("GET", "/api/connect/status?workspace=acme&user=ann&provider=github");
    EXPECT_EQ(found.status, 200u);
    EXPECT_TRUE(found.body.at("is_satisfied").as_bool());
    EXPECT_EQ(ask("GET", "/api/connect/status?workspace=acme&user=ann").status, 400u);
}

TEST_F(Gate, ShowsEnabledProvidersByCategory)
{
    const reply listed = ask("GET", "/api/connect/providers");
    std::vector<std::string> ids;
    for (const json::value& item : listed.body.at("items").as_array()) {
        ids.emplace_back(item.at("id").as_string());
    }
    EXPECT_EQ(ids, (std::vector<std::string>{"pair", "shop", "github", "gmail"}));
    const reply shop = ask("GET", "/api/connect/providers/shop");
    EXPECT_EQ(shop.text("category_id"), "crm");
    EXPECT_EQ(shop.body.at("hosts").as_array().at(0).as_string(), "{shop}.shop.example");
    EXPECT_EQ(shop.body.at("credentials").as_array().at(0).at("kind").as_string(), "bearer");
    EXPECT_TRUE(shop.body.at("variables").as_array().at(0).at("is_required").as_bool());
    EXPECT_EQ(ask("GET", "/api/connect/providers/hidden").code(), "unknown_provider");
}

}  // namespace
}  // namespace sallyport::control
