#include "config/yaml.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::config {
namespace {

using std::chrono::milliseconds;

std::string all(const problems& found)
{
    std::string text;
    for (const problem& problem : found) {
        text += problem.text() + "\n";
    }
    return text;
}

TEST(Yaml, ReportsUnknownKeysWithTheirPosition)
{
    problems found;
    yaml_file file("f.yaml", found);
    ASSERT_TRUE(file.parse("one: 1\n\n  # a comment\nmap:\n  two: 2\n  thre: 3\n"));
    {
        yaml_map top(file, file.root());
        int one = 0;
        EXPECT_TRUE(top.read("one", one, 0, 9));
        EXPECT_EQ(one, 1);
        yaml_map inner(file, *top.require("map"));
        int two = 0;
        EXPECT_TRUE(inner.read("two", two, 0, 9));
    }
    EXPECT_EQ(all(found), "f.yaml:6:3: unknown key \"thre\"\n");
}

TEST(Yaml, ReportsEveryProblemAtOnceAndKeepsTheDefaults)
{
    problems found;
    yaml_file file("f.yaml", found);
    ASSERT_TRUE(
        file.parse("text: true\nflag: yes\nnumber: 12x\nhigh: 11\nwait: 10\nsize: 1KB\n"
                   "list: a\nmap: [a]\nnone: ~\n"));
    std::string text = "default";
    bool flag = false;
    int number = 1;
    milliseconds wait{5};
    std::size_t size = 7;
    std::vector<std::string> list{"x"};
    {
        yaml_map top(file, file.root());
        EXPECT_FALSE(top.read("text", text));
        EXPECT_FALSE(top.read("flag", flag));
        EXPECT_FALSE(top.read("number", number, 0, 10));
        EXPECT_FALSE(top.read("high", number, 0, 10));
        EXPECT_FALSE(top.read("wait", wait, milliseconds(1), milliseconds(100)));
        EXPECT_FALSE(top.read_size("size", size, 0, 10));
        EXPECT_FALSE(top.read("list", list));
        yaml_map inner(file, *top.require("map"));
        EXPECT_EQ(inner.find("a"), nullptr);
        EXPECT_FALSE(top.read("none", text));
        EXPECT_EQ(top.require("absent"), nullptr);
    }
    EXPECT_EQ(all(found),
              "f.yaml:1:7: expected a string; put it in quotes\n"
              "f.yaml:2:7: expected true or false\n"
              "f.yaml:3:9: expected a whole number\n"
              "f.yaml:4:7: must be from 0 to 10\n"
              "f.yaml:5:7: expected a duration such as 250ms, 10s, 5m or 24h\n"
              "f.yaml:6:7: expected a size such as 64KiB or 10MiB\n"
              "f.yaml:7:7: expected a list\n"
              "f.yaml:8:6: expected a map\n"
              "f.yaml:9:7: expected a string\n"
              "f.yaml:1:1: the key \"absent\" is missing\n");
    EXPECT_EQ(text, "default");
    EXPECT_EQ(number, 1);
    EXPECT_EQ(wait, milliseconds(5));
    EXPECT_EQ(size, 7u);
    EXPECT_EQ(list, std::vector<std::string>{"x"});
}

TEST(Yaml, ReadsEveryKindOfValue)
{
    problems found;
    yaml_file file("f.yaml", found);
    ASSERT_TRUE(
        file.parse("text: '12'\nflag: true\nnumber: -3\nwait: 250ms\nsize: 64KiB\n"
                   "list: [a, \"true\"]\n"));
    std::string text;
    bool flag = false;
    int number = 0;
    milliseconds wait{};
    std::size_t size = 0;
    std::vector<std::string> list;
    {
        yaml_map top(file, file.root());
        EXPECT_TRUE(top.read("text", text));
        EXPECT_TRUE(top.read("flag", flag));
        EXPECT_TRUE(top.read("number", number, -5, 5));
        EXPECT_TRUE(top.read("wait", wait, milliseconds(1), milliseconds(1000)));
        EXPECT_TRUE(top.read_size("size", size, 0, 1 << 20));
        EXPECT_TRUE(top.read("list", list));
    }
    EXPECT_EQ(all(found), "");
    EXPECT_EQ(text, "12");
    EXPECT_TRUE(flag);
    EXPECT_EQ(number, -3);
    EXPECT_EQ(wait, milliseconds(250));
    EXPECT_EQ(size, 65536u);
    EXPECT_EQ(list, (std::vector<std::string>{"a", "true"}));
}

TEST(Yaml, RefusesWhatCannotBeReadOneWay)
{
    const auto refusal = [](std::string_view text) {
        problems found;
        yaml_file file("f.yaml", found);
        EXPECT_FALSE(file.parse(text)) << text.substr(0, 60);
        return all(found);
    };
    EXPECT_EQ(refusal("a: 1\nb: 2\na: 3\n"), "f.yaml:3:1: the key \"a\" is repeated\n");
    EXPECT_EQ(refusal("a: &x [1]\nb: *x\n"), "f.yaml:1:4: anchors and aliases are not accepted\n");
    EXPECT_EQ(refusal("a: !!binary aGk=\n"), "f.yaml:1:4: tags are not accepted\n");
    EXPECT_EQ(refusal("? [a]\n: b\n"), "f.yaml:1:3: a key must be a plain word or a string\n");
    EXPECT_EQ(refusal("null: b\n"), "f.yaml:1:1: a key must be a plain word or a string\n");
    EXPECT_EQ(refusal("a: 1\n---\nb: 2\n"), "f.yaml:0:0: holds more than one document\n");
    EXPECT_EQ(refusal(std::string("a: \0", 4)), "f.yaml:0:0: holds a NUL byte\n");
    EXPECT_EQ(refusal(std::string(yaml_file_bytes_max + 1, ' ')),
              "f.yaml:0:0: is larger than 1 MiB\n");
    EXPECT_NE(refusal("a: [1, 2\nb: 3\n").find("f.yaml:2:"), std::string::npos);
    EXPECT_NE(refusal("a: 'open\n").find("f.yaml:"), std::string::npos);
    EXPECT_NE(refusal("a: \"open\n").find("f.yaml:"), std::string::npos);
}

TEST(Yaml, StopsAtDeepAndWideDocuments)
{
    problems found;
    yaml_file deep("deep.yaml", found);
    EXPECT_FALSE(deep.parse(std::string(200'000, '[')));
    EXPECT_FALSE(deep.parse(std::string(200'000, '{')));
    yaml_file nested("nested.yaml", found);
    std::string lines;
    for (std::size_t i = 0; i <= yaml_depth_max; ++i) {
        lines += std::string(i, ' ') + "a:\n";
    }
    EXPECT_FALSE(nested.parse(lines));
    yaml_file wide("wide.yaml", found);
    std::string many = "[";
    for (std::size_t i = 0; i <= yaml_nodes_max; ++i) {
        many += "1,";
    }
    EXPECT_FALSE(wide.parse(many + "1]"));
    ASSERT_EQ(found.size(), 4u) << all(found);
    EXPECT_EQ(found[3].message, "too many values in one file");
}

TEST(Yaml, ReportsAFileThatIsNotThere)
{
    problems found;
    yaml_file file("/nowhere/at/all.yaml", found);
    EXPECT_FALSE(file.load());
    EXPECT_EQ(all(found), "/nowhere/at/all.yaml:0:0: cannot be read\n");
}

TEST(Yaml, ReadsAnEmptyFileAsNull)
{
    problems found;
    yaml_file file("f.yaml", found);
    for (const char* text : {"", "# nothing\n", "---\n", "---\n...\n"}) {
        EXPECT_TRUE(file.parse(text)) << all(found);
        EXPECT_EQ(file.root().is, yaml_node::type::null);
    }
    EXPECT_TRUE(file.parse("a: |\n  block\n  text"));
    EXPECT_EQ(file.root().find("a")->text, "block\ntext\n");
    EXPECT_TRUE(file.parse("a: b"));
    EXPECT_TRUE(file.parse("---\na: b\n...\n"));
    EXPECT_TRUE(file.parse(""));
    EXPECT_FALSE(file.expect_map(file.root()));
}

}  // namespace
}  // namespace sallyport::config
