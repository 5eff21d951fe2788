#include "tests/config/catalogue_directory.hpp"

namespace sallyport::config {
namespace {

class CatalogueTable : public CatalogueTest {};

TEST_F(CatalogueTable, ReadsTablesStrictly)
{
    const std::string file = std::string(head) + "scope_rules: [example.tsv]\n";
    const auto of_table = [&](std::string_view table) {
        write("example.tsv", table);
        return problems_of(file);
    };
    EXPECT_EQ(of_table("# base: https://api.example.com\nGET\t/a\tx\n"), "");
    EXPECT_EQ(of_table("GET\t/a\tx\n"), "");
    EXPECT_EQ(of_table("# base: api.example.com\nGET\t/a\tx\n"),
              "example.tsv:1:1: the base is no https URL\n");
    EXPECT_EQ(of_table("GET\t/a\n\nget\t/b\tx\nGET\t/{\tx\nGET\t/c\ta||b\nGET\t/c\t*\nGET /d x\n"),
              "example.tsv:1:1: expected METHOD, TEMPLATE and SCOPES, separated by tabs\n"
              "example.tsv:3:1: expected a method in capital letters\n"
              "example.tsv:4:5: a '{' of the template is not closed\n"
              "example.tsv:5:10: expected a scope\n"
              "example.tsv:6:1: this method and template stand in an earlier row\n"
              "example.tsv:7:1: expected METHOD, TEMPLATE and SCOPES, separated by tabs\n");
    EXPECT_EQ(problems_of(std::string(head) + "scope_rules: [../x.tsv]\n"),
              "example.yaml:4:15: must name a file beside this one\n");
    EXPECT_EQ(problems_of(std::string(head) + "scope_rules: [none.tsv]\n"),
              "none.tsv:0:0: cannot be read\n");
    of_table("GET\t/a\tx\n");
    EXPECT_EQ(
        problems_of(std::string(head) + "scope_rules: [{file: example.tsv, kinds: [basic]}]\n"),
        "example.yaml:4:42: the provider has no credential kind basic\n");
    EXPECT_EQ(problems_of(std::string(head) + "scope_rules: [example.tsv, example.tsv]\n"),
              "example.yaml:4:28: an earlier table covers the same calls for the same kind and "
              "variant\n");
}

TEST_F(CatalogueTable, GivesRowsTheHostAndPathOfTheirBase)
{
    write("example.tsv",
          "# base: https://api.example.com/v1 (main; also beta); https://up.example.com for: /up "
          "/up2\n"
          "GET\t/a\tx\nPOST\t/up\tx\n");
    write("example.yaml",
          std::string(head) + "hosts: [up.example.com]\nscope_rules: [example.tsv]\n");
    const loaded_catalogue loaded = load();
    EXPECT_EQ(text_of(loaded.problems), "");
    const auto& rows = loaded.catalogue->find("example")->facts().tables[0].rows;
    EXPECT_EQ(rows[0].path, "/v1/a");
    EXPECT_TRUE(rows[0].hosts.empty());
    EXPECT_EQ(rows[1].path, "/up");
    EXPECT_EQ(rows[1].hosts, std::vector<std::string>{"up.example.com"});
}

TEST_F(CatalogueTable, SettlesTheClassesOfRows)
{
    write("example.tsv",
          "# base: https://api.example.com/api\n"
          "GET\t/a\t-\nPOST\t/a\t-\nDELETE\t/a\t-\nPATCH\t/a\t-\nPOST\t/x/search\t-\nPOST\t/drop/"
          "{id}\t-\n"
          "GET\t/sneaky\t-\n");
    write("example.yaml", std::string(head) +
                              "read_over_post: [POST /api/**/search]\n"
                              "classes: {destructive: [\"/drop/{x}\"], write: [/api/sneaky]}\n"
                              "scope_rules: [example.tsv]\n");
    const loaded_catalogue loaded = load();
    EXPECT_EQ(text_of(loaded.problems), "");
    std::string classes;
    for (const policy::rule& row : loaded.catalogue->find("example")->facts().tables[0].rows) {
        classes += std::string(policy::to_string(row.cls)) + " ";
    }
    EXPECT_EQ(classes, "read write destructive write read destructive write ");
}

}  // namespace
}  // namespace sallyport::config
